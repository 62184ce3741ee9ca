-- The page of weir simulate, from objects as `weir simulate --json` prints them.
local simulate_page = require "weir.page.simulate"

local function share(count, runs)
  local exact = count / runs
  return {
    count = count,
    share = exact,
    low = math.max(0, exact - 0.1),
    high = math.min(1, exact + 0.1)
  }
end

local function result(promote, rollback, right)
  local runs = 100
  return {
    outcomes = { promote = share(promote, runs), rollback = share(rollback, runs),
      hold = share(runs - promote - rollback, runs), failed = share(0, runs) },
    right = right and share(right, runs),
    hours = { median = 11.25, p90 = 20 },
    exposed = { median = 48160, mean = 50000, p90 = 60000 },
    excess = { median = 0, mean = 17.4, p90 = 30 },
    curve = { { hours = 0, promote = 0, rollback = 0 },
      { hours = 10, promote = promote // 2, rollback = rollback // 2 },
      { hours = 20, promote = promote, rollback = rollback } },
    rules = {
      { action = "promote", because = "no worse", file = "p.lua", line = 7, count = promote },
    },
  }
end

local function found(results, title, right)
  local policies = {}
  for i in ipairs(results) do
    policies[i] = { policies = "set" .. i, set_digest = "sha256:" .. i }
  end

  return { policies = policies, runs = 100, seed = 7, scenarios = {
    { name = "s", title = title or "no change", right = right or "promote", results = results,
      settings = { traffic = 600, error_rate = 0.001 } },
  } }
end

local function html(object) return simulate_page.page(object):html() end

local function has(text, page) assert.truthy(page:find(text, 1, true), text) end

describe("the page of a simulation", function()
  it("says first which policies it is about, how often they ran, and the seed", function()
    has("<dl><dt>Policies</dt><dd><code>set1  sha256:1</code></dd>\n"
      .. "<dt>Runs of each scenario</dt><dd>100</dd>\n<dt>Seed</dt><dd>7</dd></dl>",
      html(found { result(97, 1, 97) }))
  end)

  it("begins with how many scenarios end as they should, and the worst", function()
    has("In 1 of 1 scenario at least 95 % of the trials end as they should.",
      html(found { result(97, 1, 97) }))
    local page = html(found { result(60, 30, 60) })
    has('<p class="sentence warn">In 0 of 1 scenario at least 95 % of the trials end as they '
      .. 'should. The least: no '
      .. "change, 60.0 %.</p>", page)
    has('<p class="sentence bad">', html(found { result(40, 60, 40) }))
    has("No scenario says what would be right", html(found { result(40, 60) }))
  end)

  it("shows outcomes as stacked shares, and repeats them as numbers with hours and costs",
    function()
    local page = html(found { result(73, 20, 73) })
    has('aria-label="promote 73.0 %, rollback 20.0 %, hold 7.0 %, failed 0.0 %"', page)
    has('<td class="o1 w730" title="promote">promote 73 %</td><td class="o2 w200" '
      .. 'title="rollback">20 %</td><td class="o3 w70" title="hold"></td>', page)
    has('<td class="right">11.2</td><td class="right">20.0</td><td class="right">48,160</td>'
      .. '<td class="right">17</td>', page)
    has("63.0 to 83.0 %", page)
    has("p.lua:7", page)
  end)

  it("draws the share decided by hour as the step function that it is", function()
    local page = html(found { result(80, 20, 80) })
    has('"rows":[[0.0,[0.0,0.0,0.0]]', page)
    has("[10.0,[40.0,40.0,40.0]]", page)
    has("[20.0,[80.0,80.0,80.0]]", page)
    has("Promoted by hour", page)
    has("Rolled back by hour", html(found({ result(10, 90, 90) }, "errors x2", "rollback")))
  end)

  it("puts two policy sets side by side", function()
    local page = html(found { result(80, 20, 80), result(97, 1, 97) })
    has("set1 → set2 in worlds that are known", page)
    has("With NEW, in 1 of 1 scenario", page)
    has("no change, OLD", page)
    has("no change, NEW", page)
  end)

  it("tells of the worlds what is not as in the first", function()
    local object = found { result(80, 20, 80) }
    object.scenarios[2] = { title = "busier", results = { result(80, 20) },
      settings = { traffic = 60000.0, error_rate = 0.001 } }
    has('<th scope="row">busier</th><td class="roomy">traffic 60000</td>', html(object))
    has("&quot;error_rate&quot;: 0.001", html(object))
  end)

  it("says how much traffic is enough for each effect", function()
    local page = html { runs = 20, seed = 1, plans = {
      { name = "errors:x2", title = "errors:x2", right = "rollback", rows = {
        { traffic = 60, right = share(5, 20) },
        { traffic = 1200, right = share(18, 20), reached = { hours = 110.25, requests = 68966 } },
      } },
      {
        name = "p99:+1%",
        title = "p99:+1%",
        right = "rollback",
        rows = { { traffic = 60, right = share(1, 20) } },
      },
    } }
    has('<p class="sentence warn">errors:x2: 1,200 requests a minute are enough, in 110.2 hours. '
      .. 'p99:+1%: more '
      .. "requests are needed than were tried.</p>", page)
    has("not within the trial", page)
    has("68,966", page)
  end)
end)
