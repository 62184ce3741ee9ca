-- deploy/state-machines/arrivals.asl.json, executed on real parts: the very file, the built runtime
-- as its functions, buckets and claims behind the signing front.
local emulators = require "support.emulator"
local http = require "weir.http"
local json = require "weir.json"
local pictures = require "support.pictures"
local servers = require "support.servers"

local MACHINE = "deploy/state-machines/arrivals.asl.json"
local HANDLERS = { process = "event_processor", report = "latency_reporter" }

local function arn(name) return "arn:aws:lambda:eu-west-1:111122223333:function:" .. name end

local function variables()
  local front = pictures.cloud.front
  return {
    AWS_ENDPOINT_URL = front.url,
    AWS_REGION = "eu-west-1",
    AWS_ACCESS_KEY_ID = front.key_id,
    AWS_SECRET_ACCESS_KEY = front.secret,
    HOME = "/nowhere",
    WEIR_POLICY_SOURCE = "policies",
    WEIR_METRICS_NAMESPACE = "arrivals",
  }
end

local function start_function(name)
  local options = {
    "--handler",
    HANDLERS[name],
    "--function",
    name,
    "--timeout",
    "60",
    env = variables()
  }

  for key, value in pairs(pictures.settings) do
    options[#options + 1] = "--env"
    options[#options + 1] = key:upper() .. "=" .. value
  end

  return emulators.start(options)
end

-- The event that S3 sends of an object.
local function created(key, etag, size)
  return {
    source = "aws.s3",
    ["detail-type"] = "Object Created",
    time = "2026-11-23T12:00:00Z",
    detail = { bucket = { name = "bucket" }, object = { key = key, etag = etag, size = size } },
  }
end

describe("the state machine of arrivals", function()
  local functions, step_functions = {}, nil

  setup(function()
    pictures.reset()
    for name in pairs(HANDLERS) do functions[name] = start_function(name) end
    step_functions = servers.start "state_machines"
  end)

  teardown(function()
    for _, emulator in pairs(functions) do emulator:close() end
  end)

  local function ask(method, path, value)
    local response = assert(http.request { method = method, url = step_functions.url .. path,
      body = value and json.encode(value), timeout_ms = 300000, direct = true })
    assert(response.status == 200, response.body)
    return assert(json.decode(response.body))
  end

  -- An execution to its end: result, names of the states that it left.
  local function execute(event, more)
    local front, urls = pictures.cloud.front, {}
    for name, emulator in pairs(functions) do urls[name] = emulator.url end
    local given = {
      name = "arrival",
      machine = MACHINE,
      substitutions = { ProcessFunctionArn = arn "process", ReportFunctionArn = arn "report" },
      input = event,
      functions = urls,
      front = { url = front.url, key_id = front.key_id, secret = front.secret },
    }

    for key, value in pairs(more or {}) do given[key] = value end
    local id, states = ask("POST", "/start", given).id, {}
    while true do
      local said = ask("GET", "/next/" .. id)
      if said.status then return said, states end
      states[#states + 1] = said.state
    end
  end

  it("processes an object once, and reports each stage", function()
    local etag = pictures.put("in/cup.png", "2")
    local event = created("in/cup.png", etag, 9)
    local result, states = execute(event)
    assert.equal("SUCCEEDED", result.status, json.encode(result))
    assert.same({ "Note the arrival", "Process the object", "Was it processed?",
      "Report the latency", "Done" }, states)

    local processed = result.output.processing_result
    assert.equal("SUCCESS", processed.status)
    assert.same({ "number", "number" }, {
      type(processed.stages.delivered),
      type(processed.stages.processed)
    })

    assert.equal(2, #pictures.keys("results/events/"))
    assert.matches('"StageLatency"', functions.report:log())

    -- The event comes again: the same result, nothing more.
    local again = execute(event)
    assert.is_true(again.output.processing_result.duplicate)
    assert.equal(2, #pictures.keys("results/events/"))
  end)

  it("fails with what failed, and counts it", function()
    local etag = pictures.put("in/text.png", "not a picture", "")
    local result, states = execute(created("in/text.png", etag, 13))
    assert.same({ "FAILED", "UnsupportedImage" }, { result.status, result.error },
      json.encode(result))
    assert.same({ "Report the failure", "Say what failed" },
      { states[#states - 1], states[#states] })
    assert.matches('"ProcessingFailures"', functions.report:log())
  end)

  it("tries again when the function could not be started, and lasts without a report", function()
    local etag = pictures.put("in/late.png", "2")
    local result = execute(created("in/late.png", etag, 9),
      { functionFaults = { process = { "Lambda.ServiceException" },
        report = { "Lambda.Unknown" } } })
    assert.equal("SUCCEEDED", result.status, json.encode(result))
    assert.equal("SUCCESS", result.output.processing_result.status)
  end)

  it("waits where a service throttles the function, and fails where it answers FAILED", function()
    local event = created("in/busy.png", (pictures.put("in/busy.png", "2")), 9)
    local result = execute(event, { functionFaults = { process = { "ThrottlingException" } } })
    assert.equal("SUCCEEDED", result.status, json.encode(result))
    result = execute(event, { functionAnswers = { process = { { status = "FAILED" } } } })
    assert.same({ "FAILED", "ProcessingFailed" }, { result.status, result.error })
  end)

  it("ends well for what is gone", function()
    local result = execute(created("in/gone.png", "aa", 9))
    assert.equal("VANISHED", result.output.processing_result.status)
  end)
end)
