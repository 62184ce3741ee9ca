-- Formats and the values they are given: string.format(…), ("…"):format(…), because = "…", ….
local tree = require "weir.lint.tree"
local values = require "weir.lint.values"

local formats = {}

local DIRECTIVE = "^%%[%-+ #0]*%d*%.?%d*([cdeEfgGioqsuxXaA])()"

-- directives(format) → the letters of its directives, as a list; or nil and the wrong directive.
function formats.directives(format)
  local letters, at = {}, 1
  while true do
    local start = format:find("%", at, true)
    if not start then return letters end
    local letter, stop = format:match(DIRECTIVE, start)
    if letter then
      letters[#letters + 1] = letter
    else
      stop = format:match("^%%%%()", start)
      if not stop then return nil, format:match("^%%[%-+ #0-9.]*.?", start) end
    end

    at = stop
  end
end

-- Does the format take numbers only at this place? %s and %q take anything.
function formats.needs_number(letter) return letter ~= nil and not letter:find("[sq]") end

local function is_open(node)
  return node ~= nil and (node.tag == "Call" or node.tag == "Method" or node.tag == "Vararg")
end

local function entry(what, format, at, given)
  return { what = what, format = format, at = at, values = given, is_open = is_open(given[#given]) }
end

-- because, when it is a text for certain; `literal`: written right here.
local function of_decision(call)
  local constructor = call.args[1] and tree.strip(call.args[1])
  local because = constructor and constructor.tag == "Table" and tree.item(constructor, "because")
  local format = because and values.constant_text(because)
  if not format then return nil end

  local given = {}
  for _, item in ipairs(constructor.items) do
    if not item.key then given[#given + 1] = item.value end
    if item.key and item.key.tag ~= "String" then return nil end -- [1] = value
  end

  local found = entry("because", format, because.at, given)
  found.is_because = true

  return found
end

local function of_call(call, words)
  if words.actions[tree.global(call.callee)] then return of_decision(call) end
  if tree.library(call.callee) ~= "string.format" or not call.args[1] then return nil end
  local format = values.constant_text(call.args[1])

  return format and entry("the format", format, call.args[1].at,
    table.move(call.args, 2, #call.args, 1, {}))
end

local function of_method(method)
  local format = method.name.name == "format" and values.constant_text(method.object)
  return format and entry("the format", format, method.object.at, method.args)
end

-- find(nodes, words) → list of { node =, what =, format =, at =, values =, is_open =, is_because =
-- }, for every format whose text is known. is_open: the last value may be any number of them.
function formats.find(nodes, words)
  local list = {}
  for tag, of in pairs { Call = of_call, Method = of_method } do -- any order: findings are sorted
    for _, node in ipairs(nodes[tag]) do
      local found = of(node, words)
      if found then
        found.node = node
        list[#list + 1] = found
      end
    end
  end

  return list
end

-- Without values, `because` is not a format. Is it a text with a percent sign, rather than a format
-- whose values were forgotten?
local function is_plain_text(found, letters)
  if not found.is_because or #found.values > 0 then return false end
  if not letters or found.format:find("%% ") then return true end
  return found.format:find("%d%%%a%a") ~= nil -- 100%done
end

local function wrong_value(types, letter, value)
  local node = tree.strip(value)
  local class = values.class(types, node)
  local is_number = class == "number"
    or class == "text" and tonumber(values.constant_text(node) or "") ~= nil
  if class and not is_number then return values.NAMES[class] end
  if not letter:find("[cdiouxX]") then return nil end
  if node.tag == "Number" and math.tointeger(node.value) == nil then return "a fraction" end
  local whole = node.tag == "Binary" and node.operator == "/"
    and not (node.left.tag == "Number" and node.right.tag == "Number")
    and tree.strip(node.left).tag ~= "Binary"
  return whole and "a quotient, which has a fraction" or nil
end

local function check_values(source, report, found, letters)
  for i, letter in ipairs(letters) do
    local value = found.values[i]
    local wrong = value and formats.needs_number(letter)
      and wrong_value(source.types, letter, value)
    if wrong then
      report("W111", value.at, ("%%%s needs %s, and gets %s"):format(letter,
        letter:find("[cdiouxX]") and "a whole number" or "a number", wrong),
        wrong:find("fraction") and "write %.1f, or divide with //" or "write %s for any value")
    end
  end
end

-- W111: "%d of %d files" with one value: the policy fails while deciding.
function formats.fit(source, report)
  for _, found in ipairs(source.formats) do
    local letters, wrong = formats.directives(found.format)
    local given = #found.values
    if is_plain_text(found, letters) then
      letters = nil
    elseif wrong then
      report("W111", found.at, ("%s has '%s', which is not a directive"):format(found.what, wrong),
        "write %% for a percent sign")
    elseif given > #letters or given < #letters and not found.is_open then
      report("W111", found.at,
        ("%s asks for %d %s and gets %d"):format(found.what, #letters,
          #letters == 1 and "value" or "values", given),
        "one value after it for each %d, %s, …, in order")
    end

    if letters then check_values(source, report, found, letters) end
  end
end

return formats
