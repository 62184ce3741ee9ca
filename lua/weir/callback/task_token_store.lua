-- Task tokens that wait for their job, in a DynamoDB table (deploy/token-table.json): a token does
-- not fit the tag of a SageMaker job, the key of its record does.
--
-- A record is { correlation_id =, task_token = (a secret), transform_job_name =, created_at =,
-- ttl =, region =? }, times in epoch seconds. DynamoDB removes it some time after ttl.
--
-- In a global table every id begins with the region whose Step Functions gave the token
-- (eu-west-1-9f1c0a2e), so that no two regions write one key: only that region answers the token,
-- and only there is the record read, claimed and deleted. Other regions hold copies.
--
--   store:put(token, job)    → record | nil, message, code, record: under a new id; after a failure
--                              the record that may be there and could not be removed
--   store:get(id)            → record | nil, message, code, record
--   store:replace(id, seen, token, job)
--                            → record | false (somebody was faster) | nil, message, code
--   store:delete(record)     → true | false (it holds another token by now) | nil, message, code
--   store:ids_of(job)        → list of the ids of a job's records | nil, message, code. An index
--                              answers, which may lag behind: get tells what is there.
--
-- Codes: "TokenNotFound", "TokenExpired" (with the record), "CorrelationIdTaken", "InvalidRecord",
-- and those of DynamoDB when it failed.
local process = require "weir.process"
local secret = require "weir.secret"
local settings = require "weir.settings"
local try = require "weir.try"

local task_token_store = { INDEX = "TransformJobNameIndex" }

local Store = {}
Store.__index = Store

local TRIES = 3
local IS_FREE = "attribute_not_exists(correlation_id)"
local REGION = "^%l%l[%l-]*%-%d$"
local DAY_SECONDS = 86400

-- new(effects, { table =, ttl_seconds =, id_length =, region = of a global table's ids })
function task_token_store.new(effects, given)
  return setmetatable({
    effects = effects,
    table = given.table,
    ttl_seconds = given.ttl_seconds or DAY_SECONDS,
    id_length = given.id_length or 8,
    region = given.region,
  }, Store)
end

-- from_settings(effects) → store, or raises a failure (weir.try)
function task_token_store.from_settings(effects)
  local name = try(settings.needed(effects, "token_table"))
  local ttl = try(settings.integer(effects, "token_ttl_seconds"))
  local length = try(settings.choice(effects, "correlation_id_length"))

  local region = effects:setting("token_region", "")
  if region ~= "" and not region:find(REGION) then
    try.fail("TOKEN_REGION must be a region, such as eu-west-1", "InvalidSetting")
  end

  return task_token_store.new(effects, {
    table = name,
    ttl_seconds = ttl,
    id_length = math.tointeger(length),
    region = region ~= "" and region or nil,
  })
end

-- region_of(id) → the region that an id is bound to, or nil
function task_token_store.region_of(id)
  local region = id:match("^(.+)%-%x+$")
  return region and region:find(REGION) and region or nil
end

-- Whether a text can be the id of a record.
function task_token_store.is_id(text)
  if type(text) ~= "string" then return false end
  local region = task_token_store.region_of(text)
  local digits = region and text:sub(#region + 2) or text
  if not digits:find("^%x+$") then return false end

  return #digits == 8 or #digits == 12 or #digits == 16
end

local function new_record(self, id, token, job)
  local now = self.effects:now()
  return { correlation_id = id, task_token = token, transform_job_name = job, created_at = now,
    ttl = now + self.ttl_seconds, region = self.region }
end

local function is_record(item)
  return type(item) == "table" and secret.is(item.task_token)
    and type(item.correlation_id) == "string" and type(item.transform_job_name) == "string"
    and math.type(item.ttl) == "integer" and math.type(item.created_at) == "integer"
end

local function request(self, operation, target, input)
  input.TableName = self.table
  return { service = "dynamodb", operation = operation, target = target, input = input }
end

-- The item under an id as it is now: item, or false for none.
local function read(self, id)
  local output, message, code = self.effects:read(request(self, "GetItem", id,
    { Key = { correlation_id = id }, ConsistentRead = true }))
  if not output then return nil, message, code end
  return output.Item or false
end

local function invalid_record(self, id)
  return nil, ("the record %s of table %s lacks what a task token needs; remove it, or give the "
    .. "handlers a table of their own"):format(id, self.table), "InvalidRecord"
end

function Store:expired(record) return record.ttl <= self.effects:now() end

function Store:get(id)
  local item, message, code = read(self, id)
  if item == nil then return nil, message, code end
  if not item then
    return nil, ("table %s has no task token under %s"):format(self.table, id), "TokenNotFound"
  end

  if not is_record(item) then return invalid_record(self, id) end
  if not self:expired(item) then return item end

  return nil, ("the task token under %s of table %s expired at %s"):format(id, self.table,
    process.timestamp(math.max(item.ttl, 0) * 1000)), "TokenExpired", item
end

-- A write whose reply was lost finds itself in its way when it is sent again.
local function is_own(item, record)
  return is_record(item) and item.transform_job_name == record.transform_job_name
    and item.created_at == record.created_at and secret.equal(item.task_token, record.task_token)
end

-- Writes the record where the condition holds: true | false (the condition failed) | nil, message,
-- code, details
local function write(self, record, condition, values)
  local id = record.correlation_id
  local output, message, code, details = self.effects:call(request(self, "PutItem", id, {
    Item = record,
    ConditionExpression = condition,
    ExpressionAttributeValues = values,
    ReturnValuesOnConditionCheckFailure = "ALL_OLD",
  }))

  if output then return true end
  if code ~= "ConditionalCheckFailedException" then return nil, message, code, details end
  local held = details and details.fields and details.fields.Item
  if type(held) ~= "table" then
    held, message, code = read(self, record.correlation_id)
    if held == nil then return nil, message, code end
  end

  return is_own(held, record)
end

-- Whether a failed call may have been carried out all the same: by its last try, or by one before
-- whose reply was lost.
local function is_in_doubt(details)
  local status = details and details.status
  return status == nil or status >= 500 or (details.attempts or 1) > 1
end

function Store:put(token, job)
  for _ = 1, TRIES do
    local id = self.effects:uuid():gsub("-", ""):sub(1, self.id_length):lower()
    if self.region then id = self.region .. "-" .. id end
    local record = new_record(self, id, token, job)
    local written, message, code, details = write(self, record, IS_FREE)
    if written then return record end
    if written == nil then
      local left = is_in_doubt(details) and self:delete(record) == nil
      return nil, message, code, left and record or nil
    end
  end

  return nil, ("%d correlation ids of %d digits in a row were taken in table %s; set "
    .. "CORRELATION_ID_LENGTH to 12 or 16"):format(TRIES, self.id_length, self.table),
      "CorrelationIdTaken"
end

-- Puts the token under an id whose record was seen to hold another one (or, seen = nil, to be
-- gone).
function Store:replace(id, seen, token, job)
  local record = new_record(self, id, token, job)
  local written, message, code
  if seen then
    written, message, code = write(self, record, "task_token = :seen",
      { [":seen"] = seen.task_token })
  else
    written, message, code = write(self, record, IS_FREE)
  end

  if written then return record end

  return written, message, code
end

-- Only what was read is deleted: the id may hold the token of a later attempt by now.
function Store:delete(record)
  local id = record.correlation_id
  local output, message, code = self.effects:call(request(self, "DeleteItem", id, {
    Key = { correlation_id = id },
    ConditionExpression = "attribute_not_exists(correlation_id) OR task_token = :token",
    ExpressionAttributeValues = { [":token"] = record.task_token },
  }))

  if output then return true end
  if code == "ConditionalCheckFailedException" then return false end

  return nil, message, code
end

function Store:ids_of(job)
  local pages, message, code = self.effects:pages(request(self, "Query", job, {
    IndexName = task_token_store.INDEX,
    KeyConditionExpression = "transform_job_name = :job",
    ExpressionAttributeValues = { [":job"] = job },
  }))

  if not pages then return nil, message, code end

  local ids = {}
  for _, page in ipairs(pages) do
    for _, item in ipairs(page.Items or {}) do ids[#ids + 1] = item.correlation_id end
  end

  return ids
end

return task_token_store
