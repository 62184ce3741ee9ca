-- What the tests of a set reach of its policies: lines that ran, and both ways of every condition,
-- of decide and all that it calls, in helper files too.
local sorted_pairs = require "weir.sorted_pairs"

local coverage = {}

local Coverage = {}
Coverage.__index = Coverage

-- A line that only opens or closes something has code, but none that its author could run: what Lua
-- does when a function begins, and a return behind the last one.
local function is_bracket(text)
  text = text:gsub("%-%-.*$", "")
  local closes = text:gsub("%f[%w_]end%f[^%w_]", ""):find("^[%s(){}%[%],;]*$") ~= nil

  return closes or text:find("%f[%w_]function%f[^%w_][^()]*%([^()]*%)%s*$") ~= nil
end

-- file → the set of its lines that are brackets only
local function brackets_of(sources)
  local brackets = {}
  for _, source in ipairs(sources) do
    local lines, number = {}, 0
    for text in (source.text .. "\n"):gmatch("([^\n]*)\n") do
      number = number + 1
      lines[number] = is_bracket(text)
    end

    brackets[source.file] = lines
  end

  return brackets
end

-- new(sources): those of the set, as set:sources() gives them.
function coverage.new(sources)
  return setmetatable({
    brackets = brackets_of(sources),
    lines = {},
    branches = {},
    order = {},
  }, Coverage)
end

local function add_lines(self, lines)
  for file, counts in sorted_pairs(lines) do
    self.lines[file] = self.lines[file] or {}
    local known, brackets = self.lines[file], self.brackets[file] or {}
    for line, count in pairs(counts) do -- any order: adds up
      if not brackets[line] then known[line] = (known[line] or 0) + count end
    end
  end
end

-- A helper's condition is one, whichever policy reached it: it is known by its place and text, and
-- by how many there are of the same in a line.
local function add_branches(self, branches)
  local seen = {}
  for _, branch in ipairs(branches) do
    local text = table.concat({ branch.file, branch.line, branch.condition }, "\0")
    seen[text] = (seen[text] or 0) + 1
    local key = text .. "\0" .. seen[text]
    if not self.branches[key] then
      self.branches[key] = {
        file = branch.file,
        line = branch.line,
        condition = branch.condition,
        yes = 0,
        no = 0,
      }

      self.order[#self.order + 1] = self.branches[key]
    end

    local known = self.branches[key]
    known.yes, known.no = known.yes + branch.yes, known.no + branch.no
  end
end

-- Adds what one decision did, as set:trace tells it.
function Coverage:add(trace)
  add_lines(self, trace.lines)
  add_branches(self, trace.branches)
end

local function in_order(a, b)
  if a.file ~= b.file then return a.file < b.file end
  if a.line ~= b.line then return a.line < b.line end
  if (a.condition or "") ~= (b.condition or "") then
    return (a.condition or "") < (b.condition or "")
  end

  return a.what < b.what
end

local function percent(part) return part.all == 0 and 100 or part.covered * 100 / part.all end

-- result() → { lines = { covered =, all =, percent = }, branches = the same, missed = list of
-- { file =, line =, what = "line" | "yes" | "no", condition = } }. Each condition has two ways,
-- and counts as two branches; those of a line that never ran are missed with it.
function Coverage:result()
  local lines, branches, missed = { covered = 0, all = 0 }, { covered = 0, all = 0 }, {}
  local function count(part, times, miss)
    part.all = part.all + 1
    if times > 0 then part.covered = part.covered + 1 else missed[#missed + 1] = miss end
  end

  for file, counts in sorted_pairs(self.lines) do
    for line, times in sorted_pairs(counts) do
      count(lines, times, { file = file, line = line, what = "line" })
    end
  end

  for _, branch in ipairs(self.order) do
    for _, way in ipairs { "yes", "no" } do
      count(branches, branch[way], {
        file = branch.file,
        line = branch.line,
        what = way,
        condition = branch.condition,
      })
    end
  end

  table.sort(missed, in_order)
  lines.percent, branches.percent = percent(lines), percent(branches)

  return { lines = lines, branches = branches, missed = missed }
end

return coverage
