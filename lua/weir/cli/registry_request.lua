-- What `weir registry` asks SageMaker's Model Registry for.
--
--   register(given, metrics) → input of CreateModelPackage | nil, message
--       given: the verb's options; metrics: name → number, text or boolean
--   metrics(text) → that table | nil, message: JSON that is not one object of plain values
--   check(given) → true | nil, message, hint: what the action does not take, or SageMaker would not
--
-- A registration has a ClientToken that follows from its content, so that one that is sent twice,
-- by a retry or by a person, is one package. A review needs none: it sets a status.
local contains = require "weir.contains"
local json = require "weir.json"
local sha256 = require "weir.sha256"
local sorted_pairs = require "weir.sorted_pairs"

local request = {}

local TOKEN_SIZE = 36
local MOST_TEXT = 1024 -- of a description, and of a reason
-- Of CustomerMetadataProperties.
local MOST_PROPERTIES, NAME_SIZE, VALUE_SIZE = 50, 128, 256
local NAME = "^[%w%s_.:/=+@%-\x80-\xff]+$"

local function token_of(content)
  return sha256.hex(json.encode(content, { sort = true })):sub(1, TOKEN_SIZE)
end

-- What is given -------------------------------------------------------------------------------

-- The options of each action, besides --live and --json.
local OPTIONS = {
  list = { "status", "limit" },
  register = { "image", "model_data", "content_type", "response_type", "instance_type",
    "description", "metrics", "metrics_uri", "property", "token" },
  approve = { "reason" },
  reject = { "reason" },
}

local function check_options(given)
  for action, options in sorted_pairs(OPTIONS) do
    for _, name in ipairs(options) do
      if given[name] ~= nil and not contains(OPTIONS[given.ACTION], name) then
        return nil, ("%s takes no --%s"):format(given.ACTION, (name:gsub("_", "-"))),
          "it belongs to " .. action
      end
    end
  end

  return true
end

local function is_group(name)
  local group = name:match("^arn:[%w-]+:sagemaker:[%w-]+:%d+:model%-package%-group/(.+)$") or name
  return #group <= 63 and group:find("^%w[%w-]*$") ~= nil and group:sub(-1) ~= "-"
end

-- Whom approve and reject are about is checked by them.
function request.check(given)
  local fine, message, hint = check_options(given)
  if not fine then return nil, message, hint end

  if contains({ "list", "register" }, given.ACTION) and not is_group(given.NAME) then
    return nil, ("'%s' is not a group of model packages"):format(given.NAME),
      "a name is up to 63 letters, digits and hyphens"
  elseif given.model_data and not given.model_data:find("^s3://.") and
    not given.model_data:find("^https://.") then
    return nil, "--model-data must be s3://bucket/key", "that is where the model's archive is"
  elseif given.token and (#given.token > TOKEN_SIZE or not given.token:find("^[%w-]+$")) then
    return nil, ("--token must be up to %d letters, digits and hyphens"):format(TOKEN_SIZE)
  end

  for _, name in ipairs { "description", "reason" } do
    if given[name] and utf8.len(given[name]) and utf8.len(given[name]) > MOST_TEXT then
      return nil, ("--%s has %d characters; SageMaker takes %d"):format(name,
        utf8.len(given[name]), MOST_TEXT)
    end
  end

  return true
end

-- Metrics ----------------------------------------------------------------------------------------

local PLAIN = { number = true, string = true, boolean = true }

function request.metrics(text)
  local decoded, message = json.decode(text)
  if decoded == nil then return nil, "the metrics are not JSON: " .. message end
  if type(decoded) ~= "table" or json.is_array(decoded) then
    return nil, 'the metrics must be one JSON object, such as {"f1": 0.91}'
  end

  for name, value in sorted_pairs(decoded) do
    if not PLAIN[type(value)] then
      return nil, ("the metric %s must be a number, a text or true or false"):format(name)
    end
  end

  return decoded
end

local function text_of(value)
  return type(value) == "string" and value or json.encode(value)
end

local function check_property(name, text)
  if #name > NAME_SIZE or not name:find(NAME) then
    return nil, ("'%s' is not a name that the registry takes: up to %d letters, digits, spaces and "
      .. "_.:/=+-@"):format(name, NAME_SIZE)
  elseif #text < 1 or #text > VALUE_SIZE then
    return nil, ("%s must have 1 to %d bytes, it has %d"):format(name, VALUE_SIZE, #text)
  end

  return true
end

-- Metrics, and what --property says beside them.
local function properties_of(given, metrics)
  local properties, count = {}, 0
  local function add(name, text)
    local fine, message = check_property(name, text)
    if not fine then return nil, message end
    if properties[name] then return nil, ("%s is given twice"):format(name) end
    properties[name], count = text, count + 1

    return true
  end

  for name, value in sorted_pairs(metrics) do
    local added, message = add(name, text_of(value))
    if not added then return nil, message end
  end

  for _, assignment in ipairs(given.property or {}) do
    local name, text = assignment:match("^([^=]+)=(.*)$")
    if not name then return nil, ("--property is NAME=VALUE, not '%s'"):format(assignment) end
    local added, message = add(name, text)
    if not added then return nil, message end
  end

  if count > MOST_PROPERTIES then
    return nil, ("%d metrics and properties are too many: the registry takes %d; leave the others "
      .. "to the file of --metrics-uri"):format(count, MOST_PROPERTIES)
  end

  return count > 0 and properties or nil
end

-- Registering ------------------------------------------------------------------------------------

local function list(given, default) return json.array(given or { default }) end

local function specification(given)
  return {
    Containers = json.array { { Image = given.image, ModelDataUrl = given.model_data } },
    SupportedContentTypes = list(given.content_type, "application/json"),
    SupportedResponseMIMETypes = list(given.response_type, "application/json"),
    SupportedRealtimeInferenceInstanceTypes = given.instance_type and list(given.instance_type),
    SupportedTransformInstanceTypes = given.instance_type and list(given.instance_type),
  }
end

-- What SageMaker shows beside the package; the numbers themselves are properties as well.
local function model_metrics(uri)
  if not uri then return nil end
  return { ModelQuality = { Statistics = { ContentType = "application/json", S3Uri = uri } } }
end

function request.register(given, metrics)
  local properties, message = properties_of(given, metrics)
  if message then return nil, message end

  local input = {
    ModelPackageGroupName = given.NAME,
    ModelPackageDescription = given.description,
    InferenceSpecification = specification(given),
    ModelApprovalStatus = "PendingManualApproval",
    ModelMetrics = model_metrics(given.metrics_uri),
    CustomerMetadataProperties = properties,
  }

  input.ClientToken = given.token or token_of(input)

  return input
end

return request
