-- The page of weir simulate --plan: how much traffic a trial needs, for each effect.
--
--   simulate_plan.page(found)    found: the object that `weir simulate --plan --json` prints
local page = require "weir.page"
local terminal = require "weir.cli.terminal"
local text = require "weir.page.text"

local simulate_plan = {}

-- The least traffic that is enough, for each effect.
local function sentence(found)
  local parts, tone = {}, "good"
  for i, plan in ipairs(found.plans) do
    parts[i] = ("%s: more requests are needed than were tried."):format(plan.title)
    for _, row in ipairs(plan.rows) do
      if row.reached then
        parts[i] = ("%s: %s requests a minute are enough, in %s hours."):format(plan.title,
          text.number(row.traffic), text.hours(row.reached.hours))
        break
      end
    end

    if parts[i]:find("are needed", 1, true) then tone = "warn" end
  end

  return table.concat(parts, " "), tone
end

function simulate_plan.page(found)
  local said, tone = sentence(found)
  local p = page.new {
    kicker = "weir simulate --plan",
    title = "How much traffic a trial needs",
    sentence = said,
    tone = tone,
  }

  p:text("Enough is what lets 80 % of the trials end as they should.")
  for _, plan in ipairs(found.plans) do
    p:section(plan.title, ("Right would be: %s."):format(plan.right))
    local rows, points = {}, {}
    for i, row in ipairs(plan.rows) do
      local share, range = text.interval(row.right)
      rows[i] = { text.number(row.traffic), { share, lines = { range } },
        row.reached and text.hours(row.reached.hours) or "not within the trial",
        row.reached and text.number(row.reached.requests) or "–" }
      points[i] = { row.traffic, row.right.share * 100 }
    end

    p:table {
      columns = { { "requests a minute", align = "right" }, { "end so", align = "right" },
        { "hours until 80 %", align = "right" },
          { "requests of the challenger", align = "right" } },
      rows = rows,
    }

    p:chart {
      title = "Trials that end as they should",
      note = "by requests a minute, on a logarithmic scale",
      x = { type = "log", label = "requests a minute" },
      y = { unit = "%", digits = 1, range = { 0, 104 } },
      series = { { plan.title } },
      rows = points,
      lines = { { 80, "80 %" } },
      points = true,
    }
  end

  p:note(("%s of each, seed %s."):format(terminal.count(found.runs, "run"),
    text.number(found.seed)))
  return p
end

return simulate_plan
