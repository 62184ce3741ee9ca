-- weir.json against itself (round trips) and against lua-cjson, which was written by others.
local cjson = require("cjson").new()
local json = require("weir.json")
local property = require("support.property")

local function branch(values)
  return property.one_of({
    property.map(property.array(values), json.array),
    property.object(property.string(), values),
  })
end

local scalars = property.one_of({ property.int64(), property.float(), property.string(),
  property.element({ json.null, true, false }) })
local values = property.nested(4, scalars, branch)

-- Deep equality that tells 3 from 3.0, 0.0 from -0.0 and [] from {}.
local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then
    if math.type(a) ~= math.type(b) then return false end
    if math.type(a) == "float" then return string.pack("d", a) == string.pack("d", b) end
    return a == b
  end

  if json.is_array(a) ~= json.is_array(b) then return false end
  for key, value in pairs(a) do
    if not same(value, b[key]) then return false end
  end

  for key in pairs(b) do
    if a[key] == nil then return false end
  end

  return true
end

describe("weir.json", function()
  it("reads back what it wrote, in every style", function()
    property.check("round trip", values, function(value)
      for _, style in ipairs({ {}, { ascii = true }, { sort = false }, { indent = 3 } }) do
        local text = json.encode(value, style)
        assert(json.validate(text))
        if not same(value, json.decode(text)) then return false, text end
        if style.ascii then assert.is_nil(text:find("[^ -~]")) end
      end
    end, { cases = 300 })
  end)

  it("writes the same bytes again", function()
    property.check("canonical", values, function(value)
      local text = json.encode(value)
      assert.equal(text, json.encode(json.decode(text)))
    end, { cases = 300 })
  end)

  it("writes what lua-cjson reads", function()
    -- lua-cjson makes every number a double, as tonumber would.
    local function as_doubles(value)
      if math.type(value) then return value + 0.0 end
      if type(value) ~= "table" then return value end
      local result = {}
      for key, item in pairs(value) do result[key] = as_doubles(item) end

      return result
    end

    property.check("cjson reads", values, function(value)
      local read = cjson.decode(json.encode(value, { ascii = true }))
      assert.same(as_doubles(value), as_doubles(read))
    end, { cases = 300 })
  end)

  it("reads what lua-cjson writes", function()
    local strings = property.one_of({ property.string(), property.int(), property.boolean() })
    property.check("cjson writes", property.nested(3, strings, function(inner)
      return property.one_of({ property.array(inner, { min = 1 }),
        property.map(property.object(property.string(), inner), function(object)
          object.never_empty = true
          return object
        end) })
    end), function(value)
      assert.same(value, json.decode(cjson.encode(value)))
    end, { cases = 300 })
  end)

  it("decides on damaged text like the scanner, and never reads nonsense", function()
    local damage = property.tuple({
      values, property.int(1, 200), property.bytes({ max = 3 }), property.int(0, 3),
    })

    property.check("damage", damage, function(case)
      local text = json.encode(case[1])
      local at = math.min(case[2], #text + 1)
      local broken = text:sub(1, at - 1) .. case[3] .. text:sub(at + case[4])
      local value, message, code = json.decode(broken)

      if code then
        assert.equal("InvalidJson", code)
        assert.matches("^line %d+, column %d+: ", message)
        assert(not json.validate(broken) or message:find("beyond the range", 1, true))

        return
      end

      assert(json.validate(broken))
      assert(same(value, json.decode(json.encode(value))))
      -- whatever we accept, a lax reader accepts too
      assert(pcall(cjson.decode, broken))
    end, { cases = 800 })
  end)
end)
