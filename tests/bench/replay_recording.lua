-- The recording that the replay benchmark decides: routing decisions in lines of about 600 bytes,
-- each written by the host itself for seeded facts.
--   write(path, count) → bytes written
local policy_set = require("weir.policy_set")

local recording = {}

local SEED = 20261122

-- Mostly an endpoint in service and few files, as on a working day.
local STATUS = {
  "InService",
  "InService",
  "InService",
  "InService",
  "InService",
  "Updating",
  "OutOfService",
}
local INFERENCE = {
  "provisioned",
  "provisioned",
  "provisioned",
  "provisioned",
  "serverless",
  "components",
  "none",
}

local function pick(list) return list[math.random(#list)] end

local function uuid()
  return ("%08x-%04x-4%03x-a%03x-%012x"):format(math.random(0, 0xffffffff), math.random(0, 0xffff),
    math.random(0, 0xfff), math.random(0, 0xfff), math.random(0, 0xffffffffffff))
end

local function facts()
  local count = math.random(4) == 1 and math.random(10, 400) or math.random(1, 9)
  local largest = math.random(20) == 1 and math.random(6291457, 90000000)
    or math.random(1000, 6291456)
  return ('{"file_count":%d,"total_bytes":%d,"largest_bytes":%d,"inference_type":"%s",'
    .. '"endpoint_status":"%s","volume":"vol_imaging_%02d","prefix":"incoming/2026/11/22/%02d/"}')
    :format(count, largest * count, largest, pick(INFERENCE), pick(STATUS), math.random(12),
      math.random(0, 23))
end

local function time(i)
  local ms = i * 431
  return ("2026-11-22T%02d:%02d:%02d.%03dZ"):format(ms // 3600000 % 24, ms // 60000 % 60,
    ms // 1000 % 60, ms % 1000)
end

function recording.write(path, count)
  local set = assert(policy_set.load("policies"))
  math.randomseed(SEED)
  local file = assert(io.open(path, "w"))
  for i = 1, count do
    local line = assert(set:record("routing", facts(), {
      id = uuid(), time = time(i), eval_us = math.random(3, 40),
    }))

    assert(file:write(line, "\n"))
  end

  local bytes = file:seek()
  assert(file:close())

  return bytes
end

return recording
