-- Facts, parameters and recordings as they should not be: a clear error with the place, never a
-- crash, never a wrong decision, nothing lost.
local policy_folder = require("support.policy_folder")
local replay = require("weir.replay")

local ROUTING = [[
return policy { kind = "routing",
  params = {
    threshold = integer { 10, min = 1, max = 100 },
    label = text { "x" },
    ratio = number { 0.5, min = 0 },
  },
  decide = function(facts, params)
    if facts.file_count < params.threshold then
      return realtime { because = "%d files", facts.file_count }
    end
    return batch { because = "%s %d files", params.label, facts.file_count }
  end }
]]
local MAPPING = [[
return policy { kind = "mapping", decide = function(facts)
  return ignore { because = "%s", tostring(facts.event.a) }
end }
]]
local PROMOTION = [[
return policy { kind = "promotion", decide = function(facts)
  return hold { because = "x", needs = "more" }
end }
]]

local function load_set()
  return policy_folder.load({
    ["routing.lua"] = ROUTING,
    ["mapping.lua"] = MAPPING,
    ["promotion.lua"] = PROMOTION,
  })
end

describe("facts", function()
  local set
  setup(function() set = load_set() end)
  teardown(policy_folder.remove_all)

  local function assert_invalid(kind, facts, expected)
    local answer, message, code = set:decide(kind, facts)
    assert.is_nil(answer, facts:sub(1, 100))
    assert.equal("InvalidFacts", code)
    assert.matches(expected, message, 1, true)
    assert.equal("1 files", set:decide("routing", '{"file_count":1}').because)
  end

  for facts, expected in pairs({
    [""] = "not valid JSON: ", [" "] = "not valid JSON: ", ["{"] = "not valid JSON: ",
    ["nonsense"] = "facts must be one JSON object",
    ["[]"] = "facts must be one JSON object", ["null"] = "facts must be one JSON object",
    ["5"] = "facts must be one JSON object", ['"x"'] = "facts must be one JSON object",
    ["{}"] = 'field "file_count" is missing',
    ['{"file_count":null}'] = "expected an integer of at least 0, got null",
    ['{"file_count":1}x'] = "not valid JSON: ", ['{"file_count":1}{}'] = "not valid JSON: ",
    ['{"file_count":1,}'] = "not valid JSON: ", ['{"file_count":01}'] = "not valid JSON: ",
    ['\xEF\xBB\xBF{"file_count":1}'] = "not valid JSON: ", ["\0"] = "not valid JSON: ",
    ["\27Lua"] = "not valid JSON: ",
    ['{"file_count":1}\0'] = "not valid JSON: ",
    ['{"file_count":1,"volume":"a\0b"}'] = "not valid JSON: ",
    ['{"file_count":1,"file_count":1}'] = 'field "file_count" is given twice',
    ['{"file_count":1,"file\\u005fcount":2}'] = "unknown field",
    ['{"file_count\\u0000":1}'] = "unknown field", ['{"file_count":1,"":1}'] = 'unknown field ""',
    ['{"file_count":1,"volume":"\\ud800"}'] = "not valid JSON: ",
    ['{"file_count":1,"volume":"\\udc00x"}'] = "not valid JSON: ",
    ['{"file_count":1,"volume":"\xff"}'] = "not valid JSON: ",
    ['{"file_count":1,"volume":"\xed\xa0\x80"}'] = "not valid JSON: ",
    ['{"file_count":-1}'] = "at least 0, got -1", ['{"file_count":1.5}'] = "at least 0, got 1.5",
    ['{"file_count":"1"}'] = 'at least 0, got "1"',
    ['{"file_count":true}'] = "at least 0, got true",
    ['{"file_count":{}}'] = "at least 0, got {}", ['{"file_count":[1]}'] = "at least 0, got [1]",
    ['{"file_count":1e999}'] = "got 1e999",
    ['{"file_count":9223372036854775808}'] = "got 9223372036854775808",
    ['{"file_count":1e19}'] = "got 1e19", ['{"file_count":-9223372036854775809}'] =
      "got -9223372036854775809",
    ['{"file_count":NaN}'] = "not valid JSON: ",
    ['{"file_count":1,"inference_type":"Serverless"}'] = "expected one of",
    ['{"file_count":1,"inference_type":5}'] = "expected one of",
    ['{"file_count":1,\n "volume":"x\ty"}'] = "(line 2, column ",
  }) do
    it("are refused: " .. facts:gsub("[^ -~]", "?"), function()
      assert_invalid("routing", facts, expected)
    end)
  end

  it("are refused when they are nested 10,000 deep", function()
    for _, brackets in ipairs({ { "[", "]" }, { '{"a":', "}" } }) do
      local deep = brackets[1]:rep(10000) .. "1" .. brackets[2]:rep(10000)
      assert_invalid("routing", deep, brackets[1] == "[" and "facts must be" or "not valid JSON: ")
      assert_invalid("routing", '{"file_count":' .. deep .. "}", "not valid JSON: ")
      assert_invalid("mapping", '{"event":' .. deep .. "}", "not valid JSON: ")
      assert_invalid("mapping", '{"event":' .. brackets[1]:rep(10000), "not valid JSON: ")
    end

    local deep = ("["):rep(990) .. ("]"):rep(990)
    assert.matches("^table", set:decide("mapping", '{"event":{"a":' .. deep .. "}}").because)
  end)

  it("are refused when they are enormous, and cost no more than reading them", function()
    local start = os.clock()
    assert_invalid("routing", '{"file_count":1,"volume":"' .. ("x"):rep(2e7) .. '"}',
      "volume: expected a text")
    assert_invalid("promotion",
      '{"now":1,"champion":"a","variants":[' .. ('{"name":"a"},'):rep(1e5) .. '{"name":"a"}]}',
      "variants: has 100001 items; from 1 to 10 are allowed")
    assert.is_true(os.clock() - start < 30)
    local answer, _, code = set:decide("mapping", '{"event":{"a":"' .. ("x"):rep(2e7) .. '"}}')
    assert.is_nil(answer)
    assert.equal("BudgetSpent", code)
  end)

  it("in an event are all kept, or refused", function()
    for event, expected in pairs({
      ['{"a":1,"a":2}'] = 'event: key "a" is given twice',
      ['{"a":null,"a":2}'] = 'event: key "a" is given twice',
      ['{"b":{"c":[{"a":1,"a":1}]}}'] = 'event: key "a" is given twice',
      ['{"a":1,"\\u0061":2}'] = 'event: key "a" is given twice',
      ['{"a":1e999}'] = "event: the number 1e999 is beyond the largest double",
      ['{"a":"\\ud83d"}'] = "not valid JSON: ", ['{"a":1'] = "not valid JSON: ",
    }) do
      assert_invalid("mapping", '{"event":' .. event .. "}", expected)
    end

    for event, because in pairs({
      ['{"a":9223372036854775807}'] = "9223372036854775807",
      ['{"a":9223372036854775808}'] = "9.2233720368548e+18",
      ['{"a":"x\\u0000y"}'] = "x\0y", ['{"a\\u0000":1}'] = "nil", ['{"a":null}'] = "nil",
      ['{"a":-0.0}'] = "-0.0",
      ['{"a":"\\ud83d\\ude00"}'] = "\u{1F600}", ['{"":5,"a":6}'] = "6",
    }) do
      assert.equal(because, set:decide("mapping", '{"event":' .. event .. "}").because)
    end
  end)

  it("in records and lists are named with their place", function()
    local function promotion(variant, more)
      return ('{"now":1,"champion":"a","variants":[{"name":"a"},%s]%s}'):format(variant, more or "")
    end

    for facts, expected in pairs({
      [promotion('{"name":"b","name":"b"}')] = 'variants[2]: field "name" is given twice',
      [promotion("{}")] = 'variants[2]: field "name" is missing',
      [promotion('{"name":"b","wieght":1}')] =
        'variants[2]: unknown field "wieght" (did you mean "weight"?)',
      [promotion('{"name":"b","weight":2}')] =
        "variants[2]: weight: expected a number from 0 to 1, got 2",
      [promotion('{"name":"b","window":{"errors":0.5}}')] =
        "variants[2]: window: errors: expected an integer",
      [promotion("null")] = "variants[2]: expected a record, got null",
      [promotion('{"name":"b"}', ',"evidence":{"error_rate":{"low":1}}')] =
        'error_rate: field "high" is missing',
    }) do
      assert_invalid("promotion", facts, expected)
    end
  end)

  it("are for a kind that exists", function()
    for _, kind in ipairs({ "", "weights", "Routing", "routing\0", "routing\0" .. ("x"):rep(500),
      ("r"):rep(1e5),
      "\xff" }) do
      local answer, message, code = set:decide(kind, '{"file_count":1}')
      assert.is_nil(answer)
      assert.equal("UnknownKind", code)
      assert.matches("has no policy of kind ", message, 1, true)
    end
  end)
end)

describe("parameters", function()
  teardown(policy_folder.remove_all)

  for params, expected in pairs({
    ['{"threshold":0}'] = "threshold: expected an integer from 1 to 100, got 0",
    ['{"threshold":1.5}'] = "threshold: expected an integer from 1 to 100, got 1.5",
    ['{"threshold":null}'] = "threshold: expected an integer from 1 to 100, got null",
    ['{"threshold":"5"}'] = 'threshold: expected an integer from 1 to 100, got "5"',
    ['{"label":5}'] = "label: expected a text, got 5",
    ['{"ratio":1e999}'] = "ratio: expected a number",
    ['{"thresold":5}'] = 'unknown parameter "thresold" (did you mean "threshold"?)',
    ['{"threshold":5,"threshold":6}'] = 'parameter "threshold" is given twice',
    ["[]"] = "parameters must be one JSON object", ["x"] = "parameters must be one JSON object",
    ['{"threshold":5'] = "parameters are not valid JSON",
    ['{"threshold":5} x'] = "parameters are not valid JSON",
  }) do
    it("of a question are refused: " .. params, function()
      local answer, message, code = load_set():decide("routing", '{"file_count":1}', {
        params_json = params,
      })

      assert.is_nil(answer)
      assert.equal("InvalidParams", code)
      assert.matches(expected, message, 1, true)
    end)
  end

  it("of a question are not taken when the list of overrides cannot be read", function()
    for _, overrides in ipairs({ "x", "[", "[1]", '["threshold"', "{}", '["threshold"] x' }) do
      local answer, message, code = load_set():decide("routing", '{"file_count":1}',
        { params_json = '{"threshold":5}', overrides_json = overrides })
      assert.is_nil(answer, overrides)
      assert.equal("InvalidParams", code)
      assert.matches("overrides must be a JSON list of names", message, 1, true)
    end
  end)

  for params, expected in pairs({
    [{ threshold = 0 }] = "threshold: expected an integer from 1 to 100, got 0",
    [{ threshold = "x" }] = 'threshold: "x" is not a value',
    [{ threshold = "5 6" }] = 'threshold: "5 6" is not a value',
    [{ threshold = "" }] = 'threshold: "" is not a value',
    [{ threshold = "1e999" }] = "threshold: expected",
    [{ ratio = "nan" }] = 'ratio: "nan" is not a value',
    [{ nonsense = 1 }] = 'no policy has a parameter "nonsense"',
    [{ ["weights.threshold"] = 1 }] = 'no policy has a parameter "weights.threshold"',
    [{ label = 5 }] = "label: expected a text",
  }) do
    it("of a set are refused: " .. expected, function()
      assert.matches("error[W006] " .. expected,
        policy_folder.refused({ ["routing.lua"] = ROUTING },
        { params = params }), 1, true)
    end)
  end

  for spec, expected in pairs({
    ["integer { 0, min = 1 }"] =
      "W006] the default of parameter t: expected an integer of at least 1",
    ["integer { 1.5 }"] = "integer: the default must be a whole number, and is a fraction",
    ["integer {}"] = "integer needs its default first",
    ["integer { default = 10 }"] = "integer: the default stands first, without a name",
    ["integer { 10, 'files' }"] = "integer: one default stands without a name",
    ["choice { 'a', 'b' }"] = "the values stand in values =",
    ["list { 'a', 'b' }"] = "a list stands in braces of its own",
    ["integer { 1e3 }"] = "integer: the default is 1000.0; write integer { 1000, … }",
    ["integer { '5' }"] =
      "integer: the default is the text \"5\"; write integer { 5, … } without quotes",
    ["number { 0/0 }"] = "W006] the default of parameter t",
    ["number { 1/0 }"] = "W006] the default of parameter t",
    ["number { 1, min = 0/0 }"] = "min and max must be numbers",
    ["number { 1, min = '0' }"] = "min and max must be numbers",
    ["number { 1, min = 2, max = 0 }"] = "W006]",
    ["choice { 'a' }"] = "choice needs values",
    ["choice { 'a', values = {} }"] = "choice needs values",
    ["choice { 'a', values = { 'b' } }"] = "W006] the default of parameter t: expected one of",
    ["choice { 'a', values = { 'a', 5 } }"] = "choice: values[2] must be a text",
    ["text { '\\xff' }"] = "text: the default must be a text, and is not UTF-8",
    ["flag { 1 }"] = "flag: the default must be true or false, and is a number",
    ["integer { 1, maximum = 5 }"] = "integer has no 'maximum'",
    ["integer { 1, doc = 5 }"] = "doc must be a text", ["5"] = "params.t must be made with",
    ["{}"] = "params.t must be made with",
    ["integer { 1, doc = '\\xff' }"] = "doc must be a text",
  }) do
    it("of a policy are refused: " .. spec, function()
      local found, findings = policy_folder.refused(
        "return policy { kind = 'routing',\n  params = { t = " .. spec
        .. " },\n  decide = function() return batch { because = 'x' } end }")
      assert.matches(expected, found, 1, true)
      assert.is_true(findings[1].line > 0, found)
    end)
  end
end)

describe("a recording", function()
  local set, folder
  setup(function()
    set = load_set()
    folder = policy_folder.new()
  end)

  teardown(policy_folder.remove_all)

  local function replayed(content, jobs)
    local path = policy_folder.write(folder, "recording", content)
    local events = {}
    local summary = assert(replay.run({ set = set, recordings = { path }, jobs = jobs or 1,
      on_event = function(_, event) events[#events + 1] = event end }))
    return summary, events
  end

  local function good(count)
    return assert(set:record("routing", ('{"file_count":%d}'):format(count),
      { id = tostring(count), eval_us = 1 }))
  end

  it("with a bad line among good ones loses that line only, and names it", function()
    for _, bad in ipairs({ "{", good(3):sub(1, 100), "\0\0\0", "\27Lua",
      '{"schema":"weir.decision/2"}',
      (good(3):gsub('"facts"', '"fcats"')), good(3) .. "x",
        (good(3):gsub('"kind":"routing"', '"kind":5')), "\xff\xfe",
      (good(3):gsub('"kind"', '"kind":"routing","kind"')) }) do
      for jobs = 1, 2 do
        local summary, events = replayed(good(1) .. "\n" .. bad .. "\n\n" .. good(2) .. "\n", jobs)
        assert.equal(3, summary.lines)
        assert.equal(2, summary.identical, bad:sub(1, 50))
        assert.equal(1, summary.bad_lines)
        assert.equal("bad line", events[1].type)
        assert.equal(2, events[1].line)
        assert.is_true(#events[1].message > 5)
      end
    end
  end)

  it("with text of a log among good lines counts it", function()
    for _, other in ipairs({ "nonsense", "[1]", ("["):rep(10000), "{}", '"text"',
      "\27[31mred\27[0m" }) do
      local summary, events = replayed(good(1) .. "\n" .. other .. "\n\n" .. good(2) .. "\n")
      assert.same({ 3, 2, 0, 1 },
        { summary.lines, summary.identical, summary.bad_lines, summary.other_lines },
          other:sub(1, 50))
      assert.same({}, events)
    end
  end)

  it("with facts that do not fit names the line, and decides the rest", function()
    local bad = (good(3):gsub('"file_count":3', '"file_count":-3'))
    local summary, events = replayed(good(1) .. "\n" .. bad .. "\n" .. good(2) .. "\n")
    assert.same({ 2, 1, 0 }, { summary.identical, summary.bad_lines, summary.failed })
    assert.same({ "bad line", 2 }, { events[1].type, events[1].line })
    assert.matches("facts of routing: file_count: expected an integer", events[1].message, 1, true)
  end)

  it("with what no policy can be asked counts failures, and says why", function()
    for from, code in pairs({
      ['"kind":"routing"'] = { '"kind":"x"', "UnknownKind" },
      ['"params":{'] = { '"params":{"threshold":5000,', "InvalidParams" },
    }) do
      local line = good(3):gsub(',"threshold":10', ""):gsub('"overrides":%[%]',
        '"overrides":["threshold"]')
        :gsub(from, code[1], 1)
      local summary, events = replayed(line)
      assert.equal(1, summary.failed, line)
      assert.equal(code[2], events[1].code)
    end
  end)

  it("that is empty, blank or no text has no decision", function()
    assert.equal(0, replayed("").lines)
    assert.equal(0, replayed("\n \n\t\r\n").lines)
    assert.equal(1, replayed(("\0"):rep(100000)).bad_lines)
  end)

  it("that cannot be read is named", function()
    for path, expected in pairs({ ["/nonexistent"] = "No such file",
      [folder or "/tmp"] = "directory" }) do
      local summary = assert(replay.run({ set = set, recordings = { path }, jobs = 1 }))
      assert.matches(expected, summary.unreadable[1].message, 1, true)
      assert.equal(path, summary.unreadable[1].file)
    end
  end)

  it("that is damaged is decided as far as it goes", function()
    local lines = {}
    for i = 1, 3000 do lines[i] = good(i) end
    local path = policy_folder.write(folder, "whole.jsonl", table.concat(lines, "\n") .. "\n")
    policy_folder.run("gzip -kf " .. path .. " && head -c 20000 " .. path .. ".gz > " .. folder
      .. "/cut.gz")
    local summary = assert(replay.run({ set = set, recordings = { folder .. "/cut.gz" },
      jobs = 1 }))
    assert.matches("the compressed data ends early", summary.unreadable[1].message, 1, true)
    assert.is_true(summary.identical > 0 and summary.identical < 3000)
    assert.equal(0, summary.bad_lines + summary.failed + summary.changed)
  end)

  it("whose lines lie in a log's records, quoted twice, is read", function()
    local json = require("weir.json")
    local once = json.encode({ message = good(1), timestamp = 1 })
    local twice = json.encode({ message = once, id = "1" })
    local summary = replayed(once .. "\n" .. twice .. "\n" .. good(2) .. "\n")
    assert.equal(3, summary.identical)
    assert.equal(0, summary.other_lines)
  end)
end)
