-- What an invocation of handler discovery is asked for: members of its event first, then settings.
--
--   discovery_request.read(event, effects, compatible) → { output_bucket =, output_prefix =,
--     checkpoint =, max_pages =, run =, execution =, progress =, volume =, compatible =,
--     source = { bucket =, prefix =, suffixes =, page_size =, role =, leave_out = } }
--   discovery_request.describe(source) → a text for what is listed: a checkpoint is of one listing
--
-- compatible: as the Python handler, without a checkpoint unless told. Failures are raised
-- (weir.try).
local events = require "weir.events"
local listing = require "weir.events.listing"
local settings = require "weir.settings"
local storage_role = require "weir.events.storage_role"
local try = require "weir.try"

local discovery_request = {}

local function text_of(event, effects, name, default)
  return events.text(event, name) or try(effects:setting(name, default))
end

-- The same where "" has a meaning: all.
local function filter_of(event, effects, name)
  if event[name] == "" then return "" end
  return text_of(event, effects, name, "")
end

local function flag_of(event, effects, name, default)
  local value = events.member(event, name)
  if type(value) == "boolean" then return value end
  if value ~= nil then events.invalid("%s must be true or false", name) end

  return try(settings.flag(effects, name, { default = default }))
end

-- A number from 1 on, or 0: there is no limit.
local function limit_of(event, effects, name)
  local value = events.member(event, name)
  if value == nil then return try(settings.integer(effects, name)) end
  if math.type(value) == "integer" and value >= 1 then return value end
  events.invalid("%s must be a whole number from 1 on", name)
end

local function source_of(event, effects)
  local page_size = limit_of(event, effects, "page_size")
  return {
    page_size = page_size > 0 and page_size or nil,
    bucket = text_of(event, effects, "bucket"),
    prefix = filter_of(event, effects, "prefix"),
    suffixes = listing.suffixes(filter_of(event, effects, "suffix")),
    role = storage_role(effects),
  }
end

function discovery_request.read(event, effects, compatible)
  local source = source_of(event, effects)
  local request = {
    compatible = compatible,
    volume = effects:setting("volume", ""),
    output_bucket = try(effects:setting("output_bucket", source.bucket)),
    output_prefix = try(effects:setting("output_prefix", "weir/discovery/")),
    checkpoint = flag_of(event, effects, "checkpoint", not compatible),
    max_pages = limit_of(event, effects, "max_pages"),
    run = events.text(event, "run", "id"),
    execution = events.text(event, "execution"),
    progress = events.member(event, "progress"),
    source = source,
  }

  if request.output_bucket == source.bucket then
    request.source.leave_out = request.output_prefix
  end

  return request
end

function discovery_request.describe(source)
  return ("s3://%s/%s %s"):format(source.bucket, source.prefix, table.concat(source.suffixes, ","))
end

return discovery_request
