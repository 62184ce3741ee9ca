-- The stacks of an estate: whether they are there and well, and what is in them: tables, rules,
-- schedules, the layer of the functions, the bundle that their policies come from.
--
--   stacks.examine(examination, reachable)   reachable: account → whether it may be asked
local bytes = require "weir.bytes"

local stacks = {}

local GOOD = {
  CREATE_COMPLETE = true,
  UPDATE_COMPLETE = true,
  IMPORT_COMPLETE = true,
}

-- One resource ------------------------------------------------------------------------------------

local function examine_table(self, stack, id)
  local found, message, code = self.session:client("dynamodb", stack.account, stack.region)
    :describe_table { TableName = id }
  if not found and code == "ResourceNotFoundException" then
    return self:wrong("table", stack, id, "the table is not there",
      "weir deploy apply makes it; what was in it is in its backups")
  end

  if not found then return self:unanswered("table", stack, id, message, code) end
  local status = found.Table.TableStatus
  if status == "ACTIVE" then return self:ok("table", stack, id, "active") end
  self:wrong("table", stack, id, "the table is " .. tostring(status), "wait until it is active")
end

local function examine_state(self, stack, check, id, found, message, code)
  if not found and code == "ResourceNotFoundException" then
    return self:wrong(check, stack, id, "it is not there", "weir deploy apply makes it")
  end

  if not found then return self:unanswered(check, stack, id, message, code) end
  if found.State == "ENABLED" then return self:ok(check, stack, id, "enabled") end
  self:wrong(check, stack, id, "it is switched off",
    "switch it on, unless somebody meant it: what it starts does not start")
end

local function examine_rule(self, stack, id)
  local bus, name = id:match("^(.-)|(.+)$")
  examine_state(self, stack, "rule", id,
    self.session:client("eventbridge", stack.account, stack.region)
      :describe_rule { Name = name or id, EventBusName = bus })
end

local function examine_schedule(self, stack, id)
  examine_state(self, stack, "schedule", id,
    self.session:client("scheduler", stack.account, stack.region):get_schedule { Name = id })
end

local function examine_machine(self, stack, arn)
  local found, message, code = self.session:client("stepfunctions", stack.account, stack.region)
    :describe_state_machine { stateMachineArn = arn }
  if not found and code == "StateMachineDoesNotExist" then
    return self:wrong("state machine", stack, arn, "it is not there", "weir deploy apply makes it")
  end

  if not found then return self:unanswered("state machine", stack, arn, message, code) end
  if found.status == "ACTIVE" then return self:ok("state machine", stack, arn, "active") end
  self:wrong("state machine", stack, arn, "it is " .. tostring(found.status),
    "it is being deleted; when it is gone, weir deploy apply makes it")
end

-- The layer ---------------------------------------------------------------------------------------

-- Lambda tells digests in base64.
local function as_lambda_tells(hex)
  return bytes.base64((hex:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end)))
end

local function compare_layer(self, stack, arn, content)
  if not self.layer then
    return self:unknown("layer", stack, arn, "there is no layer here to compare it with",
      "./dev layer builds this program's; name it in the estate file (artifacts.layer)")
  end

  if content.CodeSha256 == as_lambda_tells(self.layer) then
    return self:ok("layer", stack, arn, "the layer of this program, " .. self.version)
  end

  self:wrong("layer", stack, arn, "another layer than this program's, " .. self.version,
    "weir deploy apply brings this one; or use the program that the layer is of")
end

local function examine_layer(self, stack, arn)
  local client = self.session:client("lambda", stack.account, stack.region)
  local found, message, code = client:get_layer_version_by_arn { Arn = arn }
  if not found and code == "ResourceNotFoundException" then
    return self:wrong("layer", stack, arn, "the layer of this version is not there any more",
      "weir deploy apply publishes it; new environments cannot start without it")
  end

  if not found then return self:unanswered("layer", stack, arn, message, code) end
  compare_layer(self, stack, arn, found.Content or {})
end

-- Policies ----------------------------------------------------------------------------------------

local function examine_policy_source(self, stack, described)
  local source
  local parameters = described.Parameters
  for _, each in ipairs(type(parameters) == "table" and parameters or {}) do
    if each.ParameterKey == "PolicySource" then source = each.ParameterValue end
  end

  if not source then return end
  if source == "" then
    return self:ok("policies", stack, stack.name, "those of the functions' package, or the layer's")
  end

  local bucket, key = source:match("^s3://([^/]+)/(.+)$")
  if not bucket then
    return self:unknown("policies", stack, source, "this is not an object in S3",
      "look there yourself")
  end

  local found, message, code = self.session:client("s3", stack.account, stack.region)
    :head_object { Bucket = bucket, Key = key }
  if found then return self:ok("policies", stack, source, "the bundle is there") end
  if code == "NotFound" or code == "NoSuchKey" or code == "NoSuchBucket" then
    return self:wrong("policies", stack, source, "the bundle is not there",
      "weir bundle makes it; until it is there, functions decide by the policies they started with")
  end

  self:unanswered("policies", stack, source, message, code)
end

-- One stack ---------------------------------------------------------------------------------------

local EXAMINERS = {
  ["AWS::DynamoDB::Table"] = examine_table,
  ["AWS::DynamoDB::GlobalTable"] = examine_table,
  ["AWS::Events::Rule"] = examine_rule,
  ["AWS::Scheduler::Schedule"] = examine_schedule,
  ["AWS::StepFunctions::StateMachine"] = examine_machine,
  ["AWS::Lambda::LayerVersion"] = examine_layer,
}

-- id: the stack's, because one that a set made has another name.
local function examine_resources(self, stack, id)
  local resources, message, code = self.session:cloudformation(stack)
    :all("ListStackResources", { StackName = id })
  if not resources then return self:unanswered("stack", stack, stack.name, message, code) end

  for _, resource in ipairs(resources) do
    local examine = EXAMINERS[resource.ResourceType]
    if examine and resource.PhysicalResourceId then
      examine(self, stack, resource.PhysicalResourceId)
    end
  end
end

local function examine_status(self, stack, status)
  if GOOD[status] then return self:ok("stack", stack, stack.name, status) end
  if status == "UPDATE_ROLLBACK_COMPLETE" then
    return self:wrong("stack", stack, stack.name, "its last update failed and was rolled back",
      "weir deploy plan shows why and what is missing")
  end

  if status:find("_IN_PROGRESS$") then
    return self:unknown("stack", stack, stack.name, "it is changed just now: " .. status,
      "run the same command again when that is over")
  end

  self:wrong("stack", stack, stack.name, status, "weir deploy plan shows why and what to do")
end

local function examine_stack(self, stack)
  local found, message, code = self.session:described(stack)
  if found == nil then return self:unanswered("stack", stack, stack.name, message, code) end
  if not found then
    return self:wrong("stack", stack, stack.name, "it is not deployed",
      "weir deploy apply makes it")
  end

  examine_status(self, stack, found.StackStatus)
  examine_policy_source(self, stack, found)
  examine_resources(self, stack, found.StackId)
end

function stacks.examine(self, reachable)
  for _, stack in ipairs(self.session.all) do
    if reachable[stack.account] then examine_stack(self, stack) end
  end
end

return stacks
