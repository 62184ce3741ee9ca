-- Settings of handlers by type. Missing and wrong are two things: what is missing has a default, or
-- is "NotConfigured" (in a dry run "Unknown"); what is there and wrong is "InvalidSetting", never a
-- default.
--
--   settings.text(effects, "model_name"[, default])
--   settings.choice(effects, "token_storage_mode")
--   settings.integer(effects, "instance_count")
--   settings.flag(effects, "mock_mode")
--
-- Each → value | nil, message, code. Type, bounds and default are those of weir.setting_specs; a
-- last argument, { default =, min =, max =, values = }, says otherwise.
-- A setting that must be there has a stand-in in a dry run:
--   settings.needed(effects, "state_machine")   "(state_machine is not set)"
local effects_module = require "weir.effects"

local setting_specs = require "weir.setting_specs"

local settings = {}

-- A mistake in a handler, not in the world: raises.
local function spec_of(name, type, given)
  local spec = setting_specs[name]
  if not given and (not spec or spec.type ~= type) then
    error(("weir.setting_specs has no %s '%s'"):format(type, name), 3)
  end

  spec = spec or {}
  given = given or {}
  local default = given.default
  if default == nil then default = spec.default end

  return {
    default = default,
    min = given.min or spec.min,
    max = given.max or spec.max,
    values = given.values or spec.values,
  }
end

local function invalid(name, value, allowed)
  return nil, ("the setting %s is '%s', not %s; set %s"):format(name, value, allowed,
    effects_module.variables(name)), "InvalidSetting"
end

function settings.text(effects, name, default) return effects:setting(name, default) end

function settings.needed(effects, name)
  local value, message, code = effects:setting(name)
  if value then return value end
  if effects.dry then return ("(%s is not set)"):format(name) end

  return nil, message, code
end

function settings.choice(effects, name, given)
  local spec = spec_of(name, "choice", given)
  local value, message, code = effects:setting(name, spec.default)
  if not value then return nil, message, code end
  for _, choice in ipairs(spec.values) do
    if value == choice then return value end
  end

  return invalid(name, value, "one of " .. table.concat(spec.values, ", "))
end

function settings.integer(effects, name, given)
  local spec = spec_of(name, "integer", given)
  local value, message, code = effects:setting(name, spec.default and tostring(spec.default))
  if not value then return nil, message, code end
  local number = value:find("^%-?%d+$") and math.tointeger(tonumber(value))
  if number and number >= spec.min and number <= spec.max then return number end

  return invalid(name, value, ("a whole number from %d to %d"):format(spec.min, spec.max))
end

local FLAGS = { ["true"] = true, ["1"] = true, ["false"] = false, ["0"] = false }

function settings.flag(effects, name, given)
  local value = effects:setting(name, tostring(spec_of(name, "flag", given).default))
  local flag = FLAGS[value:lower()]
  if flag == nil then return invalid(name, value, "true or false") end

  return flag
end

return settings
