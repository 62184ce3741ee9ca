-- The ways of deploy/, deployed here: the state machines of polling and of arrivals, executed from
-- their very files; their functions the built runtime; buckets, claims, models and the executions
-- that Step Functions knows of behind the signing front.
--
--   local stage <close> = polling_stage.open()   over an empty bucket; see support.pictures
--   stage:mode "polling"                          what the SSM parameter says from now on
--   stage:poll { input =, … } → result, run       more: see tests/workflow/state_machine.mjs
--   stage:redrive(run) → result
--   stage:begin { … } → run; stage:finish(run) → result, run
--   stage:tell(run, { status =, error =? })       what Step Functions answers of it from now on
--   stage:reconcile() → its answer                what a schedule does in events_first
--   stage:arrive(key) → result                    S3's event of an object, to its end
--
-- result: { status =, output = | error =, cause = }; run.states: the names of the states that the
-- execution itself left, in order.
local emulators = require "support.emulator"
local http = require "weir.http"
local json = require "weir.json"
local pictures = require "support.pictures"
local servers = require "support.servers"

local polling_stage = {}

local PLACE = "arn:aws:states:eu-west-1:111122223333:"

local MACHINE = PLACE .. "stateMachine:inference"

local HANDLERS = {
  discovery = "discovery",
  process = "event_processor",
  report = "latency_reporter",
  reconcile = "reconcile",
}

local function arn(name) return "arn:aws:lambda:eu-west-1:111122223333:function:" .. name end

local MACHINES = {
  polling = {
    machine = "deploy/state-machines/polling.asl.json",
    substitutions = {
      DiscoveryFunctionArn = arn "discovery",
      ProcessFunctionArn = arn "process",
      ReportFunctionArn = arn "report",
    },
  },
  arrivals = {
    machine = "deploy/state-machines/arrivals.asl.json",
    substitutions = { ProcessFunctionArn = arn "process", ReportFunctionArn = arn "report" },
  },
}

local SETTINGS = {
  BUCKET = "bucket",
  TRIGGER_MODE = "/mode",
  TRIGGER_MODE_SECONDS = "0",
  RECONCILE_GRACE_SECONDS = "0",
}

local function start_function(name)
  local options = {
    "--handler",
    HANDLERS[name],
    "--function",
    name,
    "--timeout",
    "60",
    "--concurrency",
    "8",
    env = pictures.cloud.variables { WEIR_POLICY_SOURCE = "policies" },
  }

  local function add(key, value)
    options[#options + 1] = "--env"
    options[#options + 1] = ("%s=%s"):format(key, value)
  end

  for key, value in pairs(SETTINGS) do add(key, value) end
  for key, value in pairs(pictures.settings) do add(key:upper(), value) end

  return emulators.start(options)
end

local function ask(self, method, path, value)
  local response = assert(http.request { method = method, url = self.step_functions.url .. path,
    body = value and json.encode(value), timeout_ms = 3600000, direct = true })
  assert(response.status == 200, response.body)
  return assert(json.decode(response.body))
end

local Stage = {}
Stage.__index = Stage

function polling_stage.open()
  local stage = setmetatable({ functions = {}, runs = 0, standing = {} }, Stage)
  for name in pairs(HANDLERS) do stage.functions[name] = start_function(name) end
  stage.step_functions = servers.start "state_machines"

  return stage
end

function Stage.mode(_, name) pictures.control("POST", "parameters", { ["/mode"] = name }) end

-- What Step Functions answers of an execution from now on.
function Stage:tell(run, how)
  self.standing[run.name] = how
  pictures.control("POST", "machines", { { arn = MACHINE, ended = self.standing } })
end

local function start(self, machine, given)
  local front, urls = pictures.cloud.front, {}
  for name, emulator in pairs(self.functions) do urls[name] = emulator.url end

  self.runs = self.runs + 1
  local request = {
    name = "run-" .. self.runs,
    functions = urls,
    front = { url = front.url, key_id = front.key_id, secret = front.secret },
  }

  for _, source in ipairs { MACHINES[machine], given } do
    for key, value in pairs(source) do request[key] = value end
  end

  return { name = request.name, id = ask(self, "POST", "/start", request).id, states = {} }
end

local function finish(self, run)
  while true do
    local said = ask(self, "GET", "/next/" .. run.id)
    if said.status then return said end
    run.states[#run.states + 1] = said.state
  end
end

local function to_its_end(self, run)
  local result = finish(self, run)
  self:tell(run, { status = result.status, error = result.error, cause = result.cause })
  return result, run
end

function Stage:begin(given)
  given.input = given.input or { prefix = "in/" }
  self:tell({ name = "run-" .. self.runs + 1 }, { status = "RUNNING" })
  return start(self, "polling", given)
end

Stage.finish = to_its_end

function Stage:poll(given) return to_its_end(self, self:begin(given or {})) end

function Stage:redrive(run)
  self:tell(run, { status = "RUNNING" })
  ask(self, "POST", "/redrive/" .. run.id)
  return to_its_end(self, run)
end

function Stage:arrive(key)
  local job = pictures.job(key)
  local run = start(self, "arrivals", { input = {
    source = "aws.s3",
    ["detail-type"] = "Object Created",
    time = "2026-11-23T12:00:00Z",
    detail = {
      bucket = { name = "bucket" },
      object = { key = key, etag = job.etag, size = job.size },
    },
  } })

  return finish(self, run)
end

-- What a schedule does with the function of reconcile.
function Stage:reconcile()
  local response = self.functions.reconcile:invoke({ prefix = "in/" }, nil,
    "/2015-03-31/functions/reconcile/invocations")
  assert(not response.headers["x-amz-function-error"], response.body)

  return json.decode(response.body)
end

function Stage:close()
  for _, emulator in pairs(self.functions) do emulator:close() end
end

Stage.__close = Stage.close

return polling_stage
