-- weir run event_processor, reconcile and latency_reporter, dry: the plans of the events in
-- tests/events.
local json = require "weir.json"
local run = require "support.run"

-- The report of a dry run, and the operations of its plan.
local function dry(handler, event)
  local result = run {
    "run",
    handler,
    "-e",
    event or "-",
    "--json",
    stdin = not event and "{}" or nil,
  }

  assert.equal(0, result.status, result.stderr)
  local report, operations = assert(json.decode(result.stdout)), {}
  for i, call in ipairs(report.plan) do operations[i] = call.operation end

  return report, operations
end

describe("weir run", function()
  it("shows what event_processor would do with an object, and what is not known", function()
    local report, operations = dry("event_processor", "tests/events/event_processor.json")
    assert.same({ "PutItem", "Converse", "PutObject", "PutObject", "PutItem" }, operations)
    assert.same({ "SUCCESS", "Cup" }, { report.result.status, report.result.labels[1].name })
    assert.equal("s3.GetObject of products/cup.png", report.unknown[1].what)
  end)

  it("shows what reconcile would do with an object that its event missed, and only with that",
    function()
    local report, operations = dry("reconcile", "tests/events/reconcile.json")
    assert.same({ "PutItem", "Converse", "PutObject", "PutObject", "PutItem" }, operations)
    assert.same({ 2, 1, 1 }, { report.result.listed, report.result.finished, report.result.missed })
    assert.equal("bucket/products/lamp.png", report.plan[1].target)
  end)

  it("shows that latency_reporter measures nothing where nothing is told", function()
    local report, operations = dry "latency_reporter"
    assert.same({}, operations)
    assert.same({}, report.result.measured)
  end)
end)
