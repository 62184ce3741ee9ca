-- Every recorded event of tests/events/permissions/, run dry: what each handler calls. The events
-- of a handler are in HANDLER.jsonl; together with their worlds they reach every call of the
-- handler.
local calls = require "weir.permissions.calls"
local files = require "support.files"
local handlers = require "weir.handlers"
local json = require "weir.json"
local policy_set = require "weir.policy_set"

local permission_runs = {}

-- The names that the events have; the templates are given the same.
permission_runs.names = {
  bucket = "arn:aws:s3:ap-northeast-1:111111111111:accesspoint/scans",
  ab_test_table_name = "weir-ab-tests",
  bedrock_model_id = "apac.amazon.nova-lite-v1:0",
  claims_table = "weir-claims",
  dead_letter_bucket = "weir-dead-letters",
  endpoint_name = "segmentation",
  event_bus = "default",
  execution = "arn:aws:states:ap-northeast-1:222222222222:execution:weir-polling:run-2",
  inference_component_name = "large",
  log_bucket = "weir-logs",
  model_package = "arn:aws:sagemaker:ap-northeast-1:222222222222:model-package/g/2",
  output_bucket = "weir-results",
  results_bucket = "weir-results",
  state_machine = "arn:aws:states:ap-northeast-1:222222222222:stateMachine:weir-inference",
  trigger_mode = "/weir/trigger-mode",
  token_table = "weir-tokens",
  variant_assignment = "policy",
}

permission_runs.place = { region = "ap-northeast-1", account = "222222222222" }

function permission_runs.setting(name) return permission_runs.names[name] end

function permission_runs.path(name) return ("tests/events/permissions/%s.jsonl"):format(name) end

-- requests(handler name[, path[, settings]]) → list of requests, in order; settings: beside those
-- of the events' config
function permission_runs.requests(name, path, settings)
  -- Each handler is a process of its own, which remembers nothing of the others.
  for _, module in ipairs { "events.trigger_mode", "inference.ab_table", "inference.assignment" } do
    require("weir." .. module).forget()
  end

  local set = assert(policy_set.load("policies"))
  local all = {}
  for line in files.read(path or permission_runs.path(name)):gmatch("[^\n]+") do
    local event = assert(json.decode(line, { secrets = true }))
    for key, value in pairs(settings or {}) do
      event.config = event.config or {}
      event.config[key] = value
    end

    local list = calls.observed(handlers.find(name), event, set)
    table.move(list, 1, #list, #all + 1, all)
  end

  return all
end

return permission_runs
