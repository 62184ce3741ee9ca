-- The claims of the two ways, put together: what became of each object.
local json = require "weir.json"
local records = require "weir.compare.records"

local NOW = 1000

local function finished(more)
  local made = { status = "finished", mode = "parallel", finished_at = NOW - 10,
    result = json.encode { key = "k" } }
  for name, value in pairs(more or {}) do made[name] = value end
  return made
end

local function working(lease_until)
  return { status = "claimed", mode = "parallel", lease_until = lease_until }
end

local RELEASED = { status = "released", mode = "parallel" }
local GONE = { status = "released", mode = "parallel", gone = true }

-- The summary of records with these parts, each { polling, events }.
local function summary_of(list, since, before)
  local comparison = records.new { now = NOW, since = since, before = before }
  for i, parts in ipairs(list) do
    comparison:add { object = "o" .. i, ways = { polling = parts[1] or nil,
      events = parts[2] or nil } }
  end

  return comparison:summary()
end

-- The counts that are not 0, and of what is missing, for one such record.
local function became(polling, events)
  local summary = summary_of { { polling, events } }
  assert.equal(1, summary.objects)
  local words = {}
  for _, name in ipairs { "both", "alone", "only_polling", "only_events", "pending", "failed",
    "gone" } do
    if summary[name] > 0 then words[#words + 1] = name .. " " .. summary[name] end
  end

  for _, each in ipairs(summary.missing) do words[#words + 1] = each.way .. " lacks it" end
  return table.concat(words, ", ")
end

describe("an object", function()
  it("that both ways finished is compared, by what documents are compared by", function()
    local result = json.encode { status = "FAILED", error = "E", documents = { tags = "k" },
      labels = { "a" }, stages = { started = 1 } }
    local summary = summary_of { { finished(), finished { result = result } } }
    assert.equal(1, summary.both)
    assert.same({ { object = "o1", polling = {},
      events = { status = "FAILED", error = "E", documents = { tags = "k" } } } }, summary.pairs)
    assert.same({}, summary.missing)
  end)

  it("that one way finished alone is complete", function()
    assert.equal("alone 1", became(finished { mode = "polling" }, false))
    assert.equal("alone 1", became(false, finished { mode = "events" }))
  end)

  it("that only one of two ways finished lacks the other", function()
    assert.equal("only_polling 1, events lacks it", became(finished(), false))
    assert.equal("only_events 1, polling lacks it", became(false, finished()))
    assert.equal("only_polling 1, events lacks it", became(finished(), working(NOW)))
    assert.equal("only_events 1, polling lacks it", became(working(NOW - 1), finished()))
  end)

  it("that a way still works on, or is to try again, is pending", function()
    assert.equal("pending 1", became(finished(), working(NOW + 1)))
    assert.equal("pending 1", became(RELEASED, finished()))
    assert.equal("pending 1", became(working(NOW + 1), false))
    assert.equal("pending 1", became(false, RELEASED))
    assert.equal("pending 1", became(GONE, RELEASED))
    assert.equal("pending 1", became(working(NOW - 1), GONE)) -- whoever had it may have crashed
  end)

  it("that was deleted before it was processed is gone", function()
    assert.equal("gone 1", became(GONE, GONE))
    assert.equal("gone 1", became(GONE, false))
    assert.equal("gone 1", became(finished(), GONE))
  end)

  it("that failed is counted once, by what polling says where both finished", function()
    local failed = finished { result = json.encode { error = "Broken" } }
    assert.equal("both 1, failed 1", became(failed, failed))
    assert.equal("both 1, failed 1", became(failed, finished()))
    assert.equal("both 1", became(finished(), failed))
    assert.equal("only_events 1, failed 1, polling lacks it", became(false, failed))
  end)

  it("that was finished before the time that is asked for is left out", function()
    for finished_at, count in pairs { [499] = 0, [500] = 1, [501] = 1 } do
      assert.equal(count, summary_of({ { finished { finished_at = finished_at }, false } },
        500).objects)
    end

    local old, new = finished { finished_at = 400 }, finished { finished_at = 600 }
    assert.equal(2, summary_of({ { old, new }, { new, old } }, 500).objects)
    assert.equal(1, summary_of({ { working(NOW - 1), false } }, 500).objects)
    old.finished_at = nil -- it is not known when
    assert.equal(1, summary_of({ { old, false } }, 500).objects)
  end)
end)

describe("a way", function()
  it("counts what it finished, avoided twice, and took over", function()
    local summary = summary_of {
      { finished { duplicates = 3, attempts = 2 }, working(NOW + 5) },
      { finished { duplicates = 1, attempts = 1 }, finished() },
      { working(NOW + 5), false },
    }
    local polling, events = summary.ways.polling, summary.ways.events
    assert.same({ 2, 4, 1 }, { polling.finished, polling.duplicates, polling.taken_over })
    assert.same({ 1, 0, 0 }, { events.finished, events.duplicates, events.taken_over })
  end)

  it("has the latencies of what it processed, stage by stage", function()
    local function with(stages, error)
      return finished { result = json.encode { stages = stages, error = error } }
    end

    local ways = summary_of({
      { with { written = 100, delivered = 110, started = 130 }, with { written = 100 } },
      { with { written = 100, delivered = 107 }, false },
      { with({ written = 100, delivered = 199 }, "Broken"), false },
    }).ways
    assert.same({ delivery = { 10, 7 }, start = { 20 } }, ways.polling.latency)
    assert.same({}, ways.events.latency)
    assert.same({ 0, 0 }, { ways.polling.clocks_disagree, ways.events.clocks_disagree })
  end)

  it("counts the objects of which clocks disagree, each once", function()
    local both = finished { result = json.encode { stages = { written = 100, delivered = 90,
      started = 80 } } }
    assert.equal(2, summary_of({ { both, false }, { both, false } }).ways.polling.clocks_disagree)
  end)

  it("takes over what it has not finished, too", function()
    local part = working(NOW + 5)
    part.attempts = 2
    assert.equal(1, summary_of({ { part, false } }).ways.polling.taken_over)
  end)

  it("lists a thousand missing objects, and counts all", function()
    local list = {}
    for i = 1, 1001 do list[i] = { finished(), false } end
    local summary = summary_of(list)
    assert.same({ 1001, 1000 }, { summary.only_polling, #summary.missing })
    assert.same({ object = "o1", way = "events" }, summary.missing[1])
  end)

  it("is without what nobody had finished before a time", function()
    local function counted(before)
      local summary = summary_of({
        { finished { finished_at = 100 }, false },
        { finished { finished_at = 300 }, finished { finished_at = 150 } },
        { finished { finished_at = 200 }, finished { finished_at = 200 } },
        { working(NOW + 1), false },
      }, nil, before)
      return { summary.objects, summary.both, summary.only_polling, summary.pending }
    end

    assert.same({ 4, 2, 1, 1 }, counted(nil))
    assert.same({ 4, 2, 1, 1 }, counted(201))
    assert.same({ 3, 1, 1, 1 }, counted(200))
    assert.same({ 2, 0, 1, 1 }, counted(150))
    assert.same({ 1, 0, 0, 1 }, counted(100))
  end)

  it("names objects in their order, whatever that of the table is", function()
    local comparison = records.new { now = 1795435203 }
    for _, name in ipairs { "b/2", "b/3", "b/1" } do
      comparison:add { object = name, ways = { polling = finished() } }
      comparison:add { object = "both " .. name,
        ways = { polling = finished(), events = finished() } }
    end

    local summary, names = comparison:summary(), {}
    for i, each in ipairs(summary.missing) do names[i] = each.object end
    for i, each in ipairs(summary.pairs) do names[i + 3] = each.object end
    assert.same({ "b/1", "b/2", "b/3", "both b/1", "both b/2", "both b/3" }, names)
  end)

  it("is empty where there is no record", function()
    local summary = summary_of {}
    assert.equal(0, summary.objects)
    assert.is_true(json.is_array(summary.missing))
    assert.same({ finished = 0, duplicates = 0, taken_over = 0, clocks_disagree = 0,
      latency = {} }, summary.ways.events)
  end)
end)
