-- REST with JSON bodies, or with a payload that is passed through as it is.
local body = require "weir.body"
local failure = require "weir.aws.failure"
local json = require "weir.json"
local rest = require "weir.aws.protocols.rest"

local protocol = {}

function protocol.build(_, operation, input)
  local path, used = rest.path(operation.path, input)
  local query = rest.collect(operation.query, input, used)
  local headers = rest.collect(operation.headers, input, used)
  for name, value in pairs(operation.fixed_query or {}) do -- any order: copies one key at a time
    query[name] = value
  end

  local request = { method = operation.method, path = path, query = query, headers = headers }

  if operation.payload then
    request.body = input[operation.payload] or ""
  elseif operation.method ~= "GET" then
    local text, message, code = body.json(rest.remaining(input, used) or {})
    if not text then return nil, message, code end
    headers["Content-Type"] = headers["Content-Type"] or "application/json"
    request.body = text
  end

  return request
end

function protocol.parse(_, operation, response)
  local output = {}
  if operation.output_payload then
    output[operation.output_payload] = response.body
  elseif response.body ~= "" then
    local decoded, message = json.decode(response.body)
    if type(decoded) ~= "table" or json.is_array(decoded) then
      return nil, failure.unreadable(response, "the answer is not JSON: "
        .. (message or "not an object"))
    end

    output = decoded
  end

  return rest.read_headers(operation, response, output)
end

protocol.parse_error = failure.from_json

return protocol
