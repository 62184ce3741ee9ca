-- What weir explain shows of a condition: its values in a few words, and by how much it holds.
local explain_text = require "weir.explain.text"
local json = require "weir.json"

local NAN = 0 / 0

local function side(value, type_name) return { value = value, type = type_name or type(value) } end

-- What was found of one condition, `left operator right`.
local function found(left, operator, right, outcome)
  return {
    question = { kind = "routing" },
    policy = { name = "p", digest = "sha256:1" },
    params = {},
    message = "m",
    code = "PolicyError",
    traced = {
      branches = { { file = "p.lua", line = 7, condition = "a condition", operator = operator } },
      comparisons = { { branch = 1, left = left, right = right, outcome = outcome } },
    },
    nearest = { by = "action", flips = {}, ties = 0, places = 0, tried = 0, same = 0, refused = 0,
      failed = 0 },
  }
end

-- What the condition's row shows after its place and its text.
local function row(...)
  local lines = {}
  local out = {
    print = function(_, ...) lines[#lines + 1] = table.concat { ... } end,
    paint = function(_, _, text) return text end,
  }
  explain_text.show(out, found(...), 10)
  for _, line in ipairs(lines) do
    local rest = line:match("^  p%.lua:7 +a condition +(.*)$")
    if rest then return (rest:gsub(" +$", "")) end
  end

  error("there is no row of the condition in\n" .. table.concat(lines, "\n"))
end

describe("the values of a condition", function()
  it("are numbers as people write them, and what is none is nan, whatever its sign", function()
    assert.equal("3 < 12  yes  by 9 (75 %)", row(side(3), "<", side(12), true))
    assert.equal("0.25 <= 0.5  yes  by 0.25 (50 %)", row(side(0.25), "<=", side(0.5), true))
    assert.equal("inf > 5  yes", row(side(math.huge), ">", side(5), true))
    for _, nan in ipairs { NAN, -NAN } do
      assert.equal("nan >= 5  no", row(side(nan), "<", side(5), false))
      assert.equal("5 is not nan  no", row(side(5), "==", side(nan), false))
    end
  end)

  it("are texts and lists as JSON, absent, or of a type that has no text", function()
    assert.equal('"in/" is "a\\"b"  yes', row(side "in/", "==", side 'a"b', true))
    assert.equal("[1,2] is absent  yes", row(side { 1, 2 }, "==", side(nil, "nil"), true))
    assert.equal("true is a function  yes", row(side(true), "==", side(nil, "function"), true))
  end)

  it("are shown alone where nothing is compared", function()
    assert.equal("a table  yes", row(side(nil, "table"), nil, nil, true))
    assert.equal("absent  error", row(side(nil, "nil"), nil, nil, nil))
  end)

  it("are related as they are, not as the policy asks", function()
    local turned = { ["<"] = ">=", ["<="] = ">", [">"] = "<=", [">="] = "<", ["=="] = "is not" }
    for operator, shown in pairs(turned) do -- any order: each is looked at
      assert.equal(("4 %s 4  no  by 0"):format(shown), row(side(4), operator, side(4), false))
    end
  end)
end)

describe("the margin of a condition in JSON", function()
  local function condition(...) return json.decode(explain_text.json(found(...))).conditions[1] end

  it("is the distance of two numbers, where there is one", function()
    assert.equal(9, condition(side(3), "<", side(12), true).margin)
    assert.equal(0, condition(side(4), "==", side(4), true).margin)
    for _, right in ipairs { NAN, -NAN, math.huge, "12" } do
      assert.is_nil(condition(side(3), "<", side(right), true).margin)
    end
  end)

  it("stands beside numbers that JSON lacks as text", function()
    assert.equal("inf", condition(side(math.huge), ">", side(5), true).left.value)
    assert.equal("-inf", condition(side(5), ">", side(-math.huge), true).right.value)
  end)
end)
