-- Policies of a directory that change while the function runs.
local json = require "weir.json"
local lambda = require "support.lambda"
local policy_world = require "support.policy_world"
local process = require "weir.process"
local run = require "support.run"

local policy = policy_world.policy
local BROKEN = policy_world.BROKEN
local OTHER = policy_world.OTHER
local bundle = policy_world.bundle
local start = policy_world.start
local decide = policy_world.decide
local stop = policy_world.stop
local write_policies = policy_world.write

describe("the runtime's policies", function()
  before_each(policy_world.open)
  after_each(policy_world.close)

  it("come from the function's own policies/ when nothing else is said", function()
    write_policies(policy(7), policy_world.root .. "/policies")
    start { WEIR_POLICY_SOURCE = false }
    assert.equal("below 7", decide(6))
  end)

  it("come from the function's own policies, a bundle of that name", function()
    run.write(policy_world.root .. "/policies", (bundle(7)))
    start { WEIR_POLICY_SOURCE = false }
    assert.equal("below 7", decide(6))
    run.write(policy_world.root .. "/policies", (bundle(5)))
    assert.equal("at or above 5", decide(6))
  end)

  it("are swapped when the directory has a new version, and stay when it is bad", function()
    local directory = policy_world.root .. "/edited"
    write_policies(policy(10), directory)
    start { WEIR_POLICY_SOURCE = directory .. "/" }
    assert.equal("below 10", decide(5))
    write_policies(policy(5), directory)
    assert.equal("at or above 5", decide(5))
    write_policies(BROKEN, directory)
    assert.equal("at or above 5", decide(5))
    assert.equal("at or above 5", decide(5))
    write_policies(policy(3), directory)
    assert.equal("at or above 3", decide(5))
    local log = stop().stdout
    assert.matches("INFO the policy set was swapped", log)
    assert.matches("WARN the last good policy set goes on: the changed policy set is refused: [^\n"
      .. "]*routing.lua", log)
    assert.equal(1, select(2, log:gsub("WARN", "")))
    assert.equal(1, select(2, log:gsub('"PolicyRefused":1', "")))
    assert.equal(2, select(2, log:gsub('"PolicySwapped":1', "")))
    -- Two invocations with two lines of metrics each.
    assert.equal(4, select(2, log:gsub('"policy_problem":"PolicySetRefused"', "")))
  end)

  it("stay when the directory has a name or text that is not UTF-8, vanishes, or is something else",
    function()
    local directory = policy_world.root .. "/edited"
    write_policies(policy(10), directory)
    start { WEIR_POLICY_SOURCE = directory, AWS_LAMBDA_LOG_FORMAT = "JSON" }
    assert.equal("below 10", decide(5))
    write_policies('local name = "\xff\xfe', directory)
    assert.equal("below 10", decide(5))
    write_policies(policy(5), directory)
    assert.equal("at or above 5", decide(5))
    run.write(directory .. "/\xff.lua", "return policy {")
    assert.equal("at or above 5", decide(5))
    os.rename(directory, policy_world.root .. "/away")
    assert.equal("at or above 5", decide(5))
    run.write(directory, "a file")
    assert.equal("at or above 5", decide(5))
    os.remove(directory)
    write_policies(policy(3), policy_world.root .. "/elsewhere")
    os.execute(("ln -s %s %s"):format(run.quote(policy_world.root .. "/elsewhere"),
      run.quote(directory)))
    assert.equal("at or above 3", decide(5))
    local result = stop()
    assert.equal("", result.stderr)
    assert.equal(4, select(2, result.stdout:gsub('"PolicyRefused":1', "")))
    for line in result.stdout:gmatch("[^\n]+") do assert(json.decode(line), line) end
  end)

  it("stay when a new version has no policy of the kind that the handler asks", function()
    local directory = policy_world.root .. "/edited"
    write_policies(policy(10), directory)
    start { WEIR_POLICY_SOURCE = directory }
    assert.equal("below 10", decide(5))
    run.write(directory .. "/mapping.lua", OTHER["mapping.lua"])
    os.remove(directory .. "/routing.lua")
    assert.equal("below 10", decide(5))
    assert.equal("below 10", decide(5))
    write_policies(policy(3), directory)
    assert.equal("at or above 3", decide(5))
    local log = stop().stdout
    assert.matches("WARN the last good policy set goes on: the changed policy set has no policy "
      .. "of kind 'routing'",
      log, 1, true)
    assert.equal(1, select(2, log:gsub('"PolicyRefused":1', "")))
  end)

  -- Loads, and its examples hold, but weir check calls it an error: no fact has that name.
  local MISSPELT = policy(5):gsub("decide = function%(facts%)",
    "decide = function(facts)\n    if facts.file_count > 1000 and facts.fil_count then return nil "
      .. "end")

  it("are refused when weir check would find an error in them, at the start and later", function()
    local directory = policy_world.root .. "/edited"
    write_policies(policy(10), directory)
    start { WEIR_POLICY_SOURCE = directory }
    assert.equal("below 10", decide(5))
    write_policies(MISSPELT, directory)
    assert.equal("below 10", decide(5))
    assert.equal("below 10", decide(5))
    write_policies(policy(3), directory)
    assert.equal("at or above 3", decide(5))
    local log = stop().stdout
    assert.matches("WARN the last good policy set goes on: the changed policy set is refused: "
      .. "[^\n]*error%[W101%]", log)
    assert.equal(1, select(2, log:gsub('"PolicyRefused":1', "")))

    write_policies(MISSPELT, directory)
    lambda.reset()
    local result = lambda.start({ _HANDLER = "routing", WEIR_POLICY_SOURCE = directory }):wait()
    assert.equal(1, result.status)
    assert.matches("FATAL Runtime.PolicySetRefused: [^\n]*error%[W101%]", result.stdout)
  end)

  it("have their warnings logged, at the start and later", function()
    local without_examples = function(threshold)
      return (policy(threshold):gsub("\n  examples[^\n]*", ""))
    end

    local directory = policy_world.root .. "/edited"
    write_policies(without_examples(10), directory)
    start { WEIR_POLICY_SOURCE = directory }
    assert.equal("below 10", decide(5))
    write_policies(without_examples(3), directory)
    assert.equal("at or above 3", decide(5))
    local log = stop().stdout
    assert.equal(2, select(2, log:gsub("WARN the policy set has warnings: [^\n]*warning%[W201%]",
      "")))
  end)

  it("are looked at every so many seconds, however many that are", function()
    for text, expected in pairs { ["9223372036854775807"] = 1e12, ["99999999999999999999"] = 1e12,
      ["0"] = 0,
      ["0.5"] = 500 } do
      local source = assert(require("weir.runtime.policy_source").open {
        getenv = function(name) return name == "WEIR_POLICY_POLL_SECONDS" and text or nil end })
      assert.equal(expected, source.poll_ms)
    end
  end)

  it("are not looked at more often than WEIR_POLICY_POLL_SECONDS", function()
    local directory = policy_world.root .. "/edited"
    write_policies(policy(10), directory)
    start { WEIR_POLICY_SOURCE = directory, WEIR_POLICY_POLL_SECONDS = "1.5" }
    assert.equal("below 10", decide(5))
    write_policies(policy(5), directory)
    local begin = process.clock()
    local answer = decide(5)
    -- A machine that took so long has polled rightly.
    if process.clock() - begin < 1000 then assert.equal("below 10", answer) end
    process.sleep(1600)
    assert.equal("at or above 5", decide(5))
  end)

  -- A source over a remote place that does as it is told.
  local function scripted_source(answers)
    local now = 1000000
    local source = assert(require("weir.runtime.policy_source").open { kind = "routing",
      now = function() return now end, getenv = function() end })
    local forgotten = 0
    source.remote = {
      name = "scripted",
      fetch = function() return table.unpack(table.remove(answers, 1)) end,
      forget = function() forgotten = forgotten + 1 end,
    }

    return source, function(ms) now = now + ms end, function() return forgotten end
  end

  it("keep a refusal and a failure apart, each with its time", function()
    local good, better = bundle(10), bundle(5)
    local source, pass = scripted_source { { good, "v1" }, { "{}", "v2" },
      { nil, "no network", "ConnectionFailed" },
      { false }, { "{}", "v2" }, { better, "v3" }, { nil, "no network", "ConnectionFailed" },
        { false } }
    assert(source:load(2000000))
    local function at(ms, expected, change)
      pass(ms)
      local event = source:check()
      assert.equal(change, event and event.change)
      local seen = source:status()
      seen.policy_digest = nil
      assert.same(expected, seen)
    end

    local first = process.timestamp(1000000)
    assert.same({ policy_version = "v1", policy_loaded_at = first, policy_fetched_at = first },
      { policy_version = source:status().policy_version,
        policy_loaded_at = source:status().policy_loaded_at,
        policy_fetched_at = source:status().policy_fetched_at })
    local function expected(fetched, more)
      local all = { policy_version = "v1", policy_loaded_at = first,
        policy_fetched_at = process.timestamp(fetched),
        policy_problem = "PolicySetRefused", policy_refused = "PolicySetRefused",
          policy_refused_version = "v2",
        policy_refused_at = process.timestamp(1010000) }
      for name, value in pairs(more or {}) do all[name] = value end
      return all
    end

    at(10000, expected(1010000), "refused")
    at(10000, expected(1010000, { policy_fetch_failed = "ConnectionFailed",
      policy_fetch_failed_at = process.timestamp(1020000) }), "failed")
    at(10000, expected(1030000), "recovered")
    assert.equal(30, source:age_s())
    at(10000, expected(1040000)) -- fetched once more and refused as before: told once
    local later = process.timestamp(1050000)
    at(10000, { policy_version = "v3", policy_loaded_at = later, policy_fetched_at = later },
      "swapped")
    at(10000, { policy_version = "v3", policy_loaded_at = later, policy_fetched_at = later,
      policy_problem = "ConnectionFailed", policy_fetch_failed = "ConnectionFailed",
      policy_fetch_failed_at = process.timestamp(1060000) }, "failed")
    at(10000, { policy_version = "v3", policy_loaded_at = later,
      policy_fetched_at = process.timestamp(1070000) },
      "recovered")
    assert.equal(0, source:age_s())
  end)

  it("fetch a version again that could not be tried", function()
    local source, pass, forgotten = scripted_source { { (bundle(10)), "v1" }, { (bundle(5)), "v2" },
      { (bundle(5)), "v2" } }
    assert(source:load(2000000))
    local refresh = source.set.refresh
    finally(function() getmetatable(source.set).__index.refresh = refresh end)
    getmetatable(source.set).__index.refresh = function() error("not enough memory", 0) end
    pass(1000)
    local event = source:check()
    assert.same({ "failed", "not enough memory", "v2" }, {
      event.change,
      event.message,
      event.version,
    })

    assert.equal(1, forgotten())
    assert.is_nil(source.refusal)
    getmetatable(source.set).__index.refresh = function() return "refused", {} end
    pass(1000)
    assert.equal("OutOfMemory", source:check().code)
    assert.equal(2, forgotten())
    assert.is_nil(source.refusal)
  end)

  it("are looked at when the clock was set back", function()
    local now = process.time()
    write_policies(policy(10), policy_world.root .. "/edited")
    local source = require("weir.runtime.policy_source").open { now = function() return now end,
      getenv = function(name) return name == "WEIR_POLICY_SOURCE" and policy_world.root
        .. "/edited" or nil end }
    assert(source:load(now + 1000))
    assert.is_false(source:is_due())
    now = now - 3600 * 1000
    assert.is_true(source:is_due())
    source:check()
    assert.is_false(source:is_due())
  end)

  it("refuse to start with a source of no known form", function()
    for _, source in ipairs { "s3://bucket", "s3://b/key", "appconfig:a/b", "https://x/y" } do
      lambda.reset()
      local result = lambda.start({ _HANDLER = "routing", WEIR_POLICY_SOURCE = source,
        AWS_REGION = "eu-west-1",
        AWS_ACCESS_KEY_ID = "AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY = "x" }):wait()
      assert.equal(1, result.status)
      assert.matches("Runtime.InvalidSetting: WEIR_POLICY_SOURCE '" .. source, result.stdout, 1,
        true)
    end
  end)
end)
