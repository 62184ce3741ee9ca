-- The query protocol: a form out, XML back. Lists are Name.member.1, Name.member.2, …
local body = require "weir.body"
local failure = require "weir.aws.failure"
local sorted_pairs = require "weir.sorted_pairs"
local types = require "weir.aws.types"

local protocol = {}

local function flatten(value, name, fields)
  if type(value) ~= "table" then
    fields[name] = value
    return fields
  end

  local prefix = name and name .. "." or ""
  if #value > 0 then
    for i, item in ipairs(value) do flatten(item, ("%smember.%d"):format(prefix, i), fields) end
    return fields
  end

  for key, member in sorted_pairs(value) do flatten(member, prefix .. key, fields) end

  return fields
end

function protocol.build(service, operation, input)
  local fields = flatten(input, nil, { Action = operation.name, Version = service.version })
  local headers = { ["content-type"] = "application/x-www-form-urlencoded; charset=utf-8" }
  return { method = "POST", path = "/", headers = headers, body = body.form(fields) }
end

-- An element's children as a table: a list when all are <member>.
local function value_of(operation, element)
  if #element == 0 then return types.read(operation.types, element.name, element.text) end
  local value = {}
  for i, child in ipairs(element) do
    value[child.name == "member" and i or child.name] = value_of(operation, child)
  end

  return value
end

function protocol.parse(_, operation, response)
  local root, failed = failure.xml_root(response)
  if not root then return nil, failed end

  for _, child in ipairs(root) do
    if child.name == operation.name .. "Result" then
      local value = value_of(operation, child)
      return type(value) == "table" and value or {}
    end
  end

  if root.name == operation.name .. "Response" then return {} end

  return nil, failure.unreadable(response, "the answer has no " .. operation.name .. "Result")
end

protocol.parse_error = failure.from_xml

return protocol
