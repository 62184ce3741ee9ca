-- What went wrong with one attempt, as a table
--   { code =, message =, status =, headers =, elapsed_ms =, request_id =, fields = },
-- and the readers of the error bodies of the two families of protocols.
local json = require "weir.json"
local xml = require "weir.xml"

local failure = {}

local MESSAGE_MAX = 2000

local function request_id(headers)
  return headers["x-amzn-requestid"] or headers["x-amz-request-id"]
end
failure.request_id = request_id

local function new(response, code, message)
  message = type(message) == "string" and message or ""
  return {
    code = code,
    message = message:sub(1, MESSAGE_MAX),
    status = response.status,
    headers = response.headers,
    elapsed_ms = response.elapsed_ms,
    request_id = request_id(response.headers),
  }
end
failure.new = new

-- The answer of something that is not the service: a proxy's page, a load balancer's text.
local function unreadable(response, why)
  local kind = response.headers["content-type"] or "no content type"
  local code = response.status < 300 and "MalformedResponse" or "Http" .. response.status
  return new(response, code, ("%s (%d bytes, %s)"):format(why, response.body_bytes, kind))
end
failure.unreadable = unreadable

-- The root element of an answer in XML; nil and the failure of one that is something else.
function failure.xml_root(response)
  local root, message = xml.decode(response.body)
  if not root then return nil, unreadable(response, "the answer is not XML: " .. message) end
  return root
end

-- "com.amazon.coral#ThrottlingException:http://…" → "ThrottlingException"
local function bare_code(code)
  if type(code) ~= "string" then return nil end
  code = code:match("^[^:]*"):match("[^#]*$")
  return code ~= "" and #code <= 128 and code or nil
end

-- Members of the error beside its message, for those who need them: Item of a failed condition,
-- OriginalStatusCode of a ModelError.
local function fields_of(body)
  local fields = {}
  for key, value in pairs(body) do -- any order: copies one key at a time
    if type(key) == "string" and key ~= "__type" then fields[key] = value end
  end

  return fields
end

-- decode: the service's own reader of bodies, where it has one.
function failure.from_json(response, service)
  local headers, body = response.headers, nil
  if response.body_bytes ~= 0 then body = (service.decode or json.decode)(response.body or "") end
  if type(body) ~= "table" then body = {} end
  -- A service that also speaks the old query protocol names its old code here.
  local code = headers["x-amzn-query-error"] and headers["x-amzn-query-error"]:match("^[^;]+")
    or headers["x-amzn-errortype"] or body.__type or body.code or body.Code
  code = bare_code(code)
  if not code then return unreadable(response, "the answer is not one of the service") end
  local result = new(response, code, body.message or body.Message)
  result.fields = fields_of(body)

  return result
end

function failure.child_text(element, name)
  for _, child in ipairs(element or {}) do
    if child.name == name then return child.text end
  end
end

local function child(element, name)
  for _, candidate in ipairs(element) do
    if candidate.name == name then return candidate end
  end
end

-- <ErrorResponse><Error>…</Error><RequestId/></ErrorResponse>, S3's bare <Error>, or EC2's
-- <Response><Errors><Error>.
function failure.from_xml(response)
  local root = response.body and response.body ~= "" and xml.decode(response.body)
  local element = root and (root.name == "Error" and root
    or child(child(root, "Errors") or root, "Error"))
  local code = element and bare_code(failure.child_text(element, "Code"))
  if not code then return unreadable(response, "the answer is not one of the service") end
  local result = new(response, code, failure.child_text(element, "Message"))
  result.request_id = result.request_id or failure.child_text(element, "RequestId")
    or failure.child_text(root, "RequestId") or failure.child_text(root, "RequestID")
  result.fields = {}
  for _, member in ipairs(element) do
    if #member == 0 then result.fields[member.name] = member.text end
  end

  return result
end

return failure
