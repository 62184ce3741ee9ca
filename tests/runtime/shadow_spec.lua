-- A second set decides beside the first, after the answer.
local cloud = require "support.aws"
local json = require "weir.json"
local lambda = require "support.lambda"
local policy_set = require "weir.policy_set"
local policy_world = require "support.policy_world"
local process = require "weir.process"
local run = require "support.run"

local policy, start, decide = policy_world.policy, policy_world.start, policy_world.decide
local stop = policy_world.stop

-- A routing policy whose decide has that body.
local function body(text)
  return ([[return policy {
  kind = "routing",
  decide = function(facts)
    %s
    return batch { because = "no" }
  end,
  examples = { { given = { file_count = 1 }, expect = "batch" } },
}
]]):format(text)
end

local function shadow_of(text)
  local directory = policy_world.root .. "/shadow"
  policy_world.write(text, directory)
  return directory
end

-- The shadow of the last decision, which is made after the answer, is not this one's.
local function shadow_becomes(text)
  policy_world.settle()
  shadow_of(text)
end

local function started(text, more)
  local active = policy_world.root .. "/active"
  policy_world.write(policy(10), active)
  local environment = { WEIR_POLICY_SOURCE = active, WEIR_SHADOW_SOURCE = shadow_of(text) }
  for name, value in pairs(more or {}) do environment[name] = value end
  start(environment)
end

-- The lines of a log that are JSON and have the schema.
local function records(log, schema)
  local list = {}
  for line in log:gmatch("[^\n]+") do
    local record = line:sub(1, 1) == "{" and json.decode(line)
    if record and record.schema == schema then
      record.text = line
      list[#list + 1] = record
    end
  end

  return list
end

local function counts(log)
  local sum = { agreed = 0, reworded = 0, differed = 0, failed = 0, skipped = 0 }
  for _, record in ipairs(records(log, "weir.shadow-counts/1")) do
    for word in pairs(sum) do
      sum[word] = sum[word] + record["Shadow" .. word:gsub("^%l", string.upper)]
    end
  end

  return sum
end

local function count_text(log, text) return select(2, log:gsub(text, "")) end

describe("a shadow", function()
  before_each(policy_world.open)
  after_each(policy_world.close)

  it("is logged where it decides otherwise, with both decisions, and changes no answer", function()
    started(policy(5))
    assert.equal("below 10", decide(7))
    assert.equal("below 10", decide(3))
    assert.equal("at or above 10", decide(12))
    local log = stop().stdout
    local list = records(log, "weir.shadow/1")
    assert.equal(1, #list)
    local record = list[1]
    assert.same({ { file_count = 7 }, "r1", { action = "realtime" }, "below 10" },
      { record.facts, record.request_id, record.decision, record.because })
    assert.same({ { action = "batch" }, "at or above 5" },
      { record.shadow.decision, record.shadow.because })
    assert.same({ policy_world.root .. "/shadow/routing.lua", 5 },
      { record.shadow.file, record.shadow.line })
    assert.equal(assert(policy_set.load(policy_world.root .. "/active")):digest(),
      record.shadow.active)
    assert.equal(assert(policy_set.load(policy_world.root .. "/shadow")):digest(),
      record.shadow.digest)
    assert.equal(1, #records(log, "weir.decision/1") - 2)
    assert.equal(record.id, records(log, "weir.decision/1")[1].id)
    assert.same({ agreed = 0, reworded = 2, differed = 1, failed = 0, skipped = 0 }, counts(log))
  end)

  it("counts what it agrees with, and logs none of it", function()
    started(policy(10))
    for files = 8, 12 do decide(files) end
    local log = stop().stdout
    assert.same({ agreed = 5, reworded = 0, differed = 0, failed = 0, skipped = 0 }, counts(log))
    assert.equal(0, #records(log, "weir.shadow/1"))
  end)

  it("is nothing when it is off", function()
    local active = policy_world.root .. "/active"
    policy_world.write(policy(10), active)
    start { WEIR_POLICY_SOURCE = active }
    decide(7)
    assert.falsy(stop().stdout:lower():find("shadow", 1, true))
  end)

  it("decides after the answer was posted", function()
    started(policy(5))
    lambda.script { kind = "event", id = "r1", body = '{"file_count": 7}' }
    assert.equal("/invocation/r1/response", lambda.posts(1)[1].path:match("/invocation.*"))
    local log = stop().stdout
    local metrics, shadow = log:find('"Duration":', 1, true), log:find("weir.shadow/1", 1, true)
    assert.is_true(metrics < shadow, log) -- the invocation's own log is whole before it begins
  end)

  for name, case in pairs {
    ["loops"] = { "while true do end", "BudgetSpent" },
    ["raises"] = { "error('broken')", "PolicyError" },
    ["takes all memory"] = { "local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end",
      "BudgetSpent" },
  } do
    it("that " .. name .. " is logged as failed", function()
      started(body("if facts.file_count > 1 then " .. case[1] .. " end"))
      assert.equal("below 10", decide(7))
      assert.equal("below 10", decide(8))
      local result = stop()
      assert.equal("", result.stderr)
      local list = records(result.stdout, "weir.shadow/1")
      assert.equal(2, #list)
      assert.same({ case[2], "below 10" }, { list[1].shadow.code, list[1].because })
      assert.is_true(#list[1].shadow.message > 0)
      assert.equal(2, counts(result.stdout).failed)
    end)
  end

  for name, text in pairs {
    ["does not load"] = "return policy {",
    ["fails its examples"] = policy_world.BROKEN,
    ["never ends loading"] = "while true do end",
    ["takes all memory when it is loaded"] =
      "local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end",
    ["has an error that only weir check finds"] = body("if facts.fil_count then return nil end"),
  } do
    it("that " .. name .. " is refused, and every decision counts as skipped", function()
      started(text)
      assert.equal("below 10", decide(7))
      assert.equal("below 10", decide(8))
      local log = stop().stdout
      assert.equal(1, count_text(log, "WARN the shadow set is not taken: "))
      assert.equal(1, count_text(log, '"ShadowRefused":1'))
      assert.same({ agreed = 0, reworded = 0, differed = 0, failed = 0, skipped = 2 }, counts(log))
    end)
  end

  it("without a policy of the handler's kind is refused", function()
    local active, other = policy_world.root .. "/active", policy_world.root .. "/other"
    policy_world.write(policy(10), active)
    os.execute("mkdir " .. other)
    run.write(other .. "/mapping.lua", policy_world.OTHER["mapping.lua"])
    start { WEIR_POLICY_SOURCE = active, WEIR_SHADOW_SOURCE = other }
    assert.equal("below 10", decide(7))
    local log = stop().stdout
    assert.truthy(log:find("has no policy of kind 'routing'", 1, true), log)
    assert.equal(1, counts(log).skipped)
  end)

  it("that changes is taken up between two invocations, whole; a bad version changes nothing",
    function()
    started(policy(5))
    decide(7)
    shadow_becomes(policy(8))
    decide(7)
    shadow_becomes("return policy {")
    decide(7)
    shadow_becomes(policy(6))
    decide(7)
    local log = stop().stdout
    local list = records(log, "weir.shadow/1")
    assert.same({ "at or above 5", "at or above 6" },
      { list[1].shadow.because, list[2].shadow.because })
    assert.is_true(list[1].shadow.digest ~= list[2].shadow.digest)
    assert.same({ agreed = 0, reworded = 2, differed = 2, failed = 0, skipped = 0 }, counts(log))
    assert.equal(1, count_text(log, '"ShadowRefused":1'))
    assert.equal(2, count_text(log, '"ShadowSwapped":1'))
  end)

  it("comes from S3 as well, and is fetched again after a failure", function()
    local active, key = policy_world.root .. "/active", process.new_id() .. ".bundle"
    policy_world.write(policy(10), active)
    start { WEIR_POLICY_SOURCE = active, WEIR_SHADOW_SOURCE = "s3://bucket/" .. key }
    assert.equal("below 10", decide(7))
    local text = policy_world.bundle(5)
    assert(cloud.client("s3"):put_object { Bucket = "bucket", Key = key, Body = text })
    assert.equal("below 10", decide(7))
    local log = stop().stdout
    assert.equal(1, count_text(log, '"ShadowFetchFailed":1'))
    assert.equal(1, counts(log).skipped)
    assert.equal(1, counts(log).differed)
    assert.falsy(log:find("goes on instead", 1, true))
  end)

  it("has parameters of its own, or those of the function", function()
    local text = [[return policy {
  kind = "routing",
  params = { least = integer { 10, min = 1, max = 100, doc = "files" } },
  decide = function(facts, params)
    if facts.file_count < params.least then
      return realtime { because = "below %d", params.least }
    end
    return batch { because = "at or above %d", params.least }
  end,
  examples = { { given = { file_count = 100 }, expect = "batch" } },
}
]]
    for _, case in ipairs {
      { { WEIR_PARAMS = '{"least": 20}' }, "below 20", 0 },
      { { WEIR_PARAMS = '{"least": 20}', WEIR_SHADOW_PARAMS = '{"least": 5}' }, "below 20", 1 },
    } do
      policy_world.close()
      policy_world.open()
      local directory = shadow_of(text)
      case[1].WEIR_POLICY_SOURCE, case[1].WEIR_SHADOW_SOURCE = directory, directory
      start(case[1])
      assert.equal(case[2], decide(15))
      assert.equal(case[3], counts(stop().stdout).differed)
    end
  end)

  it("with wrong settings is off, and the log says why", function()
    for _, case in ipairs {
      { "WEIR_SHADOW_SOURCE", "ftp:x", "WEIR_SHADOW_SOURCE 'ftp:x' has an unknown form" },
      { "WEIR_SHADOW_MS", "soon", "WEIR_SHADOW_MS is 'soon', which is not a whole number" },
      { "WEIR_SHADOW_MS", "0", "WEIR_SHADOW_MS is '0'" },
      { "WEIR_SHADOW_PARAMS", "[]", "WEIR_SHADOW_PARAMS is not a JSON object" },
    } do
      policy_world.close()
      policy_world.open()
      started(policy(5), { [case[1]] = case[2] })
      assert.equal("below 10", decide(7))
      local log = stop().stdout
      assert.truthy(log:find("ERROR there is no shadow: " .. case[3], 1, true), log)
      assert.equal(0, #records(log, "weir.shadow/1"))
    end
  end)

  -- Each decision spends its whole budget, which takes a millisecond: far from all fit into one.
  it("has so much time after an answer, and counts what it skips", function()
    local root = policy_world.root
    run.write(root .. "/many.lua", [[return { handle = function(event, ask)
      for i = 1, event.count do assert(ask("routing", { file_count = i })) end
      return { asked = event.count }
    end }]])
    started(body("while true do pcall(error) end"):gsub("examples = .-\n}", "}"),
      { _HANDLER = "many.handle", WEIR_SHADOW_MS = "5" })
    lambda.script { kind = "event", id = "r1", body = '{"count": 1500}' }
    assert.same({ asked = 1500 }, json.decode(lambda.posts(1)[1].body))
    local log = stop().stdout
    local sum = counts(log)
    assert.equal(1500, sum.failed + sum.skipped)
    assert.is_true(sum.failed >= 1 and sum.skipped >= 500, json.encode(sum))
    assert.equal(sum.failed, #records(log, "weir.shadow/1"))
    assert.is_true(records(log, "weir.shadow-counts/1")[1].ShadowDuration > 0)
  end)

  it("never goes beyond the time at which the handler has to stop", function()
    local root = policy_world.root
    run.write(root .. "/slow.lua", [[return { handle = function(_, ask)
      assert(ask("routing", { file_count = 7 }))
      local until_ms = require("weir.invocation").context().stop_at_ms - 5
      while require("weir.process").time() < until_ms do end
      require("weir.process").sleep(10)
      return {}
    end }]])
    started(policy(5), { _HANDLER = "slow.handle" })
    lambda.script { kind = "event", id = "r1", body = "{}",
      headers = { ["lambda-runtime-deadline-ms"] = tostring(process.time() + 600) } }
    lambda.posts(1)
    assert.equal(1, counts(stop().stdout).skipped)
  end)

  it("is read from a log in JSON, whatever its level", function()
    started(policy(5), { AWS_LAMBDA_LOG_FORMAT = "JSON", AWS_LAMBDA_LOG_LEVEL = "ERROR" })
    decide(7)
    decide(3)
    local path = run.write(policy_world.root .. "/json.log", stop().stdout)
    local result = run { "shadow", path, "--json" }
    local verdict = json.decode(result.stdout)
    assert.same({ 1, 1, 1, 2, 0 }, { result.status, verdict.differed, verdict.reworded,
      verdict.counted, verdict.bad_lines })
  end)

  it("decides beside each of several pollers", function()
    started(policy(5), { AWS_LAMBDA_MAX_CONCURRENCY = "3" })
    for files = 1, 9 do decide(files) end
    local sum = counts(stop().stdout)
    assert.same({ 5, 4 }, { sum.differed, sum.reworded })
  end)

  it("takes no secret into its log", function()
    started(body("if facts.file_count > 1 then error('volume ' .. facts.volume) end"))
    lambda.script { kind = "event", id = "r1",
      body = json.encode { file_count = 7, volume = "AAAAKgAAAAIAAAAA" .. ("Ab3"):rep(80) } }
    lambda.posts(1)
    local log = stop().stdout
    assert.truthy(log:find("volume [redacted]", 1, true), log)
    assert.falsy(log:find("Ab3Ab3", 1, true))
  end)

  it("is a recording: alone it is decided again, behind its decision it does not count", function()
    started(policy(5))
    for files = 1, 12 do decide(files) end
    local log = stop().stdout
    local whole = run.write(policy_world.root .. "/whole.log", log)
    local alone = {}
    for _, record in ipairs(records(log, "weir.shadow/1")) do alone[#alone + 1] = record.text end
    assert.equal(5, #alone)
    local only = run.write(policy_world.root .. "/only.jsonl", table.concat(alone, "\n"))
    local active, shadow = policy_world.root .. "/active", policy_world.root .. "/shadow"

    local function summary(arguments)
      arguments[#arguments + 1] = "--json"
      local result = run(arguments)
      return json.decode(result.stdout:match("[^\n]+\n$")), result
    end

    for _, jobs in ipairs { "1", "3" } do
      local of_whole = summary { "diff", active, shadow, whole, "-j", jobs }
      assert.same({ 12, 5, 0 }, { of_whole.decisions, of_whole.changed, of_whole.bad_lines })
      local of_alone = summary { "diff", active, shadow, only, "-j", jobs }
      assert.same({ 5, 5, 0 }, { of_alone.decisions, of_alone.changed, of_alone.bad_lines })
    end

    local again, result = summary { "replay", "-p", active, only }
    assert.same({ 5, 5, 0 }, { again.decisions, again.identical, result.status })
  end)
end)
