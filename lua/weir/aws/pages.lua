-- The pages of a listing, asked for one after the other.
--
--   for page, message, code, details in pages(operation, input, ask) do … end
--
-- operation: as a service defines it; ask(input) → page | nil, message, code, details. A page that
-- fails is `false` with its reason, and is the last one. A service that gives the same mark twice
-- would never end: that is the failure "MalformedResponse".
local json = require "weir.json"

local function copy(input)
  local result = {}
  for name, value in pairs(input or {}) do -- any order: copies one key at a time
    result[name] = value
  end

  return result
end

-- A mark as text: a token, or the key of an item.
local function text_of(mark)
  if type(mark) ~= "table" then return tostring(mark) end
  local parts = {}
  for name, value in pairs(mark) do -- any order: sorted below
    parts[#parts + 1] = ("%q=%q"):format(name, text_of(value))
  end

  table.sort(parts)

  return table.concat(parts, ",")
end

-- The mark of the next page, or nil after the last.
local function next_mark(paging, page)
  local mark = page[paging.output]
  if mark == nil or mark == json.null or mark == "" then return nil end
  if paging.more and not page[paging.more] then return nil end

  return mark
end

return function(operation, input, ask)
  local paging, seen, done = operation.paging, {}, false
  input = copy(input)

  return function()
    if done then return nil end
    local page, message, code, details = ask(copy(input))
    local mark = page and next_mark(paging, page)
    done = mark == nil
    if not page then return false, message, code, details end
    if done then return page end

    local text = text_of(mark)
    if seen[text] then
      done = true
      return false, ("%s gives the same page again and again"):format(operation.name),
        "MalformedResponse"
    end

    seen[text], input[paging.input] = true, mark

    return page
  end
end
