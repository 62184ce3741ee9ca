-- Masking facts of recorded decisions: the values of the facts that are named, wherever they come
-- again in the decision and its reason, and every secret (weir.redact).
--
--   mask.place(name) → place | nil: "owner", or a JSON pointer: "/event/detail/owner", where "*" is
--       any member or element
--   mask.apply(record, places, away) → record, the facts that were masked (JSON pointers), and
--       whether anything was. A fact becomes "[redacted]"; one of a place in the set `away` is
--       taken away.
local json = require "weir.json"
local redact = require "weir.redact"
local sorted_pairs = require "weir.sorted_pairs"

local mask = {}

local SHORT = 4 -- a shorter text occurs by chance in other words

function mask.place(name)
  if name == "" or name == "/" then return nil end
  if name:sub(1, 1) ~= "/" then return { name } end

  local place = {}
  for part in name:gmatch("/([^/]*)") do
    if part == "" then return nil end
    place[#place + 1] = part:gsub("~1", "/"):gsub("~0", "~")
  end

  return place
end

local function key_of(container, part)
  if json.is_array(container) and part:find("^%d+$") then return math.tointeger(part) + 1 end
  return part
end

local function pointer(path, key)
  local part = math.type(key) == "integer" and tostring(key - 1)
    or tostring(key):gsub("~", "~0"):gsub("/", "~1")
  return path .. "/" .. part
end

-- Calls visit(container, key, pointer) for everything at the place.
local function each_at(value, place, at, path, visit)
  if type(value) ~= "table" then return end

  local part = place[at]
  local keys = {}
  if part == "*" then
    for key in sorted_pairs(value) do keys[#keys + 1] = key end
  elseif value[key_of(value, part)] ~= nil then
    keys[1] = key_of(value, part)
  end

  for i = #keys, 1, -1 do -- elements of a list may be taken away
    local key = keys[i]
    if at == #place then
      visit(value, key, pointer(path, key))
    else
      each_at(value[key], place, at + 1, pointer(path, key), visit)
    end
  end
end

local function leaves(value, list)
  if type(value) ~= "table" then
    list[#list + 1] = value
    return
  end

  for _, item in sorted_pairs(value) do leaves(item, list) end
end

local function take_away(container, key)
  if json.is_array(container) then
    table.remove(container, key)
  else
    container[key] = nil
  end
end

-- Texts that must not occur again ---------------------------------------------------------------

local function literal(text) return (text:gsub("%W", "%%%0")) end

local function pattern_of(value)
  if type(value) == "number" then return "%f[%d]" .. literal(tostring(value)) .. "%f[%D]" end
  if type(value) ~= "string" or value == "" or value == redact.MARK then return nil end
  if #value < SHORT then return "%f[%w]" .. literal(value) .. "%f[%W]" end
  return literal(value)
end

local function hide(value, patterns)
  if type(value) == "string" then
    for _, pattern in ipairs(patterns) do
      value = value:gsub(pattern, (redact.MARK:gsub("%%", "%%%%")))
    end

    return value
  end

  if type(value) ~= "table" then return value end
  local copy = json.is_array(value) and json.array {} or {}
  for key, item in sorted_pairs(value) do copy[key] = hide(item, patterns) end
  return copy
end

local function patterns_of(values)
  local texts = {}
  for _, value in ipairs(values) do texts[#texts + 1] = pattern_of(value) end
  table.sort(texts, function(a, b)
    if #a ~= #b then return #a > #b end
    return a < b
  end)

  return texts
end

-- The whole ------------------------------------------------------------------------------------

function mask.apply(record, places, away)
  redact.forget()
  redact.note_json(json.encode(record.facts))
  local copy, secrets = redact.facts(record)
  local found, values = json.array {}, {}
  for _, path in ipairs(secrets) do found[#found + 1] = path:match("^/facts(/.*)") end

  for _, place in ipairs(places) do
    each_at(copy.facts, place, 1, "", function(container, key, path)
      leaves(container[key], values)
      if away and away[place] then take_away(container, key) else container[key] = redact.MARK end
      found[#found + 1] = path
    end)
  end

  local patterns = patterns_of(values)
  copy.because, copy.decision = hide(copy.because, patterns), hide(copy.decision, patterns)
  table.sort(found)
  return copy, found, #found + #secrets > 0
end

return mask
