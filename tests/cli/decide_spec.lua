local files = require "support.files"
local json = require "weir.json"
local run = require "support.run"

local POLICY = [[
return policy {
  kind = "routing",
  params = {
    threshold = integer { 10, min = 1, max = 100, doc = "files" },
    mode = choice { "fast", values = { "fast", "cheap" }, doc = "what matters" },
  },
  decide = function(facts, params)
    if facts.file_count == 13 then error("unlucky") end
    while facts.file_count == 14 do end
    if facts.file_count < params.threshold then
      return realtime { because = "%d files, below %d, %s", facts.file_count, params.threshold,
        facts.volume or "-" }
    end
    return batch { because = params.mode }
  end,
  examples = { { given = { file_count = 1 }, expect = "realtime" } },
}
]]

describe("weir decide", function()
  local directory
  setup(function() directory = run.directory { ["routing.lua"] = POLICY } end)
  teardown(function() run.remove(directory) end)

  local function decide(facts, ...)
    local given = { "decide", "routing", "-p", directory, ... }
    given.stdin = facts
    return run(given)
  end

  local function refused(status, message, facts, ...)
    local result = decide(facts, ...)
    assert.equal(status, result.status)
    assert.truthy(result.stderr:find(message, 1, true), result.stderr)
    assert.matches("\nNext: ", result.stderr)
  end

  it("shows action, reason and place, status 0", function()
    local result = decide('{"file_count": 3}')
    assert.equal(0, result.status)
    assert.matches("^realtime\n  because  3 files, below 10, %-\n  where    "
      .. directory:gsub("%p", "%%%0")
      .. "/routing%.lua:11\n", result.stdout)
  end)

  it("names the whole path of a policy in a deep directory", function()
    local deep = directory .. ("/" .. ("x"):rep(60)):rep(3)
    os.execute("mkdir -p " .. deep)
    run.write(deep .. "/routing.lua", POLICY)
    local result = run { "decide", "routing", "-p", deep, "--json", stdin = '{"file_count": 3}' }
    assert.equal(deep .. "/routing.lua", json.decode(result.stdout).file)
    deep = deep .. ("/" .. ("x"):rep(60)):rep(2)
    os.execute("mkdir -p " .. deep)
    run.write(deep .. "/routing.lua", POLICY)
    result = run { "decide", "routing", "-p", deep, "--json", stdin = '{"file_count": 3}' }
    local file = json.decode(result.stdout).file
    assert.equal("..." .. (deep .. "/routing.lua"):sub(-252), file)
    run.remove(directory .. "/" .. ("x"):rep(60))
  end)

  it("prints one JSON object with --json", function()
    local object = json.decode(decide('{"file_count": 3}', "--json").stdout)
    assert.equal("realtime", object.action)
    assert.same({ action = "realtime" }, object.decision)
    assert.equal("3 files, below 10, -", object.because)
    assert.same({ threshold = 10, mode = "fast" }, object.params)
    assert.equal(11, object.line)
    assert.equal("routing", object.kind)
    assert.matches("^sha256:%x+$", object.policy.digest)
    for _, name in ipairs { "instructions", "bytes", "eval_us" } do assert.equal("integer",
      math.type(object[name])) end
  end)

  it("takes facts from a file, or - for standard input", function()
    local path = run.write(os.tmpname(), '{"file_count": 3}')
    assert.equal(0, decide("", "-e", path).status)
    os.remove(path)
    assert.equal(0, decide('{"file_count": 3}', "-e", "-").status)
  end)

  it("overrides parameters, --set before the environment", function()
    assert.matches("\n  params   threshold = 2 %(default 10%)\n",
      decide('{"file_count": 3}', "--set", "threshold=2").stdout)
    local function with(environment, ...)
      local given = { "decide", "routing", "-p", directory, "--json", ... }
      given.stdin, given.env = '{"file_count": 3}', { WEIR_PARAMS = environment }
      return json.decode(run(given).stdout).params
    end

    assert.same({ threshold = 4, mode = "fast" }, with('{"threshold": 4}'))
    assert.same({ threshold = 5, mode = "cheap" }, with('{"threshold": 4}', "--set", "threshold=5",
      "--set=mode=cheap"))
    assert.same({ threshold = 6, mode = "fast" }, with("", "--set", "routing.threshold=6"))
    -- However each of them spells the name.
    assert.equal(7, with('{"threshold": 4}', "--set", "routing.threshold=7").threshold)
    assert.equal(8, with('{"routing.threshold": 4}', "--set", "threshold=8").threshold)
    assert.equal(9, with("", "--set", "routing.threshold=9", "--set", "threshold=5").threshold)
    assert.equal(9, with('{"threshold": 5, "routing.threshold": 9}').threshold)
  end)

  it("refuses parameters that are unknown, of another type, or out of bounds, status 2", function()
    refused(2, "no policy has a parameter 'treshold'; did you mean 'threshold'?", "{}", "--set",
      "treshold=1")
    refused(2, "--set 'threshold' is not NAME=VALUE; write --set threshold=20", "{}", "--set",
      "threshold")
    refused(2, "--set gives 'threshold' twice", "{}", "--set", "threshold=1", "--set",
      "threshold=2")
    refused(2, "threshold", "{}", "--set", "threshold=abc")
    refused(2, "from 1 to 100", "{}", "--set", "threshold=101")
    refused(2, "mode", "{}", "--set", "mode=slow")
    for value, message in pairs {
      ["{"] = "WEIR_PARAMS is not JSON",
      ["[1]"] = "WEIR_PARAMS must be a JSON object",
      ['{"threshold": null}'] = "WEIR_PARAMS gives 'threshold' the value null",
    } do
      local result = run { "decide", "routing", "-p", directory, stdin = "{}",
        env = { WEIR_PARAMS = value } }
      assert.equal(2, result.status, value)
      assert.matches(message, result.stderr, 1, true)
    end
  end)

  it("refuses facts the kind does not allow, status 2", function()
    refused(2, 'unknown field "fileCount"', '{"fileCount": 3}')
    refused(2, "InvalidFacts", "{")
    refused(2, "InvalidFacts", "")
    refused(2, "InvalidFacts", '{"file_count": "3"}')
    refused(2, "volume: expected a text of at most 256 bytes, got",
      ('{"file_count":3,"volume":"%s"}'):format(("v"):rep(257)))
    refused(2, "InvalidFacts", ('{"file_count": 1, "volume": %s'):format(("["):rep(100000)))
  end)

  it("refuses an unknown kind, and names a kind without a policy", function()
    local result = run { "decide", "ruoting", stdin = "{}" }
    assert.equal(2, result.status)
    assert.matches("unknown kind 'ruoting'; did you mean 'routing'?", result.stderr)
    assert.equal(2, run({ "decide", "weights", "-p", directory,
      stdin = '{"variants":[{"name":"a"}]}' }).status)
  end)

  it("ends with 3 when the set does not load", function()
    local broken = run.directory { ["routing.lua"] = "return policy {" }
    local result = run { "decide", "routing", "-p", broken, stdin = "{}" }
    assert.equal(3, result.status)
    assert.matches("routing%.lua:1: error%[W003%]", result.stderr)
    assert.matches("\nNext: weir check ", result.stderr)
    run.remove(broken)
    assert.equal(3, run({ "decide", "routing", "-p", "/nowhere", stdin = "{}" }).status)
  end)

  it("ends with 4 when the policy fails, and decides nothing", function()
    for facts, message in pairs { ['{"file_count": 13}'] = "unlucky",
      ['{"file_count": 14}'] = "BudgetSpent" } do
      local result = decide(facts)
      assert.equal(4, result.status)
      assert.equal("", result.stdout)
      assert.truthy(result.stderr:find(message, 1, true), result.stderr)
    end

    local object = json.decode(decide('{"file_count": 13}', "--json").stdout)
    assert.equal("PolicyError", object.code)
  end)

  it("ends with 6 when the facts cannot be read", function()
    local result = decide("", "-e", "/nowhere.json")
    assert.equal(6, result.status)
    assert.equal("weir: decide: /nowhere.json: no such file or directory\n", result.stderr)
  end)

  it("does not wait for a terminal to type facts", function()
    local result = run { "decide", "routing", "-p", directory, terminal = true, timeout = 5 }
    assert.equal(2, result.status)
    assert.matches("no facts are given; name a file with -e FILE", result.stdout, 1, true)

    local event = run.write(directory .. "/event.json", '{"file_count": 3}')
    result = run { "decide", "routing", "-p", directory, "-e", event, terminal = true }
    assert.equal(0, result.status, result.stdout)
  end)

  it("reads facts from a pipe when the decision goes to a terminal", function()
    local command = ("cat %s/event.json | %s decide routing -p %s"):format(directory,
      run.quote(run.program), directory)
    run.write(directory .. "/event.json", '{"file_count": 3}')
    local shown = files.lines_of("script -qec " .. run.quote(command) .. " /dev/null </dev/null")
    assert.matches("realtime", shown[1], 1, true)
  end)

  it("does not let facts steer the terminal", function()
    local result = decide('{"file_count": 3, "volume": "\\u001b[2J\\u009b"}')
    assert.equal(0, result.status)
    assert.is_nil(result.stdout:find("[\27\155]"))
    assert.matches("\\x1b%[2J\\u{9b}", result.stdout)
  end)
end)
