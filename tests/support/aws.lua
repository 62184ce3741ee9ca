-- Clients against the signing front (tests/servers/signature_front.mjs), and its controls.
local aws = require("weir.aws")
local http = require("weir.http")
local json = require("weir.json")
local servers = require("support.servers")

local M = {}

M.front = servers.start("signature_front")

local function control(method, path, value)
  local response = assert(http.request({ method = method, url = M.front.url .. "/__test/" .. path,
    body = value and json.encode(value), timeout_ms = 5000 }))
  return assert(json.decode(response.body))
end

M.control = control

function M.reset() control("POST", "reset") end
function M.faults(...) control("POST", "faults", json.array({ ... })) end
function M.answers(answers) control("POST", "answers", answers) end
function M.clock(offset_s) control("POST", "clock", { offset_s = offset_s }) end
function M.requests() return control("GET", "requests") end

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

return M
