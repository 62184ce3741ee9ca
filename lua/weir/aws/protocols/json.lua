-- The JSON protocols 1.0 and 1.1: every operation is a POST to "/", named by a header.
local body = require "weir.body"
local failure = require "weir.aws.failure"
local json = require "weir.json"

local protocol = {}

function protocol.build(service, operation, input)
  local headers = {
    ["content-type"] = "application/x-amz-json-" .. service.json_version,
    ["x-amz-target"] = service.target_prefix .. "." .. operation.name,
  }

  if service.query_mode then headers["x-amzn-query-mode"] = "true" end
  local text, message, code = (service.encode or body.json)(input)
  if not text then return nil, message, code end

  return { method = "POST", path = "/", headers = headers, body = text }
end

function protocol.parse(service, _, response)
  if response.body_bytes == 0 then return {} end
  local output, message = (service.decode or json.decode)(response.body)
  if type(output) == "table" and not json.is_array(output) then return output end

  return nil, failure.unreadable(response, "the answer is not JSON: "
    .. (message or "not an object"))
end

protocol.parse_error = failure.from_json

return protocol
