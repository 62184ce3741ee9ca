-- How the charts of the pages are drawn: each line's name, colour and dashes, whether it is a step
-- function, the unit, and how many lines of reference there are. One colour is one variant in every
-- chart of a page, one pattern of dashes one percentile.
local files = require "support.files"
local json = require "weir.json"
local run = require "support.run"
local trial_recording = require "support.trial_recording"

-- One line for each chart of the page that this run of weir writes.
local function charts_of(...)
  local path = files.directory() .. "/page.html"
  local words = { ... }
  words[#words + 1], words[#words + 2] = "--html", path
  run(words)
  local charts = {}
  for text in files.read(path):gmatch '<script type="application/json">(.-)</script>' do
    local data = json.decode(text)
    local series = {}
    for i, name in ipairs(data.names) do
      series[i] = ("%s colour %d dash %d%s"):format(name, data.colours[i], data.dashes[i],
        data.steps[i] and " step" or "")
    end

    charts[#charts + 1] = ("%s; %s, %d digits, %d lines%s"):format(table.concat(series, ", "),
      data.unit or "no unit", data.digits, #data.lines, data.ylog and ", logarithmic" or "")
  end

  return charts
end

describe("the charts of", function()
  teardown(files.remove_all)

  it("a trial", function()
    local trial = trial_recording.write(files.directory() .. "/trial.jsonl", 30)
    assert.same({
      "difference of error rates colour 1 dash 1; points, 2 digits, 2 lines",
      "relative difference of p99 colour 1 dash 1; %, 2 digits, 2 lines",
      "asked colour 5 dash 1 step, seen colour 2 dash 1; %, 1 digits, 1 lines",
      "vision-12 colour 1 dash 1, vision-13 colour 2 dash 2; no unit, 0 digits, 1 lines",
      "p50 of vision-12 colour 1 dash 1, p50 of vision-13 colour 2 dash 1, "
        .. "p95 of vision-12 colour 1 dash 2, p95 of vision-13 colour 2 dash 2, "
        .. "p99 of vision-12 colour 1 dash 3, p99 of vision-13 colour 2 dash 3; "
        .. "ms, 0 digits, 0 lines, logarithmic",
    }, charts_of("report", trial))
  end)

  it("experiments, whose latency is drawn by percentile too", function()
    local charts = charts_of("report", "tests/recordings/experiments.jsonl.gz")
    assert.equal(14, #charts)
    assert.same({
      "old colour 1 dash 1, new colour 2 dash 2; ms, 1 digits, 0 lines, logarithmic",
      "relative difference colour 1 dash 1; %, 1 digits, 2 lines",
    }, { charts[6], charts[7] })
  end)

  it("simulations", function()
    assert.same({ "no change colour 1 dash 1; %, 1 digits, 0 lines" },
      charts_of("simulate", "--runs", "5", "--scenario", "no-change"))
    assert.same({ "errors:+0.5pp colour 1 dash 1; %, 1 digits, 1 lines" },
      charts_of("simulate", "--plan", "--runs", "5", "--effect", "errors:+0.5pp"))
  end)

  it("a diff", function()
    local folder = files.directory()
    files.shell(("cp -r policies %s/edited && sed -i 's/integer { 10,/integer { 20,/' "
      .. "%s/edited/routing.lua"):format(folder, folder))
    assert.same({ "decided otherwise colour 2 dash 1, another reason colour 5 dash 2; no unit, "
      .. "0 digits, 0 lines" }, charts_of("diff", "policies", folder .. "/edited",
      "tests/recordings/working-day.jsonl.gz"))
  end)

  it("a replay", function()
    assert.same({ "routing colour 1 dash 1, weights colour 2 dash 2, promotion colour 3 dash 3, "
      .. "mapping colour 4 dash 4; no unit, 0 digits, 0 lines" },
      charts_of("replay", "tests/recordings/working-day.jsonl.gz"))
  end)
end)
