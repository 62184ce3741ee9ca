-- What the files of a fleet's replay come to, together: the same summary and the same digest
-- whatever shards they were replayed in, and in whatever order these came.
--
--   local total = total.new()
--   total:add(entry)          of a file (weir.fleet.object); one that comes twice counts once
--   total:lose(name, why)     of a file that nobody replayed
--   total:finish() → summary
--
-- A summary is one of weir.replay, with files in the order of their names, and besides
--   changes, failures   the groups of all files, the most frequent first
--   repeated            entries of files that had come before
-- A file that was lost, could not be read, or came with two digests is in `unreadable`: then there
-- is no digest.
local json = require "weir.json"
local object = require "weir.fleet.object"
local replay = require "weir.replay"
local sorted_pairs = require "weir.sorted_pairs"

local total = {}

local Total = {}
Total.__index = Total

-- Groups of a summary: what differs in more ways than that is not read by people.
local MOST_GROUPS = 100

function total.new()
  local self = setmetatable({
    files = {},
    by_name = {},
    problems = {},
    kinds = {},
    groups = { changes = {}, failures = {} },
    counts = {},
    repeated = 0,
  }, Total)
  for _, word in ipairs(object.COUNTS) do self.counts[word] = 0 end

  return self
end

-- Adding ----------------------------------------------------------------------------------------

local function add_counts(to, from)
  for name, count in sorted_pairs(from) do to[name] = (to[name] or 0) + count end
end

local function add_kinds(self, kinds)
  for kind, counts in sorted_pairs(kinds) do
    local sum = self.kinds[kind] or { was = {}, is = {} }
    self.kinds[kind] = sum
    add_counts(sum.was, counts.was)
    add_counts(sum.is, counts.is)
  end
end

-- Of two examples the one that comes first by name and line.
local function is_before(a, b)
  if a.recording ~= b.recording then return a.recording < b.recording end
  return a.line < b.line
end

local function add_groups(sum, groups)
  for _, group in ipairs(groups) do
    local key = table.concat({ group.kind, group.change, group.rule or "" }, "\0")
    local known = sum[key]
    if not known then
      sum[key] = { kind = group.kind, change = group.change, rule = group.rule, count = group.count,
        example = group.example }
    else
      known.count = known.count + group.count
      local better = group.example
        and (not known.example or is_before(group.example, known.example))
      if better then known.example = group.example end
    end
  end
end

local function add_again(self, entry, known)
  self.repeated = self.repeated + 1
  if entry.digest ~= known.digest and entry.digest then
    self.problems[entry.name] = "two shards decided it differently; replay it again"
  end
end

function Total:add(entry)
  local known = self.by_name[entry.name]
  if known and known.digest then return add_again(self, entry, known) end
  if entry.unreadable then return self:lose(entry.name, entry.unreadable) end

  local file = { name = entry.name, digest = entry.digest }
  if not known then self.files[#self.files + 1] = file else known.digest = entry.digest end
  self.by_name[entry.name] = known or file
  self.problems[entry.name] = nil
  add_counts(self.counts, entry.counts)
  add_kinds(self, entry.kinds)
  add_groups(self.groups.changes, entry.changes)
  add_groups(self.groups.failures, entry.failures)
end

function Total:has(name)
  local known = self.by_name[name]
  return known ~= nil and known.digest ~= nil
end

function Total:lose(name, why)
  if not self.by_name[name] then
    local file = { name = name }
    self.files[#self.files + 1], self.by_name[name] = file, file
  end

  self.problems[name] = self.problems[name] or why
end

-- Finishing -------------------------------------------------------------------------------------

local function sorted_groups(groups)
  local list = json.array {}
  for _, group in sorted_pairs(groups) do list[#list + 1] = group end -- in the order of their keys
  local place = {}
  for i, group in ipairs(list) do place[group] = i end
  table.sort(list, function(a, b)
    if a.count ~= b.count then return a.count > b.count end
    return place[a] < place[b]
  end)
  for i = #list, MOST_GROUPS + 1, -1 do list[i] = nil end

  return list
end

local function problems_of(self)
  local list = json.array {}
  for name, why in sorted_pairs(self.problems) do list[#list + 1] =
    { file = name, message = why } end
  return list
end

function Total:finish()
  table.sort(self.files, function(a, b) return a.name < b.name end)
  local summary = {
    kinds = self.kinds,
    files = json.array(self.files),
    unreadable = problems_of(self),
    repeated = self.repeated,
    changes = sorted_groups(self.groups.changes),
    failures = sorted_groups(self.groups.failures),
  }

  for word, count in sorted_pairs(self.counts) do summary[word] = count end
  if #self.files > 0 and #summary.unreadable == 0 then
    summary.digest = replay.combine(self.files)
  end

  return summary
end

return total
