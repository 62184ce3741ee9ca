-- Examples run at every load, and a set whose examples fail is refused: an example must never pass
-- because it could not be read.
local policy_folder = require("support.policy_folder")

local function policy_with(examples, kind, body)
  return { [(kind or "routing") .. ".lua"] = ("return policy {\n  kind = '%s',\n"
    .. "  params = { t = integer { 5, min = 1, max = 9 } },\n"
    .. "  decide = function(facts, params) %s end,\n  examples = { %s },\n}\n")
    :format(kind or "routing", body or "return batch { because = '%d', params.t }", examples) }
end

describe("an example", function()
  teardown(policy_folder.remove_all)

  for _, passing in ipairs({
    "{ given = { file_count = 1 }, expect = 'batch' }",
    "{ given = { file_count = 1 }, expect = { action = 'batch' } }",
    "{ given = { file_count = 1 }, expect = 'batch', params = { t = 9 } }",
  }) do
    it("passes: " .. passing, function() policy_folder.load(policy_with(passing)) end)
  end

  -- In these, ONE stands for given = { file_count = 1 }.
  for failing, expected in pairs({
    ["{ ONE, expect = 'realtime' }"] = 'expected {"action":"realtime"}, decided {"action":"batch"}',
    ["{ ONE, expect = { 'batch' } }"] = "expect must be",
    ["{ ONE, expect = {} }"] = "expect must be",
    ["{ ONE, expect = 'batch\"x' }"] = 'expected {"action":"batch\\"x"}',
    ["{ ONE, expect = 'batch\",\"a\":\"b' }"] = "decided",
    ["{ ONE, expect = 'batch\\0x' }"] = "decided",
    ["{ ONE, expect = '\\xff' }"] = "not valid UTF-8",
    ["{ ONE, expect = { action = 'batch', size = 1 } }"] = "decided",
    ["{ ONE, expect = { action = 0/0 } }"] = "got NaN",
    ["{ ONE, expect = { action = print_ } }"] = "undefined name 'print_'",
    ["{ ONE, expect = { action = error } }"] = "got function",
    ["{ given = { file_count = -1 }, expect = 'batch' }"] =
      "file_count: expected an integer of at least 0",
    ["{ given = { file_count = '1' }, expect = 'batch' }"] =
      "expected an integer of at least 0, got string",
    ["{ given = { file_count = 1.5 }, expect = 'batch' }"] = "file_count: expected an integer",
    ["{ given = { file_cuont = 1 }, expect = 'batch' }"] = 'unknown field "file_cuont"',
    ["{ given = { 5 }, expect = 'batch' }"] = "unknown field",
    ["{ given = {}, expect = 'batch' }"] = 'file_count',
    ["{ ONE, expect = 'batch', params = { t = 10 } }"] = "expected an integer from 1 to 9, got 10",
    ["{ ONE, expect = 'batch', params = { u = 1 } }"] = 'unknown parameter "u" (did you mean "t"?)',
    ["{ ONE, expect = 'batch', params = { 1 } }"] = "parameters must be one JSON object",
    ["{ expect = 'batch' }"] = "examples[1] needs given",
    ["{ given = {} }"] = "examples[1] needs expect",
    ["{ given = {}, expect = 'batch', wat = 1 }"] = "examples[1] has no 'wat'",
    ["5"] = "examples[1] must be a table",
  }) do
    it("is refused: " .. failing, function()
      local found, findings = policy_folder.refused(policy_with((failing:gsub("ONE",
        "given = { file_count = 1 }"))))
      assert.matches(expected, found, 1, true)
      assert.is_true(findings[1].line > 0, found)
    end)
  end

  -- GOOD stands for an example that passes, BAD for one that fails. No example is passed over.
  for examples, expected in pairs({
    ["GOOD, many = BAD"] = "examples is a list, and 'many' is not a place in it; leave the key out",
    ["GOOD, nil, BAD"] = "examples[2] is nil; what follows it would never be seen",
    ["nil, BAD"] = "examples[1] is nil; what follows it would never be seen",
    ["GOOD, [3] = BAD"] = "examples[2] is nil; what follows it would never be seen",
    ["GOOD, [0] = BAD"] = "examples is a list, and '0' is not a place in it; leave the key out",
    ["GOOD, [-1] = BAD"] = "examples is a list, and '-1' is not a place in it; leave the key out",
    ["GOOD, [1.5] = BAD"] = "examples is a list, and '1.5' is not a place in it; leave the key out",
    ["GOOD, [true] = BAD"] =
      "examples is a list, and 'true' is not a place in it; leave the key out",
    ["GOOD, [{}] = BAD"] = "examples: ",
    ["GOOD, [2] = BAD"] = "example 2: given",
    ["GOOD, { 1 }"] = "examples[2] has no '1'",
    ["GOOD, false"] = "examples[2] must be a table",
    ["GOOD, { BAD }"] = "examples[2] has no '1'",
    ["given = { file_count = 1 }, expect = 'realtime'"] =
      "examples is a list, and 'expect' is not a place in it",
    ["{ given = false, expect = 'batch' }"] = "examples[1] needs given",
    ["{ given = { file_count = 1 }, expect = true }"] = "examples[1] needs expect",
    ["{ given = { file_count = 1 }, expect = 'batch', params = false }"] =
      "examples[1]: params must be a table",
    ["{ given = { file_count = 1 }, expect = 'batch', doc = {} }"] =
      "examples[1]: doc must be a text",
    ["{ given = { [1] = 5, file_count = 1 }, expect = 'batch' }"] = "unknown field",
    ["{ given = { file_count = 1 }, expect = { action = 'batch', 5 } }"] =
      "both names and places of a list",
    ["{ given = { file_count = 1 }, expect = { action = 'batch', because = '5' } }"] = "decided",
  }) do
    it("is not passed over: " .. examples, function()
      local text = examples:gsub("%u%u%u%u?", {
        GOOD = "{ given = { file_count = 1 }, expect = 'batch' }",
        BAD = "{ given = { file_count = 1 }, expect = 'realtime' }",
      })

      local found, findings = policy_folder.refused(policy_with(text))
      assert.matches(expected, found, 1, true)
      assert.equal(5, findings[1].line, found)
    end)
  end

  for _, examples in ipairs({ "5", "false", "'text'", "error", "batch", "math" }) do
    it("is looked for in a list only: examples = " .. examples, function()
      local files = { ["routing.lua"] = "return policy { kind = 'routing', examples = " .. examples
        .. ",\n  decide = function() return batch { because = 'x' } end }" }
      assert.matches("examples ", policy_folder.refused(files), 1, true)
    end)
  end

  -- Lists in facts with holes would lose what is behind the hole.
  for _, event in ipairs({ "{ 1, nil, 3 }", "{ 1, a = 2 }", "{ [2] = 1 }", "{ [1.5] = 1 }",
    "{ [true] = 1 }" }) do
    it("is refused for a list with a hole in its facts: " .. event, function()
      local files = policy_with("{ given = { event = " .. event .. " }, expect = 'ignore' }",
        "mapping",
        "return ignore { because = 'x' }")
      assert.matches("error%[W007%] example 1: ", policy_folder.refused(files))
    end)
  end

  local MAPPING = "return ignore { because = 'x' }"

  it("may hold any event", function()
    local example = "{ given = { event = { a = { 1, { b = 'é' } } } }, expect = 'ignore' }"
    policy_folder.load(policy_with(example, "mapping", MAPPING))
  end)

  it("cannot contain itself", function()
    local files = policy_with("{ given = { event = event }, expect = 'ignore' }", "mapping",
      MAPPING)
    files["mapping.lua"] = "local event = {} event.event = event\n" .. files["mapping.lua"]
    assert.matches("nested too deep", policy_folder.refused(files), 1, true)
  end)

  it("cannot unfold into endless text", function()
    local files = policy_with("{ given = { event = event }, expect = 'ignore' }", "mapping",
      MAPPING)
    files["mapping.lua"] = "local event = { 1 } for i = 1, 50 do event = { event, event } end\n"
      .. files["mapping.lua"]
    assert.matches("too large", policy_folder.refused(files), 1, true)
  end)

  it("is held to the budget, too", function()
    local found = policy_folder.refused(policy_with(
      "{ given = { file_count = 1 }, expect = 'batch' }", "routing",
      "while true do end"))
    assert.matches("error%[W011%] example 1: .*routing.lua:4: instruction budget of 200000 spent",
      found)
  end)

  it("is held to the invariants", function()
    local found = policy_folder.refused(policy_with(
      "{ given = { file_count = 1, inference_type = 'none' }, expect = 'realtime' }", "routing",
      "return realtime { because = 'x' }"))
    assert.matches("error%[W008%] example 1: .*realtime needs an endpoint", found)
  end)
end)
