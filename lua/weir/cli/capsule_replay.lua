-- What `weir replay` does with the capsule of an incident besides deciding its decisions again: it
-- says what cannot be reproduced here, and why.
--
--   capsule_replay.open(path) → opened | nil, message, code
--   opened:takes(event)      the event is of a decision that used masked facts: it says nothing
--   opened:settle(summary)   takes those out of the counts
--   opened:print(screen, summary), opened:json(summary)
local build = require "weir.build"
local capsule_file = require "weir.cli.capsule_file"
local json = require "weir.json"
local process = require "weir.process"
local sorted_pairs = require "weir.sorted_pairs"
local terminal = require "weir.cli.terminal"

local capsule_replay = {}

local Opened = {}
Opened.__index = Opened

function capsule_replay.open(path)
  local capsule, message, code = capsule_file.read(path)
  if not capsule then return nil, message, code end

  return setmetatable({
    header = capsule.header,
    bundle = capsule.bundle,
    used = capsule.used,
    taken = {},
    lost = 0,
    facts = {},
  }, Opened)
end

local function word_of(event)
  if event.type == "bad line" then return "bad_lines" end
  if event.type == "failure" then return "failed" end
  return event.field == "because" and "reworded" or "changed"
end

function Opened:takes(event)
  local places = self.used[event.line]
  if not places or event.type == "same" then return false end

  local word = word_of(event)
  self.taken[word] = (self.taken[word] or 0) + 1
  self.lost = self.lost + 1
  for _, place in ipairs(places) do self.facts[place] = (self.facts[place] or 0) + 1 end
  return true
end

function Opened:settle(summary)
  for word, count in sorted_pairs(self.taken) do summary[word] = summary[word] - count end
  summary.unreproducible = self.lost
end

-- Which builds decided and packed, where they are not this one: texts.
local function other_builds(header)
  local list = {}
  for _, row in ipairs(header.hosts) do
    if row.host ~= process.version then
      list[#list + 1] = ("%s made by weir %s; this is weir %s"):format(
        terminal.count(row.decisions, "decision was", "decisions were"), row.host or "?",
        process.version)
    end
  end

  if header.packed_by.build ~= build.describe().id then
    list[#list + 1] = ("the capsule was packed by another build, weir %s"):format(
      header.packed_by.version)
  end

  return list
end

local function other_policies(header)
  local list = {}
  for _, row in ipairs(header.others) do
    list[#list + 1] = ("%s made by another policy of kind %s than the packed one, %s"):format(
      terminal.count(row.decisions, "decision was", "decisions were"), row.kind, row.digest or "?")
  end

  return list
end

local function as_packed(self, summary)
  local file = summary.files[1]
  return file.digest ~= nil and file.digest == self.header.replay.digest
end

function Opened:print(screen, summary)
  local out = screen.out
  for place, count in sorted_pairs(self.facts) do
    out:print("  ", terminal.count(count, "decision", "decisions"), " used ",
      terminal.printable(place), ", which is masked, and cannot be decided again")
  end

  for _, list in ipairs { other_policies(self.header), other_builds(self.header) } do
    for _, text in ipairs(list) do out:print("  ", terminal.printable(text)) end
  end

  out:print(as_packed(self, summary) and "decided as when it was packed"
    or "not decided as when it was packed: digest of the file " .. self.header.replay.digest)
end

function Opened:json(summary)
  return {
    unreproducible = self.lost,
    masked_facts = self.facts,
    other_policies = json.array(other_policies(self.header)),
    other_builds = json.array(other_builds(self.header)),
    as_packed = as_packed(self, summary),
    from = self.header.from,
    to = self.header.to,
  }
end

return capsule_replay
