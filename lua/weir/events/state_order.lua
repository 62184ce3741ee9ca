-- Which of two states of an object was written later: by sequencer, or by LastModified where
-- listings told both.
--
--   state_order.of(job) → order { sequencer =?, last_modified =? (epoch milliseconds) }
--   state_order.compare(a, b) → -1: a is before b; 0: with it; 1: after it; nil: nothing tells
--   state_order.merge(record, order)   gives the record the later one of each mark: what is older
--                                      by either mark is older
--
-- The time of an event is not LastModified, and is no order.
local order = require "weir.events.order"
local time = require "weir.aws.time"

local state_order = {}

function state_order.of(job)
  return {
    sequencer = job.sequencer,
    last_modified = job.source == "listing" and time.parse_iso8601(job.time) or nil,
  }
end

local function compare_sequencers(a, b)
  if order.is_before(a, b) then return -1 end
  return order.is_before(b, a) and 1 or 0
end

function state_order.compare(a, b)
  if a.sequencer and b.sequencer then return compare_sequencers(a.sequencer, b.sequencer) end
  if not a.last_modified or not b.last_modified then return nil end
  if a.last_modified == b.last_modified then return 0 end

  return a.last_modified < b.last_modified and -1 or 1
end

function state_order.merge(record, new)
  if new.sequencer and (not record.sequencer
      or compare_sequencers(new.sequencer, record.sequencer) > 0) then
    record.sequencer = new.sequencer
  end

  if new.last_modified then
    record.last_modified = math.max(new.last_modified, record.last_modified or 0)
  end
end

return state_order
