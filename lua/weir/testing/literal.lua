-- Values as Lua source: how an example is written into a policy file.
local json = require "weir.json"
local sorted_pairs = require "weir.sorted_pairs"
local terminal = require "weir.cli.terminal"

local literal = {}

local WIDTH = 100

local RESERVED = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat
  return then true until while]]):gmatch("%a+") do RESERVED[word] = true end

-- terminal.printable writes what nobody can see as \n, \x07 or \u{202e}, as Lua reads it.
local function quoted(text)
  return '"' .. terminal.printable((text:gsub('[\\"]', "\\%0"))) .. '"'
end

local function key_text(key)
  if key:find("^[%a_][%w_]*$") and not RESERVED[key] then return key end
  return "[" .. quoted(key) .. "]"
end

local function scalar(value)
  if type(value) == "string" then return quoted(value) end
  if value == math.mininteger and math.type(value) == "integer" then return "math.mininteger" end
  return json.encode(value)
end

-- The members of a table in order: { text before the value, value }.
local function members(value)
  local list = {}
  if json.is_array(value) then
    for i, element in ipairs(value) do list[i] = { "", element } end
  else
    for key, member in sorted_pairs(value) do
      list[#list + 1] = { key_text(key) .. " = ", member }
    end
  end

  return list
end

local function on_one_line(value)
  if type(value) ~= "table" then return scalar(value) end
  local parts = {}
  for i, member in ipairs(members(value)) do parts[i] = member[1] .. on_one_line(member[2]) end

  return #parts == 0 and "{}" or "{ " .. table.concat(parts, ", ") .. " }"
end

-- Appends a value, on one line where it fits, else one member a line.
local function write(lines, indent, before, value, after)
  local line = indent .. before .. on_one_line(value) .. after
  local is_split = type(value) == "table" and #members(value) > 0
  if terminal.width(line) <= WIDTH or not is_split then
    lines[#lines + 1] = line
    return
  end

  lines[#lines + 1] = indent .. before .. "{"
  for _, member in ipairs(members(value)) do
    write(lines, indent .. "  ", member[1], member[2], ",")
  end

  lines[#lines + 1] = indent .. "}" .. after
end

-- Does a value hold a null? A Lua table cannot.
local function has_null(value)
  if value == json.null then return true end
  if type(value) ~= "table" then return false end
  for _, member in pairs(value) do -- any order: asks only whether there is one
    if has_null(member) then return true end
  end

  return false
end

-- An example is written in the order in which it is read, whatever the order of the alphabet.
local ORDER = { "doc", "given", "params", "expect" }

-- example{given=, params=, expect=, doc=} → its lines, without indentation and with a comma behind
-- it, for source that stands `depth` columns from the left | nil, why not.
function literal.example(example, depth)
  if has_null(example) then return nil, "a fact is null, which a Lua table cannot hold" end
  local parts = {}
  for _, name in ipairs(ORDER) do
    local value = example[name]
    if value ~= nil then parts[#parts + 1] = name .. " = " .. on_one_line(value) end
  end

  local line = "{ " .. table.concat(parts, ", ") .. " },"
  if terminal.width(line) + depth <= WIDTH then return { line } end

  local indent = (" "):rep(depth)
  local lines = {}
  for _, name in ipairs(ORDER) do
    local value = example[name]
    if value ~= nil then write(lines, indent .. "  ", name .. " = ", value, ",") end
  end

  table.insert(lines, 1, indent .. "{")
  lines[#lines + 1] = indent .. "},"
  for i, each in ipairs(lines) do lines[i] = each:sub(depth + 1) end

  return lines
end

return literal
