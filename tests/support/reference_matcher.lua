-- A slow, obvious matcher for EventBridge patterns, to hold against weir.pattern.
--
-- It follows event-ruler's description: expand $or into rules, flatten the event into fields (the
-- path, the value, and which element of which array it lies in), then try every choice of fields,
-- path by path in order. Nothing here is shared with the C matcher, neither code nor design.
-- It takes decoded patterns and events: tables in which `null` is json.null and lists are made by
-- json.decode. Numbers are compared as Lua compares them, so keep them exact in a double.
local json = require("weir.json")

local reference = {}

local function is_list(value)
  return type(value) == "table" and json.is_array(value)
end

local function is_object(value)
  return type(value) == "table" and not json.is_array(value)
end

-- Rules: lists of maps from path to list of match values. ------------------------------------

local function copy_rules(rules)
  local copies = {}
  for i, rule in ipairs(rules) do
    copies[i] = {}
    for path, values in pairs(rule) do copies[i][path] = values end
  end

  return copies
end

-- Keys in sorted order; generated patterns have no path twice outside $or, so order is free but
-- for $or, which takes the rules so far: fields of the same object come first.
local function expand(object, prefix, rules)
  local keys = {}
  for key in pairs(object) do
    if key ~= "$or" then keys[#keys + 1] = key end
  end

  table.sort(keys)
  for _, key in ipairs(keys) do
    local path, value = prefix .. key, object[key]
    if is_list(value) then
      for _, rule in ipairs(rules) do rule[path] = value end
    else
      rules = expand(value, path .. ".", rules)
    end
  end

  if not object["$or"] then return rules end
  local all = {}
  for _, branch in ipairs(object["$or"]) do
    for _, rule in ipairs(expand(branch, prefix, copy_rules(rules))) do all[#all + 1] = rule end
  end

  return all
end

-- Fields: { path, value, elements = { [array] = index } }. -----------------------------------

local function flatten(value, path, elements, fields)
  if is_list(value) then
    for index, element in ipairs(value) do
      local inside = elements
      if type(element) == "table" then
        inside = {}
        for array, at in pairs(elements) do inside[array] = at end
        inside[value] = index
      end

      flatten(element, path, inside, fields)
    end
  elseif is_object(value) then
    for key, member in pairs(value) do
      flatten(member, path and path .. "." .. key or key, elements, fields)
    end
  else
    fields[#fields + 1] = { path = path, value = value, elements = elements }
  end
end

-- One value against one member of a list. ----------------------------------------------------

local function ip_bytes(text)
  local a, b, c, d = text:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
  if a then
    local bytes = {}
    for i, part in ipairs({ a, b, c, d }) do
      if #part > 3 or tonumber(part) > 255 or (#part > 1 and part:sub(1, 1) == "0") then
        return nil
      end

      bytes[i] = string.char(tonumber(part))
    end

    return table.concat(bytes)
  end

  if not text:match("^[%x:]+$") or not text:find(":", 1, true) then return nil end
  local left, right = text:match("^(.-)::(.*)$")
  if right and right:find("::", 1, true) then return nil end
  local function groups(part)
    local list = {}
    if part == "" then return list end
    for group in (part .. ":"):gmatch("(.-):") do
      if not group:match("^%x%x?%x?%x?$") then return nil end
      list[#list + 1] = tonumber(group, 16)
    end

    return list
  end

  local head, tail = groups(left or text), groups(right or "")
  if not head or not tail then return nil end
  local gap = 8 - #head - #tail
  if left and gap < 1 or not left and gap ~= 0 then return nil end
  local bytes = {}
  for _, group in ipairs(head) do bytes[#bytes + 1] = string.pack(">I2", group) end
  bytes[#bytes + 1] = ("\0\0"):rep(gap)
  for _, group in ipairs(tail) do bytes[#bytes + 1] = string.pack(">I2", group) end
  local all = table.concat(bytes)
  if all:sub(1, 12) == ("\0"):rep(10) .. "\xff\xff" then return all:sub(13) end

  return all
end

local function hex_digits(bytes)
  return (bytes:gsub(".", function(byte) return ("%02X"):format(byte:byte()) end))
end

-- The walk of event-ruler's byte machine over a range of hexadecimal digits: the first digit that
-- lies between those of both ends decides, whatever follows.
local function in_digits(value, low, high)
  local on_low, on_high = true, true
  for i = 1, #low do
    local digit, bottom, top = value:sub(i, i), low:sub(i, i), high:sub(i, i)
    if digit == "" then return false end
    if (on_low and digit < bottom) or (on_high and digit > top) then return false end
    on_low = on_low and digit == bottom
    on_high = on_high and digit == top
    if not on_low and not on_high then return true end
  end

  return true
end

local function in_cidr(text, block)
  local address, mask = block:match("^(.*)/(%d+)$")
  local low, value = ip_bytes(address), ip_bytes(text)
  if not value then return false end
  local bottom, top = {}, {}
  for bit = 0, #low * 8 - 1 do
    local at = bit // 8 + 1
    bottom[at], top[at] = bottom[at] or low:byte(at), top[at] or low:byte(at)
    if bit >= tonumber(mask) then
      bottom[at], top[at] = bottom[at] & ~(0x80 >> bit % 8), top[at] | 0x80 >> bit % 8
    end
  end

  return in_digits(hex_digits(value), hex_digits(string.char(table.unpack(bottom))),
    hex_digits(string.char(table.unpack(top))))
end

-- Every way to let '*' stand for something, tried in turn.
local function wildcard(text, pattern)
  if pattern == "" then return text == "" end
  local first = pattern:sub(1, 1)
  if first == "*" then
    for at = 1, #text + 1 do
      if wildcard(text:sub(at), pattern:sub(2)) then return true end
    end

    return false
  end

  if first == "\\" then
    return text:sub(1, 1) == pattern:sub(2, 2) and #text > 0
      and wildcard(text:sub(2), pattern:sub(3))
  end

  return text:sub(1, 1) == first and #text > 0 and wildcard(text:sub(2), pattern:sub(2))
end

local function fold(text)
  return (text:lower():gsub("É", "é"))
end

local function compare(value, operator, bound)
  if operator == "=" then return value == bound end
  if operator == "<" then return value < bound end
  if operator == "<=" then return value <= bound end
  if operator == ">" then return value > bound end

  return value >= bound
end

local string_operators = {
  exactly = function(value, wanted) return value == wanted end,
  prefix = function(value, wanted)
    local whole, part = value, wanted
    if is_object(wanted) then whole, part = fold(value), fold(wanted["equals-ignore-case"]) end
    return whole:sub(1, #part) == part
  end,
  suffix = function(value, wanted)
    local whole, part = value, wanted
    if is_object(wanted) then whole, part = fold(value), fold(wanted["equals-ignore-case"]) end
    return #part <= #whole and whole:sub(#whole - #part + 1) == part
  end,
  ["equals-ignore-case"] = function(value, wanted) return fold(value) == fold(wanted) end,
  wildcard = wildcard,
  cidr = in_cidr,
}

local function literal(value, wanted)
  if type(value) ~= type(wanted) then return false end
  if type(value) == "string" and ip_bytes(wanted) then
    local digits, own = hex_digits(ip_bytes(wanted)), ip_bytes(value)
    return own ~= nil and in_digits(hex_digits(own), digits, digits)
  end

  return value == wanted
end

local function each(wanted, test)
  if not is_list(wanted) then return test(wanted) end
  for _, one in ipairs(wanted) do
    if test(one) then return true end
  end

  return false
end

local function anything_but(value, wanted)
  if not is_object(wanted) then
    return not each(wanted, function(one) return value == one end)
  end

  local operator, operands = next(wanted)
  if type(value) ~= "string" then return true end

  return not each(operands, function(one) return string_operators[operator](value, one) end)
end

local function passes(value, wanted)
  if not is_object(wanted) then return literal(value, wanted) end
  local operator, operand = next(wanted)
  if operator == "exists" then return operand == true end
  if operator == "anything-but" then return anything_but(value, operand) end
  if operator == "numeric" then
    if type(value) ~= "number" then return false end
    for i = 1, #operand, 2 do
      if not compare(value, operand[i], operand[i + 1]) then return false end
    end

    return true
  end

  return type(value) == "string" and string_operators[operator](value, operand)
end

local function forbids_presence(wanted)
  return is_object(wanted) and wanted.exists == false
end

-- Choices of fields, path by path. -------------------------------------------------------------

-- The elements chosen so far with this field's, or nil when they differ.
local function join(chosen, field)
  local all = {}
  for array, index in pairs(chosen) do all[array] = index end
  for array, index in pairs(field.elements) do
    if all[array] and all[array] ~= index then return nil end
    all[array] = index
  end

  return all
end

local function choose(paths, at, rule, fields, chosen)
  local path = paths[at]
  if not path then return true end
  local is_present, may_be_absent = false, false
  for _, wanted in ipairs(rule[path]) do
    if forbids_presence(wanted) then may_be_absent = true end
  end

  for _, field in ipairs(fields) do
    local joined = field.path == path and join(chosen, field)
    if joined then
      is_present = true
      for _, wanted in ipairs(rule[path]) do
        if passes(field.value, wanted) and not forbids_presence(wanted)
          and choose(paths, at + 1, rule, fields, joined) then
          return true
        end
      end
    end
  end

  return may_be_absent and not is_present and choose(paths, at + 1, rule, fields, chosen)
end

-- Whether the decoded pattern matches the decoded event.
function reference.matches(pattern, event)
  local fields = {}
  flatten(event, nil, {}, fields)
  for _, rule in ipairs(expand(pattern, "", { {} })) do
    local paths = {}
    for path in pairs(rule) do paths[#paths + 1] = path end
    table.sort(paths)
    if choose(paths, 1, rule, fields, {}) then return true end
  end

  return false
end

return reference
