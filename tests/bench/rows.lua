-- The rows of the benchmarks: what is made of their samples, and how they are told.
--
--   summary(bench, row) → what `./dev bench --json` has of a row
--   show(summary) → lines for people
--
-- ours, theirs and ratio are medians. A ratio is that of two samples taken one after the other, so
-- that what disturbs the machine for longer disturbs both; `spread` has the least and the most.
local rows = {}

local function median(list)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  local middle = (#sorted + 1) // 2
  if #sorted % 2 == 1 then return sorted[middle] end

  return (sorted[middle] + sorted[middle + 1]) / 2
end

local function spread(list)
  if not list then return nil end
  return { math.min(table.unpack(list)), math.max(table.unpack(list)) }
end

local function ratios(row)
  if not row.theirs then return nil end
  local list = {}
  for i, ours in ipairs(row.ours) do
    list[i] = row.ratio == "theirs/ours" and row.theirs[i] / ours or ours / row.theirs[i]
  end

  return list
end

local function is_met(target, figure)
  if target.least then return figure >= target.least end
  return figure <= target.most
end

local function check(bench, row)
  local function need(condition, problem)
    if not condition then error(("%s, %s: %s"):format(bench, row.name, problem), 0) end
  end

  need(type(row.name) == "string" and row.unit and row.equal_work,
    "a row has a name, a unit, and says what work is equal")
  need(#row.ours > 0, "a row has samples")
  need(not row.theirs or #row.theirs == #row.ours, "both sides have as many samples")
  need(not row.target or row.target.of == "ours" or row.theirs, "a ratio is of two")
end

function rows.summary(bench, row)
  check(bench, row)
  local of = ratios(row)
  local one = {
    bench = bench,
    name = row.name,
    peer = row.peer,
    unit = row.unit,
    equal_work = row.equal_work,
    note = row.note,
    samples = #row.ours,
    ours = median(row.ours),
    theirs = row.theirs and median(row.theirs),
    ratio = of and median(of),
    ratio_of = of and (row.ratio or "ours/theirs"),
    spread = { ours = spread(row.ours), theirs = spread(row.theirs), ratio = spread(of) },
    target = row.target,
  }

  one.met = row.met
  if row.target and one.met == nil then one.met = is_met(row.target, one[row.target.of]) end

  return one
end

-- Three digits and more, as people read them.
local function figure(value)
  if value ~= value or math.abs(value) == math.huge then return tostring(value) end
  if math.abs(value) < 1000 then return ("%.3g"):format(value) end
  local digits = ("%.0f"):format(value)
  return (digits:reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", ""))
end

local function with_spread(value, of)
  return ("%s (%s to %s)"):format(figure(value), figure(of[1]), figure(of[2]))
end

local function told_target(one)
  if not one.target then return nil end
  return ("    target: %s %s %s: %s"):format(one.target.of,
    one.target.least and "at least" or "at most", figure(one.target.least or one.target.most),
    one.met and "met" or "not met")
end

function rows.show(one)
  local lines = { ("  %s, %s"):format(one.name, one.unit) }
  local function add(line) lines[#lines + 1] = line end

  add("    weir " .. with_spread(one.ours, one.spread.ours))
  if one.ratio then
    add(("    %s %s"):format(one.peer, with_spread(one.theirs, one.spread.theirs)))
    add(("    %s %s"):format(one.ratio_of, with_spread(one.ratio, one.spread.ratio)))
  elseif one.peer then
    add(("    %s: not measured here"):format(one.peer))
  end

  add(told_target(one))
  add("    " .. one.equal_work)
  if one.note then add("    " .. one.note) end

  return table.concat(lines, "\n")
end

return rows
