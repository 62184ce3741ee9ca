-- Takes secrets out of what is about to be printed: the value of every key whose name says that it
-- is one (weir.secret.names), however deep.
local json = require "weir.json"
local secret = require "weir.secret"

local redact = { MARK = "[redacted]" }

function redact.is_secret(name) return type(name) == "string" and secret.names(name) end

-- A presigned URL signs whoever holds it in.
local function without_signature(text)
  if not text:find("[?&]") then return text end
  return (text:gsub("([?&][%w%-]*)(=[^&%s]*)", function(name, value)
    if redact.is_secret(name) then return name .. "=" .. redact.MARK end
    return name .. value
  end))
end

local function copy_without(value, text)
  if type(value) == "string" then return text(value) end
  if type(value) ~= "table" then return value end
  local copy = json.is_array(value) and json.array({}) or {}
  for key, item in pairs(value) do
    local hidden = redact.is_secret(key) and item ~= json.null
    copy[key] = hidden and redact.MARK or copy_without(item, text)
  end
  return copy
end

local function same(text) return text end

-- A copy of a JSON value for deciding on: without its secret members, all texts as they are.
function redact.members(value) return copy_without(value, same) end

-- A copy for showing: secrets inside of URLs are taken out too.
function redact.value(value) return copy_without(value, without_signature) end

-- A text without what `value` keeps secret, however deep in it.
function redact.text(text, value)
  if secret.is(value) and type(text) == "string" then return secret.hide(text, value) end
  if type(value) ~= "table" or type(text) ~= "string" then return text end
  for _, item in pairs(value) do text = redact.text(text, item) end
  return text
end

return redact
