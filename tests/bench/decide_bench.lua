-- What a decision costs where the policy, or its facts, are as large as they get.
--   ./dev bench decide
package.path = "tests/?.lua;tests/bench/?.lua;" .. package.path
local contest = require "contest"
local files = require "support.files"
local json = require "weir.json"
local policy_set = require "weir.policy_set"

-- A policy of 1,000 branches ------------------------------------------------------------------

local BRANCHES = 1000

-- Each branch asks for a number that no other asks for; the last one decides.
local function branching_policy()
  local lines = { 'return policy { kind = "routing", decide = function(facts)' }
  for i = 1, BRANCHES do
    lines[#lines + 1] = (
      'if facts.file_count == %d then return batch { because = "branch %d" } end'):format(i, i)
  end

  lines[#lines + 1] = 'return realtime { because = "no branch" } end }'
  return table.concat(lines, "\n")
end

-- The same branches as a function in JavaScript would cost nothing: V8 makes a table of them. What
-- it is compared with is Lua itself, without a sandbox.
local function plain_function()
  local lines = { "return function(facts)" }
  for i = 1, BRANCHES do
    lines[#lines + 1] = ('if facts.file_count == %d then return "branch %d" end'):format(i, i)
  end

  lines[#lines + 1] = 'return "no branch" end'
  return assert(load(table.concat(lines, "\n")))()
end

local folder = files.directory { ["routing.lua"] = branching_policy() }
local branching, plain = assert(policy_set.load(folder)), plain_function()
files.remove(folder)
local FACTS = ('{"file_count":%d}'):format(BRANCHES)
local DECISIONS = contest.count(20000)

contest.row {
  name = "a policy of 1,000 branches",
  peer = "a plain function in Lua",
  unit = "us of processor time",
  equal_work = "both read the facts from JSON and compare one of them 1,000 times; the reason is "
    .. "equal",
  ours = function()
    local answer
    local rate = contest.rate(DECISIONS, function() answer = branching:decide("routing", FACTS) end)
    return 1e6 / rate, answer.because
  end,
  theirs = function()
    local because
    local rate = contest.rate(DECISIONS, function() because = plain(json.decode(FACTS)) end)
    return 1e6 / rate, because
  end,
  target = { of = "ours", most = 15 },
}

-- A mapping event of 1 MB ---------------------------------------------------------------------

local MEGABYTE = 1000000

-- An event of S3 with many small objects beside what the policy looks at.
local function large_event()
  local event = {
    source = "aws.s3",
    ["detail-type"] = "Object Created",
    time = "2026-11-20T09:00:01Z",
    detail = {
      bucket = { name = "scans" },
      object = { key = "products/scan-000001.jpg", size = 1001, etag = ("%032x"):format(1) },
      reason = "PutObject",
    },
  }

  local small, size = {}, 0
  for i = 1, math.maxinteger do
    small[i] = { id = i, label = "part-" .. i }
    size = size + #json.encode(small[i]) + 1
    if size >= MEGABYTE then break end
  end

  event.detail.parts = small
  return json.encode { event = event }
end

local mapping, event = assert(policy_set.load("policies")), large_event()

contest.row {
  name = "a mapping event of 1 MB of small objects",
  peer = "weir.json, into tables",
  unit = "us of processor time",
  equal_work = "ours checks the event by its schema and decides, theirs decodes the event; "
    .. "the object's key is equal",
  ours = function()
    local answer
    local rate = contest.rate(contest.count(100), function()
      answer = assert(mapping:decide("mapping", event))
    end)

    return 1e6 / rate, json.decode(answer.decision).key
  end,
  theirs = function()
    local decoded
    local rate = contest.rate(contest.count(100), function() decoded = json.decode(event) end)
    return 1e6 / rate, decoded.event.detail.object.key
  end,
}
