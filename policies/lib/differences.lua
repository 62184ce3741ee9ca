-- Differences of two variants beside what is tolerated of them, as figures of a reason.
local figures = require "lib.figures"

-- Fractions in points: 0.0012 is "0.12".
local function points(value, tolerance)
  return figures.apart(value * 100, tolerance * 100, 2)
end

-- Fractions in percent: whole ones where the tolerance is one.
local function percents(value, tolerance)
  local percent = tolerance * 100
  local is_whole = math.abs(percent - math.floor(percent + 0.5)) < 1e-6
  return figures.apart(value * 100, percent, is_whole and 0 or 1)
end

return { points = points, percents = percents }
