-- A workflow on real parts: the table of deploy/token-table.json in dynalite, jobs and task tokens
-- at the model-checked server, and the handlers in this process, live.
--
--   local workflow = require "support.workflow"
--   workflow.reset(settings)      an empty table, no jobs, no tokens; settings of the handlers
--   workflow.waiting(token, …)    tasks that wait
--   workflow.over(token, …)       tasks that no longer wait
--   workflow.invoke(event), workflow.callback(event)   → report, as handlers.run gives it
--   workflow.finish(job, status, reason)      → the event of it
--   workflow.records()            → the items of the table, by their id
--   workflow.answers()            → list of { token = SHA-256, kind =, output =, … }
local files = require("support.files")
local cloud = require("support.aws")
local handlers = require("weir.handlers")
local json = require("weir.json")
local sha256 = require("weir.sha256")

local workflow = { cloud = cloud, settings = {} }

workflow.definition = assert(json.decode(files.read("deploy/token-table.json")))
workflow.TABLE = workflow.definition.TableName

local db = cloud.client("dynamodb")

local control = cloud.control

function workflow.create_table() cloud.create_table(workflow.definition) end

local function plain(item)
  local record = {}
  for name, value in pairs(item) do
    if name ~= "task_token" then record[name] = value.S or math.tointeger(tonumber(value.N)) end
  end

  return record
end

function workflow.records()
  local records = {}
  for _, item in ipairs(control("POST", "scan", { TableName = workflow.TABLE })) do
    records[item.correlation_id.S] = plain(item)
  end

  return records
end

function workflow.empty_table()
  local deletes = {}
  for id in pairs(workflow.records()) do
    deletes[#deletes + 1] = { DeleteRequest = { Key = { correlation_id = id } } }
  end

  assert(db:write_all(workflow.TABLE, deletes))
end

function workflow.reset(settings)
  cloud.reset()
  workflow.create_table()
  workflow.empty_table()
  cloud.reset()
  workflow.settings = {
    token_table = workflow.TABLE,
    model_name = "model-1",
    output_path = "s3://bucket/out",
  }

  for name, value in pairs(settings or {}) do workflow.settings[name] = value end
end

function workflow.waiting(...) control("POST", "tokens", { waiting = json.array { ... } }) end
function workflow.over(...) control("POST", "tokens", { over = json.array { ... } }) end
function workflow.answers() return control("GET", "answered") end
function workflow.jobs() return control("GET", "jobs") end
function workflow.fingerprint(token) return sha256.hex(token) end

-- Live effects with this spec's settings; more: its clock, its ids.
function workflow.effects(more)
  return cloud.effects(function() return workflow.settings end, more)
end

-- Assertions --------------------------------------------------------------------------------------

local assert = require("luassert")

function workflow.fine(report)
  assert.is_nil(report.error and ("%s: %s"):format(report.error.code, report.error.message))
  return report.result
end

function workflow.fails(code, report)
  assert.is_nil(report.result)
  assert.equal(code, report.error.code, report.error.message)
  return report.error.message
end

-- The value and the dimensions of a metric, or nil.
function workflow.metric(report, name)
  for _, each in ipairs(report.effects.metrics) do
    if each.name == name then return each.value, each.dimensions end
  end
end

-- These tokens were answered, in this order, and no others.
function workflow.answered(...)
  local answers = workflow.answers()
  assert.equal(select("#", ...), #answers)
  for i, token in ipairs { ... } do assert.equal(workflow.fingerprint(token), answers[i].token) end

  return answers
end

function workflow.is_empty() assert.same({}, workflow.records()) end

-- Handlers ----------------------------------------------------------------------------------------

local shared

-- Runs a handler on an event as JSON text, with clients that last unless `more` is given.
local function run(name, event, more)
  shared = shared or workflow.effects()
  local live = more and workflow.effects(more) or shared
  live.plan, live.metrics, live.failures = {}, {}, {}

  return handlers.run(handlers.find(name), assert(json.decode(event, { secrets = true })), nil,
    live)
end

function workflow.invoke(event, more) return run("sagemaker_invoke", event, more) end
function workflow.callback(event, more) return run("sagemaker_callback", event, more) end

-- The event of .waitForTaskToken.
function workflow.task(token, more)
  local event = { task_token = token, execution_id =
    "arn:aws:states:eu-west-1:111122223333:execution:wf:run-1",
    state_name = "Transform", input_path = "s3://bucket/in/" }
  for name, value in pairs(more or {}) do event[name] = value end
  return json.encode(event)
end

function workflow.event(job, status)
  return json.encode { version = "0", source = "aws.sagemaker",
    ["detail-type"] = "SageMaker Transform Job State Change",
    resources = { "arn:aws:sagemaker:eu-west-1:111122223333:transform-job/" .. job },
    detail = { TransformJobName = job, TransformJobStatus = status, CreationTime = 1795435200500,
      Tags = {} } }
end

function workflow.set_job(job, status, reason, tags)
  control("POST", "jobs", { [job] = { status = status, reason = reason, tags = tags } })
end

function workflow.finish(job, status, reason)
  workflow.set_job(job, status, reason)
  return workflow.event(job, status)
end

return workflow
