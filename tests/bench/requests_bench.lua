-- PutItem and GetItem to dynalite, one at a time, by the clock: weir's client against AWS's SDK for
-- Node, as npm installs it and bundled into one file. dynalite's own work is in both figures, so
-- the ratio of the clients alone is larger.
--   ./dev bench requests
package.path = "tests/?.lua;tests/bench/?.lua;" .. package.path
local contest = require "contest"
local servers = require "support.servers"

local REQUESTS = contest.count(1000)
local url = servers.start("dynalite").url

local PEERS = {
  { name = "AWS's SDK for Node", script = "tests/bench/dynamodb_requests.mjs" },
  { name = "AWS's SDK for Node, bundled", script = "build/bench/dynamodb_requests_bundled.mjs" },
}

for _, operation in ipairs { "PutItem", "GetItem" } do
  for _, peer in ipairs(PEERS) do
    contest.row {
      name = operation .. " to dynalite",
      peer = peer.name,
      unit = "requests/s by the clock",
      equal_work = ("both send %d requests of the same items over one connection, and a tenth of "
        .. "them before; the last item, read back, is equal"):format(REQUESTS),
      ours = function()
        return contest.ask(contest.weir, "lua", "tests/bench/dynamodb_requests.lua", url,
          operation, REQUESTS)
      end,
      theirs = function() return contest.ask("node", peer.script, url, operation, REQUESTS) end,
      target = { of = "ratio", least = 2.5 },
    }
  end
end
