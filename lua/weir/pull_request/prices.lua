-- What decisions cost, where a policy's parameters give prices: price_ACTION is the price of one
-- decision of that action, in whatever currency the parameter's doc names.
local sorted_pairs = require "weir.sorted_pairs"

local prices = {}

local function numbers_of(policy)
  local values = {}
  for _, param in ipairs(policy.params) do
    local is_number = param.type == "number" or param.type == "integer"
    local action = is_number and param.name:match("^price_(.+)$")
    if action then values[action] = param.value end
  end

  return values
end

local function total(counts, values)
  local sum = 0
  for action, price in pairs(values) do -- any order: adds up
    sum = sum + (counts[action] or 0) * price
  end

  return sum
end

-- The actions that were decided and have no price: what they cost is not known, and not zero.
local function unpriced(counts, values)
  local found = {}
  for _, side in ipairs { counts.was, counts.is } do
    for action in pairs(side) do -- any order: collects a set
      if not values[action] and action ~= "failed" then found[action] = true end
    end
  end

  local list = {}
  for action in sorted_pairs(found) do list[#list + 1] = action end

  return list
end

-- of(set, summary) → list of { kind =, was =, is =, priced = { action, … }, unpriced = { action, …
-- } } for the kinds whose policy gives prices; both sides are priced with those of the set, the new
-- one.
function prices.of(set, summary)
  local list = {}
  for _, policy in ipairs(set:policies()) do
    local values = numbers_of(policy)
    local priced = {}
    for action in sorted_pairs(values) do priced[#priced + 1] = action end
    local counts = summary.kinds[policy.kind]
    if #priced > 0 and counts then
      list[#list + 1] = {
        kind = policy.kind,
        was = total(counts.was, values),
        is = total(counts.is, values),
        priced = priced,
        unpriced = unpriced(counts, values),
      }
    end
  end

  return list
end

return prices
