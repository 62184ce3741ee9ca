local json = require "weir.json"
local json_schema = require "support.json_schema"
local run = require "support.run"

local POLICY = [[
-- Why this policy is as it is.
return policy {
  kind = "routing",
  params = {
    threshold = integer { 10, min = 1, max = 100, doc = "files" },
    most = integer { 5000, min = 1, doc = "bytes" }, -- of a file
  },
  decide = function(facts, params)
    if (facts.largest_bytes or 0) > params.most then return batch { because = "a large file" } end
    if facts.file_count < params.threshold then return realtime { because = "few" } end
    return batch { because = "%d files", facts.file_count }
  end,
  examples = {
    -- The first.
    { given = { file_count = 9 }, expect = "realtime" }, -- below
    -- There is nothing else.
  },
}
]]

describe("weir example", function()
  local folder

  -- Decisions that the set in `set` makes of these facts, one a line.
  local function record(name, facts, params)
    local set = assert(require("weir.policy_set").load(folder .. "/set", { params = params }))
    local lines = {}
    for i, each in ipairs(facts) do
      lines[i] = assert(set:record("routing", each, { id = "id-" .. i, time =
        "2026-11-20T12:00:00Z" }))
    end

    run.write(folder .. "/" .. name, table.concat(lines, "\n") .. "\nSTART RequestId: x\n")
  end

  before_each(function()
    folder = run.directory { ["set/routing.lua"] = POLICY }
    record("day.jsonl", {
      '{"file_count":9}', '{"file_count":10}', '{"file_count":3,"largest_bytes":5001}',
    })
  end)
  after_each(function() run.remove(folder) end)

  local function example(...)
    local words = { "example", ... }
    words.directory = folder
    return run(words)
  end

  local function policy() return run.read(folder .. "/set/routing.lua") end

  it("prints facts, decision, and the parameters on which it turns", function()
    local result = example("day.jsonl:2", "-p", "set")
    assert.equal(0, result.status)
    assert.equal('{ doc = "id-2", given = { file_count = 10 }, params = { threshold = 10 }, '
      .. 'expect = "batch" },\n', result.stdout)
    assert.equal("decided as recorded by set\nNext: weir example day.jsonl:2 -p set --add\n",
      result.stderr)
    assert.matches("params = { most = 5000 }", example("day.jsonl:3", "-p", "set").stdout)
    assert.equal(POLICY, policy())
  end)

  it("reads standard input", function()
    local input = run.read(folder .. "/day.jsonl")
    local result = run { "example", "-:2", "-p", "set", directory = folder, stdin = input }
    assert.equal(0, result.status)
    assert.matches("file_count = 10", result.stdout)
  end)

  it("gives texts and choices always, and a flag where it matters", function()
    run.write(folder .. "/set/routing.lua", [[
return policy {
  kind = "routing",
  params = {
    careful = flag { false, doc = "whether" },
    other = flag { true, doc = "whether" },
    name = text { "x", doc = "who" },
    mode = choice { "a", values = { "a", "b" }, doc = "how" },
  },
  decide = function(facts, params)
    if params.careful then return batch { because = params.name .. params.mode } end
    return params.other and realtime { because = "fast" } or realtime { because = "as fast" }
  end,
}
]])
    record("flags.jsonl", { '{"file_count":3}' })
    assert.matches('params = { careful = false, mode = "a", name = "x" }',
      example("flags.jsonl:1", "-p", "set").stdout)
  end)

  it("gives parameters that were overridden", function()
    record("tuned.jsonl", { '{"file_count":3,"largest_bytes":1}' }, { most = 4000 })
    assert.matches("params = { most = 4000, threshold = 10 }",
      example("tuned.jsonl:1", "-p", "set").stdout)
  end)

  it("--add puts it behind the others and leaves the rest of the file as it is", function()
    local result = example("day.jsonl:2", "-p", "set", "--add")
    assert.equal(0, result.status)
    assert.equal("set/routing.lua:17: added\n", result.stdout)
    assert.equal((POLICY:gsub("nothing else%.\n", "%0"
      .. '    { doc = "id-2", given = { file_count = 10 }, params = { threshold = 10 }, '
      .. 'expect = "batch" },\n')), policy())
    assert.equal(0, run({ "check", "set", directory = folder }).status)
    assert.matches("^set: 2 tests pass, 0 fail\n",
      run({ "test", "set", directory = folder }).stdout)
  end)

  it("adds an example once", function()
    example("day.jsonl:2", "-p", "set", "--add")
    local once = policy()
    local again = example("day.jsonl:2", "-p", "set", "--add")
    assert.equal(0, again.status)
    assert.equal("set/routing.lua:17: it is an example already\n", again.stdout)
    assert.equal(once, policy())
  end)

  it("tells of a decision that the set makes otherwise, and adds it for whoever mends that",
    function()
    run.write(folder .. "/set/routing.lua", (POLICY:gsub("file_count < ", "file_count <= ")))
    local result = example("day.jsonl:2", "-p", "set", "--add")
    assert.equal(1, result.status)
    assert.equal('set decides otherwise: {"action":"realtime"} because few\nNext: weir test set\n',
      result.stderr)
    local test = run { "test", "set", directory = folder }
    assert.matches("set/routing%.lua:17: failed routing example 2: id%-2: ", test.stdout)
    assert.matches('\n      params    {"threshold":10}\n', test.stdout)
    run.write(folder .. "/set/routing.lua", (policy():gsub("file_count <= ", "file_count < ")))
    assert.equal(0, run({ "test", "set", directory = folder }).status)
  end)

  it("--add --recorded appends the decision to the set's example file", function()
    assert.equal("set/examples/routing.jsonl:1: added\n",
      example("day.jsonl:1", "-p", "set", "--add", "--recorded").stdout)
    assert.equal("set/examples/routing.jsonl:2: added\n",
      example("day.jsonl:3", "-p", "set", "--add", "--recorded").stdout)
    assert.equal("set/examples/routing.jsonl:1: it is an example already\n",
      example("day.jsonl:1", "-p", "set", "--add", "--recorded").stdout)
    assert.equal(POLICY, policy())
    assert.matches("^set: 3 tests pass, 0 fail\n",
      run({ "test", "set", directory = folder }).stdout)
    local replay = run { "replay", "set/examples/routing.jsonl", "-p", "set", "--quiet",
      directory = folder }
    assert.equal(0, replay.status)
  end)

  it("writes nothing where an example cannot stand in the file, and says where it can", function()
    local made = POLICY:gsub("examples = {", "examples = made {"):gsub("^",
      "local function made(x) return x end\n")
    run.write(folder .. "/set/routing.lua", made)
    local result = example("day.jsonl:2", "-p", "set", "--add")
    assert.equal(1, result.status)
    assert.equal(
      "weir: example: set/routing.lua: its examples are not written out there as a list; "
      .. "write it to an example file: --add --recorded\n", result.stderr)
    assert.equal(made, policy())
  end)

  for name, case in pairs {
    ["a line that is not a decision"] = { { "day.jsonl:4" }, 2,
      "day.jsonl:4: there is no decision in this line, the one before is in line 3" },
    ["a line behind the end"] = { { "day.jsonl:400" }, 2, "there is no decision in this line" },
    ["a recording that is not there"] = { { "none.jsonl:1" }, 6, "none.jsonl: " },
    ["a place without a line"] = { { "day.jsonl" }, 2, "'day.jsonl' is not RECORDING:LINE" },
    ["--recorded alone"] = { { "day.jsonl:1", "--recorded" }, 2, "--recorded says where" },
    ["a set that is not there"] = { { "day.jsonl:1", "-p", "none" }, 3, "none" },
  } do
    it("says what is wrong with " .. name, function()
      local words = table.move(case[1], 1, #case[1], 1, {})
      if not words[3] then table.move({ "-p", "set" }, 1, 2, #words + 1, words) end
      local result = example(table.unpack(words))
      assert.equal(case[2], result.status)
      assert.truthy(result.stderr:find(case[3], 1, true), result.stderr)
    end)
  end

  it("says which fact is not the set's", function()
    run.write(folder .. "/other.jsonl", '{"schema":"weir.decision/1","id":"a","kind":"routing",'
      .. '"params":{},"facts":{"file_cuont":1},"decision":{"action":"batch"},"because":"x"}\n')
    for _, more in ipairs { {}, { "--recorded" } } do
      local result = example("other.jsonl:1", "-p", "set", "--add", table.unpack(more))
      assert.equal(1, result.status)
      assert.equal("weir: example: other.jsonl:1: its facts are not those of the set: "
        .. "unknown field \"file_cuont\" (did you mean \"file_count\"?)\n"
        .. "Next: weir help kind routing -p set\n", result.stderr)
    end

    assert.equal(POLICY, policy())
  end)

  it("writes no secret anywhere", function()
    local token = ("AQCEAAAAKgAAAAMAAAAAAAAAAQ"):rep(12)
    local line = ('{"schema":"weir.decision/1","id":"a","kind":"routing","params":{},'
      .. '"facts":{"file_count":1,"prefix":"%s"},"decision":{"action":"batch"},"because":"x"}\n')
    run.write(folder .. "/token.jsonl", line:format(token))
    local result = example("token.jsonl:1", "-p", "set", "--add")
    assert.equal(2, result.status)
    assert.matches("its facts hold a secret", result.stderr)
    assert.is_nil((result.stdout .. result.stderr):find(token, 1, true))
    assert.equal(POLICY, policy())
  end)

  it("takes facts with lists, empty ones too, and refuses a null in a policy file", function()
    run.write(folder .. "/set/mapping.lua", [[
return policy {
  kind = "mapping",
  decide = function(facts) return ignore { because = "%s", type(facts.event) } end,
  examples = {},
}
]])
    local set = assert(require("weir.policy_set").load(folder .. "/set"))
    local lines = {}
    for i, detail in ipairs { '{"a":[1,{"b":"c"}]}', '{"a":null}', '{"a":[]}' } do
      lines[i] = assert(set:record("mapping", ('{"event":%s}'):format(detail), { id = "m" .. i }))
    end

    run.write(folder .. "/events.jsonl", table.concat(lines, "\n"))
    local before = run.read(folder .. "/set/mapping.lua")
    for line = 2, 3 do
      local refused = example("events.jsonl:" .. line, "-p", "set", "--add")
      assert.equal(1, refused.status, line)
      assert.matches("write it to an example file: %-%-add %-%-recorded", refused.stderr)
      assert.equal(before, run.read(folder .. "/set/mapping.lua"))
      assert.equal(0, example("events.jsonl:" .. line, "-p", "set", "--add", "--recorded").status)
    end

    assert.equal(0, example("events.jsonl:1", "-p", "set", "--add").status)
    assert.matches("^set: 4 tests pass, 0 fail\n",
      run({ "test", "set", directory = folder }).stdout)
  end)

  it("prints one object with --json, which fits its schema", function()
    local result = example("day.jsonl:2", "-p", "set", "--json", "--add")
    local found = json.decode(result.stdout)
    assert.same({ threshold = 10 }, found.params)
    assert.equal("set/routing.lua:17", found.added)
    assert.is_true(found.same)
    assert(json_schema.check("docs/json/example.schema.json", result.stdout))
  end)
end)
