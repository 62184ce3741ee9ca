-- Carries out the effects of handlers through the clients, and checks them where they are only
-- planned, so that a dry run stumbles over the same mistakes as a live one.
--
-- An effect is
--   { service = "stepfunctions", operation = "StartExecution", target =, input =, role =?,
--     attempts =?, within_ms =?, region =? }
local answers = require "weir.aws.dry_answers"
local aws = require "weir.aws"
local credentials = require "weir.aws.credentials"
local json = require "weir.json"
local process = require "weir.process"
local redact = require "weir.redact"
local secret = require "weir.secret"

local executor = {}

local function name_of(effect) return effect.service .. " " .. effect.operation end

-- Raises unless the effect is one that the clients know and its input has the operation's members.
-- `changes`: whether it was asked for as something that changes the world. → the operation
function executor.check(effect, changes)
  local module = aws.service(effect.service)
  if not module then
    error(("no AWS service '%s'; there are %s"):format(effect.service,
      table.concat(aws.services, ", ")), 4)
  end

  local operation = module.check(effect.operation, effect.input)
  if changes and not operation.changes then
    error(name_of(effect) .. " changes nothing; ask for it with effects:read", 4)
  elseif not changes and operation.changes then
    error(name_of(effect) .. " changes something; ask for it with effects:call", 4)
  end

  credentials.roles(effect.role)

  return operation
end

-- A plan shows texts up to this size; of longer ones, and of bytes, it shows how many there are.
local SHOWN_MAX = 65536

-- What a plan may show: secrets by type and by name are taken out, other userdata becomes its text.
local function plain(value)
  if type(value) == "string" and (#value > SHOWN_MAX or not utf8.len(value)) then
    return ("(%d bytes)"):format(#value)
  end

  if secret.is(value) then return redact.MARK end
  if type(value) == "userdata" and value ~= json.null then return tostring(value) end
  if type(value) ~= "table" then return value end
  local copy = json.is_array(value) and json.array({}) or {}
  for key, item in pairs(value) do -- any order: copies one key at a time
    copy[key] = plain(item)
  end

  return copy
end

-- The role that the call is made with: of a list, the last.
function executor.planned(effect)
  local roles = credentials.roles(effect.role)
  return {
    service = effect.service,
    operation = effect.operation,
    target = redact.value(effect.target),
    role = #roles > 0 and roles[#roles].arn or nil,
    region = effect.region,
    input = redact.value(plain(effect.input)),
  }
end

function executor.plausible_answer(effect)
  local answer = answers[effect.service .. "." .. effect.operation]
  return answer and answer(effect) or {}
end

local Executor = {}
Executor.__index = Executor

-- new(config): the configuration of every client it makes (see weir.aws.client).
function executor.new(config)
  return setmetatable({ config = config or {}, clients = {} }, Executor)
end

local function role_key(role)
  return json.encode(credentials.roles(role), { sort = true })
end

-- One client for each service, role, number of attempts and region: its connections and retry quota
-- last.
local function client_for(self, effect)
  local key = ("%s\0%s\0%s\0%s"):format(effect.service, role_key(effect.role), effect.attempts,
    effect.region)
  if not self.clients[key] then
    local config = {}
    for name, value in pairs(self.config) do -- any order: copies one key at a time
      config[name] = value
    end

    config.role = effect.role or config.role
    config.region = effect.region or config.region
    config.max_attempts = effect.attempts or config.max_attempts
    self.clients[key] = aws.client(effect.service, config)
  end

  return self.clients[key]
end

-- perform(effect) → output | nil, message, code, details. The effect was checked.
function Executor:perform(effect)
  local deadline_ms = effect.within_ms and process.time() + effect.within_ms
  return client_for(self, effect):call_checked(effect.operation, effect.input, deadline_ms)
end

return executor
