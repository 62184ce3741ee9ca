-- DynamoDB, SageMaker and Step Functions in memory, below live effects, which check each request as
-- they do for the real clients: thousands of cases a second. Tokens stay secrets in here too. Real
-- parts are in tests/integration.
--
--   local world = token_world.new { tokens = { "…" }, settings = {}, uuid =, fail = }
--   world.effects    what handlers get
--   world.records    id → item
--   world.jobs       name → { status =, tags = list }
--   world.answers    list
--
-- fail: as support.calls_in_memory has it.
local calls_in_memory = require "support.calls_in_memory"
local secret = require("weir.secret")

local token_world = {}

local function refuse(code) return nil, code .. ": no", code, { status = 400, fields = {} } end

local operations = {}

-- The two conditions that the store sets.
local function holds(world, input)
  local item = world.records[(input.Key or input.Item).correlation_id]
  local values = input.ExpressionAttributeValues or {}
  local wanted = values[":token"] or values[":seen"]
  local same = item and wanted and secret.equal(item.task_token, wanted)

  if input.ConditionExpression:find("attribute_not_exists", 1, true) and not item then
    return true, item
  end

  return same or false, item
end

function operations.PutItem(world, input)
  local ok, item = holds(world, input)
  if ok then
    world.records[input.Item.correlation_id] = input.Item
    return {}
  end

  return nil, "condition", "ConditionalCheckFailedException", {
    status = 400,
    fields = { Item = item },
  }
end

function operations.DeleteItem(world, input)
  if not holds(world, input) then return refuse("ConditionalCheckFailedException") end
  world.records[input.Key.correlation_id] = nil
  return {}
end

function operations.GetItem(world, input)
  return { Item = world.records[input.Key.correlation_id] }
end

function operations.Query(world, input)
  local items = {}
  for id, item in pairs(world.records) do
    if item.transform_job_name == input.ExpressionAttributeValues[":job"] then
      items[#items + 1] = { correlation_id = id, transform_job_name = item.transform_job_name }
    end
  end

  return { Items = items }
end

local function arn_of(name) return "arn:aws:sagemaker:r:1:transform-job/" .. name end

function operations.CreateTransformJob(world, input)
  if world.jobs[input.TransformJobName] then return refuse("ResourceInUse") end
  world.jobs[input.TransformJobName] = { status = "InProgress",
    tags = table.move(input.Tags, 1, #input.Tags, 1, {}),
    input = input }
  return { TransformJobArn = arn_of(input.TransformJobName) }
end

function operations.DescribeTransformJob(world, input)
  local job = world.jobs[input.TransformJobName]
  if not job then return refuse("ValidationException") end
  local described = { TransformJobArn = arn_of(input.TransformJobName),
    TransformJobStatus = job.status,
    FailureReason = job.reason }
  for name, value in pairs(job.input or {}) do described[name] = described[name] or value end

  return described
end

-- As many tags a page as the world says.
function operations.ListTags(world, input)
  local tags = world.jobs[input.ResourceArn:match("[^/]*$")].tags
  local from, size = tonumber(input.NextToken or "1"), world.page_size
  local last = math.min(#tags, from + size - 1)

  return {
    Tags = table.move(tags, from, last, 1, {}),
    NextToken = last < #tags and tostring(last + 1) or nil,
  }
end

function operations.AddTags(world, input)
  local tags = world.jobs[input.ResourceArn:match("[^/]*$")].tags
  for _, tag in ipairs(input.Tags) do
    for i = #tags, 1, -1 do
      if tags[i].Key == tag.Key then table.remove(tags, i) end
    end

    tags[#tags + 1] = tag
  end

  return {}
end

-- The text of a token the world knows, for the answers; nil for any other.
local function known(world, token)
  for text in pairs(world.waiting) do
    if secret.equal(text, token) then return text end
  end
end

local function answer(kind)
  return function(world, input)
    local token = known(world, input.taskToken)
    if not token then return refuse("TaskDoesNotExist") end
    if world.waiting[token] == "over" then return refuse("TaskTimedOut") end
    world.waiting[token] = "over"
    world.answers[#world.answers + 1] = { token = token, kind = kind, input = input }

    return {}
  end
end

operations.SendTaskSuccess, operations.SendTaskFailure = answer("success"), answer("failure")

function operations.SendTaskHeartbeat(world, input)
  local token = known(world, input.taskToken)
  if not token then return refuse("TaskDoesNotExist") end
  if world.waiting[token] == "over" then return refuse("TaskTimedOut") end

  return {}
end

local World = calls_in_memory.executor(operations)

function token_world.new(given)
  local world = setmetatable({
    records = {},
    jobs = {},
    answers = {},
    waiting = {},
    calls = 0,
    time = 1000000,
    page_size = given.page_size or 1,
    fail = given.fail,
  }, World)
  for _, token in ipairs(given.tokens or {}) do world.waiting[token] = "waiting" end

  local settings = { token_table = "tokens", model_name = "m", output_path = "s3://b/out" }
  for name, value in pairs(given.settings or {}) do settings[name] = value end

  local live = require("weir.effects").live { executor = world }
  function live.setting(_, name, default) return settings[name] or default end
  function live.now() return world.time end
  if given.uuid then live.uuid = given.uuid end
  world.effects = live

  return world
end

return token_world
