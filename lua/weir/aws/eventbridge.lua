-- EventBridge: puts events, switches a rule off. The service answers PutEvents with 200 even when
-- entries failed, so the client looks.
local client = require "weir.aws.client"

local eventbridge = client.service {
  name = "eventbridge",
  id = "EVENTBRIDGE",
  host = "events",
  signing_name = "events",
  fips_hosts = { ["us-gov-east-1"] = "events", ["us-gov-west-1"] = "events" },
  fips_dual_stack_hosts = { ["aws-us-gov"] = "events" },
  protocol = "json",
  json_version = "1.1",
  target_prefix = "AWSEvents",
  operations = {
    PutEvents = { members = "Entries* EndpointId", changes = true },
    DescribeRule = { members = "Name* EventBusName", target = "Name" },
    DisableRule = { members = "Name* EventBusName", target = "Name", changes = true },
  },
}

local MAX_ENTRIES = 10

-- put_all(entries) → number of entries put | nil, message, code, { failed = { entry, … } }
-- Puts any number of entries, ten at a time, and failed ones once more.
function eventbridge.methods:put_all(entries)
  local waiting, put = table.move(entries, 1, #entries, 1, {}), 0
  local tried = {}
  local failed, last_error = {}, nil

  while #waiting > 0 do
    local batch = table.move(waiting, 1, math.min(MAX_ENTRIES, #waiting), 1, {})
    waiting = table.move(waiting, #batch + 1, #waiting, 1, {})
    local output, message, code = self:call("PutEvents", { Entries = batch })
    if not output then
      table.move(waiting, 1, #waiting, #batch + 1, batch)
      return nil, message, code, { failed = table.move(batch, 1, #batch, #failed + 1, failed) }
    end

    for i, entry in ipairs(batch) do
      local result = type(output.Entries) == "table" and output.Entries[i]
      if type(result) == "table" and result.EventId then
        put = put + 1
      elseif tried[entry] then
        failed[#failed + 1] = entry
        last_error = type(result) == "table" and result.ErrorCode or "MalformedResponse"
      else
        tried[entry], waiting[#waiting + 1] = true, entry
      end
    end
  end

  if #failed == 0 then return put end

  return nil, ("eventbridge PutEvents: %d of %d entries failed: %s"):format(#failed, #entries,
    last_error),
    last_error, { failed = failed }
end

return eventbridge
