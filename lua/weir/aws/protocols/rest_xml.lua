-- REST with XML bodies, as S3 speaks it.
--
-- An operation has an XML answer when it says `xml_answer = true`: `lists` are the elements that
-- repeat, `names` gives the members of those that are called otherwise, and all of it may be one
-- `output_member`. Its own body is `payload` (bytes, or a file) or `xml(input)` (a function).
local failure = require "weir.aws.failure"
local rest = require "weir.aws.protocols.rest"
local sorted_pairs = require "weir.sorted_pairs"
local types = require "weir.aws.types"

local protocol = {}

local NO_NAMES = {}

local function metadata_headers(input, headers)
  for name, value in sorted_pairs(input.Metadata or {}) do
    headers["x-amz-meta-" .. name:lower()] = value
  end
end

function protocol.build(_, operation, input)
  local path, used = rest.path(operation.path, input)
  local request = {
    method = operation.method,
    path = path,
    query = rest.collect(operation.query, input, used),
    headers = rest.collect(operation.headers, input, used),
    output_file = input.output_file,
    body_file = input.body_file,
    body_offset = input.body_offset,
    body_length = input.body_length,
  }

  for name, value in pairs(operation.fixed_query or {}) do -- any order: copies one key at a time
    request.query[name] = value
  end

  metadata_headers(input, request.headers)
  if operation.xml then
    request.body = operation.xml(input)
    request.headers["Content-Type"] = "application/xml"
  elseif operation.payload then
    request.body = not input.body_file and (input[operation.payload] or "") or nil
  end

  return request
end

-- An element's children as a table; those that the operation lists repeat, and those that it names
-- have another name.
local function value_of(operation, element)
  if #element == 0 then return types.read(operation.types, element.name, element.text) end
  local value, names = {}, operation.names or NO_NAMES
  for _, child in ipairs(element) do
    local name = names[child.name] or child.name
    if operation.list_set[child.name] then
      value[name] = value[name] or {}
      table.insert(value[name], value_of(operation, child))
    else
      value[name] = value_of(operation, child)
    end
  end

  return value
end

local function list_set(operation)
  local set = {}
  for _, name in ipairs(operation.lists or {}) do set[name] = true end
  return set
end

local function unreadable_page(response)
  return failure.unreadable(response, "the answer is a page of HTML")
end

-- The root's name is not looked at: S3 and what speaks its protocol do not agree on it. A page of
-- HTML is an answer of something else.
local function parse_xml(operation, response)
  operation.list_set = operation.list_set or list_set(operation)
  local root, failed = failure.xml_root(response)
  if not root then return nil, failed end

  if root.name == "Error" then return nil, failure.from_xml(response) end
  if root.name:lower() == "html" then return nil, unreadable_page(response) end

  local output = value_of(operation, root)
  if type(output) ~= "table" then output = {} end
  return operation.output_member and { [operation.output_member] = output } or output
end

-- How XML and HTML begin: white space, a byte order mark, a tag.
local MARKUP = "^%s*\xEF?\xBB?\xBF?%s*<"

-- S3 may begin a long operation with status 200 and then find that it failed. An operation without
-- an XML answer has no body at all, unless it failed like that. A body that ends too early, or that
-- is a page of HTML, means a failure, too.
local function find_late_error(response)
  if not response.body or not response.body:find(MARKUP) then return nil end
  local root, failed = failure.xml_root(response)
  if not root then return failed end

  if root.name == "Error" then return failure.from_xml(response) end
  return root.name:lower() == "html" and unreadable_page(response) or nil
end

local function read_metadata(response, output)
  for name, value in sorted_pairs(response.headers) do
    local key = name:match("^x%-amz%-meta%-(.+)$")
    if key then
      output.Metadata = output.Metadata or {}
      output.Metadata[key] = value
    end
  end
end

function protocol.parse(_, operation, response)
  local output, problem = {}, nil
  if operation.xml_answer then
    output, problem = parse_xml(operation, response)
  elseif operation.output_payload then
    output[operation.output_payload] = response.body
    output.body_bytes = response.body_bytes
  else
    problem = find_late_error(response)
  end

  if problem then return nil, problem end

  output.status = operation.accepts and response.status or nil
  read_metadata(response, output)
  return rest.read_headers(operation, response, output)
end

function protocol.parse_error(response)
  if response.body and response.body ~= "" then return failure.from_xml(response) end
  local codes = {
    [304] = "NotModified",
    [400] = "BadRequest",
    [403] = "Forbidden",
    [404] = "NotFound",
    [412] = "PreconditionFailed",
    [503] = "SlowDown",
  }

  return failure.new(response, codes[response.status] or "Http" .. response.status,
    "the answer has no body")
end

return protocol
