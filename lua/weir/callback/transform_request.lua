-- Which transform job an event of sagemaker_invoke asks for. Members are spelled as in this project
-- (model_name) or as AWS's are (ModelName, modelName); what the event does not say the settings of
-- the same name do. docs/task-tokens.md lists them all. Whatever is wrong raises a failure
-- (weir.try).
local answer = require "weir.callback.task_answer"
local events = require "weir.events"
local json = require "weir.json"
local python = require "weir.callback.python"
local secret = require "weir.secret"
local setting_specs = require "weir.setting_specs"
local settings = require "weir.settings"
local sha256 = require "weir.sha256"
local transform_job = require "weir.callback.transform_job"
local try = require "weir.try"

local transform_request = { PREFIX = "weir-" }

local MAX_URI, MAX_TOKEN, MAX_TAGS, MAX_RETRIES = 1024, 2048, 49, 999
local READABLE = 63 - #transform_request.PREFIX - #"-0123456789abcdef" - #"-r999"

local invalid = events.invalid

local function member(event, name) return events.member(event, events.spellings(name)) end
local function text_member(event, name) return events.text(event, events.spellings(name)) end

-- Fields by type ------------------------------------------------------------------------------

local function is_s3_uri(text)
  return type(text) == "string" and #text <= MAX_URI and text:find("^s3://[%w][%w%.%-_:/]*") ~= nil
    and not text:find("%c")
end

local function check_s3_uri(name, text)
  if is_s3_uri(text) then return text end
  invalid("%s must be an S3 URI such as s3://bucket/key, of at most %d bytes", name, MAX_URI)
end

-- Each reads one field: its value, or nil where it is absent and has no setting.
local readers = {}

function readers.name(field, given, reading)
  if given == nil then
    local default = reading.defaults[field.name] or field.default
    given = default and try(settings.text(reading.effects, field.name, default))
      or try(settings.needed(reading.effects, field.name))
    if reading.effects.dry and given:find("^%(") then return given end
  end

  if type(given) == "string" and #given <= 63 and given:find(field.pattern) then return given end
  invalid("%s must be %s", field.name, field.what)
end

function readers.count(field, given, reading)
  if given == nil and not field.setting then return nil end
  if given == nil then
    return try(settings.integer(reading.effects, field.name))
  end

  if math.type(given) == "integer" and given >= field.min and given <= field.max then
    return given
  end

  invalid("%s must be a whole number from %d to %d", field.name, field.min, field.max)
end

function readers.choice(field, given)
  if given == nil then return nil end
  for _, choice in ipairs(field.choices) do
    if given == choice then return given end
  end

  invalid("%s must be one of %s", field.name, table.concat(field.choices, ", "))
end

function readers.text(field, given, reading)
  if given == nil then return reading.defaults[field.name] end
  if type(given) == "string" and given ~= "" and #given <= 256 then return given end
  invalid("%s must be a text of 1 to 256 bytes", field.name)
end

-- Name in events, place in CreateTransformJob's input, and what may stand there.
local FIELDS = {
  {
    name = "model_name",
    path = { "ModelName" },
    type = "name",
    pattern = "^%w[%w-]*$",
    what = "the name of a SageMaker model",
  },
  {
    name = "instance_type",
    path = { "TransformResources", "InstanceType" },
    type = "name",
    default = "ml.m5.large",
    pattern = "^ml%.[%w-]+%.[%w-]+$",
    what = "an instance type such as ml.m5.large",
  },
  {
    name = "instance_count",
    path = { "TransformResources", "InstanceCount" },
    type = "count",
    setting = true,
    min = setting_specs.instance_count.min,
    max = setting_specs.instance_count.max,
  },
  { name = "content_type", path = { "TransformInput", "ContentType" }, type = "text" },
  {
    name = "compression_type",
    path = { "TransformInput", "CompressionType" },
    type = "choice",
    choices = { "None", "Gzip" },
  },
  {
    name = "split_type",
    path = { "TransformInput", "SplitType" },
    type = "choice",
    choices = { "None", "Line", "RecordIO", "TFRecord" },
  },
  { name = "accept", path = { "TransformOutput", "Accept" }, type = "text" },
  {
    name = "assemble_with",
    path = { "TransformOutput", "AssembleWith" },
    type = "choice",
    choices = { "None", "Line" },
  },
  {
    name = "batch_strategy",
    path = { "BatchStrategy" },
    type = "choice",
    choices = { "MultiRecord", "SingleRecord" },
  },
  {
    name = "max_concurrent_transforms",
    path = { "MaxConcurrentTransforms" },
    type = "count",
    min = 0,
    max = 1000,
  },
  { name = "max_payload_in_mb", path = { "MaxPayloadInMB" }, type = "count", min = 0, max = 100 },
}

local function place(input, path, value)
  for i = 1, #path - 1 do
    input[path[i]] = input[path[i]] or {}
    input = input[path[i]]
  end

  input[path[#path]] = value
end

local function read_fields(event, input, reading)
  for _, field in ipairs(FIELDS) do
    local value = readers[field.type](field, member(event, field.name), reading)
    if value ~= nil then place(input, field.path, value) end
  end
end

-- Where the data is and where it goes ---------------------------------------------------------

local SOURCES = {
  { name = "input_path", kind = "S3Prefix" },
  { name = "input_s3_path", kind = "S3Prefix" },
  { name = "manifest_path", kind = "ManifestFile" },
}

local function read_input(event, input)
  local given = {}
  for _, source in ipairs(SOURCES) do
    if member(event, source.name) ~= nil then given[#given + 1] = source end
  end

  if #given ~= 1 then
    invalid("the event must say what to transform: either input_path or manifest_path")
  end

  local source = given[1]
  local uri = check_s3_uri(source.name, member(event, source.name))
  place(input, { "TransformInput", "DataSource", "S3DataSource" },
    { S3DataType = source.kind, S3Uri = uri })
end

-- What the event says, or the setting output_path, or a day's folder of the setting output_bucket.
local function read_output(event, input, reading)
  local effects, uri = reading.effects, member(event, "output_path")
  if uri == nil then uri = effects:setting("output_path", "") end
  if uri == "" then
    local bucket = effects:setting("output_bucket", "")
    if bucket ~= "" then uri = python.output_path(bucket, effects:now()) end
  end

  if uri == "" then
    local _, message, code = effects:setting "output_path"
    if not effects.dry then try.fail(message, code) end
    uri = "s3://output-path-is-not-set"
  end

  place(input, { "TransformOutput", "S3OutputPath" }, check_s3_uri("output_path", uri))
end

-- A map of texts, as Environment and tags are.
local function read_map(event, name, most)
  local map = member(event, name)
  if map == nil then return {} end
  if not events.is_object(map) then invalid("%s must be an object of texts", name) end

  local count = 0
  for _, value in pairs(map) do -- any order: all have one rule and one message
    count = count + 1
    if type(value) ~= "string" and not secret.is(value) then
      invalid("%s must be an object of texts", name)
    end
  end

  if count > most then invalid("%s may have %d members", name, most) end

  return map
end

local function sorted_keys(map)
  local keys = {}
  for key in pairs(map) do keys[#keys + 1] = key end -- any order: sorted below
  table.sort(keys)

  return keys
end

-- What the callback reads, and what weir cleanup goes by.
local OWN_TAGS = { CorrelationId = true, TaskToken = true, ["weir:stack"] = true }

local function read_tags(event, input, reading)
  local map = read_map(event, "tags", MAX_TAGS - #reading.tags)
  input.Tags = json.array {}
  for _, tag in ipairs(reading.tags) do
    if map[tag.Key] == nil then input.Tags[#input.Tags + 1] = tag end
  end

  for _, key in ipairs(sorted_keys(map)) do
    if OWN_TAGS[key] then
      invalid("the tag %s is this handler's own; give another name", key)
    end

    input.Tags[#input.Tags + 1] = { Key = key, Value = map[key] }
  end
end

-- Names ---------------------------------------------------------------------------------------

-- Where the event does not name its execution, as those of the Python handler, the token stands for
-- it: the same event again has the same name, a retry of the task another.
local function read_identity(event, token)
  local execution = text_member(event, "execution_id") or text_member(event, "execution_name")
  if execution == nil and member(event, "input_s3_path") ~= nil then
    return { "", secret.digest(token), "" }
  end

  if execution == nil then
    invalid("the event has neither execution_id nor execution_name; give it "
      .. '"execution_id.$": "$$.Execution.Id"')
  end

  return { execution, text_member(event, "state_name") or "", text_member(event, "job_key") or "" }
end

-- The same execution, state and work have the same name, whatever the token and however often it is
-- tried; two items of a Map state have two.
local function base_name(event, input, token)
  local given = member(event, "transform_job_name")
  if given ~= nil then
    if transform_job.is_name(given) and #given <= 63 - #"-r999" then return given end
    invalid("transform_job_name must be 1 to %d letters, digits and hyphens", 63 - #"-r999")
  end

  local identity = read_identity(event, token)
  local work = json.encode { identity, input }
  local hash = sha256.hex(transform_job.without_day(work)):sub(1, 16)
  local last = identity[1]:match("[^:/]*$"):gsub("[^%w]+", "-"):sub(1, READABLE)
  local readable = last:gsub("^%-+", ""):gsub("%-+$", "")
  if readable ~= "" then readable = readable .. "-" end

  return transform_request.PREFIX .. readable .. hash
end

local function read_retries(event)
  local count = member(event, "retry_count")
  if count == nil then return 0 end
  if math.type(count) == "integer" and count >= 0 and count <= MAX_RETRIES then return count end
  invalid("retry_count must be a whole number from 0 to %d", MAX_RETRIES)
end

-- How many points the file has: what mock mode makes up labels for.
local function read_points(event)
  local count = member(event, "point_count")
  if count == nil then return python.POINT_COUNT end
  local whole = type(count) == "number" and math.tointeger(count)
  if whole and whole >= 0 then return whole end
  invalid("point_count must be a whole number, 0 or more")
end

local function read_token(event)
  local token = member(event, "task_token")
  if type(token) == "string" then token = secret.wrap(token) end
  if not secret.is(token) then
    invalid('the event has no task_token; give it "task_token.$": "$$.Task.Token"')
  end

  local size = secret.size(token)
  if size >= 1 and size <= MAX_TOKEN then return token end
  invalid("task_token has %d bytes; Step Functions gives 1 to %d", size, MAX_TOKEN)
end

-- A token that the event repeats in a path or a name would be shown by everybody who shows those.
local function check_no_copy(token, ...)
  for _, value in ipairs { ... } do
    local text = json.encode(value)
    if answer.shown(text, token) ~= text then
      invalid("the event holds the task token, or a part of it, in another member than task_token")
    end
  end
end

-- read(event, effects, defaults) → { token =, name =, retries =, points =, input =
-- CreateTransformJob's input without its name }. defaults: { name of a field = value }, before
-- ours. tags: of every job.
function transform_request.read(event, effects, defaults, tags)
  events.object(event)
  local token = read_token(event)
  local reading, input = { effects = effects, defaults = defaults, tags = tags }, {}

  -- Which work it is: the name follows from it.
  read_input(event, input)
  read_output(event, input, reading)
  read_fields(event, input, reading)
  local name = base_name(event, input, token)

  local retries, points = read_retries(event), read_points(event)
  read_tags(event, input, reading)
  local environment = read_map(event, "environment", 16)
  if next(environment) then -- any order: asks only whether there is one
    input.Environment = environment
  end

  check_no_copy(token, input, name)
  return { token = token, name = name, retries = retries, points = points, input = input }
end

return transform_request
