-- A morning on which a volume's access point sends events of its own, in a schema that the shipped
-- mapping policy does not know, beside events that it does know: tell(kind, facts, ms) for each.
local Random = require("support.random")
local clock = require("recordings.clock")
local events = require("recordings.events")

local SEED = 12
local FIRST, STEP = 8 * clock.HOUR, 97 * 1000
local EVENTS = 60

local ALIAS = "scans-ap-k2m4n6p8q0-ext-s3alias"
local KEYS = {
  "in/plate %d.tif",
  "in/100%% + %d.tif",
  "in/e\u{301}tude-%d.tif",
  "in/%d/a'b\"c.tif",
}

local function native(object)
  return {
    version = "1", id = object.id, source = "aws.fsx",
      ["detail-type"] = "Access Point Object Written",
    account = "111122223333", time = object.at:sub(1, 19) .. "Z", region = "eu-central-1",
    detail = {
      accessPoint = { alias = object.bucket, volume = object.volume },
      file = {
        path = "/" .. object.key,
        bytes = object.size,
        entityTag = object.etag,
        order = object.sequencer,
      },
      operation = "Close",
    },
  }
end

return function(tell)
  local random = Random.new(SEED)
  local last
  for i = 1, EVENTS do
    local ms = FIRST + i * STEP
    local object = { bucket = ALIAS, volume = "scans", key = KEYS[i % #KEYS + 1]:format(i),
      size = 1000 + i,
      etag = ("%032x"):format(random:integer(1, 1 << 40)), sequencer = ("%016X"):format(ms),
        at = clock.text(ms),
      id = random:uuid(), request = "R" .. i }
    if i % 5 == 0 then
      tell("mapping", { event = events.object_created(object) }, ms)
    elseif i % 17 == 0 then
      tell("mapping", { event = events.scheduled(object) }, ms)
    elseif i % 11 == 0 and last then
      tell("mapping", { event = native(last) }, ms) -- delivered again
    else
      tell("mapping", { event = native(object) }, ms)
      last = object
    end
  end
end
