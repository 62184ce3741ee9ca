-- weir.emf.collector: which metrics share a line, what is left out and why, and how many sets of
-- dimensions are kept.
local emf = require("weir.emf")
local json = require("weir.json")

local function collector(changes)
  local options = {
    namespace = "n",
    dimensions = { Function = "f" },
    properties = { "request_id", "version" },
  }

  for key, value in pairs(changes or {}) do options[key] = value end
  return emf.collector(options)
end

local function metric(name, value, dimensions, unit)
  return { name = name, value = value, unit = unit or "Count", dimensions = dimensions or {} }
end

-- The metrics added, then their lines, and why some are left out.
local function lines(c, metrics, properties)
  local reasons = {}
  for _, each in ipairs(metrics) do
    local ok, why, code = c:add(each.name, each.value, each.unit, each.dimensions)
    if not ok then
      assert.equal("InvalidMetric", code)
      reasons[#reasons + 1] = why
    end
  end

  return c:lines(properties), reasons
end

local function documents(text)
  local list = {}
  for line in text:gmatch("[^\n]+") do list[#list + 1] = assert(json.decode(line)) end
  return list
end

local function dimensions_of(document) return document._aws.CloudWatchMetrics[1].Dimensions[1] end

describe("a collector of weir.emf", function()
  it("makes a line for each set of dimensions, in the order of their first metrics", function()
    local list = documents(lines(collector(), {
      metric("a", 1, { Kind = "x" }),
      metric("b", 2),
      metric("c", 3, { Kind = "x" }),
      metric("d", 4, { Kind = "y" }),
    }))
    assert.equal(3, #list)
    assert.same({ "x", 1, 3 }, { list[1].Kind, list[1].a, list[1].c })
    assert.same({ "f", 2 }, { list[2].Function, list[2].b })
    assert.same({ "y", 4 }, { list[3].Kind, list[3].d })
    assert.same({ "Function", "Kind" }, dimensions_of(list[1]))
    assert.same({ "Function" }, dimensions_of(list[2]))
  end)

  it("puts the names of the dimensions in order, wherever they come from", function()
    local list = documents(lines(collector { dimensions = { M = "m", Z = "z" } }, {
      metric("a", 1, { B = "b", N = 5, ["M"] = true, Za = "last" }) }))
    assert.same({ "B", "M", "N", "Z", "Za" }, dimensions_of(list[1]))
    assert.same({ "b", "true", "5", "z" }, { list[1].B, list[1].M, list[1].N, list[1].Z })
  end)

  it("tells sets apart whose texts would be the same one after the other", function()
    local list = documents(lines(collector(), {
      metric("m", 1, { a = "bc" }),
      metric("m", 2, { ab = "c" }),
      metric("m", 3, { a = "b", c = "d" }),
    }))
    assert.same({ 1, 2, 3 }, { list[1].m, list[2].m, list[3].m })
  end)

  it("collects the values of a metric, and begins anew with the next lines", function()
    local c = collector()
    assert.same({ 1, 2 }, documents(lines(c, { metric("m", 1), metric("m", 2) }))[1].m)
    assert.equal(3, documents(lines(c, { metric("m", 3) }))[1].m)
    assert.equal("", c:lines())
  end)

  it("gives every line the properties", function()
    local list = documents(lines(collector(),
      { metric("m", 1), metric("m", 1, { Kind = "x" }) }, '{"request_id":"r","version":[1]}'))
    assert.equal(2, #list)
    for _, document in ipairs(list) do
      assert.same({ "r", { 1 } }, { document.request_id, document.version })
    end
  end)

  it("gives every line the request's id, before the other properties", function()
    local c = collector()
    for properties, wanted in pairs {
      ['{"version":[1]}'] = '"request_id":"r\\n\\"ä","version":[1],"m":1',
      ["{}"] = '"request_id":"r\\n\\"ä","m":1',
    } do
      for _ = 1, 2 do
        c:add("m", 1, "Count", {})
        assert.matches(wanted, c:lines(properties, 'r\n"ä'), 1, true)
      end
    end

    c:add("m", 1, "Count", {})
    assert.matches('"request_id":"r","m":1', c:lines(nil, "r"), 1, true)
    local other = collector { properties = { "version" } }
    assert.error_matches(function() other:lines("{}", "r") end, "expected collector:lines")
    assert.error_matches(function() c:lines("{}", "\xff") end, "expected collector:lines")
  end)

  it("leaves out what CloudWatch would not take, and says why", function()
    local long = {}
    for i = 1, 31 do long["d" .. i] = "x" end

    for name, case in pairs {
      ["a unit"] = { metric("m", 1, {}, "Foo"), "CloudWatch has no such unit" },
      ["NaN"] = { metric("m", 0 / 0), "its value is not between" },
      ["infinity"] = { metric("m", math.huge), "its value is not between" },
      ["too much"] = { metric("m", 2.0 ^ 361), "its value is not between" },
      ["an empty dimension"] = { metric("m", 1, { d = "" }), "1 to 1024" },
      ["a number as a name"] = { metric("m", 1, { "x" }), "name must be a text" },
      ["a NUL in a name"] = { metric("m", 1, { ["a\0b"] = "x" }), "has a NUL" },
      ["31 dimensions"] = { metric("m", 1, long), "at most 30 dimensions" },
      ["_aws as a dimension"] = { metric("m", 1, { _aws = "x" }), "belongs to the format" },
      ["a property as a dimension"] = { metric("m", 1, { version = "x" }), "a dimension has that" },
      ["a property as a metric"] = { metric("request_id", 1), "a property has that name" },
      ["a dimension as a metric"] = { metric("Function", 1), "a dimension has that name" },
      ["an empty name"] = { metric("", 1), "empty or too long" },
    } do
      local c = collector()
      local text, reasons = lines(c, { metric("before", 1), case[1], metric("after", 2) })
      local list = documents(text)
      assert.same({ 1, 1, 2 }, { #list, list[1].before, list[1].after }, name)
      assert.equal(1, #reasons, name)
      assert.matches(("the metric '%s' is left out: "):format(case[1].name), reasons[1], 1, true)
      assert.matches(case[2], reasons[1], 1, true)
      assert.same({}, select(2, lines(c, { metric("m", 1) })), name)
    end
  end)

  it("leaves out a metric that comes with another unit", function()
    local _, reasons = lines(collector(), { metric("m", 1), metric("m", 1, {}, "Bytes") })
    assert.matches("'m' is left out: the metric has another unit", reasons[1], 1, true)
  end)

  it("adds again what was added before, and nothing else", function()
    local c = collector()
    lines(c, {
      metric("m", 1),
      metric("m", 1, { Kind = "x" }),
      metric("n", 1, { Kind = "x" }, "Bytes"),
      metric("two", 1, { A = "a", B = "b" }),
    })

    for what, given in pairs {
      ["another metric"] = { "new", 1, "Count", {} },
      ["a metric of another set"] = { "n", 1, "Bytes", {} },
      ["another value of a dimension"] = { "m", 1, "Count", { Kind = "y" } },
      ["another dimension"] = { "m", 1, "Count", { King = "x" } },
      ["two dimensions"] = { "two", 1, "Count", { A = "a", B = "b" } },
      ["another unit"] = { "n", 1, "Count", { Kind = "x" } },
      ["a unit that is none"] = { "m", 1, "Foo", {} },
      ["NaN"] = { "m", 0 / 0, "Count", {} },
      ["infinity"] = { "m", math.huge, "Count", {} },
      ["a text as the value"] = { "m", "1", "Count", {} },
      ["a dimension that is a number"] = { "m", 1, "Count", { Kind = 1 } },
      ["a list as dimensions"] = { "m", 1, "Count", { "x" } },
      ["no dimensions"] = { "m", 1, "Count" },
      ["no name"] = { nil, 1, "Count", {} },
    } do
      assert.is_false(c:again(table.unpack(given, 1, 4)), what)
      assert.equal("", c:lines(), what)
    end

    assert.is_true(c:again("n", 2, "Bytes", { Kind = "x" }))
    assert.is_true(c:again("m", 3, "Count", { Kind = "x" }))
    assert.is_true(c:again("m", 4, "Count", {}))
    local list = documents(c:lines())
    assert.same({ "x", 2, 3 }, { list[1].Kind, list[1].n, list[1].m })
    assert.same({ "f", 4 }, { list[2].Function, list[2].m })
    assert.equal(2, #list)
  end)

  it("measures a series as it adds the same metrics one by one", function()
    local one, all = collector(), collector()
    local series = all:series {
      { name = "a", unit = "Count", dimensions = { Kind = "x" } },
      { name = "b", unit = "Bytes", dimensions = {} },
      { name = "c", unit = "Count", dimensions = { Kind = "x", Size = "s" } },
      { name = "b", unit = "Bytes", dimensions = { Kind = "x" } },
    }
    assert.equal("", all:lines())

    for _, values in ipairs { { 1, 2.5, 3, -4 }, { 5, nil, 6, 7 }, { nil, 8, nil, nil } } do
      local metrics = {}
      if values[1] then metrics[#metrics + 1] = metric("a", values[1], { Kind = "x" }) end
      if values[2] then metrics[#metrics + 1] = metric("b", values[2], {}, "Bytes") end
      if values[3] then
        metrics[#metrics + 1] = metric("c", values[3], { Kind = "x", Size = "s" })
      end

      if values[4] then metrics[#metrics + 1] = metric("b", values[4], { Kind = "x" }, "Bytes") end

      series:add(table.unpack(values, 1, 4))
      local expected, got = documents(lines(one, metrics)), documents(all:lines())
      for i, document in ipairs(got) do
        document._aws.Timestamp, expected[i]._aws.Timestamp = 0, 0
      end

      assert.same(expected, got)
    end
  end)

  it("finds the metrics of a series again when their sets were given up", function()
    local c = collector()
    local series = c:series { { name = "m", unit = "Count", dimensions = { Id = "own" } } }
    for round = 1, 3 do
      local metrics = {}
      for i = 1, 100 do metrics[i] = metric("m", i, { Id = "id" .. i }) end
      lines(c, metrics)
      series:add(round)
      local list = documents(c:lines())
      assert.equal(1, #list)
      assert.same({ "own", round }, { list[1].Id, list[1].m })
    end
  end)

  it("raises for a series that CloudWatch would not take, and for other values", function()
    local c = collector()
    for message, changes in pairs {
      ["CloudWatch has no such unit"] = { unit = "Foo" },
      ["a name is empty"] = { name = "" },
      ["has that name already"] = { name = "Function" },
      ["1 to 1024"] = { dimensions = { Kind = "" } },
      ["a dimension's name must be a text"] = { dimensions = { "x" } },
    } do
      local given = { name = "m", unit = "Count", dimensions = {} }
      for key, value in pairs(changes) do given[key] = value end
      assert.error_matches(function() c:series { given } end,
        message .. ".*expected collector:series")
    end

    local series = c:series { { name = "m", unit = "Count", dimensions = {} } }
    for _, values in ipairs { { "1" }, { 0 / 0 }, { math.huge }, { 2.0 ^ 361 }, { 1, 2 } } do
      assert.error_matches(function() series:add(table.unpack(values)) end, "expected series:add")
    end

    assert.equal("", c:lines())
  end)

  it("takes as many sets of dimensions as come, and keeps few", function()
    local c = collector()
    for _ = 1, 3 do
      local metrics = {}
      for i = 1, 200 do metrics[i] = metric("m", i, { Id = "id" .. i }) end
      local list = documents(lines(c, metrics))
      assert.equal(200, #list)
      for i, document in ipairs(list) do
        assert.same({ "id" .. i, i, "f" }, { document.Id, document.m, document.Function })
      end
    end
  end)

  it("raises where CloudWatch would not take what every line has", function()
    for message, changes in pairs {
      ["a namespace has"] = { namespace = "a b!" },
      ["1 to 1024"] = { dimensions = { d = "" } },
      ["belongs to the format"] = { properties = { "_aws" } },
      ["has that name already"] = { dimensions = { d = "x" }, properties = { "d" } },
    } do
      assert.error_matches(function() collector(changes) end, message)
    end
  end)

  it("raises for properties that it does not know, and for what is not a JSON object", function()
    local c = collector()
    for _, properties in ipairs { '{"Function":"g"}', '{"m":1}', "[]", '{"version":}',
      '{"version":1}x', "" } do
      assert.error_matches(function() lines(c, { metric("m", 1) }, properties) end,
        "expected collector:lines")
    end
  end)
end)
