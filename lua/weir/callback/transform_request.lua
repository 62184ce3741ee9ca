-- Which transform job an event of sagemaker_invoke asks for. Members are spelled as in this project
-- (model_name) or as AWS's are (ModelName, modelName); what the event does not say the settings of the
-- same name do. docs/task-tokens.md lists them all.
local answer = require "weir.callback.task_answer"
local json = require "weir.json"
local secret = require "weir.secret"
local settings = require "weir.settings"
local sha256 = require "weir.sha256"
local transform_job = require "weir.callback.transform_job"

local transform_request = { PREFIX = "weir-" }

local MAX_URI, MAX_TOKEN, MAX_TAGS, MAX_RETRIES = 1024, 2048, 49, 999
local READABLE = 63 - #transform_request.PREFIX - #"-0123456789abcdef" - #"-r999"

local function invalid(message, ...) return nil, message:format(...), "InvalidEvent" end

-- task_token, taskToken or TaskToken; JSON null and a missing member are the same.
local function member(event, name)
  local camel = name:gsub("_(%l)", string.upper)
  for _, spelling in ipairs { name, camel, (camel:gsub("^%l", string.upper)) } do
    local value = event[spelling]
    if value ~= nil and value ~= json.null then return value end
  end
end
transform_request.member = member

local function text_member(event, name)
  local value = member(event, name)
  if value == nil or (type(value) == "string" and value ~= "" and #value <= 2048) then return value end
  return invalid("%s must be a text of 1 to 2048 bytes", name)
end

-- Fields by type ---------------------------------------------------------------------------------

local function is_s3_uri(text)
  return type(text) == "string" and #text <= MAX_URI and text:find("^s3://[%w][%w%.%-_:/]*") ~= nil
    and not text:find("%c")
end

-- Each reads one field: value | nil (absent) | nil, message, code. A field with a setting takes the
-- default from there, so that absent is then an error or the default.
local readers = {}

function readers.name(field, given, effects)
  if given == nil then
    local message, code
    given, message, code = settings.text(effects, field.name, field.default)
    if not given then
      if not effects.dry then return nil, message, code end
      return ("(%s is not set)"):format(field.name)
    end
  end
  if type(given) == "string" and #given <= 63 and given:find(field.pattern) then return given end
  return invalid("%s must be %s", field.name, field.what)
end

function readers.count(field, given, effects)
  if given == nil and not field.setting then return nil end
  if given == nil then return settings.integer(effects, field.name, field, field.default) end
  if math.type(given) == "integer" and given >= field.min and given <= field.max then return given end
  return invalid("%s must be a whole number from %d to %d", field.name, field.min, field.max)
end

function readers.choice(field, given)
  if given == nil then return nil end
  for _, choice in ipairs(field.choices) do
    if given == choice then return given end
  end
  return invalid("%s must be one of %s", field.name, table.concat(field.choices, ", "))
end

function readers.text(field, given)
  if given == nil or (type(given) == "string" and given ~= "" and #given <= 256) then return given end
  return invalid("%s must be a text of 1 to 256 bytes", field.name)
end

-- Name in events, place in CreateTransformJob's input, and what may stand there.
local FIELDS = {
  { name = "model_name", path = { "ModelName" }, type = "name", pattern = "^%w[%w-]*$",
    what = "the name of a SageMaker model" },
  { name = "instance_type", path = { "TransformResources", "InstanceType" }, type = "name", default = "ml.m5.large",
    pattern = "^ml%.[%w-]+%.[%w-]+$", what = "an instance type such as ml.m5.large" },
  { name = "instance_count", path = { "TransformResources", "InstanceCount" }, type = "count", setting = true,
    default = 1, min = 1, max = 100 },
  { name = "content_type", path = { "TransformInput", "ContentType" }, type = "text" },
  { name = "compression_type", path = { "TransformInput", "CompressionType" }, type = "choice",
    choices = { "None", "Gzip" } },
  { name = "split_type", path = { "TransformInput", "SplitType" }, type = "choice",
    choices = { "None", "Line", "RecordIO", "TFRecord" } },
  { name = "accept", path = { "TransformOutput", "Accept" }, type = "text" },
  { name = "assemble_with", path = { "TransformOutput", "AssembleWith" }, type = "choice",
    choices = { "None", "Line" } },
  { name = "batch_strategy", path = { "BatchStrategy" }, type = "choice",
    choices = { "MultiRecord", "SingleRecord" } },
  { name = "max_concurrent_transforms", path = { "MaxConcurrentTransforms" }, type = "count", min = 0, max = 1000 },
  { name = "max_payload_in_mb", path = { "MaxPayloadInMB" }, type = "count", min = 0, max = 100 },
}

local function place(input, path, value)
  for i = 1, #path - 1 do
    input[path[i]] = input[path[i]] or {}
    input = input[path[i]]
  end
  input[path[#path]] = value
end

local function read_fields(event, input, effects)
  for _, field in ipairs(FIELDS) do
    local value, message, code = readers[field.type](field, member(event, field.name), effects)
    if message then return nil, message, code end
    if value ~= nil then place(input, field.path, value) end
  end
  return true
end

-- Where the data is and where it goes --------------------------------------------------------------

local function read_input(event, input)
  local prefix, manifest = member(event, "input_path"), member(event, "manifest_path")
  if (prefix == nil) == (manifest == nil) then
    return invalid("the event must say what to transform: either input_path or manifest_path")
  end
  local uri = prefix or manifest
  if not is_s3_uri(uri) then
    return invalid("%s must be an S3 URI such as s3://bucket/key, of at most %d bytes",
      prefix and "input_path" or "manifest_path", MAX_URI)
  end
  place(input, { "TransformInput", "DataSource", "S3DataSource" },
    { S3DataType = prefix and "S3Prefix" or "ManifestFile", S3Uri = uri })
  return true
end

local function read_output(event, input, effects)
  local uri = member(event, "output_path")
  if uri == nil then
    local message, code
    uri, message, code = settings.text(effects, "output_path")
    if not uri then
      if not effects.dry then return nil, message, code end
      uri = "s3://output-path-is-not-set"
    end
  end
  if not is_s3_uri(uri) then
    return invalid("output_path must be an S3 URI such as s3://bucket/key, of at most %d bytes", MAX_URI)
  end
  place(input, { "TransformOutput", "S3OutputPath" }, uri)
  return true
end

-- A map of texts, as Environment and tags are.
local function read_map(event, name, most)
  local map = member(event, name)
  if map == nil then return {} end
  if type(map) ~= "table" or json.is_array(map) then return invalid("%s must be an object of texts", name) end
  local count = 0
  for _, value in pairs(map) do
    count = count + 1
    if type(value) ~= "string" and not secret.is(value) then return invalid("%s must be an object of texts", name) end
  end
  if count > most then return invalid("%s may have %d members", name, most) end
  return map
end

local function read_tags(event, input)
  local map, message, code = read_map(event, "tags", MAX_TAGS)
  if not map then return nil, message, code end
  local keys = {}
  for key in pairs(map) do keys[#keys + 1] = key end
  table.sort(keys)
  input.Tags = json.array {}
  for i, key in ipairs(keys) do
    if key == "CorrelationId" or key == "TaskToken" then
      return invalid("the tag %s is this handler's own; give another name", key)
    end
    input.Tags[i] = { Key = key, Value = map[key] }
  end
  return true
end

-- Names ------------------------------------------------------------------------------------------

local function read_identity(event)
  local execution, message, code = text_member(event, "execution_id")
  if message then return nil, message, code end
  if execution == nil then execution, message, code = text_member(event, "execution_name") end
  if message then return nil, message, code end
  if execution == nil then
    return invalid("the event has neither execution_id nor execution_name; give it "
      .. '"execution_id.$": "$$.Execution.Id"')
  end
  local identity = { execution }
  for _, name in ipairs { "state_name", "job_key" } do
    local value
    value, message, code = text_member(event, name)
    if message then return nil, message, code end
    identity[#identity + 1] = value or ""
  end
  return identity
end

-- The same execution, state and work have the same name, whatever the token and however often it is
-- tried; two items of a Map state have two.
local function base_name(event, input)
  local given = member(event, "transform_job_name")
  if given ~= nil then
    if transform_job.is_name(given) and #given <= 63 - #"-r999" then return given end
    return invalid("transform_job_name must be 1 to %d letters, digits and hyphens", 63 - #"-r999")
  end
  local identity, message, code = read_identity(event)
  if not identity then return nil, message, code end
  local hash = sha256.hex(json.encode { identity, input }):sub(1, 16)
  local readable = identity[1]:match("[^:/]*$"):gsub("[^%w]+", "-"):sub(1, READABLE):gsub("^%-+", ""):gsub("%-+$", "")
  if readable ~= "" then readable = readable .. "-" end
  return transform_request.PREFIX .. readable .. hash
end

local function read_retries(event)
  local count = member(event, "retry_count")
  if count == nil then return 0 end
  if math.type(count) == "integer" and count >= 0 and count <= MAX_RETRIES then return count end
  return invalid("retry_count must be a whole number from 0 to %d", MAX_RETRIES)
end

local function read_token(event)
  local token = member(event, "task_token")
  if type(token) == "string" then token = secret.wrap(token) end
  if not secret.is(token) then
    return invalid('the event has no task_token; give it "task_token.$": "$$.Task.Token"')
  end
  local size = secret.size(token)
  if size >= 1 and size <= MAX_TOKEN then return token end
  return invalid("task_token has %d bytes; Step Functions gives 1 to %d", size, MAX_TOKEN)
end

-- A token that the event repeats in a path or a name would be shown by everybody who shows those.
local function check_no_copy(token, ...)
  for _, value in ipairs { ... } do
    local text = json.encode(value)
    if answer.shown(text, token) ~= text then
      return invalid("the event holds the task token, or a part of it, in another member than task_token")
    end
  end
  return true
end

local function read_environment(event, input)
  local environment, message, code = read_map(event, "environment", 16)
  if not environment then return nil, message, code end
  if next(environment) then input.Environment = environment end
  return true
end

-- Each fills its part of CreateTransformJob's input: true | nil, message, code. Those that decide which
-- work it is come first; the name follows from them.
local WORK = { read_input, read_output, read_fields }
local REST = { read_tags, read_environment }

local function fill(parts, event, input, effects)
  for _, read in ipairs(parts) do
    local ok, message, code = read(event, input, effects)
    if not ok then return nil, message, code end
  end
  return true
end

-- read(event, effects) → { token =, name =, retries =, input = CreateTransformJob's input without its
-- name } | nil, message, code
function transform_request.read(event, effects)
  if type(event) ~= "table" or json.is_array(event) then return invalid("the event must be a JSON object") end
  local token, message, code = read_token(event)
  if not token then return nil, message, code end
  local input = {}
  local ok, why, problem = fill(WORK, event, input, effects)
  if not ok then return nil, why, problem end
  local name, retries
  name, message, code = base_name(event, input)
  if not name then return nil, message, code end
  retries, message, code = read_retries(event)
  if not retries then return nil, message, code end
  ok, message, code = fill(REST, event, input)
  if not ok then return nil, message, code end
  ok, message, code = check_no_copy(token, input, name)
  if not ok then return nil, message, code end
  return { token = token, name = name, retries = retries, input = input }
end

return transform_request
