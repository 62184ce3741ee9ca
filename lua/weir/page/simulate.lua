-- The page of weir simulate, made from the object that `weir simulate --json` prints: how the
-- trials of each scenario ended, how soon, what they cost, and by which rule. That of --plan is in
-- weir.page.simulate_plan.
--
--   simulate_page.page(found)
local page = require "weir.page"
local sorted_pairs = require "weir.sorted_pairs"
local terminal = require "weir.cli.terminal"
local text = require "weir.page.text"

local simulate_page = {}

-- Shares of trials that end as they should: enough for most; and few enough to be a mistake.
local ENOUGH, POOR = 0.95, 0.5

-- Scenarios whose curves one chart shows, and points of a curve.
local MOST_CURVES = 5
local CURVE_POINTS = 80
local MOST_RULES = 4

local OUTCOMES = { { "promote", "o1" }, { "rollback", "o2" }, { "hold", "o3" }, { "failed", "o4" } }

-- Which of the policy sets a result belongs to; nothing to say when there is one.
local function side(found, at)
  if #found.policies < 2 then return "" end
  return at == 1 and "OLD" or "NEW"
end

-- What to know first -----------------------------------------------------------------------------

-- Scenarios of the last policy set that end as they should too seldom.
local function poor_ones(found)
  local judged, poor = 0, {}
  for _, scenario in ipairs(found.scenarios) do
    local right = scenario.results[#scenario.results].right
    if right then
      judged = judged + 1
      if right.share < ENOUGH then
        poor[#poor + 1] = { scenario = scenario, share = right.share }
      end
    end
  end

  table.sort(poor, function(a, b)
    if a.share ~= b.share then return a.share < b.share end
    return a.scenario.title < b.scenario.title
  end)

  return judged, poor
end

local function sentence(found)
  local judged, poor = poor_ones(found)
  local who = #found.policies == 2 and "With NEW, in " or "In "
  if judged == 0 then
    return "No scenario says what would be right; see how their trials ended.", "open"
  end

  local said = ("%s%d of %s at least 95 %% of the trials end as they should."):format(who,
    judged - #poor,
    terminal.count(judged, "scenario"))
  if #poor == 0 then return said, "good" end
  local worst = poor[1]

  return ("%s The least: %s, %s."):format(said, worst.scenario.title, text.percent(worst.share, 1)),
    worst.share < POOR and "bad" or "warn"
end

-- Outcomes ---------------------------------------------------------------------------------------

local function stack(p, result)
  local shares = {}
  for i, outcome in ipairs(OUTCOMES) do
    shares[i] = { result.outcomes[outcome[1]].share, outcome[2], outcome[1] }
  end

  return p:stack(shares)
end

-- Two cells: the share of trials that end as they should, and its interval.
local function verdict(result)
  local right = result.right
  if not right then return "", "" end
  local share, range = text.interval(right)

  return {
    share,
    tone = right.share >= ENOUGH and "good" or right.share < POOR and "bad" or "warn",
  }, range
end

local function outcomes(p, found)
  local rows, two = {}, #found.policies == 2
  for _, scenario in ipairs(found.scenarios) do
    for i, result in ipairs(scenario.results) do
      local share, range = verdict(result)
      local row = { i == 1 and scenario.title or "", stack(p, result), i == 1 and scenario.right
        or "", share, range,
        goes_on = i > 1 }
      if two then table.insert(row, 2, side(found, i)) end
      rows[#rows + 1] = row
    end
  end

  local columns = { { "scenario" }, { "outcomes of the trials" }, { "should be", keep = true },
    { "are so", align = "right" }, { "95 %", align = "right" } }
  if two then table.insert(columns, 2, { "policies" }) end
  p:section("How the trials end",
    "Blue is promoted, orange rolled back, grey still held at the end, red failed: in "
    .. "this order, each with its share. The range is the Monte Carlo error, 95 %.")
  p:table { columns = columns, rows = rows, row_heads = true }
end

local function costs(p, found)
  local rows = {}
  for _, scenario in ipairs(found.scenarios) do
    for i, result in ipairs(scenario.results) do
      local title = i == 1 and scenario.title or ""
      if #found.policies == 2 then title = (title .. " " .. side(found, i)):gsub("^ ", "") end
      local cells = { title, goes_on = i > 1 }
      for _, outcome in ipairs(OUTCOMES) do
        cells[#cells + 1] = text.percent(result.outcomes[outcome[1]].share, 1)
      end

      cells[#cells + 1] = text.hours(result.hours.median)
      cells[#cells + 1] = text.hours(result.hours.p90)
      cells[#cells + 1] = text.number(result.exposed.median)
      cells[#cells + 1] = text.number(result.excess.mean)
      rows[#rows + 1] = cells
    end
  end

  local columns = { { "scenario" } }
  for _, name in ipairs { "promote", "rollback", "hold", "failed", "hours, median", "hours, 90 %",
    "requests exposed", "failed in excess" } do
    columns[#columns + 1] = { name, align = "right" }
  end

  p:section("How soon, and at what cost",
    "Hours until promotion or rollback. Requests exposed are those that the "
    .. "challenger got (median); failed in excess are those that the champion would have answered "
    .. "(mean).")
  p:table { columns = columns, rows = rows, row_heads = true }
end

-- Curves -----------------------------------------------------------------------------------------

-- The count of a curve at an hour: a step function.
local function count_at(curve, hour, outcome)
  local count = 0
  for _, point in ipairs(curve) do
    if point.hours > hour then break end
    count = point[outcome]
  end

  return count
end

local function last_hour(scenarios)
  local last = 0
  for _, scenario in ipairs(scenarios) do
    for _, result in ipairs(scenario.results) do
      local curve = result.curve
      if curve and #curve > 0 then last = math.max(last, curve[#curve].hours) end
    end
  end

  return last
end

local function curve_chart(p, found, outcome, scenarios, part)
  local last, series, rows = last_hour(scenarios), {}, {}
  if last == 0 then return end
  for s, scenario in ipairs(scenarios) do
    for i in ipairs(scenario.results) do
      local name = #found.policies == 2 and scenario.title .. ", " .. side(found, i)
        or scenario.title
      series[#series + 1] = { name, colour = s, dash = #found.policies == 2 and i or s }
    end
  end

  for at = 0, CURVE_POINTS do
    local hour = last * at / CURVE_POINTS
    local row = { hour }
    for _, scenario in ipairs(scenarios) do
      for _, result in ipairs(scenario.results) do
        row[#row + 1] = count_at(result.curve or {}, hour, outcome) * 100 / found.runs
      end
    end

    rows[#rows + 1] = row
  end

  p:chart {
    title = (outcome == "promote" and "Promoted by hour" or "Rolled back by hour") .. part,
    note = "where that is right",
    x = { type = "number", label = "hours", unit = "h", digits = 1 },
    y = { unit = "%", digits = 1, range = { 0, 104 } },
    series = series,
    rows = rows,
  }
end

local function curves(p, found)
  local shown = false
  for _, outcome in ipairs { "promote", "rollback" } do
    local list = {}
    for _, scenario in ipairs(found.scenarios) do
      if scenario.right == outcome then list[#list + 1] = scenario end
    end

    local parts = math.ceil(#list / MOST_CURVES)
    for part = 1, parts do
      if not shown then
        p:section("Decided by hour", "The share of trials that have ended as they should.")
      end

      shown = true
      local group = table.move(list, (part - 1) * MOST_CURVES + 1,
        math.min(#list, part * MOST_CURVES), 1, {})
      curve_chart(p, found, outcome, group, parts > 1 and (", %d of %d"):format(part, parts) or "")
    end
  end
end

-- Rules ------------------------------------------------------------------------------------------

local function rules(p, found)
  local rows = {}
  for _, scenario in ipairs(found.scenarios) do
    local first = true
    for i, result in ipairs(scenario.results) do
      for at = 1, math.min(MOST_RULES, #result.rules) do
        local rule = result.rules[at]
        rows[#rows + 1] = {
          first and scenario.title or "", at == 1 and side(found, i) or "",
            p:bar(rule.count / found.runs), rule.action,
          {
            text.cut(rule.because, 160),
            lines = { ("%s:%d"):format(rule.file, rule.line) },
          }, goes_on = not first,
        }

        first = false
      end
    end
  end

  if #found.policies < 2 then
    for _, row in ipairs(rows) do table.remove(row, 2) end
  end

  local columns = {
    { "scenario" },
    { "policies" },
    { "trials" },
    { "decision" },
    { "because, of one", roomy = true },
  }

  if #found.policies < 2 then table.remove(columns, 2) end
  p:section("What ended them",
    ("The rules that decided last, at most %d for each scenario."):format(MOST_RULES))
  p:table { columns = columns, rows = rows, row_heads = true }
end

-- "p99_factor 1.2, traffic 60": settings that are not those of the first scenario.
local function differing(settings, first)
  local parts = {}
  for name, value in sorted_pairs(settings) do
    if value ~= first[name] then parts[#parts + 1] = ("%s %s"):format(name, text.plain(value)) end
  end

  return #parts > 0 and table.concat(parts, ", ") or "as the first"
end

local function settings(p, found)
  local first, rows = found.scenarios[1], {}
  if not first.settings then return end
  for i, scenario in ipairs(found.scenarios) do
    rows[i] = {
      scenario.title,
      i == 1 and "see below" or differing(scenario.settings, first.settings)
    }
  end

  p:section("The worlds",
    "What each scenario is made of, where it is not as the first one. A window is one minute "
    .. "of data.")
  p:table {
    columns = { { "scenario" }, { "settings", roomy = true } },
    rows = rows,
    row_heads = true,
  }

  p:code("All settings of " .. first.title, first.settings)
end

function simulate_page.page(found)
  if found.plans then return require("weir.page.simulate_plan").page(found) end
  local said, tone = sentence(found)
  local titles = {}
  for i, policy in ipairs(found.policies) do titles[i] = policy.policies end
  local p = page.new {
    kicker = "weir simulate",
    title = table.concat(titles, " → ") .. " in worlds that are known",
    sentence = said,
    tone = tone,
  }

  local facts = {}
  for i, policy in ipairs(found.policies) do
    facts[i] = { #found.policies == 2 and side(found, i) or "Policies", policy.policies .. "  "
      .. policy.set_digest,
      code = true }
  end

  facts[#facts + 1] = { "Runs of each scenario", text.number(found.runs) }
  facts[#facts + 1] = { "Seed", ("%d"):format(found.seed) }
  p:facts(facts)
  outcomes(p, found)
  costs(p, found)
  curves(p, found)
  rules(p, found)
  settings(p, found)

  return p
end

return simulate_page
