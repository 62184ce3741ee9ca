-- weir lua tests/recordings/generate.lua [DIRECTORY]: writes working-day.jsonl, lunch-hour.jsonl
-- (its lines from 12:00 to 13:00) and native-day.jsonl into DIRECTORY, tests/recordings when none
-- is given. Run it from the root of the repository, after a change to the shipped policies, then
--     gzip -n -9 -f tests/recordings/working-day.jsonl
--
-- The facts are told by working_day.lua and native_day.lua; the decisions are those of the program
-- and the policies.
package.path = "tests/?.lua;" .. package.path
local Random = require("support.random")
local clock = require("recordings.clock")
local json = require("weir.json")
local native_day = require("recordings.native_day")
local policy_set = require("weir.policy_set")
local working_day = require("recordings.working_day")

local SEED_OF_IDS = 7

-- One day has no room for a day's soak: these operators asked for an hour.
local PARAMS = { ["promotion.soak_minutes"] = 60 }

local function recorder(set)
  local ids, count = Random.new(SEED_OF_IDS), 0
  return function(kind, facts, ms)
    count = count + 1
    return assert(set:record(kind, json.encode(facts, { ascii = true }), {
      id = ("20261120-%06d"):format(count),
      time = clock.text(ms),
      request_id = ids:uuid(),
      eval_us = 0,
    }))
  end
end

local function generate_native(set, directory)
  local day, record = assert(io.open(directory .. "/native-day.jsonl", "wb")), recorder(set)
  native_day(function(...) assert(day:write(record(...), "\n")) end)
  assert(day:close())
end

local function generate(directory)
  local set = assert(policy_set.load("policies"))
  assert(set:override(PARAMS))
  generate_native(set, directory)
  local whole = assert(io.open(directory .. "/working-day.jsonl", "wb"))
  local lunch = assert(io.open(directory .. "/lunch-hour.jsonl", "wb"))
  local record = recorder(set)

  working_day(function(kind, facts, ms)
    local line = record(kind, facts, ms)
    assert(whole:write(line, "\n"))
    if ms // clock.HOUR == 12 then assert(lunch:write(line, "\n")) end
    return json.decode(line).decision
  end)
  assert(whole:close())
  assert(lunch:close())
end

generate(... or "tests/recordings")
