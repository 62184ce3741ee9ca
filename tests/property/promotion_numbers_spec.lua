-- Numbers that nobody measured, at every place of the promotion facts that takes a number: NaN,
-- infinities, negative and huge ones are refused, or decided as what they are; never is a variant
-- given more traffic because of one.
local json = require "weir.json"
local kind = require "weir.kinds.promotion"
local policy_set = require "weir.policy_set"
local promotion_trial = require "support.promotion_trial"
local property = require "support.property"
local trial = require "weir.inference.trial"

local set = assert(policy_set.load "policies")

-- Every path to a number in the schema; lists of records: the first two elements.
local function number_places(fields, prefix, places)
  for _, field in ipairs(fields) do
    local path = prefix .. field.name
    if field.type == "number" or field.type == "integer" then
      places[#places + 1] = path
    elseif field.type == "record" then
      number_places(field.fields, path .. ".", places)
    elseif field.type == "list" and field.of.type == "record" then
      for i = 1, 2 do number_places(field.of.fields, ("%s.%d."):format(path, i), places) end
    end
  end

  return places
end

local PLACES = number_places(kind.facts, "", {})

-- Spellings of numbers that are not finite. A reader of JSON must refuse each of them.
local NOT_FINITE = {
  "NaN", "-NaN", "nan", "Infinity", "-Infinity", "inf", "1e999", "-1e999", "1e400", "null/0",
}

local EXTREME = {
  "-1", "-0.0", "0", "-1e-300", "5e-324", "1e-320", "1e300", "-1e300", "1.7976931348623157e308",
  "-1.7976931348623157e308", "9007199254740993", "9223372036854775807", "-9223372036854775808",
  "18446744073709551616", "1e15", "1000000000000", "0.1e1",
}

-- A mark at a place of the facts; records that are not there are made.
local function put(facts, path, mark)
  local at = facts
  for name in path:gmatch "([^.]+)%." do
    local key = math.tointeger(tonumber(name)) or name
    at[key] = at[key] or {}
    at = at[key]
  end

  at[path:match "[^.]+$"] = mark
end

-- A trial that would be promoted, with these texts of numbers at these places.
local function text_of(changes)
  local facts, numbers = promotion_trial.facts(), {}
  facts.variants[2].weight, facts.minutes_since_change = 0.5, 1440
  facts.history = {
    { at = promotion_trial.now - 90000, action = "ramp", variant = "new", weight = 0.2 },
    { at = promotion_trial.now - 86400, action = "ramp", variant = "new", weight = 0.5 },
  }

  facts.evidence.quantiles = {}
  for i, quantile in ipairs { 0.5, 0.9 } do
    facts.evidence.quantiles[i] = {
      quantile = quantile,
      champion_ms = { low = 40, estimate = 50, high = 60 },
      challenger_ms = { low = 40, estimate = 50, high = 60 },
    }
  end

  for i, change in ipairs(changes) do
    local mark = ("@%d@"):format(i)
    put(facts, change[1], mark)
    numbers[mark] = change[2]
  end

  return (json.encode(facts):gsub('"(@%d+@)"', numbers))
end

local function decide(text)
  local answer, message, code = set:decide("promotion", text)
  return answer and json.decode(answer.decision), message, code
end

describe("promotion, where a number is not one", function()
  it("knows every place of a number, and would promote as the facts stand", function()
    assert.is_true(#PLACES > 50, #PLACES)
    assert.equal("promote", decide(text_of {}).action)
  end)

  it("refuses NaN and infinities at every place, and asks no policy", function()
    for _, place in ipairs(PLACES) do
      for _, number in ipairs(NOT_FINITE) do
        local decision, _, code = decide(text_of { { place, number } })
        assert.is_nil(decision, place .. " " .. number)
        assert.equal("InvalidFacts", code, place .. " " .. number)
      end
    end
  end)

  it("never gives more traffic for a NaN, an infinite, a negative or a huge number", function()
    local place, seen = property.element(PLACES), {}
    local number = property.element(table.move(EXTREME, 1, #EXTREME, #NOT_FINITE + 1,
      table.move(NOT_FINITE, 1, #NOT_FINITE, 1, {})))
    local changes = property.array(property.tuple { place, number }, { min = 1, max = 4 })
    property.check("numbers", changes, function(list)
      local text = text_of(list)
      local decision, _, code = decide(text)
      if not decision then
        assert.equal("InvalidFacts", code, text)
        return
      end

      seen[decision.action] = (seen[decision.action] or 0) + 1
      if decision.action == "promote" or decision.action == "ramp" then
        assert.is_true(promotion_trial.may_grow(json.decode(text), decision), text)
      end
    end, { cases = 3000 })

    if os.getenv "WEIR_CASES" then return end
    assert.is_true((seen.hold or 0) > 20 and (seen.promote or 0) > 5, json.encode(seen))
  end)

  it("takes none into the evidence of a trial", function()
    local numbers = property.element {
      0 / 0, -(0 / 0), math.huge, -math.huge, -1, -1e-300, 1e300, 2 ^ 63,
    }
    local names = property.element { "requests", "errors", "share", "instances", "from", "to" }
    property.check("windows", property.tuple { names, numbers, property.boolean() }, function(case)
      local self = trial.new { champion = "old", challenger = "new", warm_up_seconds = 0 }
      local window = { from = 300, to = 600, variants = {
        old = { share = 0.5, requests = 1000, errors = 1 },
        new = { share = 0.5, requests = 1000, errors = 1 },
      } }
      local owner = window[case[1]] and window or window.variants[case[3] and "old" or "new"]
      owner[case[1]] = case[2]
      local taken = pcall(self.add, self, window)
      assert.is_false(taken, ("%s = %s"):format(case[1], case[2]))

      local facts = self:facts { now = 600, variants = { { name = "old" }, { name = "new" } } }
      assert.is_nil(facts.evidence)
    end, { cases = 1000 })
  end)
end)
