-- AWS clients. A service is data (lua/weir/aws/<service>.lua):
--
--   client.service {
--     name = "stepfunctions",   -- in messages and plans
--     id = "SFN",               -- in AWS_ENDPOINT_URL_SFN
--     host = "states",          -- states.eu-west-1.amazonaws.com
--     signing_name = "states", protocol = "json", …,
--     operations = {
--       StartExecution = { members = "stateMachineArn* name input", changes = true },
--     },
--   }
--
-- gives a module with new(config). A client answers each operation under its own name and in Lua's
-- spelling: client:call("StartExecution", input) and client:start_execution(input), both
-- → output | nil, message, code, details{ request_id =, status =, attempts =, fields =, headers =?
-- }.
-- The members of input and output are AWS's, spelled as AWS spells them; `*` marks the required.
--
-- A service with secret_replies = true decodes its replies from a secret: a secret inside of a
-- reply is never a Lua string.
local configuration = require "weir.aws.configuration"
local credentials = require "weir.aws.credentials"
local operation = require "weir.aws.operation"
local pages = require "weir.aws.pages"
local process = require "weir.process"
local profiles = require "weir.aws.profiles"
local retry = require "weir.aws.retry"
local send = require "weir.aws.send"
local sorted_pairs = require "weir.sorted_pairs"

local client = {}

local CONFIG_KEYS = {
  "region", "endpoint", "credentials", "profile", "role", "timeout_ms", "connect_timeout_ms",
  "deadline_ms", "max_attempts", "retrier", "getenv",
}
local CALL_OPTIONS = { "deadline_ms" }

local function check_keys(given, allowed, what, level)
  local known = {}
  for _, name in ipairs(allowed) do known[name] = true end
  for key in sorted_pairs(given) do
    if not known[key] then
      error(("unknown key '%s' in %s (allowed: %s)"):format(tostring(key), what,
        table.concat(allowed, ", ")), level + 1)
    end
  end
end

local Client = {}

-- deadline(options of a call) → the nearest of the call's, the client's and the invocation's | nil
function Client:deadline(options)
  local own = self.config.deadline_ms
  if type(own) == "function" then own = own() end
  local nearest = math.min(options and options.deadline_ms or math.huge, own or math.huge,
    process.deadline() or math.huge)
  return nearest < math.huge and math.floor(nearest) or nil
end

-- call(operation, input, options{deadline_ms=}) → output | nil, message, code, details
function Client:call(name, input, options)
  local asked = operation.find(self.service, name)
  input = input or {}
  operation.check_input(self.service, asked, input)
  check_keys(options or {}, CALL_OPTIONS, "the options of a call", 3)

  return send(self, asked, input, self:deadline(options))
end

-- The same for a request that check() has seen.
function Client:call_checked(name, input, deadline_ms)
  return send(self, self.service.operations[name], input,
    self:deadline { deadline_ms = deadline_ms })
end

-- for page, message, code, details in client:pages("Query", input) do … end
-- A page that fails is `false` with its reason, and is the last one.
function Client:pages(name, input)
  local asked = self.service.operations[name]
  if not (asked and asked.paging) then
    error(("%s %s has no pages"):format(self.service.name, tostring(name)), 2)
  end

  return pages(asked, input, function(given) return self:call(name, given) end)
end

-- all("ListTags", input) → every item of every page | nil, message, code, details
function Client:all(name, input)
  local items = {}
  for page, message, code, details in self:pages(name, input) do
    if not page then return nil, message, code, details end
    local found = page[self.service.operations[name].paging.items]
    if type(found) == "table" then table.move(found, 1, #found, #items + 1, items) end
  end

  return items
end

local function new(service, config)
  config = config or {}
  check_keys(config, CONFIG_KEYS, service.name .. ".new", 3)
  local self = setmetatable({ service = service, config = config }, service.metatable)
  self.configuration = configuration.new(config)
  self.provider = credentials.provider(config)

  local getenv = self.configuration.getenv
  local ca_bundle = getenv("AWS_CA_BUNDLE")
  self.ca_bundle = ca_bundle and profiles.expand(ca_bundle, getenv)
  self.retrier = config.retrier or retry.new {
    max_attempts = config.max_attempts or tonumber(getenv("AWS_MAX_ATTEMPTS") or "")
      or service.max_attempts,
    base_ms = service.retry_base_ms,
  }

  return self
end

-- service(definition) → module:
--   new(config)         → client
--   check(name, input)  raises where a call would; → the operation
--   service, methods    the definition, and what its clients answer to
function client.service(service)
  service.protocol = require("weir.aws.protocols." .. service.protocol)
  local methods = {}
  for name, method in pairs(Client) do -- any order: copies one key at a time
    methods[name] = method
  end

  for name, each in pairs(service.operations) do -- any order: completes each by itself
    operation.complete(each, name, service)
    methods[operation.lua_name(name)] = function(self, input, options)
      return self:call(name, input, options)
    end
  end

  service.metatable = { __index = methods }
  local function check(name, input)
    local asked = operation.find(service, name)
    operation.check_input(service, asked, input)
    return asked
  end

  return { service = service, methods = methods, check = check,
    new = function(config) return new(service, config) end }
end

return client
