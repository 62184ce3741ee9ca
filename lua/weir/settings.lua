-- Settings of handlers by type. Missing and wrong are two things: what is missing has a default, or
-- is "NotConfigured" (in a dry run "Unknown"); what is there and wrong is "InvalidSetting", never a
-- default.
--
--   settings.text(effects, "model_name"[, default])
--   settings.choice(effects, "token_storage_mode", { "dynamodb", "direct" }, "dynamodb")
--   settings.integer(effects, "instance_count", { min = 1, max = 100 }, 1)
--   settings.flag(effects, "mock_mode", false)
--
-- Each → value | nil, message, code. A setting that must be there has a stand-in in a dry run:
--   settings.needed(effects, "state_machine")   "(state_machine is not set)"
local effects_module = require "weir.effects"

local settings = {}

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

function settings.choice(effects, name, choices, default)
  local value, message, code = effects:setting(name, default)
  if not value then return nil, message, code end
  for _, choice in ipairs(choices) do
    if value == choice then return value end
  end

  return invalid(name, value, "one of " .. table.concat(choices, ", "))
end

function settings.integer(effects, name, range, default)
  local value, message, code = effects:setting(name, default and tostring(default))
  if not value then return nil, message, code end
  local number = value:find("^%-?%d+$") and math.tointeger(tonumber(value))
  if number and number >= range.min and number <= range.max then return number end

  return invalid(name, value, ("a whole number from %d to %d"):format(range.min, range.max))
end

local FLAGS = { ["true"] = true, ["1"] = true, ["false"] = false, ["0"] = false }

function settings.flag(effects, name, default)
  local value = effects:setting(name, tostring(default))
  local flag = FLAGS[value:lower()]
  if flag == nil then return invalid(name, value, "true or false") end

  return flag
end

return settings
