-- The table of A/B tests in dynalite, in every shape of key.
local ab_table = require "weir.inference.ab_table"
local ab_tables = require "support.ab_tables"
local cloud = require "support.aws"
local codec = require "weir.dynamodb"
local stats = require "weir.stats"
local try = require "weir.try"

local START = 1795435200 -- a multiple of 300
local db = cloud.client "dynamodb"

local function opened(shape, config)
  local all = { ab_test_table_name = ab_tables.create(shape) }
  for name, value in pairs(config or {}) do all[name] = value end
  local live = ab_tables.effects(all)

  return live, assert(ab_table.settings(live))
end

local function record(live, settings, variant, latency_ms, is_error)
  assert(ab_table.record(live, settings, "e-1", { variant = variant, latency_ms = latency_ms,
    is_error = is_error or false }))
end

local function read(live, settings, from, to, test_id)
  return assert(ab_table.read(live, settings, test_id or "e-1", from or START, to or START + 300))
end

-- Requests and errors by variant.
local function counts(variants)
  local list = {}
  for name, given in pairs(variants) do
    list[name] = { given.requests, given.errors, given.latencies.count }
  end

  return list
end

describe("the A/B table", function()
  before_each(function()
    cloud.reset()
    ab_table.forget()
  end)

  for _, shape in ipairs { "sharded", "numbered", "single" } do
    describe("(" .. shape .. ")", function()
      for _, mode in ipairs { "each", "sketches" } do
        it("gives back what was recorded, by variant (" .. mode .. ")", function()
          local live, settings = opened(shape, { ab_test_records = mode })
          for i = 1, 20 do record(live, settings, i % 4 == 0 and "b" or "a", 10 * i) end
          record(live, settings, "b", 1, true)
          live.at = START + 61
          assert(ab_table.flush(live, settings))
          local variants, notes = read(live, settings)
          assert.same({ a = { 15, 0, 15 }, b = { 6, 1, 5 } }, counts(variants))
          assert.same({ mode == "each" and 21 or 0, mode == "each" and 0 or 1, 0, 0 },
            { notes.records, notes.sketches, notes.open, notes.unreadable })

          local expected = stats.sketch()
          for _, ms in ipairs { 40, 80, 120, 160, 200 } do expected:add(ms) end
          assert.same(expected:buckets(), variants.b.latencies.buckets)
          assert.equal(600, variants.b.latencies.sum)
          assert.equal(expected:quantile(0.5), variants.b.sketch:quantile(0.5))
        end)
      end

      it("counts each record in one of two windows that meet", function()
        local live, settings = opened(shape)
        for second = 298, 302 do
          live.at = START + second
          record(live, settings, "a", 5)
        end

        assert.equal(2, read(live, settings).a.requests)
        assert.equal(3, read(live, settings, START + 300, START + 600).a.requests)
        assert.same({}, (read(live, settings, START + 600, START + 900)))
        assert.same({}, (read(live, settings, START - 300, START)))
      end)

      it("keeps requests of one moment apart, and tests whose names begin alike", function()
        local live, settings = opened(shape)
        for _ = 1, 30 do record(live, settings, "a", 5) end
        for _, other in ipairs { "e-1#1", "e-1#sketches", "e", "e-1-aggregation" } do
          assert(ab_table.record(live, settings, other, { variant = "x", is_error = false }))
          assert.same({ x = { 1, 0, 0 } }, counts(read(live, settings, nil, nil, other)))
        end

        assert.equal(34, #ab_tables.items(settings.table))
        assert.same({ a = { 30, 0, 30 } }, counts(read(live, settings)))
      end)

      it("keeps sketches of tests apart, whatever their names", function()
        local live, settings = opened(shape, { ab_test_records = "sketches" })
        for _, name in ipairs { "e-1", "e-1#sketches", "e-1#1" } do
          assert(ab_table.record(live, settings, name, { variant = name, is_error = false }))
        end

        for _, name in ipairs { "e-1", "e-1#sketches", "e-1#1" } do
          assert.same({ [name] = { 1, 0, 0 } }, counts(read(live, settings, nil, nil, name)))
        end
      end)

      it("keeps something else about a test, out of its windows", function()
        local live, settings = opened(shape)
        assert(ab_table.keep(live, settings, "e-1", "aggregation", START, { window_seconds = 300 }))
        assert(ab_table.keep(live, settings, "e-1", "trial", 0, { text = "{}" }))
        assert.equal(300, assert(ab_table.kept(live, settings, "e-1", "aggregation",
          START)).window_seconds)
        assert.equal("{}", assert(ab_table.kept(live, settings, "e-1", "trial", 0)).text)
        assert.is_false(ab_table.kept(live, settings, "e-1", "aggregation", START + 300))
        assert.same({}, (read(live, settings)))
      end)

      it("gives every item a time to live", function()
        local live, settings = opened(shape, { result_ttl_days = "2" })
        record(live, settings, "a", 5)
        settings.records = "sketches"
        record(live, settings, "a", 5)
        assert(ab_table.keep(live, settings, "e-1", "aggregation", START, {}))
        local items = ab_tables.items(settings.table)
        assert.equal(3, #items)
        for _, item in ipairs(items) do assert.equal(tostring(START + 2 * 86400), item.ttl.N) end
      end)
    end)
  end

  it("spreads over 16 shards", function()
    local live, settings = opened "sharded"
    for _ = 1, 200 do record(live, settings, "a", 5) end
    local shards, number = {}, 0
    for _, item in ipairs(ab_tables.items(settings.table)) do
      assert.matches("^e%-1#%d%d?$", item.test_shard.S)
      assert.matches("^2026%-11%-23T12:00:00%.%d%d%dZ#%x+%-%x+%-4%x+%-%x+%-%x+$", item.time_id.S)
      if not shards[item.test_shard.S] then number = number + 1 end
      shards[item.test_shard.S] = (shards[item.test_shard.S] or 0) + 1
    end

    assert.equal(16, number)
    for _, count in pairs(shards) do assert.is_true(count < 40) end
  end)

  it("reads what the Python handlers wrote, and writes what they read", function()
    local live, settings = opened "numbered"
    for second, latency in pairs { [0] = 12, [299] = 123.25, [300] = 1 } do
      assert(db:put_item { TableName = settings.table,
        Item = { test_id = "e-1", timestamp = START + second,
        variant_name = "model-v1", latency_ms = latency, is_error = false } })
    end

    assert(db:put_item { TableName = settings.table,
      Item = { test_id = "e-1", timestamp = START + 7, is_error = true } })
    assert(db:put_item { TableName = settings.table,
      Item = { test_id = "e-1", timestamp = START + 8,
      variant_name = "model-v1", latency_ms =
        assert(codec.number "123.45678901234567890123456789") } })
    local variants = read(live, settings)
    assert.same({ ["model-v1"] = { 3, 0, 3 }, unknown = { 1, 1, 0 } }, counts(variants))

    record(live, settings, "model-v2", 7.5)
    local item = assert(db:query { TableName = settings.table,
      KeyConditionExpression = "test_id = :t",
      FilterExpression = "variant_name = :v",
      ExpressionAttributeValues = { [":t"] = "e-1", [":v"] = "model-v2" } }).Items[1]
    assert.same({ "e-1", "model-v2", 7.5, false }, {
      item.test_id,
      item.variant_name,
      item.latency_ms,
      item.is_error,
    })

    assert.matches("^1795435200%.%d+$", tostring(item.timestamp))
  end)

  it("does not round a record into the next window", function()
    local live, settings = opened "numbered"
    for _, decimals in ipairs { "9999999999999999999999999999", "0000000000000000000000000001" } do
      assert(db:put_item { TableName = settings.table, Item = { test_id = "e-1", variant_name = "a",
        timestamp = assert(codec.number("1795435499." .. decimals)) } })
    end

    assert.equal(2, read(live, settings).a.requests)
    assert.same({}, (read(live, settings, START + 300, START + 600)))
  end)

  it("reads more than a page, and a record that comes late", function()
    local live, settings = opened "numbered"
    local writes, padding = {}, ("x"):rep(3000)
    for i = 1, 500 do
      writes[i] = { PutRequest = { Item = { test_id = "e-1", timestamp = START + i % 300 + i / 1000,
        variant_name = "a",
        latency_ms = 1, padding = padding } } }
    end

    assert(db:write_all(settings.table, writes))
    cloud.reset()
    assert.equal(500, read(live, settings).a.requests)
    assert.is_true(#cloud.requests() > 3)
    record(live, settings, "a", 5)
    assert.equal(501, read(live, settings).a.requests)
    assert.equal(501, read(live, settings).a.requests)
  end)

  it("counts an answer whose latency makes no sense as an answer", function()
    local live, settings = opened "sharded"
    for _, latency in ipairs { 0 / 0, -1, 0, math.huge, "5" } do
      record(live, settings, "a", latency)
    end

    record(live, settings, "a", nil)
    assert.same({ a = { 6, 0, 0 } }, counts(read(live, settings)))
  end)

  it("leaves out what nobody can read, and says how many", function()
    local live, settings = opened "numbered"
    local function put(at, item)
      item.timestamp = START + at
      assert(db:put_item { TableName = settings.table, Item = item })
    end

    put(1, { test_id = "e-1", variant_name = 7 })
    put(2, { test_id = "e-1", variant_name = "a", is_error = "no" })
    local function sketch(at, variants, more)
      local item = {
        test_id = "e-1#sketches",
        record_type = "sketch",
        accuracy = 0.01,
        variants = variants,
      }

      for name, value in pairs(more or {}) do item[name] = value end
      put(at, item)
    end

    sketch(3, { a = { requests = 1, errors = 0, buckets = { x = 1 } } })
    sketch(4, { a = { requests = 1, errors = 0, buckets = { ["3"] = 2 } } })
    sketch(5, { a = { requests = -1, errors = 0, buckets = {} } })
    sketch(6, { a = { requests = 1, errors = 0, buckets = {} } }, { accuracy = 0.02 })
    sketch(7, "a")
    put(8, { test_id = "e-1", record_type = "something else" })
    local variants, notes = read(live, settings)
    assert.same({}, variants)
    assert.equal(7, notes.unreadable)
  end)

  describe("with sketches", function()
    local function sketched(shape, seconds)
      return opened(shape or "sharded", {
        ab_test_records = "sketches",
        ab_test_interval_seconds = seconds,
      })
    end

    it("writes at the first request, whenever requests have doubled, and when the interval is over",
      function()
      local live, settings = sketched()
      cloud.reset()
      for _ = 1, 100 do record(live, settings, "a", 5) end
      local puts = 0
      for _, request in ipairs(cloud.requests()) do
        if request.operation == "PutItem" then puts = puts + 1 end
      end

      assert.equal(7, puts)
      local variants, notes = read(live, settings)
      assert.same({ 64, 1 }, { variants.a.requests, notes.open })

      live.at = START + 60
      record(live, settings, "b", 5)
      variants, notes = read(live, settings)
      assert.same({ a = { 100, 0, 100 }, b = { 1, 0, 1 } }, counts(variants))
      assert.same({ 2, 1 }, { notes.sketches, notes.open })
      assert.equal(2, #ab_tables.items(settings.table))
    end)

    it("counts a sketch that is written twice once", function()
      local live, settings = sketched()
      record(live, settings, "a", 5)
      cloud.faults({ kind = "reset" })
      record(live, settings, "a", 5)
      live.at = START + 60
      cloud.faults({ kind = "reset" })
      assert(ab_table.flush(live, settings))
      assert.same({ a = { 2, 0, 2 } }, counts(read(live, settings)))
    end)

    it("says that an environment was killed", function()
      local live, settings = sketched()
      for _ = 1, 7 do record(live, settings, "a", 5) end
      ab_table.forget()
      live.at = START + 240
      record(live, settings, "a", 5)
      live.at = START + 300
      assert(ab_table.flush(live, settings))
      local variants, notes = read(live, settings)
      assert.same({ 4 + 1, 1 }, { variants.a.requests, notes.open })
    end)

    it("loses nothing when the clock is set back", function()
      local live, settings = sketched()
      for _, at in ipairs { 65, 5, 70, 10, 60 } do
        live.at = START + at
        record(live, settings, "a", 5)
      end

      live.at = START + 300
      assert(ab_table.flush(live, settings))
      local variants, notes = read(live, settings)
      assert.same({ 5, 5, 0 }, { variants.a.requests, notes.sketches, notes.open })
    end)

    it("puts an interval into the window in which it begins", function()
      local live, settings = sketched("numbered", "120")
      for _, at in ipairs { 250, 310 } do
        live.at = START + at
        record(live, settings, "a", 5)
      end

      assert.equal(2, read(live, settings).a.requests)
      assert.same({}, (read(live, settings, START + 300, START + 600)))
    end)

    it("waits in memory while the table fails, and does not slow every request down", function()
      local live, settings = sketched()
      local name = settings.table
      settings.table = "no-such-table"
      local function add()
        return ab_table.record(live, settings, "e-1", {
          variant = "a",
          is_error = false,
          latency_ms = 5,
        })
      end

      assert.equal("ResourceNotFoundException", select(3, add()))
      cloud.reset()
      assert.equal("Paused", select(3, add()))
      assert.same({}, cloud.requests())

      settings.table, live.at = name, START + 6
      assert(add())
      assert.same({ a = { 3, 0, 3 } }, counts(read(live, settings)))
    end)

    it("gives up the oldest intervals, and says how many requests those had", function()
      local live, settings = sketched()
      settings.table = "no-such-table"
      local lost
      for minute = 0, 34 do
        live.at = START + 60 * minute
        local _, message, code = ab_table.record(live, settings, "e-1", {
          variant = "a",
          is_error = false,
        })

        if code == "RecordsLost" then lost = message end
      end

      assert.equal("1 requests of intervals that could not be written are lost", lost)
    end)
  end)

  describe("fails with the service's code:", function()
    it("a table that is not there, or cannot hold tests, or may not be described", function()
      local live = ab_tables.effects { ab_test_table_name = "no-such-table" }
      local settings = assert(ab_table.settings(live))
      local outcome = { variant = "a", is_error = false }
      assert.equal("ResourceNotFoundException",
        select(3, ab_table.record(live, settings, "e", outcome)))
      assert.equal("ResourceNotFoundException",
        select(3, ab_table.read(live, settings, "e", 0, 300)))

      settings.table = ab_tables.create "number_hash"
      local _, message, code = ab_table.record(live, settings, "e", outcome)
      assert.equal("InvalidTable", code)
      assert.matches("deploy/ab-table.json", message, 1, true)

      ab_table.forget()
      settings.table = "another"
      cloud.faults {
        kind = "status",
        status = 400,
        headers = {},
        body = '{"__type":"x#AccessDeniedException"}',
      }

      _, message = ab_table.read(live, settings, "e", 0, 300)
      assert.matches("set AB_TEST_TABLE_KEY", message, 1, true)
    end)

    it("finds out that a table has another key by now", function()
      local live, settings = opened "sharded"
      record(live, settings, "a", 5)
      assert(db:put_item { TableName = settings.table, Item = { test_shard = "x", time_id = "y" } })
      settings.key = "numbered"
      assert.equal("ValidationException",
        select(3, ab_table.record(live, settings, "e-1", { variant = "a", is_error = false })))
      settings.key = "auto"
      record(live, settings, "a", 5)
      assert.equal(2, read(live, settings).a.requests)
    end)
  end)

  it("is not used where no table is set, and refuses settings that are wrong", function()
    assert.is_false(ab_table.settings(ab_tables.effects {}))
    for name, value in pairs { ab_test_records = "some", ab_test_interval_seconds = "0",
      result_ttl_days = "x",
      ab_test_table_key = "hash" } do
      local _, message, code = try.call(ab_table.settings,
        ab_tables.effects { ab_test_table_name = "t", [name] = value })
      assert.equal("InvalidSetting", code)
      assert.matches(name, message, 1, true)
    end
  end)

  it("refuses a caller's mistakes", function()
    local live, settings = opened "sharded"
    for _, window in ipairs { { 300, 300 }, { 0, 0.5 }, { -1, 5 }, { 0, 1 << 40 }, { "0", 1 } } do
      assert.error_matches(function() ab_table.read(live, settings, "e", window[1], window[2]) end,
        "expected ab_table.read(effects", 1, true)
    end

    for _, outcome in ipairs { false, { variant = "a" }, { is_error = true },
      { variant = 3, is_error = true } } do
      assert.error_matches(function() ab_table.record(live, settings, "e", outcome) end,
        "expected ab_table.record(effects", 1, true)
    end
  end)
end)
