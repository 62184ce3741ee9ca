-- PutItem and GetItem to dynalite, one at a time, against AWS's SDK for Node, in one run:
--   build/dev/weir lua tests/bench/requests_bench.lua
-- A line a comparison: what, ours a second, theirs, the ratio, the least we aim at. dynalite's own
-- work is in both figures, so the ratio of the clients alone is larger.
package.path = "tests/?.lua;" .. package.path
local servers = require("support.servers")

local REQUESTS, ROUNDS, AIM = 1000, 3, 2.5
local dynalite = servers.start("dynalite")

local function run(command, best)
  local pipe = assert(io.popen(("%s %s %d"):format(command, dynalite.url, REQUESTS)))
  for line in pipe:lines() do
    local name, per_second = line:match("^(%S+) (%d+)$")
    if name then best[name] = math.max(best[name] or 0, tonumber(per_second)) end
  end

  assert(pipe:close())
end

local weir = require("weir.process").executable()
local ours, theirs = {}, {}
for _ = 1, ROUNDS do -- in turn, so that a busy machine disturbs both
  run(weir .. " lua tests/bench/dynamodb_requests.lua", ours)
  run("node tests/bench/dynamodb_requests.mjs", theirs)
end

for _, name in ipairs({ "PutItem", "GetItem" }) do
  local ratio = ours[name] / theirs[name]
  print(("%-28s %9d/s   Node SDK %8d/s   %5.2fx   aim %.1fx %s"):format(name .. " to dynalite",
    ours[name],
    theirs[name], ratio, AIM, ratio >= AIM and "met" or "not met"))
end
