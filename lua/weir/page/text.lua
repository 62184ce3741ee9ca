-- Texts and numbers of a page. Whatever comes from policies, recordings or names is hostile:
-- nothing reaches a page but through here, where neither markup nor an invisible character
-- survives.
local json = require "weir.json"
local terminal = require "weir.cli.terminal"

local text = {}

local ENTITIES = {
  ["&"] = "&amp;",
  ["<"] = "&lt;",
  [">"] = "&gt;",
  ['"'] = "&quot;",
  ["'"] = "&#39;",
}

-- Any value as text between tags or in a quoted attribute. Control characters, and those that are
-- invisible or turn the direction of writing, are spelled out (terminal.printable).
function text.html(value) return (terminal.printable(value):gsub("[&<>\"']", ENTITIES)) end

-- The same spelling for what page.js shows as plain text.
text.printable = terminal.printable

-- At most `limit` characters of a text, not yet for HTML.
function text.cut(value, limit) return terminal.excerpt(value, limit) end

local function unicode(character) return ("\\u%04x"):format(character:byte()) end

-- A value as JSON that may stand inside a script element: pure ASCII, without <, > and &.
function text.json(value)
  return (json.encode(value, { ascii = true }):gsub("[<>&]", unicode))
end

-- number(1234.5, 1) → "1,234.5"; number(-3) → "−3", with the sign of typography; nil → "–", no
-- data.
function text.number(value, digits)
  if value == nil or value ~= value then return "–" end
  if value == math.huge then return "∞" end
  if value == -math.huge then return "−∞" end
  local shown = terminal.thousands(("%." .. (digits or 0) .. "f"):format(value))
  if not shown:find("[1-9]") then shown = shown:gsub("^%-", "") end

  return (shown:gsub("^%-", "−"))
end

-- A number as short as it can be told: 0.001, 600; any other value as it is.
function text.plain(value)
  if math.type(value) == "float" then return (("%.10g"):format(value)) end
  return tostring(value)
end

-- change(308) → "+308"; change(0) → "0".
function text.change(value, digits)
  local shown = text.number(value, digits)
  return value and value > 0 and shown:find("[1-9]") and "+" .. shown or shown
end

-- percent(1, 3) → "33.3 %". A share that is not zero is never shown as zero.
function text.percent(part, whole)
  if not part or not whole or whole == 0 then return "–" end
  local share = part * 100 / whole
  if share > 0 and share < 0.05 then return "below 0.1 %" end
  if share < 100 and share >= 99.95 then return "above 99.9 %" end

  return text.number(share, 1) .. " %"
end

-- interval({ share =, low =, high = }) → "73.1 %", "63.0 to 83.0 %"
function text.interval(share)
  return ("%.1f %%"):format(share.share * 100),
    ("%.1f to %.1f %%"):format(share.low * 100, share.high * 100)
end

-- Hours with one digit, a dash for none.
function text.hours(value) return value and text.number(value, 1) or "–" end

-- Epoch seconds as "2026-11-20 08:05", in UTC.
function text.time(seconds) return os.date("!%Y-%m-%d %H:%M", seconds // 1) end

-- "2026-11-20T08:05:00.000Z" → epoch seconds; nil for anything else.
function text.seconds(timestamp)
  local year, month, day, hour, minute, second = (timestamp or ""):match(
    "^(%d%d%d%d)%-(%d%d)%-(%d%d)[T ](%d%d):(%d%d):(%d%d)[%d.]*Z$")
  if not year then return nil end
  year, month = tonumber(year), tonumber(month)

  -- Days since 1970, counted from March, so that the leap day is the last of its year.
  if month < 3 then year = year - 1 end
  local of_year = (153 * ((month + 9) % 12) + 2) // 5 + tonumber(day) - 1
  local days = year * 365 + year // 4 - year // 100 + year // 400 + of_year - 719468

  return days * 86400 + tonumber(hour) * 3600 + tonumber(minute) * 60 + tonumber(second)
end

-- At most `most` elements of a list, evenly spaced, its first and its last among them.
function text.thin(list, most)
  if #list <= most then return list end
  local thinned = {}
  for i = 1, most do thinned[i] = list[1 + (i - 1) * (#list - 1) // (most - 1)] end

  return thinned
end

return text
