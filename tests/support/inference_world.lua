-- A function for realtime_inference: a file in a bucket, an endpoint whose variants may differ, and
-- the handler, over the real clients.
--
--   world.reset()                        the file alone, no settings, nothing remembered
--   world.handle(event, set, more)       → report; more: members of the effects
--   world.infer(more, set, effects)      → report of the event about the file, with these members
--   world.endpoint(variants, more)       the endpoint exp
--   world.requested(operation)           → the requests that reached a service
local ab_table = require "weir.inference.ab_table"
local assignment = require "weir.inference.assignment"
local handlers = require "weir.handlers"
local workflow = require "support.workflow"

local cloud = workflow.cloud
local s3 = cloud.client "s3"

local world = { BYTES = "", s3 = s3 }

for i = 0, 255 do world.BYTES = world.BYTES .. string.char(i) end

function world.reset()
  cloud.reset()
  ab_table.forget()
  assignment.forget()
  workflow.settings = {}
  assert(s3:put_object {
    Bucket = "bucket",
    Key = "in/a b.bin",
    Body = world.BYTES,
    ContentType = "image/tiff",
  })
  cloud.reset()
end

function world.handle(event, set, more)
  return handlers.run(handlers.find "realtime_inference", event, set, workflow.effects(more))
end

function world.infer(more, set, effects)
  local event = {
    bucket = "bucket",
    key = "in/a b.bin",
    endpoint_name = "e",
    output_path = "s3://bucket/out/",
  }

  for name, value in pairs(more or {}) do event[name] = value end

  return world.handle(event, set, effects)
end

function world.endpoint(variants, more)
  local made = { variants = variants, seed = 1 }
  for name, value in pairs(more or {}) do made[name] = value end
  cloud.control("POST", "endpoints", { exp = made })
end

world.requested = cloud.requested

return world
