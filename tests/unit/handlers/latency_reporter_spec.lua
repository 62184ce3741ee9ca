local effects = require "weir.effects"
local handlers = require "weir.handlers"
local json = require "weir.json"

local T = 1795435200000

-- The report of an event, and its metrics as { "Name Stage Mode" → value }.
local function report_of(event, config)
  local dry = effects.dry { config = config or {} }
  local report = handlers.run(handlers.find "latency_reporter", event, nil, dry)
  local metrics = {}

  for _, metric in ipairs(dry.metrics) do
    local of = metric.dimensions
    metrics[("%s %s %s"):format(metric.name, of.Stage or "-", of.TriggerMode)] = metric.value
  end

  return report.result, metrics, report.error
end

local function processed(stages, more)
  local result = { status = "SUCCESS", trigger_mode = "events", stages = stages }
  for name, value in pairs(more or {}) do result[name] = value end
  return result
end

local WHOLE = {
  written = T,
  delivered = T + 500,
  started = T + 700,
  decided = T + 1500,
  processed = T + 3500,
}

local function without(...)
  local stages = {}
  for name, value in pairs(WHOLE) do stages[name] = value end
  for _, name in ipairs { ... } do stages[name] = nil end

  return stages
end

describe("latency_reporter", function()
  it("publishes every stage under the trigger mode", function()
    local result, metrics = report_of(processed(WHOLE))
    assert.same({ delivery = 500, start = 200, decision = 800, output = 2000, end_to_end = 3500 },
      result.measured)
    assert.same({ ["StageLatency delivery events"] = 500, ["StageLatency start events"] = 200,
      ["StageLatency decision events"] = 800, ["StageLatency output events"] = 2000,
      ["StageLatency end_to_end events"] = 3500 }, metrics)
  end)

  it("takes stages that took no time for stages that were measured", function()
    local result, metrics = report_of(processed { written = T, delivered = T, started = T,
      decided = T, processed = T })
    assert.same({ delivery = 0, start = 0, decision = 0, output = 0, end_to_end = 0 },
      result.measured)
    assert.is_nil(metrics["ClocksDisagree end_to_end events"])
  end)

  it("takes the processing's answer beside the event, and times as texts", function()
    local stages = without "written"
    stages.delivered = "2026-11-23T12:00:00.5Z"
    local result = report_of {
      time = "2026-11-23T12:00:00Z",
      detail = {},
      processing_result = processed(stages)
    }

    assert.equal(500, result.measured.delivery)
    assert.equal(3500, result.measured.end_to_end)
  end)

  it("takes no other trigger mode than the four: it is a dimension", function()
    for _, said in ipairs { "EVENTS", "anything", "events ", "s3cr3t/value+of=somebody", 5 } do
      for _, event in ipairs { processed(WHOLE, { trigger_mode = said }),
        { trigger_mode = said, processing_result = processed(WHOLE) },
        { trigger_mode = said, error = "AccessDenied" } } do
        local result, metrics, failure = report_of(event)
        assert.same({ nil, {}, "InvalidEvent" }, { result, metrics, failure.code })
        assert.is_nil(failure.message:find("s3cr3t", 1, true))
      end
    end

    for _, mode in ipairs { "polling", "parallel", "events_first", "events" } do
      local result = report_of(processed(WHOLE, { trigger_mode = mode }))
      assert.equal(mode, result.trigger_mode)
    end
  end)

  it("leaves out what is missing: it is not zero", function()
    local result, metrics = report_of(processed(without "delivered"))
    assert.same({ "delivery", "start" }, result.missing)
    assert.same({ decision = 800, output = 2000, end_to_end = 3500 }, result.measured)
    assert.same({ 1, nil }, {
      metrics["StageMissing delivery events"],
      metrics["StageLatency delivery events"],
    })

    result = report_of(processed {})
    assert.same({}, result.measured)
    assert.equal(5, #result.missing)
    result = report_of(processed { started = json.null, processed = T })
    assert.equal(5, #result.missing)
  end)

  it("reports clocks that disagree, and publishes no latency across them", function()
    local stages = without()
    stages.delivered = T - 300
    local result, metrics = report_of(processed(stages))
    assert.same({ { stage = "delivery", ms = -300 } }, result.disagreeing)
    assert.same({ start = 1000, decision = 800, output = 2000 }, result.measured)
    assert.equal(1, metrics["ClocksDisagree delivery events"])
    assert.is_nil(metrics["StageLatency end_to_end events"])

    result = report_of(processed { written = T, started = T, decided = T, processed = T })
    assert.same({}, result.disagreeing)
    assert.equal(0, result.measured.end_to_end)

    result = report_of(processed { written = T + 9000, started = T, decided = T, processed = T })
    assert.same({ { stage = "end_to_end", ms = -9000 } }, result.disagreeing)
    assert.same({ decision = 0, output = 0 }, result.measured)
  end)

  it("publishes no latency of a clock that is wrong by hours", function()
    local HOUR = 3600000
    local stages = without()
    stages.delivered = T + HOUR -- the queue's clock goes ahead
    local result, metrics = report_of(processed(stages))
    assert.same({ { stage = "delivery", ms = HOUR }, { stage = "start", ms = 700 - HOUR } },
      result.disagreeing)
    assert.same({ decision = 800, output = 2000 }, result.measured)
    assert.is_nil(metrics["StageLatency delivery events"])
    assert.is_nil(metrics["StageLatency end_to_end events"])

    stages.delivered = T - HOUR -- and behind
    result = report_of(processed(stages))
    assert.same({ { stage = "delivery", ms = -HOUR }, { stage = "start", ms = 700 + HOUR } },
      result.disagreeing)
    assert.same({ decision = 800, output = 2000 }, result.measured)
  end)

  it("finds a clock that disagrees behind a time that is missing", function()
    local stages = without "delivered"
    stages.written = T + 900 -- after it was started, at T + 700
    local result, metrics = report_of(processed(stages))
    assert.same({ { stage = "end_to_end", ms = -200 } }, result.disagreeing)
    assert.same({ decision = 800, output = 2000 }, result.measured)
    assert.same({ 1, nil },
      { metrics["ClocksDisagree end_to_end events"], metrics["StageLatency end_to_end events"] })
  end)

  it("counts what failed, which stays failed and has no latency", function()
    for _, event in ipairs {
      {
        error = { Error = "ImageTooLarge", Cause = "…" },
        trigger_mode = "events",
        time = "2026-11-23T12:00:00Z",
      },
      { processing_result = { status = "FAILED", trigger_mode = "events" } },
      { processing_result = processed(WHOLE, { error = "X" }) },
    } do
      local result, metrics = report_of(event)
      assert.equal("FAILED", result.status)
      assert.truthy(result.error)
      assert.same({ ["ProcessingFailures - events"] = 1 }, metrics)
    end
  end)

  it("does not measure twice what was done before, nor what was not done", function()
    for _, result in ipairs { processed(WHOLE, { duplicate = true }),
      processed(WHOLE, { status = "SKIPPED" }),
      processed(WHOLE, { status = "VANISHED" }) } do
      local answer, metrics = report_of(result)
      assert.same({ {}, {} }, { answer.measured, metrics })
    end
  end)

  it("refuses what is not a time", function()
    for _, value in ipairs { "yesterday", -1, 1.5, true, json.array {} } do
      local _, _, problem = report_of(processed { started = value })
      assert.equal("InvalidEvent", problem.code)
    end
  end)

  it("publishes only durations that are numbers of milliseconds", function()
    for _, value in ipairs { 1e300, "12", true, json.array {} } do
      local _, metrics, problem = report_of {
        time = "2026-11-23T12:00:00Z",
        processing_result = { processing_duration_ms = value },
      }
      assert.equal("InvalidEvent", problem.code)
      assert.same({}, metrics)
    end
  end)

  it("takes the Python handler's event, and publishes its metrics when told to", function()
    local event = { detail = { object = { key = "a" } }, time = "2026-11-23T12:00:00Z",
      processing_result = {
      processing_duration_ms = 1200.4, event_to_processing_ms = 800,
      event_time = "2026-11-23T12:00:00Z" } }
    local result = report_of(event, { trigger_mode = "events" })
    assert.same({ end_to_end = 2000 }, result.measured)

    local _, metrics = report_of(event, { trigger_mode = "events", compatible_output = true })
    assert.same({ ["EventToProcessingLatency - events"] = 800,
      ["ProcessingDuration - events"] = 1200,
      ["EndToEndDuration - events"] = 2000, ["EventVolumePerMinute - events"] = 1 }, metrics)

    event.processing_result.event_to_processing_ms = -5000
    _, metrics = report_of(event, { trigger_mode = "events", compatible_output = true })
    assert.same({ ["EventVolumePerMinute - events"] = 1, ["ClocksDisagree - events"] = 1 }, metrics)

    event.processing_result = { processing_duration_ms = 5 }
    event.time = nil
    _, metrics = report_of(event, { trigger_mode = "events", compatible_output = true })
    assert.same({ ["EventVolumePerMinute - events"] = 1, ["ProcessingDuration - events"] = 5 },
      metrics)
  end)
end)
