-- Which values are tried at a place: whole numbers one by one, numbers that the policy compared
-- with, and the bounds of the field.
local values = require "weir.explain.values"

local NOTHING = { numbers = {}, texts = {}, gaps = {} }

local function integer(min, max)
  return { type = "integer", min = min, max = max, required = true }
end

local function steps(field, from, direction, numbers)
  return values.steps({ field = field, value = from }, direction,
    { numbers = numbers or {}, texts = {}, gaps = {} })
end

local function has(list, wanted)
  for _, value in ipairs(list) do
    if value == wanted then return true end
  end

  return false
end

describe("the numbers that are tried", function()
  it("go to the bounds of the field and never beyond", function()
    for _, field in ipairs {
      integer(-1000003, 1000003),
      { type = "number", min = -1000003, max = 1000003, required = true },
    } do
      local down, up = steps(field, 5, -1), steps(field, 5, 1)
      assert.equal(-1000003, down[#down], field.type)
      assert.equal(1000003, up[#up], field.type)
    end
  end)

  it("are of both bounds where only one is given", function()
    local down, up = steps(integer(-1000003, nil), 5, -1), steps(integer(nil, 1000003), 5, 1)
    assert.equal(-1000003, down[#down])
    assert.equal(1000003, up[#up])
  end)

  it("are of 0 and 1 where the field has no bounds", function()
    local field = { type = "number", required = true }
    assert.is_true(has(steps(field, 0.3, 1), 1))
    assert.is_true(has(steps(field, 0.3, -1), 0))
    assert.is_false(has(steps({ type = "number", min = 0.25 }, 0.3, -1), 0))
  end)

  it("are whole numbers one by one first", function()
    local up, down = steps(integer(0, 1000), 10, 1), steps(integer(0, 1000), 10, -1)
    assert.same({ 11, 12, 13 }, table.move(up, 1, 3, 1, {}))
    assert.same({ 9, 8, 7, 6, 5, 4, 3, 2, 1, 0 }, down)
  end)

  it("are those that the policy compared with, and their neighbours", function()
    local up = steps(integer(0, 1000000), 10, 1, { 123456 })
    for _, value in ipairs { 123455, 123456, 123457 } do assert.is_true(has(up, value), value) end
    assert.is_false(has(up, 123458))
    assert.is_false(has(steps(integer(0, 1000000), 10, -1, { 123456 }), 123456))
  end)

  it("are none of what is no number", function()
    assert.same({}, steps({ type = "text" }, "x", 1))
    assert.same({}, steps(integer(0, 9), nil, 1))
  end)
end)

describe("the values for an absent number", function()
  it("are from bound to bound, those nearest to 0 first", function()
    local list = values.discrete({ field = integer(17, 20000001) }, NOTHING)
    assert.equal(17, list[1])
    assert.equal(18, list[2])
    assert.equal(20000001, list[#list])
    list = values.discrete({ field = integer(-3, 2) }, NOTHING)
    assert.same({ 0, 1, 2, -3 }, list)
  end)
end)
