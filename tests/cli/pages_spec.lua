-- The pages of weir replay, diff, report and simulate in a real browser: drawn, readable in both themes,
-- on a narrow screen and on paper, by keys and by a screen reader, and silent on the network.
local browser = require "support.browser"
local files = require "support.files"
local run = require "support.run"

local DAY = "tests/recordings/working-day.jsonl.gz"

-- What a page says of itself: name → { file =, arguments of weir }.
local PAGES = {
  { name = "replay", "replay", DAY, "--quiet", charts = 1,
    contains = { "7,667 decisions", "3,965", "mapping", "working-day.jsonl.gz" } },
}

local folder

local function page_of(page)
  local path = ("%s/%s.html"):format(folder, page.name)
  local arguments = table.move(page, 1, #page, 1, {})
  arguments[#arguments + 1] = "--html"
  arguments[#arguments + 1] = path
  local result = run(arguments)
  assert.is_true(files.exists(path), result.stderr)
  return path
end

local function focusable(tree)
  local list = {}
  for _, node in ipairs(tree) do
    if node.role == "application" or node.role == "table" or node.role == "image" then list[#list + 1] = node end
  end
  return list
end

setup(function() folder = files.directory() end)
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
      })
    end)

    it("says what was found", function()
      for _, text in ipairs(page.contains) do
        assert.truthy(seen.results[1]:find(text, 1, true), text .. " is missing in: " .. seen.results[1])
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
      for _, node in ipairs(nodes) do
        if node.role ~= "table" then assert.is_true(#(node.name or "") > 3, node.role .. " without a name") end
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
    assert.equal("2026-11-20 00:30: routing 2, weights 2, promotion 2, mapping 6", seen.results[5])
    assert.equal("2026-11-20 23:45: routing 1, weights 0, promotion 0, mapping 3", seen.results[7])
    assert.equal(seen.results[1], seen.results[9])
    assert.matches("^2026%-11%-20 1[12]:%d%d: routing %d+, ", seen.results[11])
    assert.same({}, seen.exceptions)
  end)

  it("keeps the size of its canvas for paper, or it would be printed empty", function()
    local size = "[...document.querySelectorAll('canvas')].map((c) => c.width + ' ' + c.height).join()"
    local seen = browser.visit(page_of(PAGES[1]), {
      { evaluate = size },
      { evaluate = "dispatchEvent(new Event('beforeprint')), " .. size },
      { evaluate = browser.DRAWN },
      { evaluate = "dispatchEvent(new Event('afterprint')), document.querySelector('.plot').style.zoom" },
    })
    assert.equal(seen.results[1], seen.results[2])
    assert.is_true(seen.results[3][1] > 100)
    assert.equal("", seen.results[4])
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
    local result = run { "replay", DAY, "--html", "/nonexistent/page.html" }
    assert.equal(6, result.status)
    assert.matches("/nonexistent/page.html", result.stderr)
  end)

  it("keeps the exit status of what was found", function()
    local changed = folder .. "/changed.jsonl"
    files.shell(("gzip -dc %s | sed -n '1,300s/\"file_count\":[0-9]*/\"file_count\":777/p' > %s"):format(DAY, changed))
    local result = run { "replay", changed, "--quiet", "--html", folder .. "/changed.html" }
    assert.equal(1, result.status)
    assert.truthy(files.read(folder .. "/changed.html"):find("<h2>Decided otherwise</h2>", 1, true))
  end)
end)
