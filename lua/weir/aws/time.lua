-- The two forms of time in replies, as epoch milliseconds and without the machine's time zone.
local time = {}

local MONTHS = {
  Jan = 1,
  Feb = 2,
  Mar = 3,
  Apr = 4,
  May = 5,
  Jun = 6,
  Jul = 7,
  Aug = 8,
  Sep = 9,
  Oct = 10,
  Nov = 11,
  Dec = 12,
}

-- Days from 1970-01-01 to a date of the Gregorian calendar.
local function days_since_epoch(year, month, day)
  if month <= 2 then year, month = year - 1, month + 12 end
  local leap_days = year // 4 - year // 100 + year // 400
  return 365 * year + leap_days + (153 * (month - 3) + 2) // 5 + day - 719469
end

local function epoch_ms(year, month, day, hour, minute, second)
  year, month, day = math.tointeger(year), math.tointeger(month), math.tointeger(day)
  if not month or month < 1 or month > 12 or day < 1 or day > 31 then return nil end
  local seconds = days_since_epoch(year, month, day) * 86400 + hour * 3600 + minute * 60

  return math.floor((seconds + second) * 1000)
end

-- "Mon, 23 Nov 2026 12:00:00 GMT" → epoch milliseconds, or nil.
function time.parse_http_date(text)
  local pattern = "^%a%a%a, (%d%d) (%a%a%a) (%d%d%d%d) (%d%d):(%d%d):(%d%d) GMT$"
  local day, month, year, hour, minute, second = (text or ""):match(pattern)
  return day and epoch_ms(year, MONTHS[month], day, hour, minute, second)
end

-- "2026-11-23T12:00:00Z", with a fraction or a zone like +01:00 if need be → the same, or nil.
function time.parse_iso8601(text)
  if type(text) ~= "string" then return nil end
  local year, month, day, hour, minute, second, zone =
    text:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)[Tt ](%d%d):(%d%d):(%d%d%.?%d*)(.*)$")
  if not year or #second > 16 then return nil end
  local ms = epoch_ms(year, month, day, hour, minute, tonumber(second))
  if zone == "Z" or zone == "z" then return ms end
  local sign, hours, minutes = zone:match("^([+-])(%d%d):?(%d%d)$")
  if not sign or not ms then return nil end
  local shift = (hours * 60 + minutes) * 60000

  return sign == "+" and ms - shift or ms + shift
end

return time
