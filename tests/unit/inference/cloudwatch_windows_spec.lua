-- CloudWatch's answers as windows: in any order, over pages, late, missing, without a word.
local cloudwatch_windows = require "weir.inference.cloudwatch_windows"

-- Effects that answer these pages; `asked` is what came.
local function read(pages, asked)
  local effects = {}
  function effects.pages(_, request)
    if asked then asked.request = request end
    return pages
  end

  return cloudwatch_windows.read(effects, "e", { "old", "new" }, 600, 1500, 300)
end

local function series(id, timestamps, values, status)
  return { Id = id, StatusCode = status or "Complete", Timestamps = timestamps, Values = values }
end

local function page(...) return { MetricDataResults = { ... } } end

describe("cloudwatch_windows.read", function()
  it("asks once for seven series of each variant", function()
    local asked = {}
    read({}, asked)
    local input, seen = asked.request.input, {}
    assert.same({ 600, 1500, 14 }, { input.StartTime, input.EndTime, #input.MetricDataQueries })
    for _, query in ipairs(input.MetricDataQueries) do
      local stat = query.MetricStat
      assert.same({ 300, "AWS/SageMaker" }, { stat.Period, stat.Metric.Namespace })
      seen[#seen + 1] = ("%s %s %s"):format(stat.Metric.Dimensions[2].Value, stat.Metric.MetricName,
        stat.Stat)
    end

    assert.same({ "old Invocations Sum", "old Invocation4XXErrors Sum",
      "old Invocation5XXErrors Sum",
      "old ModelLatency Average", "old ModelLatency p50", "old ModelLatency p90",
      "old ModelLatency p99" },
      table.move(seen, 1, 7, 1, {}))
  end)

  it("puts unordered points, over pages, into their windows; latencies become milliseconds",
    function()
    local windows = read {
      page(series("v1_requests", { 1200, 600 }, { 30, 10 }, "PartialData"),
        series("v1_client_errors", { 600 }, { 1 })),
      page(series("v1_requests", { 900 }, { 20 }),
        series("v1_server_errors", { 1200, 600 }, { 3, 2 }),
        series("v1_p99", { 600 }, { 250000 }), series("v1_mean", { 600 }, { 12500 })),
    }

    assert.same({ requests = 10, errors = 3, client_errors = 1, server_errors = 2,
      latency_ms = { p99 = 250, mean = 12.5 } }, windows.old[600])
    assert.same({ 20, 30, 3 }, {
      windows.old[900].requests,
      windows.old[1200].requests,
      windows.old[1200].errors,
    })
  end)

  it("has no window where there were no invocations", function()
    local windows = read {
      page(series("v1_requests", {}, {}), series("v1_server_errors", { 600 }, { 0 }))
    }

    assert.same({ old = {}, new = {} }, windows)
  end)

  it("takes errors without a point for none only from a complete series", function()
    local function errors(status)
      local list = { series("v1_requests", { 600 }, { 10 }), series("v1_client_errors", {}, {}) }
      if status then list[3] = series("v1_server_errors", {}, {}, status) end
      return read({ page(table.unpack(list)) }).old[600].errors
    end

    assert.equal(0, errors "Complete")
    for _, status in ipairs { "PartialData", "InternalError", "Forbidden", false } do
      assert.is_nil(errors(status))
    end
  end)

  it("knows no errors while more of them than invocations have come", function()
    local windows = read { page(series("v1_requests", { 600, 900 }, { 5, 5 }),
      series("v1_client_errors", { 600, 900 }, { 4, 4 }),
      series("v1_server_errors", { 600, 900 }, { 2, 1 })) }
    assert.same({ 5, nil }, { windows.old[600].requests, windows.old[600].errors })
    assert.same({ 5, 5 }, { windows.old[900].requests, windows.old[900].errors })
  end)

  it("passes a failure on", function()
    local effects = {}
    function effects.pages() return nil, "denied", "AccessDenied" end
    assert.same({ nil, "denied", "AccessDenied", n = 3 },
      table.pack(cloudwatch_windows.read(effects, "e", { "old" }, 0, 300, 300)))
  end)
end)
