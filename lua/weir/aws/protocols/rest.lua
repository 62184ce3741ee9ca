-- What the two REST protocols share: members that travel in the path, the query and headers.
--
-- An operation says where with `path = "/model/{modelId}/invoke"`, `query = { Member = "name" }`
-- and `headers = { Member = "Header-Name" }`; the rest is the body.
local sigv4 = require "weir.sigv4"
local sorted_pairs = require "weir.sorted_pairs"
local types = require "weir.aws.types"

local rest = {}

-- Fills the labels of a path; "{Key+}" keeps its slashes. Returns the members used as well.
function rest.path(template, input)
  local used = {}
  local path = template:gsub("{([%w]+)(%+?)}", function(member, greedy)
    local value = input[member]
    if type(value) ~= "string" or value == "" then
      error(member .. " must be a text that is not empty", 0)
    end

    used[member] = true

    return sigv4.encode(value, greedy == "+")
  end)

  return path, used
end

local function text_of(value)
  if type(value) == "boolean" or math.type(value) == "integer" then return tostring(value) end
  return value
end

-- The members that `names` sends elsewhere: lower-case or query name → value.
function rest.collect(names, input, used)
  local values = {}
  for member, name in sorted_pairs(names or {}) do
    if input[member] ~= nil then
      values[name] = text_of(input[member])
      used[member] = true
    end
  end

  return values
end

function rest.remaining(input, used)
  local rest_of, any = {}, false
  for member, value in pairs(input) do -- any order: copies one key at a time
    if not used[member] then rest_of[member], any = value, true end
  end

  return any and rest_of or nil
end

-- Copies the answered headers into the output, each with its type: { Member = "Header-Name" }.
function rest.read_headers(operation, response, output)
  for member, name in pairs(operation.output_headers or {}) do -- any order: each is read by itself
    output[member] = types.read(operation.types, member, response.headers[name:lower()])
  end

  return output
end

return rest
