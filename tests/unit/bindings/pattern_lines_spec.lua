-- What `weir match` takes of a file at once: lines that match, and those that miss as one before.
local pattern = require("weir.pattern")

describe("pattern.matcher:match_lines", function()
  local matcher = assert(pattern.compile('{"a":[1]}'))
  local LINES = '{"a":1}\n{"a":1}\r\n{"a":2}\n{"a":1}\n{"a":1}'

  it("stops at the first line that does not match", function()
    local at, number, answers = matcher:match_lines(LINES, 1, 10, "<", ">")
    assert.equal(LINES:find('{"a":2}', 1, true), at)
    assert.equal(12, number)
    assert.equal("<11><12>", answers)
  end)

  it("leaves a line without its end for later", function()
    local at, number, answers = matcher:match_lines(LINES, LINES:find('{"a":2}', 1, true) + 8, 3,
      "", "\n")
    assert.equal(#LINES - 6, at)
    assert.equal(4, number)
    assert.equal("4\n", answers)
  end)

  it("takes no line that is not one JSON object", function()
    for _, line in ipairs({ "", "  ", "{", '{"a":1}x', "[1]", '{"a":01}' }) do
      local at, number, answers = matcher:match_lines(line .. "\n", 1, 0, "", "")
      assert.equal(1, at, line)
      assert.equal(0, number, line)
      assert.equal("", answers, line)
    end
  end)

  it("refuses a place outside of the text", function()
    assert.error_matches(function()
      matcher:match_lines("x", 3, 0, "", "")
    end, "argument 2 must be")
    assert.same({ 2, 0, "", 0 }, { matcher:match_lines("x", 2, 0, "", "") })
  end)

  -- The key of a line's explanation.
  local function key_of(line) return (select(2, matcher:explain(line))) end

  it("answers a line that misses as one before, and stops at one that misses otherwise", function()
    local misses = { [key_of('{"a":2}')] = { "(", ")" } }
    local text = '{"a":2}\n{"a":1}\n{"b":0,"a":2}\n{"a":3}\n'
    local at, number, answers, missed = matcher:match_lines(text, 1, 0, "<", ">", misses)
    assert.same({ text:find('{"a":3}', 1, true), 3, "(1)<2>(3)", 2 },
      { at, number, answers, missed })
  end)

  it("refuses what is not known how to print", function()
    assert.error_matches(function()
      matcher:match_lines('{"a":2}\n', 1, 0, "", "", { [key_of('{"a":2}')] = { "(" } })
    end, "expected misses[key] = {before, after}", 1, true)
  end)

  it("has a key for each way to miss, and none for what matches", function()
    assert.is_nil(key_of('{"a":1}'))
    assert.equal(key_of('{"a":2}'), key_of('{"x":"y","a":2}'))
    local keys = {}
    for _, line in ipairs {
      '{"a":2}', '{"a":3}', '{"a":"1"}', '{"a":"2"}', '{"a":[2,3]}', '{"a":[23]}', '{"a":{}}',
      '{"A":1}', "{}",
    } do
      local key = key_of(line)
      assert.is_nil(keys[key], line)
      keys[key] = true
    end
  end)

  it("leaves a line that may hold a secret to who takes secrets out", function()
    local misses = { [key_of('{"a":2}')] = { "(", ")" } }
    for _, line in ipairs {
      '{"a":2,"password":"x"}', '{"a":2,"b":"AAAAKgAAAA"}', '{"a":2,"b":"\\u0041"}',
    } do
      assert.is_nil(key_of(line), line)
      assert.equal(1, (matcher:match_lines(line .. "\n", 1, 0, "", "", misses)), line)
    end
  end)
end)
