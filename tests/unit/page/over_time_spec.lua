local over_time = require "weir.page.over_time"

describe("decisions over time", function()
  it("are counted by interval, with zeros where none was made", function()
    local counts = over_time.new()
    counts:add("routing", "2026-11-20T08:00:10.000Z")
    counts:add("routing", "2026-11-20T08:00:59.000Z")
    counts:add("weights", "2026-11-20T08:02:00.000Z")
    local rows, width = counts:rows { "routing", "weights" }
    assert.equal(60, width)
    assert.same({ { 1795161600, 2, 0 }, { 1795161660, 0, 0 }, { 1795161720, 0, 1 } }, rows)
  end)

  it("come in wider intervals when they span more, and none is lost", function()
    local widths = {
      [100] = 60,
      [600] = 300,
      [1440] = 900,
      [6 * 1440] = 3600,
      [400 * 1440] = 7 * 86400,
    }

    for span, expected in pairs(widths) do
      local counts, sum = over_time.new(), 0
      for i = 0, 99 do
        counts:add("a", os.date("!%Y-%m-%dT%H:%M:%S.000Z", 1795161600 + i * span * 60 // 99))
      end

      local rows, width = counts:rows { "a" }
      for _, row in ipairs(rows) do sum = sum + row[2] end
      assert.same({ expected, 100 }, { width, sum })
      assert.is_true(#rows <= 151)
    end
  end)

  it("count apart what has no time, and give no row for nothing", function()
    local counts = over_time.new()
    counts:add("a", nil)
    counts:add("a", "t")
    assert.equal(2, counts.undated)
    assert.same({}, (counts:rows { "a" }))
  end)

  it("names widths as people do", function()
    assert.same({ "minute", "15 minutes", "hour", "6 hours", "day", "7 days", "90 seconds" }, {
      over_time.width(60), over_time.width(900), over_time.width(3600), over_time.width(21600),
      over_time.width(86400), over_time.width(604800), over_time.width(90),
    })
  end)
end)
