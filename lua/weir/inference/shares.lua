-- shares(weights) → list of shares that sum to 1, in the same proportions
--                | nil, message, "InvalidWeights"
--
-- weights: a list of one number or more. Refused are those that are not finite, negative ones, and
-- weights that are all zero: nothing says then how the traffic is to be split.
local function refuse(...) return nil, string.format(...), "InvalidWeights" end

local function largest_of(weights)
  local largest = 0
  for i, weight in ipairs(weights) do
    if type(weight) ~= "number" or not (weight >= 0 and weight < math.huge) then
      return refuse("weight %d is %s; it must be a finite number of 0 or more", i, tostring(weight))
    end

    largest = math.max(largest, weight)
  end

  if largest > 0 then return largest end

  return refuse("no weight is above 0; give one of them a part of the traffic")
end

return function(weights)
  local largest, message, code = largest_of(weights)
  if not largest then return nil, message, code end

  -- Divided first, so that no sum of large weights can overflow.
  local list, sum = {}, 0
  for i, weight in ipairs(weights) do
    list[i] = weight / largest
    sum = sum + list[i]
  end

  for i, part in ipairs(list) do list[i] = part / sum end

  return list
end
