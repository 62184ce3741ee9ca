-- What a handler can call:
--
--   calls.declared(name, setting)   of weir's own handlers: their needs, filled in | nil
--   calls.observed(handler, event, set)   what a dry run of this event asks and plans, in order
--   calls.merged(all, seen)         `all`, but as `seen` where an operation was seen
--
-- Each is a list of requests as effects take them. setting(name) → text | nil.
local handlers = require "weir.handlers"
local make_effects = require "weir.effects"
local needs = require "weir.permissions.needs"
local permissions = require "weir.permissions"

local calls = {}

local function filled(input, setting)
  local copy = {}
  for member, value in pairs(input) do -- any order: copies one member at a time
    local name = type(value) == "string" and value:match("^%$([%w_]+)$")
    copy[member] = name and (setting(name) or permissions.placeholder(name)) or value
  end

  return copy
end

local function request_of(need, setting)
  local service, operation = need[1]:match("^([%w_]+)%.(%w+)$")
  local role = need.role and setting(need.role .. "_role_arn")
  return {
    service = service,
    operation = operation,
    input = filled(need[2], setting),
    role = role and { arn = role } or nil,
  }
end

local function holds(when, setting)
  if not when then return true end
  local value, wanted = setting(when[1]), when[2]
  if type(wanted) == "function" then return wanted(value) end

  return value == wanted
end

function calls.declared(name, setting)
  local declared = needs[name]
  if not declared then return nil end

  local list = {}
  for _, need in ipairs(declared) do
    if holds(need.when, setting) then list[#list + 1] = request_of(need, setting) end
  end

  return list
end

-- The effects of a dry run that also note what is only asked.
local function noting(effects, list)
  for _, name in ipairs { "call", "read" } do
    local original = effects[name]
    effects[name] = function(self, request)
      local answer = table.pack(original(self, request)) -- raises where the request is none
      list[#list + 1] = request
      return table.unpack(answer, 1, answer.n)
    end
  end

  return effects
end

-- The handler's own result or failure is of no interest: what it called is.
-- → requests, failure: { message =, code = "InvalidEvent" } of an event that is none,
-- "HandlerRaised" where it ended with an error of its own, and what it calls after that is unknown
function calls.observed(handler, event, set)
  local list, given = {}, {}
  if type(event) == "table" then
    for _, name in ipairs { "world", "config" } do
      given[name] = type(event[name]) == "table" and event[name] or nil
      event[name] = nil
    end
  end

  local effects = noting(make_effects.dry(given), list)
  local ok, report = pcall(handlers.run, handler, event, set, effects)
  if not ok then return list, { message = tostring(report), code = "HandlerRaised" } end

  return list, report.error
end

local function name_of(request) return request.service .. "." .. request.operation end

function calls.merged(all, seen)
  local known, list = {}, {}
  for _, request in ipairs(seen) do
    known[name_of(request)] = true
    list[#list + 1] = request
  end

  for _, request in ipairs(all) do
    if not known[name_of(request)] then list[#list + 1] = request end
  end

  return list
end

return calls
