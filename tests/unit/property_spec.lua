local property = require("support.property")

local function message_of(generator, predicate, options)
  local ok, message = pcall(property.check, "sample", generator, predicate, options)
  assert.is_false(ok)
  return message
end

describe("property.check", function()
  it("passes what holds, as many times as asked", function()
    local runs = 0
    property.check("counts", property.int(3, 5), function(value)
      runs = runs + 1
      assert.is_true(value >= 3 and value <= 5)
    end, { cases = 77 })
    assert.equal(math.min(77, tonumber(os.getenv("WEIR_CASES")) or 77), runs)
  end)

  it("shrinks to the smallest counterexample and names the seed", function()
    local message = message_of(property.int(0, 1000), function(value)
      return value < 57
    end, { seed = 5 })
    assert.matches("WEIR_SEED=5", message, 1, true)
    assert.matches("for 57\n", message, 1, true)
    message = message_of(property.array(property.int(0, 100), { max = 30 }), function(list)
      for _, value in ipairs(list) do if value >= 10 then return false end end
    end)

    assert.matches("for { 10 }\n", message, 1, true)
    message = message_of(property.string({ max = 30 }), function(text)
      return not text:find('"')
    end)

    assert.matches([[for "\""]], message, 1, true)
    message = message_of(property.object(property.string(), property.boolean()), function(object)
      return next(object) == nil
    end)

    assert.matches('for { [""] = false }', message, 1, true)
  end)

  it("reports what the predicate raised", function()
    local message = message_of(property.constant(1), function() error("went wrong") end)
    assert.matches("went wrong", message, 1, true)
  end)

  it("is the same run for the same seed", function()
    local function run(seed)
      local seen = {}
      property.check("record", property.nested(3, property.float(), property.array), function(value)
        seen[#seen + 1] = value
      end, { seed = seed, cases = 50 })

      return seen
    end

    if not os.getenv("WEIR_SEED") then
      assert.same(run(3), run(3))
      assert.are_not.same(run(3), run(4))
    end
  end)

  it("generates the whole range", function()
    local seen = {}
    property.check("all", property.int(-2, 2), function(value)
      seen[value] = true
    end, { cases = 200 })
    if os.getenv("WEIR_CASES") then return end -- too few cases to meet every value
    assert.same({ [-2] = true, [-1] = true, [0] = true, [1] = true, [2] = true }, seen)
  end)
end)
