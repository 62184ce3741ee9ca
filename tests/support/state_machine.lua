-- The state machine of deploy/ on real parts: aws-local-stepfunctions executes the very file, its
-- functions are the built runtime behind `weir emulate`, its services the front of the tests.
--
--   local stage <close> = state_machine.stage()      the functions, until closed
--   local execution = stage:start { input =, without = { name, … }, … }
--                                                    more: see tests/workflow/state_machine.mjs
--   execution:until_waiting()   → what the function answered that took the task token
--   execution:finish()          → { status =, output = | error =, cause =, attempts = }, and in
--                                 execution.states, .retried, .caught the names that were seen
local emulators = require "support.emulator"
local http = require "weir.http"
local json = require "weir.json"
local servers = require "support.servers"
local workflow = require "support.workflow"

local cloud = workflow.cloud

-- A hang ends a wait after five minutes.
local HANG_MS = 300000

local M = {
  MACHINE = "deploy/state-machines/inference.asl.json",
  RULE = "deploy/transform-job-rule.json",
}

M.HANDLERS = { ["weir-routing"] = "routing", ["weir-realtime"] = "realtime_inference",
  ["weir-discovery"] = "discovery", ["weir-invoke"] = "sagemaker_invoke",
  ["weir-callback"] = "sagemaker_callback" }

local function arn(name) return "arn:aws:lambda:eu-west-1:111122223333:function:" .. name end

M.SUBSTITUTIONS = {
  DiscoveryFunctionArn = arn "weir-discovery",
  RoutingFunctionArn = arn "weir-routing",
  RealtimeFunctionArn = arn "weir-realtime",
  InvokeFunctionArn = arn "weir-invoke",
}

-- A function of its own, as it is deployed.
function M.start_function(name, more, handler)
  local options = { "--handler", handler or M.HANDLERS[name], "--function", name,
    "--timeout", "60", "--concurrency", "8",
    env = cloud.variables { WEIR_POLICY_SOURCE = "policies" } }
  local variables = { TOKEN_TABLE = workflow.TABLE, MODEL_NAME = "model-1",
    OUTPUT_PATH = "s3://bucket/out/",
    OUTPUT_BUCKET = "bucket" }
  for key, value in pairs(more or {}) do variables[key] = value end
  for key, value in pairs(variables) do
    options[#options + 1] = "--env"
    options[#options + 1] = key .. "=" .. value
  end

  return emulators.start(options)
end

-- Executions -------------------------------------------------------------------------------------

local Execution = {}
Execution.__index = Execution

local step_functions

local function ask(method, path, value)
  step_functions = step_functions or servers.start "state_machines"
  local response = assert(http.request { method = method, url = step_functions.url .. path,
    body = value and json.encode(value), timeout_ms = HANG_MS, direct = true })
  assert(response.status == 200, response.body)

  return assert(json.decode(response.body))
end

local LISTS = { state = "states", retried = "retried", caught = "caught" }

-- The next that is a result or says that the execution waits; notes the others.
local function next_of(self)
  while true do
    local said = ask("GET", "/next/" .. self.id)
    if said.waiting or said.status then return said end
    for word, list in pairs(LISTS) do table.insert(self[list], said[word]) end
  end
end

function Execution:until_waiting()
  local said = next_of(self)
  return said.waiting or error("the execution did not wait: " .. json.encode(said), 2)
end

function Execution:finish()
  local said = next_of(self)
  if not said.status then error("the execution waits", 2) end
  return said
end

-- Stages -----------------------------------------------------------------------------------------

local Stage = {}
Stage.__index = Stage

function Stage:urls()
  local urls = {}
  for name, emulator in pairs(self.functions) do urls[name] = emulator.url end
  return urls
end

local count = 0

function Stage:start(given)
  count = count + 1
  local input = { bucket = "bucket", output_path = "s3://bucket/results/", endpoint_name = "e" }
  if given.machine then input = {} end
  for name, value in pairs(given.input) do input[name] = value end
  for _, name in ipairs(given.without or {}) do input[name] = nil end
  local request = { name = "run-" .. count, functions = self:urls() }
  for name, value in pairs(given) do request[name] = value end
  request.without, request.input, request.machine, request.substitutions = nil, input,
    given.machine or M.MACHINE,
    given.substitutions or M.SUBSTITUTIONS
  request.front = {
    url = cloud.front.url,
    key_id = cloud.front.key_id,
    secret = cloud.front.secret,
  }

  return setmetatable({ id = ask("POST", "/start", request).id, states = {}, retried = {},
    caught = {} }, Execution)
end

-- An execution that waits for nobody, to its end: result, execution.
function Stage:run(given)
  local execution = self:start(given)
  return execution:finish(), execution
end

-- What EventBridge does with the event of a job: the callback function's report.
function Stage:deliver(event)
  local response = self.functions["weir-callback"]:invoke(event, nil,
    "/2015-03-31/functions/weir-callback/invocations")
  assert(not response.headers["x-amz-function-error"], response.body)
  return json.decode(response.body)
end

function Stage:close()
  for _, emulator in pairs(self.functions) do emulator:close() end
end

Stage.__close = Stage.close

-- stage(handlers, settings): other functions, by their names, and what they are given.
function M.stage(handlers, settings)
  local stage = setmetatable({ functions = {} }, Stage)
  for name, handler in pairs(handlers or M.HANDLERS) do
    stage.functions[name] = M.start_function(name, settings, handler)
  end

  return stage
end

-- `number` files of a few bytes under a prefix.
function M.put_files(prefix, number)
  local s3 = cloud.client "s3"
  for i = 1, number do
    assert(s3:put_object { Bucket = "bucket", Key = ("%s%03d.csv"):format(prefix, i), Body = "row "
      .. i,
      ContentType = "text/csv" })
  end
end

return M
