-- Generated items through weir.dynamodb and through AWS's own JavaScript codec.
local dynamodb = require("weir.dynamodb")
local json = require("weir.json")
local oracle = require("oracles.oracle")
local property = require("support.property")

local seed = property.seed({ seed = 20261122 })
local count = property.cases(3000)
local random = math.random

local function pick(list) return list[random(#list)] end

local words = {
  "id", "owner", "a", "", "\u{e9}t\u{e9}", "\u{1F600}", 'quote"and\\slash', "tab\tnew\nline",
    "\0nul", "S",
  "N",
  "with space", ("long "):rep(50), "\u{7f}\u{80}\u{7ff}\u{800}\u{ffff}\u{10ffff}",
}

local function digits(most)
  local text = tostring(random(1, 9))
  for _ = 2, random(most) do text = text .. random(0, 9) end
  return text
end

-- A number as DynamoDB or another writer might put it, of at most 38 significant digits.
local function number()
  local sign = random(3) == 1 and "-" or ""
  return sign .. pick({
    function() return tostring(random(0, 100)) end,
    function() return digits(38) end,
    function() return digits(19) end,
    function() return digits(10) .. "." .. digits(10) end,
    function() return "0." .. ("0"):rep(random(0, 30)) .. digits(17) end,
    function() return digits(17) .. "e" .. random(-100, 100) end,
    function() return digits(5) .. "E+" .. random(0, 100) end,
    function() return ("%.17g"):format(random() * 10 ^ random(-20, 20)) end,
    function() return tostring(random(math.mininteger, math.maxinteger)):gsub("-", "") .. "" end,
    function() return digits(4) .. ("0"):rep(random(0, 20)) end,
    function() return "000" .. digits(3) .. ".500" end,
  })()
end

local base64 = { "", "AA==", "AAE=", "AAEC", "/+8=", "3q2+7w==" }

-- Distinct elements, in order of arrival.
local function some(make, identity)
  local list, seen = {}, {}
  for _ = 1, random(5) do
    local element = make()
    if not seen[identity(element)] then
      seen[identity(element)] = true
      list[#list + 1] = element
    end
  end

  return list
end

-- ±digits e scale: the value of a number's text, worked out with string operations only.
local function normal(text)
  local sign, whole, fraction, exponent = text:match("^([+-]?)(%d*)%.?(%d*)[eE]?([+-]?%d*)$")
  local all, scale = whole .. fraction, (tonumber(exponent) or 0) - #fraction
  all = all:gsub("^0+", "")
  local kept = all:gsub("0+$", "")
  if kept == "" then return "0" end

  return ("%s%se%d"):format(sign == "-" and "-" or "", kept, scale + #all - #kept)
end

-- The fewest digits that read back as the same float.
local function shortest(float)
  for precision = 1, 17 do
    local text = ("%%.%dg"):format(precision):format(float)
    if tonumber(text) == float then return text end
  end
end

local function itself(text) return text end

local members

-- JSON text of an attribute value.
local function value(depth)
  local function list(of, n)
    local parts = {}
    for i = 1, n do parts[i] = of() end
    return table.concat(parts, ",")
  end

  local function quoted(elements)
    for i, element in ipairs(elements) do elements[i] = oracle.json(element) end
    return table.concat(elements, ",")
  end

  local kinds = {
    function() return '{"S":' .. oracle.json(pick(words)) .. "}" end,
    function() return '{"N":"' .. number() .. '"}' end,
    function() return '{"B":"' .. pick(base64) .. '"}' end,
    function() return '{"BOOL":' .. tostring(random(2) == 1) .. "}" end,
    function() return '{"NULL":true}' end,
    function()
      return '{"SS":[' .. quoted(some(function() return pick(words) end, itself)) .. "]}"
    end,
    function() return '{"NS":[' .. quoted(some(number, normal)) .. "]}" end,
    function()
      return '{"BS":[' .. quoted(some(function() return pick(base64) end, itself)) .. "]}"
    end,
  }

  if depth < 4 then
    kinds[#kinds + 1] = function()
      return '{"L":[' .. list(function() return value(depth + 1) end, random(0, 4)) .. "]}"
    end

    kinds[#kinds + 1] = function()
      return '{"M":' .. members(depth + 1) .. "}"
    end
  end

  return pick(kinds)()
end

function members(depth)
  local parts = some(function() return pick(words) end, itself)
  for i, name in ipairs(parts) do
    parts[i] = oracle.json(name == "" and "x" or name) .. ":" .. value(depth)
  end

  return "{" .. table.concat(parts, ",") .. "}"
end

-- Makes two texts of the same item equal: numbers by value, sets in one order, names sorted.
local function canonical(text)
  local function change(attribute)
    local kind, content = next(attribute)
    if kind == "N" then
      attribute.N = normal(content)
    elseif kind == "NS" then
      for i, element in ipairs(content) do content[i] = normal(element) end
      table.sort(content)
    elseif kind == "SS" or kind == "BS" then
      table.sort(content)
    elseif kind == "L" or kind == "M" then
      for key, member in pairs(content) do content[key] = change(member) end
    end

    return attribute
  end

  local map = json.decode(text)
  for name, attribute in pairs(map) do map[name] = change(attribute) end

  return json.encode(map)
end

describe("weir.dynamodb and @aws-sdk/util-dynamodb", function()
  it("read and write the same items", function()
    math.randomseed(seed)
    local items = {}
    for i = 1, count do items[i] = members(0) end
    local smallest
    for i, expected in ipairs(oracle.ask("dynamodb.mjs", items)) do
      local decoded, message = dynamodb.decode(items[i])
      local encoded = decoded and dynamodb.encode(decoded)
      local same = encoded and canonical(encoded) == canonical(expected)

      if not same and (not smallest or #items[i] < #smallest.item) then
        smallest = { item = items[i], expected = expected, got = encoded or message }
      end
    end

    assert(not smallest, smallest
      and ("seed %d, the smallest that differs: %s\nexpected %s\ngot      %s"):format(
        seed, smallest.item, smallest.expected, tostring(smallest.got)))
  end)
end)

describe("weir.dynamodb numbers", function()
  local texts = property.map(property.int(1, math.maxinteger), function(n)
    math.randomseed(n)
    return number()
  end)

  it("keep every digit through Lua and back", function()
    property.check("number round trip", texts, function(text)
      local decoded = assert(dynamodb.decode('{"n":{"N":"' .. text .. '"}}'))
      local encoded = dynamodb.encode(decoded):match('"N":"(.-)"')
      assert.equal(normal(text), normal(encoded))
      if math.type(decoded.n) == "float" then
        assert.equal(normal(text), normal(shortest(decoded.n)))
      end
    end, { cases = 3000 })
  end)

  it("are ordered as their values are", function()
    property.check("number order", property.tuple({ texts, texts }), function(pair)
      local a, b = dynamodb.number(pair[1]), dynamodb.number(pair[2])
      local x, y = tonumber(pair[1]) + 0.0, tonumber(pair[2]) + 0.0
      if x ~= y then assert.equal(x < y, a < b) end
      assert.equal(normal(pair[1]) == normal(pair[2]), a == b)
      assert.is_true(a <= a)
      assert.equal(1, (a < b and 1 or 0) + (b < a and 1 or 0) + (a == b and 1 or 0))
    end, { cases = 3000 })
  end)
end)
