-- The pages of weir replay, diff, report and simulate in a real browser: drawn, readable in both
-- themes, on a narrow screen and on paper, by keys and by a screen reader, and silent on the
-- network.
local browser = require "support.browser"
local files = require "support.files"
local run = require "support.run"
local trial_recording = require "support.trial_recording"

local DAY = "tests/recordings/working-day.jsonl.gz"

-- Arguments of weir, and what the page must say. TRIAL, TRIALS and EDITED are in the specs' folder.
local PAGES = {
  { name = "replay", "replay", DAY, "--quiet", charts = 1,
    contains = { "decisions are made as recorded.", "mapping", "working-day.jsonl.gz" } },
  { name = "diff", "diff", "policies", "EDITED", DAY, charts = 1,
    contains = { "decisions change (", "threshold 10 → 20", "batch → realtime",
      " files, at or above 10",
      " files, below 20", "routing.lua:38", "The facts" } },
  { name = "report", "report", "TRIAL", charts = 5, strips = 1,
    contains = { "vision-13 against vision-12", "30 of 200 requests failed; the limit is 5%",
      "Sample ratio", "30 looks", "3,000, 30 failed (1.0 %)",
      "difference over the whole trial", "+3.00 points (+1.00 to +5.00)",
      "vision-13 has answered 500 of 600 requests",
        "About 30 answers of vision-13 lie beyond its p99" } },
  { name = "simulate", "simulate", "--runs", "20", "--scenario", "no-change", "--scenario",
    "errors-half-point",
    charts = 2, contains = { "In 2 of 2 scenarios at least 95 % of the trials end as they should.",
      "errors +0.5 points", "rollback 100 %", "Promoted by hour", "errors_added 0.005" } },
  { name = "plan", "simulate", "--plan", "--runs", "20", "--effect", "errors:+0.5pp", charts = 1,
    contains = { "How much traffic a trial needs", "requests a minute are enough, in" } },
  { name = "experiments", "report", "tests/recordings/experiments.jsonl.gz", charts = 14,
    strips = 2,
    contains = { "Latency of both, by percentile", "p99.9",
      "Of new these are 25,504 successes; those of old are weighted by the times of its requests.",
      "relative to that of old, by percentile", "tolerated at p99" } },
  { name = "reports", "report", "TRIALS", charts = 10, strips = 2,
    contains = { "Of 2 trials: 2 ended with a rollback.",
      "vision: vision-13 against vision-12", "vision: vision-14 against vision-12" } },
}

local folder
local inputs = {}

local function page_of(page)
  local path = ("%s/%s.html"):format(folder, page.name)
  local arguments = table.move(page, 1, #page, 1, {})
  for i, argument in ipairs(arguments) do arguments[i] = inputs[argument] or argument end
  arguments[#arguments + 1] = "--html"
  arguments[#arguments + 1] = path
  local result = run(arguments)
  assert.is_true(files.exists(path), result.stderr)

  return path
end

-- Roles that a name is needed for; tables of details have their summaries.
local NAMED = { application = true, grid = true, image = true, heading = true, button = true }

local function focusable(tree)
  local list = {}
  for _, node in ipairs(tree) do
    if NAMED[node.role] or node.role == "table" then list[#list + 1] = node end
  end

  return list
end

setup(function()
  folder = files.directory()
  files.shell(
    ("cp -r policies %s/edited && sed -i 's/threshold = integer { 10,/threshold = integer { 20,/' "
    .. "%s/edited/routing.lua"):format(folder, folder))
  inputs.EDITED = folder .. "/edited"
  inputs.TRIAL = trial_recording.write(folder .. "/trial.jsonl", 30)
  local other = trial_recording.write(folder .. "/other.jsonl", 20, function(entry)
    entry.facts.challenger, entry.facts.variants[2].name = "vision-14", "vision-14"
  end)

  inputs.TRIALS = files.write(folder .. "/trials.jsonl", files.read(inputs.TRIAL)
    .. files.read(other))
end)
teardown(files.remove_all)

for _, page in ipairs(PAGES) do
  describe("the page of weir " .. page.name, function()
    local path, seen

    setup(function()
      path = page_of(page)
      seen = browser.visit(path, {
        { evaluate = "document.body.innerText" },
        { evaluate = browser.DRAWN },
        { tree = true },
        { evaluate = browser.PALE },
        { evaluate = browser.CUT_OFF },
        { emulate = { dark = true } },
        { evaluate = browser.PALE },
        { evaluate = "getComputedStyle(document.body).backgroundColor" },
        { emulate = { width = 400 } },
        { evaluate = browser.CUT_OFF },
        { evaluate = "document.documentElement.scrollWidth" },
        { emulate = { width = 688, print = true, dark = true } },
        { evaluate = "dispatchEvent(new Event('beforeprint')), " .. browser.CUT_OFF },
        { evaluate = browser.PALE },
        { evaluate = "getComputedStyle(document.body).backgroundColor" },
        { pdf = folder .. "/page.pdf" },
        {
          evaluate = "[...document.querySelectorAll('h1,h2,h3')].map((e) => Number(e.tagName[1]))",
        },
      })
    end)

    it("says what was found", function()
      for _, text in ipairs(page.contains) do
        assert.truthy(seen.results[1]:find(text, 1, true), text .. " is missing in: "
          .. seen.results[1])
      end
    end)

    it("draws its charts, and repeats each as a table", function()
      assert.equal(page.charts, #seen.results[2])
      for _, pixels in ipairs(seen.results[2]) do assert.is_true(pixels > 100, "an empty chart") end
      local _, tables = files.read(path):gsub("<summary>Table: ", "")
      assert.equal(page.charts, tables)
    end)

    it("asks nobody for anything, and makes no mistakes", function()
      assert.same({}, seen.requests)
      assert.same({}, seen.console)
      assert.same({}, seen.exceptions)
      assert.is_nil(files.read(path):find("<[%a]+[^>]* src="))
    end)

    it("names what can be reached", function()
      local nodes = focusable(seen.results[3])
      assert.is_true(#nodes > page.charts)
      local grids = 0
      for _, node in ipairs(nodes) do
        if NAMED[node.role] then
          assert.is_true(#(node.name or "") > 1, node.role .. " without a name")
        end

        if node.role == "grid" then grids = grids + 1 end
      end

      assert.equal(page.strips or 0, grids)
    end)

    it("has headings in order, none left out", function()
      local level = 1
      for _, found in ipairs(seen.results[17]) do
        assert.is_true(found <= level + 1, "h" .. found .. " after h" .. level)
        level = found
      end
    end)

    it("has enough contrast in both themes and on paper", function()
      assert.same({}, seen.results[4])
      assert.same({}, seen.results[7])
      assert.equal("rgb(21, 24, 28)", seen.results[8])
      assert.same({}, seen.results[14])
      assert.equal("rgb(255, 255, 255)", seen.results[15])
    end)

    it("is not cut off, wide, narrow or on paper", function()
      assert.same({}, seen.results[5])
      assert.same({}, seen.results[10])
      assert.equal(400, seen.results[11])
      assert.same({}, seen.results[13])
      assert.equal("%PDF", files.read(folder .. "/page.pdf"):sub(1, 4))
    end)

    it("is the same bytes each time", function()
      local first = files.read(path)
      page_of(page)
      assert.equal(first, files.read(path))
    end)
  end)
end

describe("a page of hostile texts", function()
  local HOSTILE = "</script><img src=x onerror=alert(1)>\"'\u{2028}\u{202e}"

  it("shows them as texts: no element, no script, no request comes of them", function()
    local recording = trial_recording.write(folder .. "/hostile.jsonl", 30, function(entry)
      entry.because, entry.facts.challenger, entry.facts.endpoint = HOSTILE, HOSTILE, HOSTILE
      entry.facts.variants[2].name = HOSTILE
    end)

    local path = page_of { name = "hostile", "report", recording }
    local seen = browser.visit(path, {
      { evaluate = "document.images.length" },
      { evaluate = "document.title" },
      { evaluate = "document.querySelector('.sentence').textContent" },
      { keys = { "Tab", "ArrowRight", "Tab", "Home" } },
      { evaluate = "document.querySelector('.say').textContent" },
      { evaluate = "document.querySelectorAll('.plot canvas').length" },
    })

    local spelled = "</script><img src=x onerror=alert(1)>\"'\\u{2028}\\u{202e}"
    assert.equal(0, seen.results[1])
    assert.truthy(seen.results[2]:find(spelled, 1, true))
    assert.truthy(seen.results[3]:find(spelled, 1, true))
    assert.matches("^2026%-11%-20 08:05: difference of error rates ", seen.results[5])
    assert.is_true(seen.results[6] >= 5)
    assert.same({ {}, {}, {} }, { seen.requests, seen.console, seen.exceptions })
  end)
end)

describe("the page of a single look", function()
  it("shows it in the middle of its hour, with the whole interval", function()
    local recording = trial_recording.write(folder .. "/single.jsonl", 200)
    local lines = {}
    for line in files.read(recording):gmatch "[^\n]+" do lines[#lines + 1] = line end
    files.write(recording, lines[20] .. "\n")
    local seen = browser.visit(page_of { name = "single", "report", recording }, {
      { evaluate = "[...document.querySelectorAll('.plot')].map((p) => "
        .. "p.querySelectorAll('.dygraph-axis-label-x').length)" },
      { evaluate = browser.DRAWN },
    })

    assert.is_true(#seen.results[1] >= 5)
    for _, labels in ipairs(seen.results[1]) do assert.is_true(labels > 0) end
    assert.is_true(seen.results[2][1] > 60, ("%d pixels"):format(seen.results[2][1]))
    assert.same({ {}, {} }, { seen.console, seen.exceptions })
  end)
end)

describe("the page of a large recording", function()
  it("stays usable with 10,000 looks, and says what it left off", function()
    local recording = trial_recording.write(folder .. "/large.jsonl", 10000, function(entry, i)
      entry.decision, entry.because = {
        action = "hold",
        needs = "x",
      }, i % 2 == 0 and "even" or "odd"
    end)

    local path = page_of { name = "large", "report", recording }
    assert.is_true(#files.read(path) < 3 * 1024 * 1024)
    local seen = browser.visit(path, {
      { evaluate = "document.querySelectorAll('*').length" },
      { evaluate = browser.DRAWN },
      { evaluate = "document.body.innerText" },
    })

    assert.is_true(seen.results[1] < 60000)
    for _, pixels in ipairs(seen.results[2]) do assert.is_true(pixels > 100) end
    for _, text in ipairs { "10,000 looks",
      "1,000 of 10,000 points are drawn and listed, evenly spaced.",
      "A field stands for 167 looks, and shows the gravest.",
      "… and 9,940 more; weir report --json lists every look" } do
      assert.truthy(seen.results[3]:find(text, 1, true), text)
    end

    assert.same({}, seen.exceptions)
  end)

  it("lists of 10,000 differences the first, and counts the others", function()
    local line =
      files.lines_of("gzip -dc " .. DAY .. [[ | grep '"decision":{"action":"batch"}']])[1]
    line = line:gsub('"decision":{"action":"batch"}', '"decision":{"action":"realtime"}')
    local recording = files.write(folder .. "/differing.jsonl", (line .. "\n"):rep(10000))
    local path = page_of { name = "differing", "replay", recording, "--quiet" }
    assert.is_true(#files.read(path) < 1024 * 1024)
    assert.truthy(files.read(path):find("… and 9,950 more; weir replay --json lists every one", 1,
      true))
  end)
end)

-- How many decisions of each kind the working day has in a quarter of an hour, as a chart reads
-- them out.
local function counted(hour, minute)
  local minutes, parts = {}, {}
  for i = 0, 14 do minutes[i + 1] = ("%02d"):format(minute + i) end
  local time = ("%s:(%s)"):format(hour, table.concat(minutes, "|"))
  for i, kind in ipairs { "routing", "weights", "promotion", "mapping" } do
    local lines =
      files.lines_of(([[gzip -dc %s | grep -E '^[^,]*,"id":"[^"]*","time":"2026-11-20T%s' | ]]
      .. [[grep -c '"kind":"%s","policy"' || true]]):format(DAY, time, kind))
    parts[i] = kind .. " " .. lines[1]
  end

  return table.concat(parts, ", ")
end

describe("a chart", function()
  it("is reached by Tab, read out by the arrow keys, and left by Escape", function()
    local path = page_of(PAGES[1])
    local say = "document.querySelector('.say').textContent"
    local seen = browser.visit(path, {
      { evaluate = say },
      { keys = { "Tab" } },
      { evaluate = "document.activeElement.className" },
      { keys = { "Home", "ArrowRight" } },
      { evaluate = say },
      { keys = { "End" } },
      { evaluate = say },
      { keys = { "Escape" } },
      { evaluate = say },
      { hover = ".plot" },
      { evaluate = say },
    })

    assert.equal("plot", seen.results[3])
    for _, at in ipairs { 5, 7 } do
      local hour, minute, said = seen.results[at]:match("^2026%-11%-20 (%d%d):(%d%d): (.*)$")
      assert.equal(counted(hour, tonumber(minute)), said)
    end

    assert.is_true(seen.results[5] < seen.results[7])
    assert.equal(seen.results[1], seen.results[9])
    assert.matches("^2026%-11%-20 1[12]:%d%d: routing %d+, ", seen.results[11])
    assert.same({}, seen.exceptions)
  end)

  it("keeps the size of its canvas for paper, or it would be printed empty", function()
    local size =
      "[...document.querySelectorAll('canvas')].map((c) => c.width + ' ' + c.height).join()"
    local seen = browser.visit(page_of(PAGES[1]), {
      { evaluate = size },
      { evaluate = "dispatchEvent(new Event('beforeprint')), " .. size },
      { evaluate = browser.DRAWN },
      {
        evaluate =
          "dispatchEvent(new Event('afterprint')), document.querySelector('.plot').style.zoom",
      },
    })

    assert.equal(seen.results[1], seen.results[2])
    assert.is_true(seen.results[3][1] > 100)
    assert.equal("", seen.results[4])
  end)
end)

describe("a strip", function()
  it("is reached by Tab, walked by the arrow keys, and says why under keys and pointer", function()
    local shown =
      "[...document.querySelectorAll('.strip td > span')].filter((e) => e.checkVisibility())"
      .. ".map((e) => e.textContent)"
    local focused =
      "document.activeElement.parentNode.rowIndex + ' ' + document.activeElement.cellIndex"
    local seen = browser.visit(page_of(PAGES[3]), {
      { evaluate = shown },
      { keys = { "Tab" } },
      { evaluate = shown },
      { keys = { "End", "ArrowDown" } },
      { evaluate = focused },
      { evaluate = shown },
      {
        keys = {
          "ArrowDown",
          "ArrowDown",
          "ArrowDown",
          "ArrowDown",
          "ArrowDown",
          "ArrowDown",
          "ArrowDown",
        },
      },
      { evaluate = focused },
      { evaluate = shown },
      { hover = ".strip tbody tr:nth-child(2) td" },
      { evaluate = shown },
      { evaluate = "document.querySelectorAll('.strip td[tabindex=\"0\"]').length" },
    })

    assert.same({}, seen.results[1])
    assert.truthy(seen.results[3][1]:find("2026-11-20 08:05, Guard: ", 1, true))
    assert.equal("2 30", seen.results[5])
    assert.same({ "2026-11-20 10:30, Harm: at least 1.00 points more errors; 0.20 points are "
      .. "tolerated. rollback: 30 of 200 requests failed; the limit is 5%" }, seen.results[6])
    assert.equal("7 30", seen.results[8])
    assert.truthy(seen.results[9][1]:find("2026-11-20 10:30, Decision: rollback: 30 of 200", 1,
      true))
    assert.equal(1, #seen.results[11])
    assert.truthy(seen.results[11][1]:find("2026-11-20 08:05, Harm: not shown to be worse", 1,
      true))
    assert.equal(1, seen.results[12])
    assert.same({}, seen.exceptions)
  end)
end)

describe("the page of weir diff", function()
  it("counts in its table what stays beside what moves", function()
    local html = files.read(page_of(PAGES[2]))
    local batch = html:match('<tr><th scope="row">batch</th>(.-)</tr>')
    local cells = {}
    for cell in batch:gmatch("<td[^>]*>(.-)</td>") do
      cells[#cells + 1] = cell:gsub("<.->", "")
    end

    assert.same({ "461", "", "35", "" }, cells)
  end)
end)

describe("--html", function()
  it("writes to standard output, and nothing else there", function()
    local result = run { "replay", DAY, "--html", "-" }
    assert.equal("<!doctype html>\n", result.stdout:sub(1, 16))
    assert.equal("</html>\n", result.stdout:sub(-8))
    assert.equal(0, result.status)
  end)

  it("is refused beside --json where both would write to standard output", function()
    local result = run { "replay", DAY, "--html", "-", "--json" }
    assert.equal(2, result.status)
    assert.matches("%-%-json and %-%-html both write to standard output", result.stderr)
  end)

  it("says where the page is, and prints what is printed without it", function()
    local path = folder .. "/said.html"
    local result = run { "replay", DAY, "--html", path }
    assert.equal(run({ "replay", DAY }).stdout, result.stdout)
    assert.truthy(result.stderr:find(path .. ": a page of 1", 1, true), result.stderr)
  end)

  it("replaces an older page as a whole, and says when it cannot", function()
    local path = files.write(folder .. "/old.html", "old")
    run { "replay", DAY, "--html", path }
    assert.equal("<!doctype", files.read(path):sub(1, 9))
    assert.is_false(files.exists(path .. ".part") or false)
    local result = run { "replay", DAY, "--html", path .. "/page.html" }
    assert.equal(6, result.status)
    assert.truthy(result.stderr:find(path .. "/page.html", 1, true), result.stderr)
  end)

  it("keeps the exit status of what was found", function()
    local changed = folder .. "/changed.jsonl"
    files.shell(([[gzip -dc %s | sed -n '1,300s/"file_count":[0-9]*/"file_count":777/p' > %s]])
      :format(DAY, changed))
    local result = run { "replay", changed, "--quiet", "--html", folder .. "/changed.html" }
    assert.equal(1, result.status)
    assert.truthy(files.read(folder .. "/changed.html"):find("<h2>Decided otherwise</h2>", 1, true))
  end)
end)
