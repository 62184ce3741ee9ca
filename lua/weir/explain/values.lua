-- Which values are tried at a place, and how far each is from the one that is there.
--
--   distance(before, after) → 0 … 1: of two numbers, their difference relative to the larger of
--       them; any other change, and one from or to 0, is a whole one: 1
--   discrete(place, seen) → list of values to try as they are; values.ABSENT leaves the place out
--   steps(place, direction, seen) → list of numbers in that direction (-1, 1), the nearest first
--
-- seen: what the conditions compared with, { numbers = list, texts = list }, and gaps, how far
-- apart the numbers were.
local values = {}

values.ABSENT = setmetatable({}, { __name = "absent" })

local HUGE = 1e15 -- as far as a number without a bound is looked at
local EACH = 64 -- so many whole numbers on either side are tried one by one

function values.distance(before, after)
  if type(before) ~= "number" or type(after) ~= "number" then return 1 end
  local larger = math.max(math.abs(before), math.abs(after))
  if larger == 0 then return 0 end

  return math.min(1, math.abs(after - before) / larger)
end

local function is_number(field) return field.type == "integer" or field.type == "number" end

local function fits(field, value)
  return value >= (field.min or -HUGE) and value <= (field.max or HUGE)
    and (field.type ~= "integer" or math.tointeger(value) ~= nil)
end

local function as_number(field, value)
  return field.type == "integer" and math.tointeger(value) or value + 0.0
end

local function without_repetitions(sorted)
  local list = {}
  for _, value in ipairs(sorted) do
    if value ~= list[#list] then list[#list + 1] = value end
  end

  return list
end

-- The numbers that the policy compared with, and their neighbours, as far as they fit the field.
-- from: a number; added is what lies as far from it as two compared numbers from each other.
local function landmarks(field, seen, from)
  local list = {}
  local function add(value)
    if fits(field, value) then list[#list + 1] = as_number(field, value) end
  end

  local function add_near(number)
    if field.type == "integer" then
      add(math.floor(number))
      add(math.ceil(number))
      add(math.floor(number) - 1)
      add(math.ceil(number) + 1)
    else
      add(number)
    end
  end

  for _, number in ipairs(seen.numbers) do add_near(number) end
  for _, gap in ipairs(from and seen.gaps or {}) do
    add_near(from - gap)
    add_near(from + gap)
  end

  for _, bound in ipairs { field.min or 0, field.max or 0, 0, 1 } do add(bound) end

  return list
end

local function texts(field, seen)
  local list = { "x", "" }
  for _, text in ipairs(seen.texts) do list[#list + 1] = text end
  local fitting = {}
  for _, text in ipairs(list) do
    if #text >= (field.min_size or 0) and #text <= (field.max_size or 1000) then
      fitting[#fitting + 1] = text
    end
  end

  return fitting
end

-- The numbers to give where there is none, those nearest to 0 first.
local function numbers(field, seen)
  local list = landmarks(field, seen)
  local function add(value)
    if fits(field, value) then list[#list + 1] = as_number(field, value) end
  end

  for value = 0, field.type == "integer" and EACH or 0 do add(value) end
  for exponent = 1, 12 do add(10 ^ exponent) end
  table.sort(list, function(a, b)
    if math.abs(a) ~= math.abs(b) then return math.abs(a) < math.abs(b) end
    return a > b
  end)

  return without_repetitions(list)
end

function values.discrete(place, seen)
  local field, list = place.field, {}
  if place.element then return { values.ABSENT } end

  if field.type == "flag" then
    list = place.value == nil and { true, false } or { not place.value }
  elseif field.type == "choice" then
    list = table.move(field.values, 1, #field.values, 1, {})
  elseif field.type == "text" then
    list = texts(field, seen)
  elseif is_number(field) and place.value == nil then
    list = numbers(field, seen)
  end

  if place.value ~= nil and not field.required then list[#list + 1] = values.ABSENT end

  return list
end

-- Whole numbers one by one, as far as EACH; then distances that double. Those of other numbers
-- double from the smallest that means anything.
local function widening(field, from, direction)
  local list = {}
  local step = field.type == "integer" and 1 or math.max(math.abs(from), 1e-6) * 1e-9
  while step <= 2 * HUGE do
    local value = from + direction * step
    if not fits(field, value) then break end
    list[#list + 1] = as_number(field, value)
    step = field.type == "integer" and step < EACH and step + 1 or step * 2
  end

  return list
end

function values.steps(place, direction, seen)
  local field, from = place.field, place.value
  if not is_number(field) or type(from) ~= "number" then return {} end
  local list = widening(field, from, direction)
  for _, value in ipairs(landmarks(field, seen, from)) do
    if (value - from) * direction > 0 then list[#list + 1] = value end
  end

  table.sort(list, function(a, b) return a * direction < b * direction end)

  return without_repetitions(list)
end

return values
