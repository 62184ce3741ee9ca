-- What arrives, taken apart into single events. A list, S3 notifications and SQS or SNS messages
-- ("Records"), the envelope of SNS inside of SQS, and listings ("Contents" of a "bucket") hold
-- several.
--
--   arrivals.split(event) → list of { event = } or { problem = text, event = what it was }, both
--       with message_id = when an SQS message carried it, and group = when that came from a FIFO
--       queue: those of one group are to be processed in their order
--
-- What cannot be taken apart becomes one problem; everything that came with it is still split.
local events = require "weir.events"
local json = require "weir.json"

local arrivals = {}

-- S3 in SNS in SQS is three, and a list of Pipes around it four. No service nests deeper than that.
local MAX_NESTING = 5

local split

-- message: { id =, group = } of the SQS message that carried the unit, or nil
local function add(into, unit, message)
  if message then unit.message_id, unit.group = message.id, message.group end
  into[#into + 1] = unit
end

-- The event inside of a text, as SQS and SNS carry it.
local function split_text(text, what, carrier, depth, into, message)
  if type(text) ~= "string" then
    return add(into, { event = carrier, problem = what .. " is missing" }, message)
  end

  local event, mistake = json.decode(text, { secrets = true })
  if event == nil then
    return add(into, { event = carrier, problem = ("%s is not JSON: %s"):format(what, mistake) },
      message)
  end

  return split(event, depth + 1, into, message)
end

local function split_list(list, depth, into, message)
  for _, item in ipairs(list) do split(item, depth + 1, into, message) end
end

local function split_listing(listing, into, message)
  for _, object in ipairs(listing.Contents) do
    add(into, { event = {
      source = "weir.listing",
      bucket = listing.bucket or listing.Name,
      volume = listing.volume,
      encoding = listing.EncodingType,
      object = object,
    } }, message)
  end
end

-- The message that Lambda knows is the outer one: what is inside of a body says what it likes.
-- Queues of other kinds may have groups as well, and no order in them.
local function message_of(record, outer)
  if outer or type(record.messageId) ~= "string" then return outer end

  local arn, attributes = record.eventSourceARN, record.attributes
  local is_fifo = type(arn) == "string" and arn:find("%.fifo$") ~= nil
  local group = events.is_object(attributes) and attributes.MessageGroupId
  return {
    id = record.messageId,
    group = is_fifo and (type(group) == "string" and group or "") or nil,
  }
end

-- A table of any other shape is one event.
local function split_object(event, depth, into, message)
  local source = event.eventSource or event.EventSource
  if source == "aws:sqs" then
    return split_text(event.body, "the body of the SQS message", event, depth, into,
      message_of(event, message))
  end

  if source == "aws:sns" and events.is_object(event.Sns) then
    return split_text(event.Sns.Message, "the message of SNS", event, depth, into, message)
  end

  if event.Type == "Notification" and event.TopicArn ~= nil then
    return split_text(event.Message, "the message of SNS", event, depth, into, message)
  end

  local records, contents = event.Records, event.Contents
  if records and events.is_list(records) then return split_list(records, depth, into, message) end
  if contents and events.is_list(contents) then return split_listing(event, into, message) end

  return add(into, { event = event }, message)
end

function split(event, depth, into, message)
  if depth > MAX_NESTING then
    local problem = ("events are nested more than %d deep"):format(MAX_NESTING)
    return add(into, { event = event, problem = problem }, message)
  end

  if events.is_list(event) then return split_list(event, depth, into, message) end
  if type(event) == "table" then return split_object(event, depth, into, message) end

  return add(into, { event = event, problem = "an event must be a JSON object" }, message)
end

function arrivals.split(event)
  local into = {}
  split(event, 1, into)
  return into
end

return arrivals
