-- The ec2 protocol: a form out, XML back. Lists are Name.1, Name.2, … in the form, and <item>s in
-- the answer.
--
-- A service says what members are called there, where it is not their name with a capital letter:
--   input_names = { Filters = "Filter" }
--   names = { groupDescription = "Description" }            element → member
--   lists = { networkInterfaceSet = "NetworkInterfaces" }   element that repeats → member
local body = require "weir.body"
local failure = require "weir.aws.failure"
local sorted_pairs = require "weir.sorted_pairs"
local types = require "weir.aws.types"

local protocol = {}

local function flatten(names, value, path, fields)
  if type(value) ~= "table" then
    fields[path] = value
  elseif #value > 0 then
    for i, item in ipairs(value) do flatten(names, item, ("%s.%d"):format(path, i), fields) end
  else
    for member, item in sorted_pairs(value) do
      local name = names[member] or member
      flatten(names, item, path and path .. "." .. name or name, fields)
    end
  end

  return fields
end

function protocol.build(service, operation, input)
  local fields = flatten(service.input_names, input, nil,
    { Action = operation.name, Version = service.version })
  local headers = { ["content-type"] = "application/x-www-form-urlencoded; charset=utf-8" }

  return { method = "POST", path = "/", headers = headers, body = body.form(fields) }
end

local function member_of(service, element)
  return service.lists[element.name] or service.names[element.name]
    or (element.name:gsub("^%l", string.upper))
end

-- An element's children as a table, also where there are none in a list.
local function value_of(service, element)
  local value = {}
  if service.lists[element.name] then
    for i, item in ipairs(element) do value[i] = value_of(service, item) end
    return value
  end

  if #element == 0 then
    return types.read(service.types, member_of(service, element), element.text)
  end

  for _, child in ipairs(element) do value[member_of(service, child)] = value_of(service, child) end

  return value
end

function protocol.parse(service, operation, response)
  local root, failed = failure.xml_root(response)
  if not root then return nil, failed end

  if root.name ~= operation.name .. "Response" then
    return nil, failure.unreadable(response, "the answer is not a " .. operation.name .. "Response")
  end

  local output = value_of(service, root)
  if type(output) ~= "table" then return {} end
  output.RequestId = nil

  return output
end

protocol.parse_error = failure.from_xml

return protocol
