-- The field language of kind files, checked the slow and obvious way: what the engine in C says
-- about facts and decisions is compared with this.
local field_check = {}

local check

local function finite(value)
  return type(value) == "number" and value == value and value ~= math.huge and value ~= -math.huge
end

local function in_bounds(spec, value)
  if spec.min and value < spec.min then return "is below " .. spec.min end
  if spec.max and value > spec.max then return "is above " .. spec.max end
end

local function sized(spec, size, least, most)
  if spec[least] and size < spec[least] then return "is shorter than " .. spec[least] end
  if spec[most] and size > spec[most] then return "is longer than " .. spec[most] end
end

local TYPES = {}

function TYPES.integer(spec, value)
  if not (finite(value) and math.tointeger(value)) then return "is no integer" end
  return in_bounds(spec, value)
end

function TYPES.number(spec, value)
  if not finite(value) then return "is no finite number" end
  return in_bounds(spec, value)
end

function TYPES.text(spec, value)
  if type(value) ~= "string" or not utf8.len(value) then return "is no text" end
  return sized(spec, #value, "min_size", "max_size")
end

function TYPES.flag(_, value)
  if type(value) ~= "boolean" then return "is neither true nor false" end
end

function TYPES.choice(spec, value)
  for _, allowed in ipairs(spec.values) do
    if value == allowed then return nil end
  end
  return "is none of " .. table.concat(spec.values, ", ")
end

function TYPES.list(spec, value)
  if type(value) ~= "table" then return "is no list" end
  for i, item in ipairs(value) do
    local wrong = check(spec.of, item)
    if wrong then return "[" .. i .. "] " .. wrong end
  end
  return sized(spec, #value, "min_items", "max_items")
end

function TYPES.record(spec, value)
  if type(value) ~= "table" then return "is no record" end
  return field_check.fields(spec.fields, value)
end

function TYPES.map(spec, value)
  if type(value) ~= "table" then return "is no map" end
  for name, item in pairs(value) do
    if type(name) ~= "string" then return "has a key that is no text" end
    local wrong = check(spec.of, item)
    if wrong then return "." .. name .. " " .. wrong end
  end
end

function TYPES.any() end

function check(spec, value)
  return assert(TYPES[spec.type], "no type " .. tostring(spec.type))(spec, value)
end

-- Returns nil when the values have exactly these fields, or a text that names the first that is wrong.
function field_check.fields(fields, values)
  local known = {}
  for _, spec in ipairs(fields) do
    known[spec.name] = true
    local value = values[spec.name]
    local wrong
    if value == nil then
      wrong = spec.required and "is missing"
    else
      wrong = check(spec, value)
    end
    if wrong then return spec.name .. " " .. wrong end
  end
  for name in pairs(values) do
    if not known[name] then return "unknown field " .. tostring(name) end
  end
end

return field_check
