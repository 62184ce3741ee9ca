-- --params FILE: parameters from a file, between WEIR_PARAMS and --set; for every verb that has
-- --set.
local arguments = require "weir.cli.arguments"
local cli = require "weir.cli"
local json = require "weir.json"
local run = require "support.run"

local POLICY = [[
return policy {
  kind = "routing",
  params = {
    threshold = integer { 10, min = 1, max = 100, doc = "files" },
    free = list { { "a" }, of = { type = "text" }, max_items = 3, doc = "who" },
  },
  decide = function(facts, params)
    return batch { because = "%d %s", params.threshold, table.concat(params.free, "+") }
  end,
}
]]

describe("--params", function()
  local directory
  setup(function()
    directory = run.directory {
      ["p/routing.lua"] = POLICY,
      ["params.json"] = '{"routing.threshold": 20, "free": ["x", "y"]}',
      ["list.json"] = "[1]",
      ["broken.json"] = '{"threshold": 20',
      ["null.json"] = '{"threshold": null}',
      ["wrong.json"] = '{"threshold": 0}',
      ["unknown.json"] = '{"treshold": 5}',
      ["empty.json"] = "{}",
      ["facts.json"] = '{"file_count": 1}',
    }
  end)
  teardown(function() run.remove(directory) end)

  local function decide(given)
    local words = { "decide", "routing", "-p", directory .. "/p" }
    for _, word in ipairs(given) do words[#words + 1] = word end
    words.stdin, words.env = given.stdin or '{"file_count": 1}', given.env
    return run(words)
  end

  local function because(given)
    given[#given + 1] = "--json"
    return json.decode(decide(given).stdout).because
  end

  it("overrides parameters, lists too, above WEIR_PARAMS and below --set", function()
    local file = directory .. "/params.json"
    assert.equal("10 a", because { "--params", directory .. "/empty.json" })
    assert.equal("20 x+y", because { "--params", file })
    assert.equal("20 x+y", because { "--params", file, env = { WEIR_PARAMS = '{"threshold":30}' } })
    assert.equal("40 x+y", because { "--params", file, "--set", "threshold=40" })
    assert.equal("20 z", because { "--params", file, "--set", 'free=["z"]' })
    assert.equal("30 a", because { "--params", directory .. "/empty.json",
      env = { WEIR_PARAMS = '{"threshold":30}' } })
  end)

  it("reads standard input as -, when nothing else does", function()
    assert.equal("50 a", because { "-e", directory .. "/facts.json", "--params", "-",
      stdin = '{"threshold": 50}' })
    local result = decide { "--params", "-" }
    assert.equal(2, result.status)
    assert.equal("weir: decide: standard input is given twice; name a file with --params FILE\n"
      .. "Next: weir help decide\n", result.stderr)
  end)

  it("refuses what is not an object of parameters that fit", function()
    for name, expected in pairs {
      list = { 2, "list.json must be a JSON object" },
      broken = { 2, "broken.json is not JSON" },
      null = { 2, "null.json gives 'threshold' the value null" },
      wrong = { 2, "wrong.json: threshold: expected an integer from 1 to 100, got 0\n" },
      unknown = { 2, "no policy has a parameter 'treshold'; did you mean 'threshold'?" },
      nowhere = { 6, "nowhere.json: no such file or directory" },
    } do
      local result = decide { "--params", directory .. "/" .. name .. ".json" }
      assert.equal(expected[1], result.status, name)
      assert.truthy(result.stderr:find(expected[2], 1, true), result.stderr)
    end
  end)

  it("names the variable where a parameter of it does not fit", function()
    local result = decide { env = { WEIR_PARAMS = '{"routing.threshold": 0}' } }
    assert.equal(2, result.status)
    assert.matches("^weir: decide: WEIR_PARAMS: threshold: expected an integer", result.stderr)
    result = decide { "--set", "threshold=0", env = { WEIR_PARAMS = '{"threshold": 5}' } }
    assert.matches("^weir: decide: threshold: expected an integer", result.stderr)
  end)

  it("is an option of every verb that has --set", function()
    local count = 0
    for _, name in ipairs(cli.verbs) do
      local has = {}
      for _, option in ipairs(arguments.options(cli.verb(name))) do
        has[option.long] = option.doc
      end

      if has.set and has.set:find("parameter", 1, true) then
        assert.truthy(has.params, name)
        count = count + 1
      end
    end

    assert.is_true(count >= 7)
  end)

  it("overrides parameters in replay and diff", function()
    local line = json.decode(run({ "lua", "-", directory .. "/p", stdin = [[
      local set = assert(require("weir.policy_set").load(arg[1]))
      print(require("weir.json").encode(set:record("routing", '{"file_count":1}', { id = "1" })))
    ]] }).stdout)
    local recording = run.write(directory .. "/recording.jsonl", line .. "\n")
    local file = directory .. "/params.json"
    local p = directory .. "/p"
    assert.equal(0, run({ "replay", recording, "-p", p }).status)
    local replayed = run { "replay", recording, "-p", p, "--params", file }
    assert.equal(1, replayed.status)
    assert.truthy(replayed.stdout:find("20 x+y", 1, true), replayed.stdout)
    assert.equal(0, run({ "diff", p, p, recording, "--params", file }).status)
    assert.equal(2, run({ "diff", p, p, "-", "--params", "-", stdin = "{}" }).status)
  end)
end)
