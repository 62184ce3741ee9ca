-- for key, value in sorted_pairs(map) do … end: like pairs, in an order that follows from the keys
-- alone. Numbers come first, ascending; then texts, by their bytes; then false and true.
--
-- Lua's own order differs from process to process, so it must not reach a result. tests/lint/
-- pairs_order.sh refuses `pairs` and `next` where no comment says why the order does not matter.

local RANKS = { number = 1, string = 2, boolean = 3 }

local function comes_before(a, b)
  local a_type, b_type = type(a), type(b)
  if a_type ~= b_type then return RANKS[a_type] < RANKS[b_type] end
  if a_type == "boolean" then return not a and b end

  return a < b
end

-- sorted_pairs(map) → an iterator. Keys of other types have no order: the call raises. The values
-- are read as the loop goes on; a key that the loop's body adds is not visited.
return function(map)
  local keys = {}
  for key in pairs(map) do -- any order: the keys are sorted below
    if not RANKS[type(key)] then
      error(("a key is a %s, which has no order; expected sorted_pairs(table whose keys are "
        .. "numbers, texts or booleans)"):format(type(key)), 2)
    end

    keys[#keys + 1] = key
  end

  table.sort(keys, comes_before)

  local at = 0
  return function()
    at = at + 1
    local key = keys[at]
    if key ~= nil then return key, map[key] end
  end
end
