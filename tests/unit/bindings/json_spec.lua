local json = require("weir.json")

local function decoded(text)
  local value, message = json.decode(text)
  assert.is_nil(message)
  return value
end

describe("json.decode", function()
  it("keeps integers exact and apart from floats", function()
    assert.equal("integer", math.type(decoded("3")))
    assert.equal("float", math.type(decoded("3.0")))
    assert.equal("float", math.type(decoded("3e0")))
    assert.equal(9007199254740993, decoded("9007199254740993"))
    assert.equal(math.maxinteger, decoded("9223372036854775807"))
    assert.equal(math.mininteger, decoded("-9223372036854775808"))
    assert.equal(9223372036854775808.0, decoded("9223372036854775808"))
    assert.equal("-0.0", tostring(decoded("-0")))
  end)

  it("reads words, null, strings with NUL and surrogate pairs", function()
    assert.equal(true, decoded(" true "))
    assert.equal(false, decoded("false"))
    assert.equal(json.null, decoded("null"))
    assert.equal("a\0b", decoded([["a\u0000b"]]))
    assert.equal("\u{1D11E}€", decoded([["\uD834\uDD1E€"]]))
  end)

  it("lets the last of duplicate members win", function()
    assert.same({ a = 3, b = 2 }, decoded('{"a":1,"b":2,"a":3}'))
    local members = {}
    for i = 1, 300 do members[i] = ('"k%d":%d'):format(i % 7, i) end
    assert.same({ k0 = 294, k1 = 295, k2 = 296, k3 = 297, k4 = 298, k5 = 299, k6 = 300 },
      decoded("{" .. table.concat(members, ",") .. "}"))
  end)

  it("reads containers of every size", function()
    for _, size in ipairs({ 0, 1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 129, 1000 }) do
      local list, object, expected_object = {}, {}, {}
      for i = 1, size do
        list[i] = i
        object[i] = ('"%d":[%d,{}]'):format(i, i)
        expected_object[tostring(i)] = { i, {} }
      end

      assert.same(list, decoded("[" .. table.concat(list, ",") .. "]"))
      assert.same(expected_object, decoded("{" .. table.concat(object, ",") .. "}"))
    end
  end)

  it("says what is wrong and where", function()
    local value, message, code = json.decode('{\n  "a": 01}')
    assert.is_nil(value)
    assert.equal("line 2, column 8: a number cannot start with 0", message)
    assert.equal("InvalidJson", code)
    local function message_of(text) return (select(2, json.decode(text))) end
    assert.equal("line 1, column 2: a number is beyond the range of a double",
      message_of("[1e999]"))
    assert.equal("line 1, column 3: something follows the value", message_of("1 2"))
    assert.equal("line 1, column 1: the text is empty", message_of(""))
    assert.equal("line 1, column 2: lone surrogate in a string", message_of([["\ud800"]]))
    assert.equal("line 1, column 2: not valid UTF-8", message_of('"\xff"'))
    assert.equal("line 1, column 2: a value is expected", message_of("[NaN]"))
  end)

  it("reads 1,000 levels and refuses 10,000 at once", function()
    local value = decoded(("["):rep(1000) .. ("]"):rep(1000))
    for _ = 1, 999 do value = value[1] end
    assert.same({}, value)
    local _, message = json.decode(("["):rep(10000))
    assert.equal("line 1, column 1001: nested deeper than 1000", message)
    local _, message_of_objects = json.decode(('{"a":'):rep(10000))
    assert.equal("line 1, column 5001: nested deeper than 1000", message_of_objects)
  end)

  it("reads a string of 50 MB", function()
    local long = ("x"):rep(50 * 1024 * 1024)
    assert.is_true(long == decoded('"' .. long .. '"'))
    assert.is_true(json.encode(long) == '"' .. long .. '"')
  end)

  it("raises for anything but a string", function()
    for _, wrong in ipairs({ 1, true, {}, print }) do
      assert.error_matches(function()
        json.decode(wrong)
      end, "expected weir.json.decode(text", 1, true)
    end

    assert.error_matches(function() json.decode() end, "expected weir.json.decode(text", 1, true)
  end)
end)

describe("json.encode", function()
  it("writes numbers so that they read back the same", function()
    assert.equal("3", json.encode(3))
    assert.equal("3.0", json.encode(3.0))
    assert.equal("0.1", json.encode(0.1))
    assert.equal("-0.0", json.encode(-0.0))
    assert.equal("0.30000000000000004", json.encode(0.1 + 0.2))
    assert.equal("1e+300", json.encode(1e300))
    assert.equal("-9223372036854775808", json.encode(math.mininteger))
  end)

  it("sorts members by byte order unless told otherwise", function()
    local value = { b = 1, a = 2, aa = 3, [""] = 4, ["é"] = 5, B = 6 }
    local sorted = '{"":4,"B":6,"a":2,"aa":3,"b":1,"é":5}'
    assert.equal(sorted, json.encode(value))
    assert.equal(sorted, json.encode(value, { sort = true }))
    assert.same(value, json.decode(json.encode(value, { sort = false })))
  end)

  it("sorts members however many there are, at every level", function()
    -- Narrow inside of wide inside of narrow, so that no one way of keeping their names serves all.
    for _, width in ipairs { 1, 2, 12, 13, 63, 64, 65, 1000 } do
      local wide, expected = {}, {}
      for i = width, 1, -1 do
        local name = ("m%04d"):format(i)
        wide[name] = { b = { d = i, c = true }, a = {} }
        expected[i] = ('"%s":{"a":{},"b":{"c":true,"d":%d}}'):format(name, i)
      end

      local members = table.concat(expected, ",")
      assert.equal('{"a":{' .. members .. '},"b":{' .. members .. '},"c":1}',
        json.encode { c = 1, b = wide, a = wide })
    end
  end)

  it("keeps [] apart from {}", function()
    assert.equal("{}", json.encode({}))
    assert.equal("[]", json.encode(json.array()))
    assert.equal("[]", json.encode(json.array({})))
    for _, text in ipairs({ "[]", "{}", "[[],{}]", '{"a":[],"b":{}}' }) do
      assert.equal(text, json.encode(json.decode(text)))
    end
    local emptied = json.decode("[1]")
    emptied[1] = nil
    assert.equal("[]", json.encode(emptied))
  end)

  it("knows arrays", function()
    assert.is_true(json.is_array(json.array()))
    assert.is_true(json.is_array(json.decode("[1]")))
    assert.is_false(json.is_array(json.decode("{}")))
    assert.is_false(json.is_array({ 1 }))
    assert.is_false(json.is_array(1))
  end)

  it("writes null, booleans and strings", function()
    assert.equal("null", json.encode(json.null))
    assert.equal("json.null", tostring(json.null))
    assert.equal("[true,false,null]", json.encode({ true, false, json.null }))
    assert.equal([["a/\"\\\b\f\n\r\t\u0000é"]], json.encode('a/"\\\b\f\n\r\t\0é'))
    assert.equal([["\u00e9\ud834\udd1e\u007f"]], json.encode("é\u{1D11E}\x7f", { ascii = true }))
  end)

  it("indents", function()
    assert.equal('{\n  "a": [\n    1,\n    {}\n  ],\n  "b": "c"\n}',
      json.encode({ a = { 1, {} }, b = "c" }, { indent = 2 }))
    assert.equal("[]", json.encode(json.array(), { indent = 2 }))
  end)

  it("takes a value's word for what it encodes as", function()
    local sealed = setmetatable({ text = "s3cret" }, { __json = "[redacted]" })
    assert.equal('{"token":"[redacted]"}', json.encode({ token = sealed }))
  end)

  local function refused(value, message)
    assert.has_error(function() json.encode(value) end, "json.encode: " .. message)
  end

  it("names what it cannot encode, and the place", function()
    refused(print, "cannot encode a function")
    refused({ rules = { 1, { run = print } } }, "cannot encode a function at .rules[2].run")
    refused(coroutine.create(print), "cannot encode a thread")
    refused(io.stdout, "cannot encode a userdata")
    refused({ 0 / 0 }, "cannot encode NaN or infinity at [1]")
    refused({ a = 1 / 0 }, "cannot encode NaN or infinity at .a")
    refused({ a = "\xff" }, "a string is not valid UTF-8 at .a")
    refused({ 1, 2, a = 3 }, "a list has keys other than 1, 2, 3 …")
    refused({ x = { 1, nil, 3 } }, "a list has holes (json.null fills them) at .x")
    refused({ [2] = 1, a = 1 }, "a table has keys other than strings, and is not a list,")
    refused({ [1.5] = 1 }, "a table has keys other than strings, and is not a list,")
    refused({ [true] = 1 }, "a table has keys other than strings, and is not a list,")
    refused(json.array({ a = 1 }), "a list has keys other than 1, 2, 3 …")
    assert.has_error(function() json.encode(setmetatable({}, { __json = {} })) end,
      "json.encode: the metafield __json must be a string")
  end)

  it("stops at cycles, and after a refusal works on", function()
    local cycle = {}
    cycle.cycle = cycle
    local ok, message = pcall(json.encode, cycle)
    assert.is_false(ok)
    assert.matches("nested deeper than 1000, or a cycle", message, 1, true)
    assert.equal("[1]", json.encode({ 1 }))
    local deepest = json.array()
    for _ = 1, 999 do deepest = { deepest } end
    assert.equal(("["):rep(1000) .. ("]"):rep(1000), json.encode(deepest))
    assert.error_matches(function() json.encode({ deepest }) end, "nested deeper than 1000")
  end)

  it("refuses wrong calls and unknown options", function()
    local signature = "expected weir.json.encode(value[, {sort=boolean?, ascii=boolean?, "
      .. "indent=integer?}])"
    for _, wrong in ipairs({
      {}, { 1, 2 }, { 1, { sort = 1 } }, { 1, { indent = -1 } }, { 1, { indent = "2" } },
    }) do
      assert.error_matches(function() json.encode(table.unpack(wrong)) end, signature, 1, true)
    end

    local ok, message = pcall(json.encode, 1, { sorted = true })
    assert.is_false(ok)
    assert.matches("unknown key 'sorted' (allowed: sort, ascii, indent)", message, 1, true)
  end)
end)

describe("json.validate", function()
  it("agrees with decode but for numbers beyond a double", function()
    assert.is_true(json.validate('{"a":[1,2,{"b":null}]}'))
    assert.is_true(json.validate("1e999"))
    local ok, message, code = json.validate('{"a":[1,2,{"b":nul}]}')
    assert.is_nil(ok)
    assert.equal("line 1, column 16: unknown word (the words are null, true and false)", message)
    assert.equal("InvalidJson", code)
  end)
end)
