-- Decisions counted by the minute, and drawn by the minute, the hour or the day, as their span
-- asks.
local text = require "weir.page.text"

local over_time = {}

local Counts = {}
Counts.__index = Counts

-- Seconds of the intervals that a chart may have, and how many intervals it may show.
local WIDTHS = { 60, 300, 900, 3600, 6 * 3600, 86400, 7 * 86400, 28 * 86400 }
local MOST_INTERVALS = 150

function over_time.new() return setmetatable({ by_name = {}, undated = 0 }, Counts) end

-- One decision more of that name at the time that its line tells.
function Counts:add(name, time)
  local seconds = text.seconds(time)
  if not seconds then
    self.undated = self.undated + 1
    return
  end

  local minute = seconds // 60
  local counts = self.by_name[name]
  if not counts then
    counts = {}
    self.by_name[name] = counts
  end

  counts[minute] = (counts[minute] or 0) + 1
  self.first = math.min(self.first or minute, minute)
  self.last = math.max(self.last or minute, minute)
end

local function width_for(span)
  for _, width in ipairs(WIDTHS) do
    if span // width < MOST_INTERVALS then return width end
  end

  return span // MOST_INTERVALS + 1
end

-- Rows for a chart: {start of the interval, count of names[1], …}; and the width of an interval in
-- seconds. An interval without decisions counts 0 of each.
function Counts:rows(names)
  if not self.first then return {}, 0 end
  local width = width_for((self.last - self.first) * 60)
  local begin = self.first * 60 // width
  local rows = {}

  for at = begin, self.last * 60 // width do
    local row = { at * width }
    for i = 1, #names do row[i + 1] = 0 end
    rows[#rows + 1] = row
  end

  for i, name in ipairs(names) do
    for minute, count in pairs(self.by_name[name] or {}) do -- any order: a sum
      local row = rows[minute * 60 // width - begin + 1]
      row[i + 1] = row[i + 1] + count
    end
  end

  return rows, width
end

-- The same for a chart's series whose names are counted, less those of which there are none. The
-- third result is the list of series that are left.
function Counts:rows_of(series)
  local names, left = {}, {}
  for _, each in ipairs(series) do
    if self.by_name[each[1]] then
      names[#names + 1], left[#left + 1] = each[1], each
    end
  end

  local rows, width = self:rows(names)

  return rows, width, left
end

-- "5 minutes"
function over_time.width(seconds)
  local units = { { 86400, "day" }, { 3600, "hour" }, { 60, "minute" } }
  for _, unit in ipairs(units) do
    if seconds % unit[1] == 0 then
      local count = seconds // unit[1]
      return count == 1 and unit[2] or ("%d %ss"):format(count, unit[2])
    end
  end

  return ("%d seconds"):format(seconds)
end

return over_time
