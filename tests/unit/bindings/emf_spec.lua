-- weir.emf: the shape of a line, the limits and their splits, and what is refused.
local emf = require("weir.emf")
local emf_lines = require("support.emf_lines")
local json = require("weir.json")
local secret = require("weir.secret")

local function writer(changes)
  local options = { namespace = "weir", timestamp = 1574109732004 }
  for key, value in pairs(changes or {}) do options[key] = value end
  return emf.new(options)
end

local function documents(w)
  local list = emf_lines(w)
  for i, line in ipairs(list) do list[i] = json.decode(line) end
  return list
end

local function directive(document) return document._aws.CloudWatchMetrics[1] end

local function sequence(count)
  local list = {}
  for i = 1, count do list[i] = i end
  return list
end

describe("a line of weir.emf", function()
  it("is the format's one JSON object", function()
    local w = writer({ dimensions = { service = "routing", variant = "a" },
      properties = { requestId = "r",
      n = 1 } })
    w:metric("Decisions", 1, "Count"):metric("Time", { 1.5, 2 }, "Microseconds", 1)
    local lines = emf_lines(w)
    assert.equal(1, #lines)
    assert.equal('{"_aws":{"Timestamp":1574109732004,"CloudWatchMetrics":[{"Namespace":"weir",'
      .. '"Dimensions":[["service","variant"]],"Metrics":[{"Name":"Decisions","Unit":"Count"},'
      .. '{"Name":"Time","Unit":"Microseconds","StorageResolution":1}]}]},'
      .. '"service":"routing","variant":"a","n":1,"requestId":"r","Decisions":1,"Time":[1.5,2]}',
      lines[1])
  end)

  it("has an empty dimension set when there are none, and several when asked", function()
    assert.same({ {} }, directive(documents(writer():metric("m", 1))[1]).Dimensions)
    local w = writer({ dimensions = { { service = "s" }, { variant = "v", service = "s" },
      {} } }):metric("m", 1)
    local document = documents(w)[1]
    assert.same({ { "service" }, { "service", "variant" }, {} }, directive(document).Dimensions)
    assert.equal("s", document.service)
    assert.equal("v", document.variant)
  end)

  it("takes the clock's time when none is given", function()
    local before = os.time() * 1000
    local document = documents(emf.new({ namespace = "weir" }):metric("m", 1))[1]
    assert.is_true(document._aws.Timestamp >= before and document._aws.Timestamp <= before + 5000)
  end)

  it("collects values between lines and begins anew after", function()
    local w = writer()
    w:metric("m", 1)
    w:metric("m", { 2, 3 })
    assert.same({ 1, 2, 3 }, documents(w)[1].m)
    assert.same({}, emf_lines(w))
    w:metric("other", 4)
    assert.same({ { Name = "other", Unit = "None" } }, directive(documents(w)[1]).Metrics)
  end)

  it("shows no secret", function()
    assert.equal("[redacted]",
      documents(writer({ properties = { p = secret.wrap("x") } }):metric("m", 1))[1].p)
  end)
end)

describe("weir.emf splits", function()
  it("more than 100 metrics over lines", function()
    local w = writer({ properties = { id = "x" } })
    for i = 1, 250 do w:metric("m" .. i, i) end
    local list = documents(w)
    assert.equal(3, #list)
    local seen = {}
    for i, document in ipairs(list) do
      assert.equal(i < 3 and 100 or 50, #directive(document).Metrics)
      assert.equal("x", document.id)
      for _, metric in ipairs(directive(document).Metrics) do
        assert.is_nil(seen[metric.Name])
        seen[metric.Name] = document[metric.Name]
      end
    end

    for i = 1, 250 do assert.equal(i, seen["m" .. i]) end
  end)

  it("more than 100 values over lines, in order", function()
    local list = documents(writer():metric("a", sequence(201)):metric("b", 7))
    assert.equal(3, #list)
    assert.same({ 100, 100, 201 }, { #list[1].a, list[2].a[100] - list[2].a[1] + 1, list[3].a })
    assert.equal(7, list[1].b)
    assert.is_nil(list[2].b)
  end)

  it("and forgets names that never come again", function()
    local w = writer()
    for round = 1, 20 do
      for i = 1, 100 do w:metric(("m%d-%d"):format(round, i), 1) end
      assert.equal(1, #emf_lines(w))
    end

    assert.equal(2, documents(w:metric("m1-1", 2, "Count"))[1]["m1-1"])
  end)
end)

describe("weir.emf:flush", function()
  it("writes one line a write, after what Lua wrote before", function()
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write("before\n")
    local w = writer():metric("a", sequence(101))
    assert.equal(2, w:flush(file))
    assert.equal(0, w:flush(file))
    file:write("after\n")
    file:close()
    local lines = {}
    for line in io.lines(path) do lines[#lines + 1] = line end
    os.remove(path)
    assert.equal(4, #lines)
    assert.equal("before", lines[1])
    assert.equal(100, #json.decode(lines[2]).a)
    assert.equal(101, json.decode(lines[3]).a)
    assert.equal("after", lines[4])
  end)

  it("keeps what could not be written", function()
    local full = assert(io.open("/dev/full", "w"))
    full:setvbuf("no")
    local w = writer():metric("a", 1)
    local nothing, message, code = w:flush(full)
    assert.is_nil(nothing)
    assert.equal("WriteFailed", code)
    assert.truthy(message:find("No space left on device", 1, true))
    assert.equal(1, documents(w)[1].a)
  end)

  it("refuses what is not an open file", function()
    local file = io.tmpfile()
    file:close()
    assert.error_matches(function() writer():flush(file) end, "expected writer:flush")
    assert.error_matches(function() writer():flush("path") end, "expected writer:flush")
  end)
end)

describe("weir.emf refuses", function()
  local many = {}
  for i = 1, 31 do many["d" .. i] = "x" end

  for name, case in pairs({
    ["31 dimensions in a set"] = { { dimensions = many }, "at most 30 dimensions" },
    ["an empty dimension"] = { { dimensions = { d = "" } }, "1 to 1024" },
    ["a blank dimension"] = { { dimensions = { d = "  " } }, "1 to 1024" },
    ["a tab in a dimension"] = { { dimensions = { d = "a\tb" } }, "printable ASCII" },
    ["a line break in a dimension"] = { { dimensions = { d = "a\n" } }, "printable ASCII" },
    ["a DEL in a dimension"] = { { dimensions = { d = "a\127b" } }, "printable ASCII" },
    ["a NUL in a dimension"] = { { dimensions = { d = "a\0b" } }, "printable ASCII" },
    ["an escape in a dimension"] = { { dimensions = { d = "\27[31m" } }, "printable ASCII" },
    ["a letter beyond ASCII in a dimension"] = {
      { dimensions = { d = "\u{e9}" } },
      "printable ASCII",
    },
    ["a tab in a dimension's name"] = { { dimensions = { ["a\tb"] = "v" } }, "printable ASCII" },
    ["a DEL in a dimension's name"] = { { dimensions = { ["a\127"] = "v" } }, "printable ASCII" },
    ["a NUL in a dimension's name"] = { { dimensions = { ["a\0b"] = "v" } }, "NUL" },
    ["a blank dimension name"] = { { dimensions = { [" "] = "v" } }, "not blank" },
    ["a colon before a dimension's name"] = { { dimensions = { [":a"] = "v" } }, "colon" },
    ["a long dimension"] = { { dimensions = { d = ("x"):rep(1025) } }, "1 to 1024" },
    ["a long dimension name"] = { { dimensions = { [("x"):rep(251)] = "v" } }, "too long" },
    ["a number as a dimension"] = { { dimensions = { d = 1 } }, "expected weir.emf.new" },
    ["a secret as a dimension"] = {
      { dimensions = { d = secret.wrap("x") } },
      "expected weir.emf.new",
    },
    ["_aws as a dimension"] = { { dimensions = { _aws = "x" } }, "_aws belongs to the format" },
    ["a dimension with two values"] = {
      { dimensions = { { d = "1" }, { d = "2" } } },
      "one value",
    },
    ["_aws as a property"] = { { properties = { _aws = {} } }, "_aws belongs to the format" },
    ["a property over a dimension"] = { { dimensions = { d = "x" }, properties = { d = 1 } },
      "a dimension has that name" },
    ["a property JSON cannot hold"] = {
      { properties = { p = print } },
      "cannot encode a function",
    },
    ["properties without end"] = { { properties = { p = ("x"):rep(300000) } }, "more than 256 KB" },
    ["an empty namespace"] = { { namespace = "" }, "1 to 255" },
    ["a long namespace"] = { { namespace = ("n"):rep(256) }, "1 to 255" },
    ["a namespace with a colon first"] = { { namespace = ":x" }, "colon" },
    ["a namespace with a quote"] = { { namespace = 'a"b' }, "letters, digits" },
    ["a fraction of a timestamp"] = { { timestamp = 1.5 }, "expected weir.emf.new" },
    ["a timestamp before 1970"] = { { timestamp = -1 }, "expected weir.emf.new" },
    ["unknown keys"] = { { dimension = {} }, "unknown key 'dimension'" },
  }) do
    it(name, function()
      local ok, message = pcall(writer, case[1])
      assert.is_false(ok)
      assert.truthy(tostring(message):find(case[2], 1, true), message)
    end)
  end

  for name, case in pairs({
    ["a unit that is none"] = { { "m", 1, "Seconds/Count" }, "no such unit" },
    ["a resolution of 30"] = { { "m", 1, "Count", 30 }, "resolution of 1 or 60" },
    ["a metric over a property"] = { { "p", 1 }, "a property has that name" },
    ["a control character in a metric's name"] = { { "a\tb", 1 }, "no control characters" },
    ["a blank name of a metric"] = { { "  ", 1 }, "not blank" },
    ["a metric over a dimension"] = { { "d", 1 }, "a dimension has that name" },
    ["_aws as a metric"] = { { "_aws", 1 }, "_aws belongs to the format" },
    ["an empty name"] = { { "", 1 }, "empty or too long" },
    ["a long name"] = { { ("m"):rep(256), 1 }, "empty or too long" },
    ["a name that is not UTF-8"] = { { "\255", 1 }, "not valid UTF-8" },
    ["text as a value"] = { { "m", "1" }, "expected writer:metric" },
    ["text among values"] = { { "m", { 1, "2" } }, "expected writer:metric" },
    ["no value"] = { { "m" }, "expected writer:metric" },
    ["another unit later"] = { { "known", 1, "Bytes" }, "another unit or resolution" },
    ["another resolution later"] = { { "known", 1, "Count", 1 }, "another unit or resolution" },
  }) do
    it(name, function()
      local w = writer({
        dimensions = { d = "x" },
        properties = { p = 1 },
      }):metric("known", 1, "Count")
      local ok, message = pcall(w.metric, w, table.unpack(case[1]))
      assert.is_false(ok)
      assert.truthy(tostring(message):find(case[2], 1, true), message)
      local document = documents(w)[1]
      assert.same({ 1, "x", 1 }, { document.p, document.d, document.known })
    end)
  end

  it("values that are not finite, and keeps the others", function()
    local w = writer():metric("m", 1)
    for _, value in ipairs({ 0 / 0, 1 / 0, -1 / 0, { 1, 0 / 0 } }) do
      local nothing, message, code = w:metric("m", value)
      assert.is_nil(nothing)
      assert.equal("InvalidValue", code)
      assert.truthy(message:find("'m'", 1, true))
    end

    assert.equal(1, documents(w)[1].m)
  end)
end)
