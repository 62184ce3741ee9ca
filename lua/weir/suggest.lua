-- "Did you mean …?": the closest of some names, when it is close enough to be a slip.

-- Edits (insert, delete, replace, swap neighbours) from a to b; gives up beyond `limit`.
local function distance(a, b, limit)
  if math.abs(#a - #b) > limit then return limit + 1 end
  local before, previous = {}, {}
  for j = 0, #b do previous[j] = j end
  for i = 1, #a do
    local current = { [0] = i }
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      local cost = math.min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (same and 0 or 1))
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        cost = math.min(cost, before[j - 2] + 1)
      end
      current[j] = cost
    end
    before, previous = previous, current
  end
  return previous[#b]
end

-- fileCount, FILE-COUNT and file_count are one name to whoever mistypes it.
local function fold(name)
  return (name:gsub("(%l)(%u)", "%1_%2"):lower():gsub("[^%w]+", ""))
end

-- suggest(name, names) → the nearest of names, or nil. Names longer than 64 bytes are no slip.
local function suggest(name, names)
  if #name > 64 then return nil end
  local folded = fold(name)
  local limit = #folded <= 3 and 1 or #folded <= 6 and 2 or 3
  local best, best_distance
  for _, candidate in ipairs(names) do
    local found = #candidate <= 64 and distance(folded, fold(candidate), limit) or limit + 1
    if found <= limit and found < #fold(candidate) and (not best or found < best_distance) then
      best, best_distance = candidate, found
    end
  end
  return best
end

return suggest
