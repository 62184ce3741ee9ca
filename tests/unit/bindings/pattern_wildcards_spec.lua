-- How complex the wildcards of one field may be. The counts are event-ruler's; the patterns marked
-- "recorded" are known to have been taken or refused by EventBridge.
local pattern = require("weir.pattern")
local property = require("support.property")

local TOO_COMPLEX = "Rule is too complex - try using fewer wildcard characters or fewer repeating "
  .. "character sequences after a wildcard character"

local function compile(text)
  local matcher, message = pattern.compile(text)
  if not matcher then
    assert.truthy(message:find(TOO_COMPLEX, 1, true), message)
  end

  return matcher ~= nil
end

local function list(...)
  local members = {}
  for i, text in ipairs({ ... }) do members[i] = ('{"wildcard":"%s"}'):format(text) end
  return "[" .. table.concat(members, ",") .. "]"
end

local function taken(...)
  return compile(('{"key":%s}'):format(list(...)))
end

describe("wildcards are taken", function()
  local cases = {
    ["recorded: one star and a repeated folder"] = { "/Users/*/dir/dir/dir/dir/dir/doc.txt" },
    ["recorded: an ARN with one free member"] = { "arn:aws:events:us-east-1:*:event-bus/*" },
    ["recorded: three stacks"] = { "*:stack/a/*", "*:stack/b/*", "*:stack/c/*" },
    ["with a complexity of 10"] = { "*a*a*a*a*a" },
    ["of several endings"] = { "*.bif", "*.tiff", "*.tif", "*.svs" },
    ["when there are ten that begin differently"] = {
      "a*", "b*", "c*", "d*", "e*", "f*", "g*", "h*", "i*", "j*",
    },
    ["once, when one is written often"] = {
      "*a*a*a*a*a", "*a*a*a*a*a", "*a*a*a*a*a",
    },
    ["with long texts and no star"] = { ("ab"):rep(500) },
    ["with escaped stars"] = { ("\\\\*"):rep(20) },
  }

  for name, patterns in pairs(cases) do
    it(name, function()
      assert.is_true(taken(table.unpack(patterns)))
    end)
  end

  it("in an anything-but, where its list counts as one: its stars and ends are shared", function()
    local texts = {}
    for i = 1, 20 do texts[i] = ('"*%c"'):format(96 + i) end
    local list_of_20 = "[" .. table.concat(texts, ",") .. "]"
    assert.is_true(compile(('{"key":[{"anything-but":{"wildcard":%s}}]}'):format(list_of_20)))
    assert.is_true(compile('{"key":[{"anything-but":{"wildcard":["*kiwi*","*BASE_QuxB*",'
      .. '"*Delta*","*a/example-lake-abc98765432*"]}}]}'))
    local twice = ('{"wildcard":"*aaaa"},'):rep(2)
    assert.is_true(compile(('{"key":[%s{"anything-but":{"wildcard":"*aaa"}}]}'):format(twice)))
  end)

  it("in fields that are looked at one after the other", function()
    assert.is_true(compile(('{"a":%s,"b":%s}'):format(list("*a*a*a*a*a"), list("*a*a*a*a*a"))))
  end)
end)

describe("wildcards are refused", function()
  local cases = {
    ["recorded: five free members"] = { "*:*:*:*:*:event-bus/*" },
    ["recorded: four stacks"] = { "*:stack/a/*", "*:stack/b/*", "*:stack/c/*", "*:stack/d/*" },
    ["recorded: four endings in a folder"] = {
      "*/datasync/*.bif", "*/datasync/*.tiff", "*/datasync/*.tif", "*/datasync/*.svs",
    },
    ["when there are eleven, which have the opening quote in common"] = {
      "a*", "b*", "c*", "d*", "e*", "f*", "g*", "h*", "i*", "j*", "k*",
    },
    ["with a complexity of 11"] = { "*a*a*a*a*a*" },
    ["with a text that repeats itself"] = { "*aaaaaaaaaaa" },
    ["when two together are too complex"] = { "*aaaaa", "*aaaaaa" },
  }

  for name, patterns in pairs(cases) do
    it(name, function()
      assert.is_false(taken(table.unpack(patterns)))
    end)
  end

  it("when branches of $or that begin alike are too complex together", function()
    local one, two = list("*aaaaa"), list("*aaaaaa")
    local alike = '{"a":["x"],"$or":[{"b":%s},{"b":%s}]}'
    assert.is_false(compile(alike:format(one, two)))
    local apart = '{"$or":[{"a":["x"],"b":%s},{"a":["y"],"b":%s}]}'
    assert.is_true(compile(apart:format(one, two)))
  end)

  it("when branches of $or can agree in the fields before, though they differ", function()
    local one, two = list("*aaaaa"), list("*aaaaaa")
    local function branches(a, b)
      return compile(('{"$or":[{"a":%s,"b":%s},{"a":%s,"b":%s}]}'):format(a, one, b, two))
    end

    assert.is_false(branches('["x","y"]', '["x","z"]'))
    assert.is_false(branches('["y",{"prefix":"p"}]', '[{"prefix":"p"}]'))
    assert.is_false(branches('[{"exists":false}]', '["z",{"exists":false}]'))
    assert.is_false(branches('[{"anything-but":["x","y"]}]', '[{"anything-but":["y","x"]}]'))
    assert.is_true(branches('["x","y"]', '["z",{"prefix":"x"}]'))
    assert.is_true(branches('[{"exists":false}]', '[{"exists":true}]'))
    assert.is_true(branches('[{"anything-but":["x","y"]}]', '[{"anything-but":"x"}]'))
  end)

  it("in an anything-but, too", function()
    local function refused(members)
      assert.is_false(compile(('{"key":[%s]}'):format(members)), members)
    end

    refused('{"anything-but":{"wildcard":"*:*:*:*:*:event-bus/*"}}')
    refused('{"anything-but":{"wildcard":["x","*aaaaaaaaaaa"]}}')
    refused('{"anything-but":{"wildcard":"*aaaaa"}},{"wildcard":"*aaaaaa"}')
    refused('{"anything-but":{"wildcard":"*aaaaa"}},{"anything-but":{"wildcard":["*aaaaaa"]}}')
  end)
end)

-- The places of a wildcard that a value leads to, counted from the definition: how many beginnings
-- of the wildcard match the value.
local function places(wildcard, value)
  local parts = {}
  for part in ('"' .. wildcard .. '"'):gmatch(".") do parts[#parts + 1] = part end
  local here = { [0] = true }
  local function pass_stars()
    for i = 0, #parts - 1 do
      if here[i] and parts[i + 1] == "*" then here[i + 1] = true end
    end
  end

  for byte in ('"' .. value):gmatch(".") do
    local after = {}
    for i in pairs(here) do
      if parts[i] == "*" then after[i] = true end
      if parts[i + 1] == byte and byte ~= "*" then after[i + 1] = true end
    end

    here = after
    pass_stars()
  end

  local count = 0
  for _ in pairs(here) do count = count + 1 end

  return count
end

describe("the complexity of wildcards", function()
  it("is at least the number of beginnings that any value matches", function()
    local wildcards = property.string({ alphabet = { "a", "b", "*" }, min = 1, max = 16 })
    local values = property.array(property.string({ alphabet = { "a", "b" }, max = 24 }),
      { max = 20 })
    property.check("complexity", property.tuple({ wildcards, values }), function(case)
      local wildcard = case[1]:gsub("%*+", "*")
      if not taken(wildcard) then return end
      for _, value in ipairs(case[2]) do
        assert.is_true(places(wildcard, value) <= 10, wildcard .. " on " .. value)
      end
    end, { cases = 400 })
  end)
end)

describe("a cidr compares digit by digit", function()
  local function covers(block, address)
    local matcher = assert(pattern.compile(('{"a":[{"cidr":"%s"}]}'):format(block)))
    return matcher:match(('{"a":"%s"}'):format(address))
  end

  it("so that all IPv4 addresses are all IPv6 addresses too", function()
    for _, address in ipairs({ "::", "::1", "2001:db8::1",
      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" }) do
      assert.is_true(covers("0.0.0.0/0", address), address)
    end
  end)

  it("so that all IPv6 addresses are IPv4 addresses too", function()
    for _, address in ipairs({ "0.0.0.1", "10.0.0.1", "192.168.7.9", "255.255.255.254" }) do
      assert.is_true(covers("::/0", address), address)
    end

    -- Eight zeros, or eight F, do not tell: the other 24 digits are missing.
    assert.is_false(covers("::/0", "0.0.0.0"))
    assert.is_false(covers("::/0", "255.255.255.255"))
  end)

  it("in smaller blocks as well", function()
    assert.is_true(covers("10.0.0.0/8", "a00::1"))
    assert.is_true(covers("10.0.0.0/8", "aff:ffff::"))
    assert.is_false(covers("10.0.0.0/8", "b00::"))
    assert.is_true(covers("a00::/8", "10.1.2.3"))
    assert.is_false(covers("a00::/8", "11.0.0.0"))
    assert.is_false(covers("2001:db8::/64", "32.1.13.184"))
  end)
end)
