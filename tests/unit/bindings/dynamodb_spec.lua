-- weir.dynamodb: each type both ways, DynamoDB's limits, and every way to get it wrong.
local dynamodb = require("weir.dynamodb")
local json = require("weir.json")
local secret = require("weir.secret")

local function attribute(text)
  local item, message, code = dynamodb.decode('{"a":' .. text .. "}")
  if item then return item.a end
  return nil, message, code
end

local function encoded(value)
  local text, message, code = dynamodb.encode({ a = value })
  if text then return text:match('^{"a":(.*)}$') end
  return nil, message, code
end

local function code_of(_, _, code) return code end

describe("weir.dynamodb types", function()
  for text, value in pairs({
    ['{"S":"x"}'] = "x", ['{"S":""}'] = "", ['{"N":"1"}'] = 1, ['{"N":"-7"}'] = -7,
    ['{"N":"0.5"}'] = 0.5,
    ['{"N":"9223372036854775807"}'] = math.maxinteger,
    ['{"N":"-9223372036854775808"}'] = math.mininteger,
    ['{"BOOL":true}'] = true, ['{"BOOL":false}'] = false, ['{"NULL":true}'] = dynamodb.null,
    ['{"L":[{"N":"1"},{"S":"b"}]}'] = { 1, "b" }, ['{"M":{"k":{"S":"v"}}}'] = { k = "v" },
      ['{"M":{}}'] = {},
  }) do
    it("read and write " .. text, function()
      assert.same(value, (attribute(text)))
      assert.equal(text, (encoded(value)))
    end)
  end

  it("read and write binary values", function()
    local bytes = attribute('{"B":"AAEC/w=="}')
    assert.equal("\0\1\2\255", tostring(bytes))
    assert.equal(4, #bytes)
    assert.is_true(bytes == dynamodb.binary("\0\1\2\255"))
    assert.is_false(bytes == dynamodb.binary("\0\1\2"))
    assert.equal('{"B":"AAEC/w=="}', encoded(bytes))
    assert.equal('{"B":""}', encoded(dynamodb.binary("")))
  end)

  it("read and write sets as lists of their own kind", function()
    for text, list in pairs({
      ['{"SS":["b","a"]}'] = { "b", "a" }, ['{"NS":["1","2.5"]}'] = { 1, 2.5 },
      ['{"BS":["AA=="]}'] = { "\0" },
    }) do
      local set = attribute(text)
      for i, element in ipairs(list) do
        assert.equal(element, type(set[i]) == "userdata" and tostring(set[i]) or set[i])
      end

      assert.equal(text, encoded(set))
    end

    assert.equal('{"SS":["x"]}', encoded(dynamodb.set({ "x" })))
  end)

  it("tell an empty list from an empty map", function()
    assert.equal('{"L":[]}', encoded(attribute('{"L":[]}')))
    assert.equal('{"L":[]}', encoded(dynamodb.list()))
    assert.equal('{"L":[]}', encoded(json.decode("[]")))
    assert.equal('{"M":{}}', encoded({}))
  end)

  it("share null with weir.json", function()
    assert.equal(json.null, attribute('{"NULL":true}'))
  end)

  it("escape names and strings, and read escapes", function()
    assert.equal('{"na\\"me":{"S":"\\n\u{e9}"}}', dynamodb.encode({ ['na"me'] = "\n\u{e9}" }))
    assert.same({ ["\u{e9}"] = "\u{1F600}/" },
      dynamodb.decode('{"\\u00e9":{"\\u0053":"\\ud83d\\ude00\\/"}}'))
    assert.equal("\255\239", tostring(attribute('{"B":"\\u002f+8="}')))
  end)
end)

describe("weir.dynamodb numbers", function()
  it("become integers whenever they are whole and fit", function()
    for text, value in pairs({ ["1E2"] = 100, ["1.0"] = 1, ["-0"] = 0, ["0.000"] = 0, ["007"] = 7,
      ["12.50e1"] = 125 }) do
      local number = attribute('{"N":"' .. text .. '"}')
      assert.equal(value, number)
      assert.equal("integer", math.type(number))
    end
  end)

  it("become floats when the shortest text of the float is the number", function()
    for text, value in pairs({
      ["0.1"] = 0.1, ["1.50"] = 1.5, ["-2.5e-7"] = -2.5e-7, ["1E-130"] = 1e-130,
      ["9.5E+125"] = 9.5e125,
      ["0.30000000000000004"] = 0.1 + 0.2, ["1E20"] = 1e20, ["1234567890.12345"] = 1234567890.12345,
    }) do
      local number = attribute('{"N":"' .. text .. '"}')
      assert.equal(value, number)
      assert.equal("float", math.type(number))
    end
  end)

  it("keep their text otherwise", function()
    for _, text in ipairs({
      "12345678901234567890123456789012345678", "0.1000000000000000055511151231257827021",
      "9223372036854775808",
      "18446744073709551616", "-9223372036854775809", "0.30000000000000001",
      "1.0000000000000000000000000000000000001",
    }) do
      local number = attribute('{"N":"' .. text .. '"}')
      assert.equal("userdata", type(number), text)
      assert.equal(text, tostring(number))
      assert.equal('{"N":"' .. text .. '"}', encoded(number))
      assert.is_true(number == dynamodb.number(text))
    end
  end)

  it("are made of Lua's numbers without losing a digit", function()
    for number, text in pairs({ [1 / 3] = "0.3333333333333333", [2.0 ^ 53 + 2] = "9007199254740994",
      [1e125] = "1e+125", [math.maxinteger] = "9223372036854775807",
      [0.1 + 0.2] = "0.30000000000000004" }) do
      assert.equal(text, tostring(dynamodb.number(number)))
      assert.equal('{"n":{"N":"' .. text .. '"}}',
        dynamodb.encode({ n = assert(dynamodb.number(number)) }))
    end

    assert.equal("InvalidNumber", select(3, dynamodb.number(0 / 0)))
    assert.equal("InvalidNumber", select(3, dynamodb.number(-math.huge)))
    assert.equal("NumberOutOfRange", select(3, dynamodb.number(5e-324)))
  end)

  it("are equal and ordered by value", function()
    local n = dynamodb.number
    assert.is_true(n("1.0") == n("1"))
    assert.is_true(n("1e2") == n("100.00"))
    local big, bigger = "12345678901234567890123456789012345678",
      "12345678901234567890123456789012345679"
    assert.is_false(n(big) == n(bigger))
    assert.is_true(n(big) < n(bigger))
    assert.is_true(n("-2") < n("1") and n("-2") < n("-1") and n("0") < n("1e-130")
      and n("-1e-130") < n("0"))
    assert.is_true(n("10") > 9 and 9.5 < n("10") and n("10") <= 10)
    assert.error_matches(function()
      return n("1") < "2"
    end, "compare a DynamoDB number with a string")
  end)

  it("are written plainly", function()
    for _, case in ipairs({
      { 3.0, "3" }, { -0.5, "-0.5" }, { 0.1, "0.1" }, { -0.0, "0" }, { 1e15, "1000000000000000" },
      { 2.0 ^ 60, "1152921504606846976" }, { 2.0 ^ 63, "9.223372036854776e+18" },
    }) do
      assert.equal('{"N":"' .. case[2] .. '"}', encoded(case[1]))
    end
  end)

  it("respect DynamoDB's range and precision", function()
    local n = dynamodb.number
    assert.truthy(n("9." .. ("9"):rep(37) .. "E+125"))
    assert.truthy(n("-1E-130"))
    assert.truthy(n("1" .. ("0"):rep(125)))
    assert.truthy(n(("0"):rep(1000) .. "." .. ("0"):rep(129) .. "1"))
    for text, code in pairs({
      ["1E126"] = "NumberOutOfRange", ["9E-131"] = "NumberOutOfRange",
      ["1e999999999999999999999"] = "NumberOutOfRange",
      ["0." .. ("0"):rep(130) .. "1"] = "NumberOutOfRange", [("1"):rep(39)] = "NumberTooPrecise",
      ["1." .. ("0"):rep(37) .. "1"] = "NumberTooPrecise", ["1e-"] = "InvalidNumber",
      [""] = "InvalidNumber",
      ["."] = "InvalidNumber", ["0x10"] = "InvalidNumber", ["NaN"] = "InvalidNumber",
      ["1 "] = "InvalidNumber",
      ["--1"] = "InvalidNumber", ["1,5"] = "InvalidNumber", ["1\0"] = "InvalidNumber",
      ["Infinity"] = "InvalidNumber",
    }) do
      assert.equal(code, code_of(n(text)), text)
      if not text:find("%z") then
        assert.equal(code, code_of(attribute('{"N":"' .. text .. '"}')), text)
      end
    end

    assert.equal("NumberOutOfRange", code_of(encoded(5e-324)))
    assert.equal("NumberOutOfRange", code_of(encoded(1e126)))
  end)
end)

describe("weir.dynamodb.encode refuses", function()
  local cycle = {}
  cycle.again = cycle
  local deep = "x"
  for _ = 1, 33 do deep = { deep } end

  for name, case in pairs({
    ["NaN"] = { { a = { b = { 1, 0 / 0 } } }, "InvalidNumber", "at .a.b[2]" },
    ["infinity"] = { { a = -1 / 0 }, "InvalidNumber", "at .a" },
    ["a function"] = { { f = print }, "UnsupportedType", "at .f" },
    ["a file"] = { { f = io.stdout }, "UnsupportedType", "at .f" },
    ["a coroutine"] = { { c = coroutine.create(print) }, "UnsupportedType", "at .c" },
    ["bytes as a string"] = { { s = "\255" }, "InvalidString", "binary" },
    ["bytes as a name"] = { { ["\255"] = 1 }, "InvalidString", "UTF-8" },
    ["an empty name"] = { { [""] = 1 }, "InvalidName", "1 to 65535" },
    ["a long name"] = { { [("n"):rep(65536)] = 1 }, "InvalidName", "1 to 65535" },
    ["a list with holes"] = { { l = { 1, nil, 3 } }, "InvalidList", "at .l" },
    ["a list with names"] = { { l = { 1, x = 2 } }, "InvalidList", "at .l" },
    ["keys that are not names"] = { { m = { [true] = 1 } }, "InvalidMap", "at .m" },
    ["an item that is a list"] = { { 1, 2 }, "InvalidMap", "keys other than strings" },
    ["a cycle"] = { cycle, "NestingTooDeep", "32" },
    ["what is nested too deep"] = { { d = deep }, "NestingTooDeep", "32" },
  }) do
    it(name, function()
      local nothing, message, code = dynamodb.encode(case[1])
      assert.is_nil(nothing)
      assert.equal(case[2], code)
      assert.truthy(message:find(case[3], 1, true), message)
      assert.equal(case[2], code_of(dynamodb.size(case[1])))
    end)
  end

  it("sets that were made empty, mixed or double", function()
    local set = dynamodb.set({ "a", "b" })
    set[2] = "a"
    assert.equal("DuplicateElement", code_of(encoded(set)))
    set[2] = 1
    assert.equal("InvalidSet", code_of(encoded(set)))
    set[1], set[2] = nil, nil
    assert.equal("EmptySet", code_of(encoded(set)))
    assert.equal("EmptySet", code_of(dynamodb.set({})))
    assert.equal("DuplicateElement", code_of(dynamodb.set({ 1, dynamodb.number("1.0") })))
    assert.equal("DuplicateElement", code_of(dynamodb.set({ dynamodb.binary("x"),
      dynamodb.binary("x") })))
    assert.equal("InvalidSet", code_of(dynamodb.set({ true })))
    assert.equal("InvalidSet", code_of(dynamodb.set({ {} })))
    assert.equal("InvalidNumber", code_of(dynamodb.set({ 0 / 0 })))
  end)

  it("sets with keys that are not places in a list", function()
    for _, list in ipairs({ { 1, other = 2 }, { other = 2 }, { "a", [3] = "c" } }) do
      assert.equal("InvalidSet", select(3, dynamodb.set(list)))
    end

    local set = assert(dynamodb.set({ "a" }))
    set.other = "b"
    assert.equal("InvalidSet", select(3, dynamodb.encode({ s = set })))
  end)

  it("other arguments, quoting the call", function()
    assert.error_matches(function()
      dynamodb.encode("x")
    end, "expected weir%.dynamodb%.encode%(item%)")
    assert.error_matches(function()
      dynamodb.encode({}, {})
    end, "expected weir%.dynamodb%.encode%(item%)")
    assert.error_matches(function() dynamodb.number({}) end,
      "expected weir%.dynamodb%.number%(text or number%)")
    assert.error_matches(function() dynamodb.set("x") end, "expected weir%.dynamodb%.set%(list%)")
    assert.error_matches(function()
      dynamodb.binary(1)
    end, "expected weir%.dynamodb%.binary%(bytes%)")
  end)
end)

describe("weir.dynamodb's item size", function()
  for size, item in pairs({
    [1 + 3] = { a = "xyz" }, [1 + 2] = { a = "\u{e9}" }, [2 + 1] = { ab = true },
    [3 + 1] = { abc = dynamodb.null },
    [1 + 1 + 1] = { a = 7 }, [4 + 1 + 2 + 1] = { ["n..."] = -123 },
    [1 + 4] = { a = dynamodb.binary("\0\0\0\0") },
    [1 + 3 + 2 * (1 + 1)] = { a = { "x", "y" } }, [1 + 3 + 2 + 7] = { a = { bc = "1234567" } },
    [5 + 6] = { tags5 = dynamodb.set({ "abc", "def" }) },
  }) do
    it("is " .. size .. " bytes for " .. dynamodb.encode(item), function() assert.equal(size,
      dynamodb.size(item)) end)
  end

  it("is 400 KB at most", function()
    local item = { pk = ("x"):rep(400 * 1024 - 2) }
    assert.equal(400 * 1024, dynamodb.size(item))
    assert.truthy(dynamodb.encode(item))
    item.pk = item.pk .. "x"
    local nothing, message, code = dynamodb.encode(item)
    assert.is_nil(nothing)
    assert.equal("ItemTooLarge", code)
    assert.truthy(message:find("409601", 1, true))
  end)
end)

describe("weir.dynamodb.decode refuses", function()
  for text, code in pairs({
    [""] = "InvalidJson", ["{"] = "InvalidJson", ['{"a":{"S":"x"}'] = "InvalidJson",
    ['{"a":{"S":"x"}} x'] = "InvalidJson",
    ['{"a":{"S":"\\ud800"}}'] = "InvalidJson", ['{"a":{"S":"\255"}}'] = "InvalidJson",
    ["<html>"] = "InvalidJson",
    ["[]"] = "InvalidAttribute", ["null"] = "InvalidAttribute", ['{"a":"x"}'] = "InvalidAttribute",
    ['{"a":{}}'] = "InvalidAttribute", ['{"a":{"S":1}}'] = "InvalidAttribute",
    ['{"a":{"N":1}}'] = "InvalidAttribute",
    ['{"a":{"BOOL":"true"}}'] = "InvalidAttribute", ['{"a":{"NULL":false}}'] = "InvalidAttribute",
    ['{"a":{"L":{}}}'] = "InvalidAttribute", ['{"a":{"M":[]}}'] = "InvalidAttribute",
    ['{"a":{"S":"x","N":"1"}}'] = "InvalidAttribute", ['{"a":{"SS":[1]}}'] = "InvalidAttribute",
    ['{"a":{"X":"x"}}'] = "UnknownType", ['{"a":{"s":"x"}}'] = "UnknownType",
    ['{"a":{"":1}}'] = "UnknownType",
    ['{"a":{"B":"x"}}'] = "InvalidBinary", ['{"a":{"B":"AA=A"}}'] = "InvalidBinary",
    ['{"a":{"B":"AB=="}}'] = "InvalidBinary",
    ['{"a":{"B":"===="}}'] = "InvalidBinary", ['{"a":{"SS":[]}}'] = "EmptySet",
    ['{"a":{"SS":["x","x"]}}'] = "DuplicateElement",
      ['{"a":{"NS":["1","1.0"]}}'] = "DuplicateElement",
    ['{"a":' .. ('{"L":['):rep(33) .. ("]}"):rep(33) .. "}"] = "NestingTooDeep",
    ['{"a":' .. ('{"M":{"b":'):rep(100000)] = "NestingTooDeep",
  }) do
    it(#text < 60 and text or text:sub(1, 40) .. "…", function()
      local nothing, message, found = dynamodb.decode(text)
      assert.is_nil(nothing)
      assert.equal(code, found)
      assert.truthy(message:find("^line 1, column %d+: "), message)
    end)
  end

  it("but takes 32 levels", function()
    assert.truthy(dynamodb.decode('{"a":' .. ('{"L":['):rep(32) .. ("]}"):rep(32) .. "}"))
  end)

  it("other arguments, quoting the call", function()
    assert.error_matches(function() dynamodb.decode() end, "expected weir%.dynamodb%.decode%(text")
    assert.error_matches(function()
      dynamodb.decode("{}", { secrets = {} })
    end, "unknown key 'secrets'")
    assert.error_matches(function() dynamodb.decode("{}", { secret = "x" }) end,
      "expected weir%.dynamodb%.decode")
    assert.error_matches(function() dynamodb.decode("{}", { secret = { 1 } }) end,
      "expected weir%.dynamodb%.decode")
  end)
end)

describe("weir.dynamodb.decode_reply", function()
  it("decodes the items of a page and leaves the rest as JSON", function()
    assert.same({
      Items = { { n = 1 }, { n = 2, l = { "x" } } }, Count = 2, ScannedCount = 5,
      LastEvaluatedKey = { pk = "k" },
      ConsumedCapacity = { TableName = "t", CapacityUnits = 0.5 },
    }, dynamodb.decode_reply(
      '{"Items":[{"n":{"N":"1"}},{"n":{"N":"2"},"l":{"L":[{"S":"x"}]}}],"Count":2,'
      .. '"ScannedCount":5,"LastEvaluatedKey":{"pk":{"S":"k"}},'
      .. '"ConsumedCapacity":{"TableName":"t","CapacityUnits":0.5}}'))
  end)

  it("knows every place of an item", function()
    local reply = dynamodb.decode_reply('{"Item":{"a":{"N":"1"}},"Attributes":{"a":{"N":"2"}},'
      .. '"Responses":{"t":[{"a":{"N":"3"}}]},'
      .. '"UnprocessedItems":{"t":[{"PutRequest":{"Item":{"a":{"N":"4"}}}}]},'
      .. '"UnprocessedKeys":{},"__type":"x#ConditionalCheckFailedException","message":"no"}')
    assert.equal(1, reply.Item.a)
    assert.equal(2, reply.Attributes.a)
    assert.equal(3, reply.Responses.t[1].a)
    assert.equal('{"t":[{"PutRequest":{"Item":{"a":{"N":"4"}}}}]}', reply.UnprocessedItems)
    assert.equal("{}", reply.UnprocessedKeys)
    assert.equal("no", reply.message)
  end)

  it("reads an empty reply", function() assert.same({}, dynamodb.decode_reply("{}")) end)

  it("refuses broken replies", function()
    assert.equal("InvalidJson", code_of(dynamodb.decode_reply('{"Items":[{"a":{"S":"x"}}')))
    assert.equal("InvalidJson", code_of(dynamodb.decode_reply("<html><body>502</body></html>")))
    assert.equal("InvalidJson", code_of(dynamodb.decode_reply('{"Items":["x"]}')))
    assert.equal("InvalidReply", code_of(dynamodb.decode_reply('{"Responses":{"t":{}}}')))
    assert.equal("UnknownType", code_of(dynamodb.decode_reply('{"Item":{"a":{"Q":1}}}')))
  end)
end)

describe("weir.dynamodb and secrets", function()
  it("wraps the attributes that are named, wherever they are", function()
    local options = { secret = { "task_token", "pin" } }
    local item = dynamodb.decode('{"task_token":{"S":"t\\u00e9"},"m":{"M":{"pin":{"N":"1234"}}},'
      .. '"pin":{"B":"AAE="},"x":{"S":"y"}}', options)
    assert.is_true(secret.equal(item.task_token, "t\u{e9}"))
    assert.is_true(secret.equal(item.m.pin, "1234"))
    assert.is_true(secret.equal(item.pin, "\0\1"))
    assert.equal("y", item.x)
    assert.is_true(secret.is(dynamodb.decode_reply('{"Items":[{"pin":{"S":"x"}}]}',
      options).Items[1].pin))
    assert.equal(dynamodb.null, dynamodb.decode('{"pin":{"NULL":true}}', options).pin)
  end)

  it("wraps what a named list or map holds, and refuses what it cannot wrap", function()
    local options = { secret = { "keys" } }
    local item = dynamodb.decode('{"keys":{"L":[{"S":"a"},{"M":{"x":{"S":"b"}}}]}}', options)
    assert.is_true(secret.equal(item.keys[1], "a"))
    assert.is_true(secret.equal(item.keys[2].x, "b"))
    assert.equal("InvalidSecret", code_of(dynamodb.decode('{"keys":{"SS":["a"]}}', options)))
    assert.equal("InvalidSecret", code_of(dynamodb.decode('{"keys":{"BOOL":true}}', options)))
  end)

  it("answers with a secret as soon as a part was one", function()
    local text = dynamodb.encode({ task_token = secret.wrap("t") })
    assert.equal("[redacted]", tostring(text))
    assert.is_true(secret.equal(text, '{"task_token":{"S":"t"}}'))
    assert.error_matches(function() dynamodb.decode(text) end, "expected weir%.dynamodb%.decode")
    assert.equal(10 + 1, dynamodb.size({ task_token = secret.wrap("t") }))
  end)
end)
