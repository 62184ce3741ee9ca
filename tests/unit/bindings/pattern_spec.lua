local json = require("weir.json")
local pattern = require("weir.pattern")

local function matches(text, event)
  local matcher, message = pattern.compile(text)
  assert(matcher, message)
  return matcher:match(event)
end

local function refusal(text)
  local matcher, message, code = pattern.compile(text)
  assert.is_nil(matcher, "accepted: " .. tostring(text))
  assert.equal("InvalidEventPattern", code)

  return message
end

-- Each row: the list of field "a", then values of "a" that match and values that do not (JSON;
-- "-" is a missing field).
local OPERATORS = {
  ["a string"] = { '["x"]', { '"x"', '["y","x"]' },
    { '"X"', '""', '"xx"', '{"x":1}', '["y"]', "null", "-" } },
  ["the empty string"] = { '[""]', { '""' }, { '" "', "null", "[]", "-" } },
  ["a number by value"] = { "[300]", { "300", "300.0", "3.0e2", "30E+1", "3000e-1" },
    { '"300"', "301", "300.0000000000000000000001", "-300" } },
  ["zero of either sign"] = {
    "[0]",
    { "0", "-0", "0.0", "0e99" },
    { '"0"', "1e-400", "false", "null" },
  },
  ["a number past doubles"] = { "[9007199254740993]",
    { "9007199254740993", "9.007199254740993e15" },
    { "9007199254740992", "9007199254740994" } },
  ["a number past every double"] = { "[1e400]", { "1e400", "10e399" }, { "1e401", "1e308" } },
  ["a long number"] = { "[123456789012345678901234567890]", { "123456789012345678901234567890" },
    { "123456789012345678901234567891", "123456789012345678901234567880" } },
  ["true"] = { "[true]", { "true" }, { "1", '"true"', "false" } },
  ["false"] = { "[false]", { "false" }, { "0", '""', "null", "-" } },
  ["null"] = { "[null]", { "null", "[1,null]" }, { '"null"', "-", "[]", "{}", "0" } },
  ["one of several"] = { '["x",1,null]', { '"x"', "1", "null" }, { '"1"', "2" } },
  ["an address"] = {
    '["10.0.0.1"]',
    { '"10.0.0.1"' },
    { '"10.0.0.01"', '"10.0.0.10"', '"10.0.0.1 "' },
  },
  ["an IPv6 address"] = { '["::1"]', { '"::1"', '"0:0:0:0:0:0:0:1"', '"0::0001"' },
    { '"::2"', '"0.0.0.1"' } },
  ["what is nearly an address"] = { '["10.0.0.256"]', { '"10.0.0.256"' }, { '"10.0.0.255"' } },
  exactly = { '[{"exactly":"x"}]', { '"x"' }, { '"xy"', '"X"', "1" } },
  ["exactly an address"] = { '[{"exactly":"::1"}]', { '"::1"' }, { '"0::1"' } },
  prefix = { '[{"prefix":"xy"}]', { '"xy"', '"xyz"' }, { '"x"', '"Xyz"', '"axy"', "1", "-" } },
  ["an empty prefix"] = { '[{"prefix":""}]', { '""', '"x"' }, { "1", "null", "-" } },
  suffix = { '[{"suffix":".png"}]', { '".png"', '"a.png"' }, { '"a.PNG"', '"png"', '".png "' } },
  ["an empty suffix"] = { '[{"suffix":""}]', { '""', '"x"' }, { "1", "null" } },
  ["prefix in any case"] = { '[{"prefix":{"equals-ignore-case":"éX"}}]', { '"Éxy"', '"éXy"' },
    { '"xÉ"', '"É"' } },
  ["suffix in any case"] = { '[{"suffix":{"equals-ignore-case":".PnG"}}]', { '"a.png"', '".PNG"' },
    { '"png"' } },
  ["equals-ignore-case"] = { '[{"equals-ignore-case":"StraßE Ж"}]', { '"straße ж"', '"STRAßE Ж"' },
    { '"strasse ж"' } },
  wildcard = { '[{"wildcard":"dir/*/f*.png"}]', { '"dir/a/f.png"', '"dir//fx/y.png"' },
    { '"dir/f.png"', '"dir/a/f.pngx"', '"Dir/a/f.png"', "1" } },
  ["a wildcard alone"] = { '[{"wildcard":"*"}]', { '""', '"x"' }, { "1", "null", "-" } },
  ["a wildcard that may be empty"] = {
    '[{"wildcard":"*x*"}]',
    { '"x"', '"axb"' },
    { '""', '"y"' },
  },
  ["the empty wildcard"] = { '[{"wildcard":""}]', { '""' }, { '"x"' } },
  ["escapes in a wildcard"] = { [==[[{"wildcard":"a\\*\\\\*"}]]==], { [["a*\\"]], [["a*\\b"]] },
    { '"ab"', '"a*"' } },
  ["numeric ="] = {
    '[{"numeric":["=",3.018e2]}]',
    { "301.8", "3018e-1" },
    { '"301.8"', "301.80001" },
  },
  ["numeric <"] = {
    '[{"numeric":["<",10]}]',
    { "9.99", "-1e99" },
    { "10", "10.0", '"9"', "null", "-" },
  },
  ["numeric <="] = {
    '[{"numeric":["<=",10]}]',
    { "10", "1.0e1" },
    { "10.000000000000000000001", "11" },
  },
  ["numeric >"] = {
    '[{"numeric":[">",-1]}]',
    { "0", "-0.999999999999999999999" },
    { "-1", "-1.0", "-2" },
  },
  ["numeric >="] = { '[{"numeric":[">=",9007199254740993]}]', { "9007199254740993" },
    { "9007199254740992" } },
  ["a numeric range"] = {
    '[{"numeric":[">",0,"<=",5]}]',
    { "5", "0.0001" },
    { "0", "5.01", "-3", '"3"' },
  },
  ["cidr"] = { '[{"cidr":"10.0.0.0/24"}]', { '"10.0.0.0"', '"10.0.0.255"', '"::ffff:a00:1"' },
    { '"10.0.1.0"', '"9.255.255.255"', '"10.0.0"', "1", '"::1"' } },
  ["cidr of IPv6"] = { '[{"cidr":"2001:db8::/32"}]', { '"2001:db8::1"', '"2001:DB8:ffff::"' },
    { '"2001:db9::"', '"10.0.0.1"' } },
  ["cidr of an address inside of the block"] = { '[{"cidr":"10.0.0.200/24"}]',
    { '"10.0.0.0"', '"10.0.0.199"', '"10.0.0.255"' }, { '"10.0.1.0"', '"9.255.255.255"' } },
  ["cidr of the last address of a block"] = { '[{"cidr":"2001:db8::ffff/112"}]',
    { '"2001:db8::"', '"2001:db8::1"' }, { '"2001:db8::1:0"' } },
  ["exists"] = { '[{"exists":true}]', { "1", "null", '""', "[1]", "[[null]]" },
    { "{}", "[]", "[[]]", '{"b":1}', "-" } },
  ["not exists"] = { '[{"exists":false}]', { "-", "{}", "[]", '{"b":1}', "[{}]" },
    { "1", "null", '""', "[1]" } },
  ["absence or a value"] = { '[{"exists":false},"x"]', { "-", '"x"', "[]" }, { '"y"', "null" } },
  ["anything-but a string"] = { '[{"anything-but":"x"}]',
    { '"y"', "1", "null", "true", '["x","y"]', '"X"' },
    { '"x"', "-", "[]", "{}", '["x","x"]' } },
  ["anything-but a number"] = {
    '[{"anything-but":300}]',
    { "301", '"300"', "null" },
    { "300", "3e2", "-" },
  },
  ["anything-but strings"] = { '[{"anything-but":["x","y"]}]', { '"z"', "1", "null" },
    { '"x"', '"y"', "-" } },
  ["anything-but numbers"] = { '[{"anything-but":[1,2]}]', { "3", '"1"' }, { "1", "2.0" } },
  ["anything-but prefix"] = { '[{"anything-but":{"prefix":"x"}}]', { '"y"', '""', "1", "null" },
    { '"x"', '"xy"', "-" } },
  ["anything-but prefixes"] = { '[{"anything-but":{"prefix":["x","xy"]}}]',
    { '"y"', '["xyz","z"]' },
    { '"xyz"', '"x"' } },
  ["anything-but suffix"] = { '[{"anything-but":{"suffix":["x","y"]}}]', { '"xz"', "1" },
    { '"zx"', '"y"', "-" } },
  ["anything-but in any case"] = { '[{"anything-but":{"equals-ignore-case":["X","y"]}}]',
    { '"z"', "null" },
    { '"x"', '"Y"' } },
  ["anything-but wildcard"] = { '[{"anything-but":{"wildcard":"*/x/*"}}]', { '"a/y/b"', "5" },
    { '"a/x/b"', '"/x/"', "-" } },
  ["either of two anything-buts"] = { '[{"anything-but":"x"},{"anything-but":"y"}]',
    { '"x"', '"y"' },
    { "-" } },
}

describe("a pattern's list", function()
  for name, row in pairs(OPERATORS) do
    local text = ('{"a":%s}'):format(row[1])
    local function check(wanted, value)
      local event = value == "-" and '{"b":1}' or ('{"b":1,"a":%s,"c":"x"}'):format(value)
      assert.equal(wanted, matches(text, event), text .. " on " .. value)
    end

    it("matches " .. name, function()
      for _, value in ipairs(row[2]) do check(true, value) end
    end)

    it("tells others from " .. name, function()
      for _, value in ipairs(row[3]) do check(false, value) end
    end)
  end
end)

-- Whole patterns: text, event, whether it matches.
local STRUCTURES = {
  ["fields are and-ed"] = { '{"a":[1],"b":[2]}', '{"a":1,"b":3}', false },
  ["names are case-sensitive"] = { '{"a":[1]}', '{"A":1}', false },
  ["JSON in a string is not searched"] = { '{"a":{"b":[1]}}', '{"a":"{\\"b\\":1}"}', false },
  ["a dotted key of the pattern is nesting"] = { '{"a.b":[1]}', '{"a":{"b":1}}', true },
  ["a dotted key of the event is nesting"] = { '{"a":{"b":[1]}}', '{"a.b":1}', true },
  ["dotted and nested keys meet"] = { '{"a":{"b":[1],"c":[2]}}', '{"a.b":1,"a":{"c":2}}', true },
  ["a dotted key goes with any element"] = { '{"a":{"b":[1],"c":[2],"d":[3]}}',
    '{"a.b":1,"a":[{"c":2},{"c":2,"d":3}]}', true },
  ["a dotted key does not join elements"] = { '{"a":{"b":[1],"c":[2],"d":[3]}}',
    '{"a.b":1,"a":[{"c":2},{"d":3}]}', false },
  ["escapes in keys are read"] = { '{"\\u0061\\n":["x"]}', '{"a\\u000a":"\\u0078"}', true },
  ["the last of repeated keys counts"] = { '{"a":[1],"a":[2]}', '{"a":2}', true },
  ["the first of repeated keys does not"] = { '{"a":[1],"a":[2]}', '{"a":1}', false },
  ["the last of an event's repeated keys counts"] = {
    '{"a":{"b":[1]}}',
    '{"a":{"b":1},"a":{"b":2}}',
    false,
  },
  ["and it replaces all of the first"] = {
    '{"a":{"b":[1],"c":[2]}}',
    '{"a":{"b":1},"a":{"c":2}}',
    false,
  },
  ["also when it is a scalar"] = { '{"a":{"b":[{"exists":false}]}}', '{"a":{"b":1},"a":3}', true },
  ["also under a dotted key"] = { '{"a":{"b":[1]}}', '{"a.b":1,"a.b":2}', false },
  ["also for anything-but"] = { '{"a":[{"anything-but":"x"}]}', '{"a":"y","a":"x"}', false },
  ["also where a rule is tied to one element"] = { '{"a":{"b":[1],"c":[3]}}',
    '{"a":[{"b":1,"c":3,"b":2},{"b":1}]}', false },
  ["also inside elements"] = { '{"a":{"b":[1]}}', '{"a":[{"b":1},{"b":1,"b":2}]}', true },
  ["$or at the top"] = { '{"$or":[{"a":[1]},{"b":[2]}]}', '{"a":0,"b":0}', false },
  ["$or beside a field"] = { '{"c":[3],"$or":[{"a":[1]},{"b":[2]}]}', '{"b":2,"c":3}', true },
  ["$or does not free the other fields"] = {
    '{"c":[3],"$or":[{"a":[1]},{"b":[2]}]}',
    '{"b":2}',
    false,
  },
  ["$or nested in a field"] = { '{"d":{"$or":[{"a":[1]},{"b":[2]}]}}', '{"d":{"b":2}}', true },
  ["$or in $or"] = { '{"$or":[{"a":[1]},{"$or":[{"b":[2]},{"c":[3]}]}]}', '{"c":3}', true },
  ["a branch overrides what came before it"] = {
    '{"a":[1],"$or":[{"a":[2]},{"b":[3]}]}',
    '{"a":2}',
    true,
  },
  ["two fields in one element"] = { '{"e":{"f":["Anna"],"l":["Smith"]}}',
    '{"e":[{"f":"Bob","l":"Jones"},{"f":"Anna","l":"Smith"}]}', true },
  ["two fields in two elements"] = { '{"e":{"f":["Anna"],"l":["Jones"]}}',
    '{"e":[{"f":"Bob","l":"Jones"},{"f":"Anna","l":"Smith"}]}', false },
  ["fields of two arrays"] = { '{"d":{"f":[1]},"e":{"f":[2]}}',
    '{"d":[{"f":0},{"f":1}],"e":[{"f":2},{"f":0}]}', true },
  ["an element of an element"] = { '{"a":{"x":[1],"b":{"y":[2]}}}',
    '{"a":[{"x":1,"b":[{"y":3},{"y":2}]},{"x":0}]}', true },
  ["an element of another element"] = { '{"a":{"x":[1],"b":{"y":[2]}}}',
    '{"a":[{"x":1,"b":[{"y":3}]},{"x":0,"b":[{"y":2}]}]}', false },
  ["arrays of arrays"] = { '{"a":{"x":[1],"y":[2]}}',
    '{"a":[[{"x":1}],[{"x":0,"y":2},{"x":1,"y":2}]]}', true },
  ["arrays of arrays, other elements"] = { '{"a":{"x":[1],"y":[2]}}',
    '{"a":[[{"x":1},{"y":2}],[{"y":2}]]}', false },
  ["absence in the chosen element"] = { '{"a":{"x":[1],"y":[{"exists":false}]}}',
    '{"a":[{"x":1},{"x":2,"y":3}]}', true },
  ["presence in the chosen element"] = { '{"a":{"x":[1],"y":[{"exists":false}]}}',
    '{"a":[{"x":1,"y":3},{"x":2}]}', false },
  -- event-ruler decides fields in the order of their paths: y is looked at before z chose.
  ["absence before any choice means everywhere"] = { '{"a":{"y":[{"exists":false}],"z":[1]}}',
    '{"a":[{"z":1},{"y":3}]}', false },
  ["in whatever order they are written"] = { '{"a":{"z":[1],"y":[{"exists":false}]}}',
    '{"a":[{"z":1},{"y":3}]}', false },
  ["a dash sorts before a dot"] = { '{"r":{"a":{"c":[1]},"a-b":[{"exists":false}]}}',
    '{"r":[{"a":{"c":1}},{"a-b":1}]}', false },
  ["a slash sorts behind a dot"] = { '{"r":{"a/b":[{"exists":false}],"a":{"c":[1]}}}',
    '{"r":[{"a":{"c":1}},{"a/b":1}]}', true },
  ["a field that two arrays have may come from either"] = { '{"a":{"b":{"c":[1],"d":[2]},"e":[3]}}',
    '{"a":[{"b":{"c":1}},{"e":3}],"a.b":[{"c":1,"d":2}]}', true },
  ["anything-but in the same element"] = { '{"a":{"x":[1],"y":[{"anything-but":"n"}]}}',
    '{"a":[{"x":1,"y":"n"},{"x":2,"y":"m"}]}', false },
  ["a scalar beside an object"] = { '{"a":["s"],"a.b":[1]}', '{"a":["s",{"b":1}]}', true },
  ["extra fields are ignored"] = { '{"a":[1]}', '{"z":{"y":[[1,2]]},"a":1}', true },
  ["an or of prefix and suffix is not an and"] = {
    '{"k":[{"prefix":"products/"},{"suffix":".jpg"}]}',
    '{"k":"products/a.txt"}', true },
}

describe("a pattern's structure:", function()
  for name, row in pairs(STRUCTURES) do
    it(name, function() assert.equal(row[3], matches(row[1], row[2])) end)
  end
end)

-- The list of field "a" (or, with "{", a whole pattern), the reason, and the column.
local REFUSALS = {
  { "[1]", "Filter is not an object", nil, whole = true },
  { "", "Filter is not an object", 1, whole = true },
  { '{"a":"x"}', '"a" must be an object or an array', 7, whole = true },
  { '{"a":5}', '"a" must be an object or an array', 7, whole = true },
  { '{"a":{"b":true}}', '"b" must be an object or an array', 15, whole = true },
  { "[]", "Empty arrays are not allowed", 8 },
  { "{}", "Empty objects are not allowed", 8 },
  { "{}", "Empty objects are not allowed", 3, whole = true },
  { '[{"EXISTS":true}]', "Unrecognized match type EXISTS" },
  { "[{}]", "Match expression name not found" },
  { '[{"prefix":"x","suffix":"y"}]', "Only one key allowed in match expression" },
  { '[{"exists":true,"prefix":"y"}]', "Only one key allowed in match expression" },
  { "[[1]]", "Match value must be String, number, true, false, or null" },
  { '[{"exactly":1}]', "exact match pattern must be a string" },
  { '[{"prefix":1}]', "prefix match pattern must be a string" },
  { '[{"prefix":["x"]}]', "prefix match pattern must be a string" },
  { '[{"prefix":{"suffix":"x"}}]', "Unsupported prefix pattern: suffix" },
  { '[{"prefix":{"equals-ignore-case":1}}]', "equals-ignore-case match pattern must be a string" },
  { '[{"suffix":null}]', "suffix match pattern must be a string" },
  { '[{"suffix":{"wildcard":"x"}}]', "Unsupported suffix pattern: wildcard" },
  { '[{"wildcard":1}]', "wildcard match pattern must be a string" },
  { '[{"equals-ignore-case":["x"]}]', "equals-ignore-case match pattern must be a string" },
  { '[{"anything-but":{"prefix":""}}]', "Null prefix/suffix not allowed" },
  { '[{"anything-but":{"suffix":["x",""]}}]', "Null prefix/suffix not allowed" },
  {
    '[{"anything-but":null}]',
    "Value of anything-but must be an array or single string/number value.",
  },
  { '[{"anything-but":{"prefix":{"equals-ignore-case":"x"}}}]',
    "Value of anything-but must be an array or single string/number value." },
  { '[{"anything-but":[null]}]', "Inside anything but list, start|null|boolean is not supported." },
  { '[{"anything-but":[["x"]]}]',
    "Inside anything but list, start|null|boolean is not supported." },
  { '[{"anything-but":["x",1]}]',
    "Inside anything but list, either all values are number or string, mixed type is not "
      .. "supported" },
  { '[{"anything-but":[]}]',
    "Inside anything but list, either all values are number or string, mixed type is not "
      .. "supported" },
  { '[{"anything-but":{"numeric":["=",1]}}]', "Unsupported anything-but pattern: numeric" },
  { '[{"anything-but":{"prefix":1}}]', "prefix/suffix match pattern must be a string" },
  { '[{"anything-but":{"wildcard":[1]}}]', "wildcard match pattern must be a string" },
  { '[{"anything-but":{"equals-ignore-case":1}}]',
    "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported." },
  { '[{"numeric":5}]', "Value of numeric must be an array." },
  { '[{"numeric":["<","5"]}]', "Value of < must be numeric" },
  { '[{"numeric":["=",true]}]', "Value of equals must be numeric" },
  { '[{"numeric":[">",1,"<",null]}]', "Value of < must be numeric" },
  { '[{"numeric":[">",1,">",2]}]', "Bad numeric range operator: >" },
  { '[{"numeric":["!",1]}]', "Unrecognized numeric range operator: !" },
  { '[{"numeric":["<",1,">",2]}]', "Too many elements in numeric expression" },
  { '[{"numeric":["=",1,2]}]', "Too many elements in numeric expression" },
  { '[{"numeric":[">",1,"<",2,3]}]', "Too many terms in numeric range expression" },
  { '[{"numeric":[">",2,"<",2]}]', "Bottom must be less than top" },
  { '[{"numeric":[]}]', "Invalid member in numeric match: ]" },
  { '[{"numeric":[1]}]', "Invalid member in numeric match: 1" },
  { '[{"numeric":[">",1,2]}]', "Bad value in numeric range: 2" },
  { '[{"cidr":5}]', "prefix match pattern must be a string" },
  { '[{"cidr":"10.0.0.1"}]', "Malformed CIDR, one '/' required" },
  { '[{"cidr":"10.0.0.1/8/8"}]', "Malformed CIDR, one '/' required" },
  { '[{"cidr":"10.0.0.1/x"}]', "Malformed CIDR, mask bits must be an integer" },
  { '[{"cidr":"10.0.0.1/-1"}]', "Malformed CIDR, mask bits must not be negative" },
  { '[{"cidr":"host/8"}]', "Nonstandard IP address: host" },
  { '[{"cidr":"10.0.0.1/32"}]', "IPv4 mask bits must be < 32" },
  { '[{"cidr":"::1/128"}]', "IPv6 mask bits must be < 128" },
  { '[{"exists":"yes"}]', "exists match pattern must be either true or false." },
  { '[{"wildcard":"a**b"}]', "Consecutive wildcard characters at pos 2" },
  { '[{"wildcard":"a\\\\b"}]', "Invalid escape character at pos 2" },
  { '[{"wildcard":"ab\\\\"}]', "Invalid escape character at pos 3" },
  { '[{"wildcard":"*:*:*:*:*:event-bus/*"}]',
    "Rule is too complex - try using fewer wildcard characters or "
    .. "fewer repeating character sequences after a wildcard character" },
  {
    '{"$or":[{"a":[1]}]}',
    "There must have at least 2 Objects in $or relationship.",
    19,
    whole = true,
  },
  { '{"$or":{"a":[1]}}', "It must be an Array followed with $or.", nil, whole = true },
  { '{"$or":[{"a":[1]},"x"]}',
    "Only JSON object is allowed in array of $or relationship.", nil, whole = true },
  { '{"$or":[{"prefix":["x"]},{"b":[1]}]}',
    "prefix is Ruler reserved fieldName which cannot be used inside $or.", nil, whole = true },
  { '{"$or":[{},{"b":[1]}]}', "Empty objects are not allowed", nil, whole = true },
  { '{"a":[1]', "the text ends inside an object", 9, whole = true },
  { '{"a":[1]} x', "something follows the value", 11, whole = true },
}

describe("a refused pattern", function()
  for _, row in ipairs(REFUSALS) do
    local text = row.whole and row[1] or ('{"a":%s}'):format(row[1])
    it("says why: " .. text, function()
      local message = refusal(text)
      local reason, source, line, column = message:match(
        "^Event pattern is not valid%. Reason: (.-)\n at %[Source: %(String%)"
          .. '"(.*)"; line: (%d+), column: (%d+)%]$')
      assert.equal(row[2], reason)
      assert.equal(text, source)
      assert.equal("1", line)
      if row[3] then assert.equal(row[3], tonumber(column)) end
    end)
  end

  it("names line and column", function()
    assert.matches("line: 3, column: 9%]$", refusal('{\n  "a": [1],\n  "b": "x"\n}'))
  end)

  it("is quoted up to 500 characters", function()
    local message = refusal('{"a":"' .. ("x"):rep(1000) .. '"}')
    assert.matches('"%[truncated 508 chars%]; line: 1, column: 7%]$', message)
    assert.is_true(#message < 700)
  end)

  it("does not garble the terminal", function()
    local message = refusal('{"a":\27[31m\255}')
    assert.matches("line: 1, column: ", message, 1, true)
    assert.is_nil(message:find("[\27\255]"))
  end)

  it("is refused past 1,000 combinations of $or", function()
    local part = '"$or":[' .. ('{"a":[1]},'):rep(9) .. '{"b":[1]}]'
    local function nest(depth)
      if depth == 1 then return "{" .. part .. "}" end
      return ('{"k%d":%s,%s}'):format(depth, nest(depth - 1), part)
    end

    assert.is_true(matches(nest(3), '{"a":1,"k3":{"b":1,"k2":{"a":1}}}'))
    assert.matches("Rule is too complex %- %$or expands to more than 1000 combinations",
      refusal(nest(4)))
  end)
end)

describe("an event", function()
  local matcher = assert(pattern.compile('{"a":[1]}'))
  local function refused(event)
    local result, message, code = matcher:match(event)
    assert.is_nil(result)
    assert.equal("InvalidEvent", code)
    assert.matches("^Parameter Event is not valid%.", message)

    return message
  end

  it("must be JSON to the end", function()
    assert.matches("Line 1, column 9: the text ends inside an object", refused('{"a":1, '))
    refused('{"a":1} {')
    refused('{"a":1,"b":[01]}')
    refused('{"a":1,"b":"\255"}')
    refused('{"a":1,"b":"\\ud800"}')
    refused("")
    refused("\0")
  end)

  it("must be an object", function()
    refused("[1]")
    refused('"a"')
    refused("null")
  end)

  it("may be a table", function()
    assert.is_true(matcher:match({ a = 1, b = { 1, 2 } }))
    assert.is_false(matcher:match({ a = "1" }))
  end)

  it("is refused when nested too deep, wherever that is", function()
    local deep = ("["):rep(100000) .. ("]"):rep(100000)
    refused('{"a":1,"z":' .. deep .. "}")
    refused('{"a":' .. deep .. "}")
    refused('{"a":' .. ('{"a":'):rep(100000))
  end)
end)

describe("a set", function()
  local set = assert(pattern.set({
    all = {
      a = { { exists = true } },
    }, one = '{"a":[1]}', ["or"] = '{"$or":[{"a":[1]},{"a":[2]}]}',
      none = '{"b":[1]}',
  }))

  it("lists the names that match, sorted, each once", function()
    assert.same({ "all", "one", "or" }, set:match('{"a":1}'))
    assert.same({ "all", "or" }, set:match('{"a":2}'))
    assert.same({}, set:match('{"c":2}'))
  end)

  it("names the pattern that is refused", function()
    local result, message, code = pattern.set({ good = '{"a":[1]}', bad = '{"a":1}' })
    assert.is_nil(result)
    assert.matches("^pattern 'bad': Event pattern is not valid%. Reason: \"a\" must be", message)
    assert.equal("InvalidEventPattern", code)
  end)

  it("may be empty", function() assert.same({}, assert(pattern.set({})):match('{"a":1}')) end)
  it("checks the event all the same", function()
    assert.is_nil((assert(pattern.set({})):match("{")))
  end)
end)

-- Pattern, event, then for each miss: path, found, a piece of the hint.
local EXPLANATIONS = {
  ["case of a value"] = { '{"a":["Running"]}', '{"a":"RUNNING"}',
    { "a", '"RUNNING"', "upper and lower case only" } },
  ["slashes for colons"] = { '{"a":["a:b/c"]}', '{"a":"a:b:c"}',
    { "a", '"a:b:c"', "':' where the other has '/'" } },
  ["a number as a string"] = {
    '{"a":[300]}',
    '{"a":"300"}',
    { "a", '"300"', "write it in quotes" },
  },
  ["a string as a number"] = {
    '{"a":["300"]}',
    '{"a":300}',
    { "a", "300", "write it without quotes" },
  },
  ["a string for numeric"] = { '{"a":[{"numeric":["<",5]}]}', '{"a":"3"}',
    { "a", '"3"', "JSON numbers only" } },
  ["null"] = { '{"a":["x"]}', '{"a":null}', { "a", "null", "but null" } },
  ["the word null"] = { '{"a":["null"]}', '{"a":null}', { "a", "null", 'the string "null"' } },
  ["true as a string"] = {
    '{"a":["true"]}',
    '{"a":true}',
    { "a", "true", "leave out the quotes" },
  },
  ["white space"] = { '{"a":["x"]}', '{"a":"x "}', { "a", '"x "', "white space only" } },
  ["a star in a plain string"] = { '{"a":["x*"]}', '{"a":"xy"}', { "a", '"xy"', "wildcard" } },
  ["a longer value"] = { '{"a":["x/"]}', '{"a":"x/y"}', { "a", '"x/y"', "begins with it" } },
  ["a prefix in another case"] = { '{"a":[{"prefix":"X"}]}', '{"a":"xy"}',
    { "a", '"xy"', "equals-ignore-case" } },
  ["a wildcard's end in another case"] = { '{"a":[{"wildcard":"in/*.jpg"}]}', '{"a":"in/x.JPG"}',
    { "a", '"in/x.JPG"', "upper and lower case only; a wildcard takes one spelling" } },
  ["a wildcard's middle in another case"] = { '{"a":[{"wildcard":"*É\\\\*b*"}]}', '{"a":"aé*Bc"}',
    { "a", '"aé*Bc"', "upper and lower case only" } },
  ["a wildcard's begin in another case, and something else"] = {
    '{"a":[{"wildcard":"in/*.jpg"}]}',
    '{"a":"IN/x.png"}',
    { "a", '"IN/x.png"', "differs in upper and lower case" },
  },
  ["an excluded value"] = { '{"a":[{"anything-but":"x"}]}', '{"a":"x"}',
    { "a", '"x"', "anything-but excludes" } },
  ["a misspelled key"] = { '{"a":{"status":["x"]}}', '{"a":{"statsu":{}},"d":1}',
    { "a.status", "(missing)", 'key spelled "statsu"' } },
  ["a key in another case"] = { '{"detail":{"state":["x"]}}', '{"detail":{"State":"x"}}',
    { "detail.state", "(missing)", '"State"; names are case-sensitive' } },
  ["a key on another level"] = { '{"state":["x"]}', '{"detail":{"state":"x"}}',
    { "state", "(missing)", 'the event has it at "detail.state"' } },
  ["JSON in a string"] = { '{"detail":{"state":["x"]}}', '{"detail":"{}"}',
    { "detail.state", "(missing)", '"detail" is not an object in the event' } },
  ["an object for a value"] = { '{"a":["x"]}', '{"a":{"x":1}}',
    { "a", "(an object)", "go on into its fields" } },
  ["an empty array"] = { '{"a":[{"exists":true}]}', '{"a":[]}',
    { "a", "(an empty array)", "without values" } },
  ["presence"] = { '{"a":[{"exists":false}]}', '{"a":null}', { "a", "null", "must be absent" } },
  ["another element"] = { '{"e":{"f":["Anna"],"l":["Jones"],"z":[{"exists":false}]}}',
    '{"e":[{"f":"Anna","l":"Smith"},{"l":"Jones"}]}',
    { "e.f", '"Anna"', "some element of an array" },
    { "e.l", '"Smith", "Jones"', "some element" } },
  ["the nearest branch of $or"] = { '{"$or":[{"a":[1],"b":[2]},{"c":[3],"d":[4]}]}',
    '{"c":3,"a":0,"d":5}',
    { "d", "5", "" } },
  ["an empty key"] = { '{"":["x"]}', '{"a":"x"}', { "", "(missing)", "" } },
  ["a key in an empty key"] = { '{"":{"a":["x"]}}', '{"":{"a":"y"}}', { ".a", '"y"', "" } },
  ["nothing, when it matches"] = { '{"a":[1]}', '{"a":1}' },
}

describe("an explanation points out", function()
  for name, row in pairs(EXPLANATIONS) do
    it(name, function()
      local misses = assert(assert(pattern.compile(row[1])):explain(row[2]))
      assert.equal(#row - 2, #misses)
      for i, miss in ipairs(misses) do
        local wanted = row[i + 2]
        assert.equal(wanted[1], miss.path)
        assert.equal(wanted[2], miss.found)
        assert.is_truthy(miss.hint:find(wanted[3], 1, true), miss.hint)
      end
    end)
  end

  it("what was wanted, as written", function()
    local miss = assert(pattern.compile({ a = { { prefix = "x" } } })):explain({ a = "y" })[1]
    assert.equal('[{"prefix":"x"}]', miss.wanted)
  end)

  it("no case where a wildcard does not fit in any", function()
    for wildcard, value in pairs { -- any order: each is on its own
      ["in/*a*.jpg"] = "in/b.JPG",
      ["in/*.jpg"] = "in/x.JPEG",
      ["*.jpg"] = "",
      ["in/a*a.jpg"] = "in/a.jpg",
      ["*a*ab"] = ("A"):rep(4000),
    } do
      local matcher = assert(pattern.compile { a = { { wildcard = wildcard } } })
      assert.equal("", matcher:explain({ a = value })[1].hint, wildcard)
    end
  end)

  it("a broken event, like match", function()
    local result, message, code = assert(pattern.compile('{"a":[1]}')):explain('{"a":')
    assert.is_nil(result)
    assert.matches("^Parameter Event is not valid%. Line 1, column 6", message)
    assert.equal("InvalidEvent", code)
  end)
end)

describe("a caller's mistake", function()
  it("raises with the expected call", function()
    assert.error_matches(function()
      pattern.compile(5)
    end, "expected weir%.pattern%.compile%(string or table%)")
    assert.error_matches(function() pattern.set('{"a":[1]}') end, "expected weir%.pattern%.set")
    assert.error_matches(function() pattern.set({ '{"a":[1]}' }) end, "expected weir%.pattern%.set")
    local matcher = assert(pattern.compile({ a = { 1 } }))
    assert.error_matches(function()
      matcher:match()
    end, "expected matcher:match%(string or table%)")
    assert.error_matches(function() matcher.match("x", "{}") end, "expected matcher:match")
  end)
end)

describe("hostile input", function()
  -- Processor seconds that only a blow-up takes, in any build: not a measure of speed.
  local A_BLOW_UP = 30

  local function bounded(run)
    local begin = os.clock()
    local result = run()
    local took = os.clock() - begin
    assert.is_true(took < A_BLOW_UP, ("took %.2f s"):format(took))

    return result
  end

  it("cannot make a wildcard go back", function()
    local matcher = assert(pattern.compile('{"a":[{"wildcard":"*a*a*a*a*b"}]}'))
    local event = '{"a":"' .. ("a"):rep(1000000) .. '"}'
    assert.is_false(bounded(function() return matcher:match(event) end))
  end)

  it("cannot make arrays quadratic", function()
    local matcher = assert(pattern.compile('{"a":{"x":[1],"y":[2],"z":[{"anything-but":3}]}}'))
    local elements = {}
    for i = 1, 100000, 3 do
      elements[i], elements[i + 1], elements[i + 2] = '{"x":1,"y":0,"z":0}', '{"x":1,"z":1}',
        '{"y":2,"z":3}'
    end

    local event = '{"a":[' .. table.concat(elements, ",") .. "]}"
    assert.is_false(bounded(function() return matcher:match(event) end))
    elements[#elements + 1] = '{"x":1,"y":2,"z":0}'
    event = '{"a":[' .. table.concat(elements, ",") .. "]}"
    assert.is_true(bounded(function() return matcher:match(event) end))
  end)

  it("cannot make nested arrays quadratic", function()
    local matcher = assert(pattern.compile('{"a":{"x":[1],"y":[2]}}'))
    local event = '{"a":' .. ('[{"x":1},'):rep(200) .. "{}" .. (',{"y":2}]'):rep(200) .. "}"
    assert.is_false(bounded(function() return matcher:match(event) end))
    local wide = '{"a":[' .. ('[{"x":1},{"y":2}],'):rep(10000) .. "[]]}"
    assert.is_false(bounded(function() return matcher:match(wide) end))
  end)

  it("cannot multiply branches without end", function()
    local text = ('{"$or":[{"a":[1]},'):rep(300) .. '{"b":[1]}' .. "]}" .. ("]}"):rep(299)
    assert.is_true(bounded(function() return matches(text, '{"b":1}') end))
    local parts = {}
    for i = 1, 40 do parts[i] = ('"k%d":{"$or":[{"a":[1]},{"b":[1]}]}'):format(i) end
    bounded(function() return refusal("{" .. table.concat(parts, ",") .. "}") end)
  end)

  it("cannot hide in repeated or huge keys", function()
    local matcher = assert(pattern.compile('{"a":{"b":[1]}}'))
    local event = "{" .. ('"a":{"b":1},"a.b":1,'):rep(50000) .. '"a.b":2,"a":0}'
    assert.is_false(bounded(function() return matcher:match(event) end))
    local huge = '{"' .. ("k."):rep(500000) .. '":1,"a":{"b":1}}'
    assert.is_true(bounded(function() return matcher:match(huge) end))
  end)

  it("cannot use escapes or NUL to pass for another value", function()
    assert.is_false(matches('{"a":["x"]}', '{"a":"x\\u0000"}'))
    assert.is_true(matches('{"a":["x\\u0000y"]}', '{"a":"x\\u0000y"}'))
    assert.is_true(matches('{"a":[{"suffix":"\\ud83d\\ude00"}]}',
      '{"a":"' .. json.encode("😀"):sub(2) .. "}"))
  end)
end)
