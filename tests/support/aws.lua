-- Clients against the signing front (tests/servers/signature_front.mjs), and its controls.
--
--   aws.client(service, config) → client       aws.create_table(definition)
--   aws.effects(settings, more, client) → live effects; settings() → those of the function, by
--                                 name; more: members of the effects; client: of its clients
--   aws.variables(more) → environment variables of a program that shall reach the front
--   aws.requested(operation) → the requests for it since the last reset; aws.inputs: their inputs
--   aws.control(method, path, value) → answer of the front's own calls below /__test/
local aws = require("weir.aws")
local effects = require("weir.effects")
local http = require("weir.http")
local json = require("weir.json")
local servers = require("support.servers")

local M = {}

M.front = servers.start("signature_front")

local function control(method, path, value)
  local response = assert(http.request {
    method = method,
    url = M.front.url .. "/__test/" .. path,
    body = value and json.encode(value),
    timeout_ms = 60000,
  })

  assert(response.status == 200, response.body)
  return assert(json.decode(response.body))
end

M.control = control

function M.reset() control("POST", "reset") end
function M.faults(...) control("POST", "faults", json.array({ ... })) end
function M.answers(answers) control("POST", "answers", answers) end
function M.clock(offset_s) control("POST", "clock", { offset_s = offset_s }) end
function M.requests() return control("GET", "requests") end

function M.requested(operation)
  local found = {}
  for _, request in ipairs(M.requests()) do
    if request.operation == operation then found[#found + 1] = request end
  end

  return found
end

function M.inputs(operation)
  local inputs = {}
  for i, request in ipairs(M.requested(operation)) do inputs[i] = request.input end
  return inputs
end

-- An environment without the machine's own settings.
function M.environment(more)
  local values = { AWS_ENDPOINT_URL = M.front.url, AWS_REGION = "eu-west-1", HOME = "/nowhere" }
  for name, value in pairs(more or {}) do values[name] = value or nil end
  return function(name) return values[name] end
end

M.credentials = { access_key_id = M.front.key_id, secret_access_key = M.front.secret }

function M.client(service, more)
  local config = { credentials = M.credentials, getenv = M.environment() }
  for key, value in pairs(more or {}) do config[key] = value end
  return aws.client(service, config)
end

function M.variables(more)
  local variables = {
    AWS_ENDPOINT_URL = M.front.url,
    AWS_REGION = "eu-west-1",
    AWS_ACCESS_KEY_ID = M.front.key_id,
    AWS_SECRET_ACCESS_KEY = M.front.secret,
    HOME = "/nowhere",
  }

  for name, value in pairs(more or {}) do variables[name] = value end
  return variables
end

function M.effects(settings, more, client)
  local config = { credentials = M.credentials, getenv = M.environment() }
  for name, value in pairs(client or {}) do config[name] = value end
  local live = effects.live({ client = config })
  function live.setting(_, name, default)
    local value = settings()[name] or default
    if value then return value end
    return nil, name .. " is missing", "NotConfigured"
  end

  for name, value in pairs(more or {}) do live[name] = value end
  return live
end

function M.create_table(definition)
  local db, name = M.client("dynamodb"), definition.TableName
  if db:describe_table { TableName = name } then return end
  assert(db:create_table(definition))
  repeat
    local described = assert(db:describe_table { TableName = name })
  until described.Table.TableStatus == "ACTIVE"
end

return M
