-- Log events in the forms in which CloudWatch Logs and its tools give them away. Every form is a
-- function from a list of events, { time = milliseconds, message = text }, to the text of a file.
local json = require "weir.json"

local STREAM = "2026/11/22/[$LATEST]0123456789abcdef0123456789abcdef"

local function each(events, format)
  local parts = {}
  for i, event in ipairs(events) do parts[i] = format(event, i) end
  return table.concat(parts)
end

local function date(event, format) return os.date("!" .. format, event.time // 1000) end

local function milliseconds(event) return ("%03d"):format(event.time % 1000) end

-- As Python's json.dumps(value, indent=4).
local function pretty(value, indent)
  if type(value) ~= "table" or value == json.null then
    return json.encode(value, { ascii = true })
  end

  local inner, parts = indent .. "    ", {}
  local open, close = "{", "}"

  if json.is_array(value) then
    open, close = "[", "]"
    for i, item in ipairs(value) do parts[i] = inner .. pretty(item, inner) end
  else
    local names = {}
    for name in pairs(value) do names[#names + 1] = name end
    table.sort(names)
    for i, name in ipairs(names) do
      parts[i] = inner .. json.encode(name, { ascii = true }) .. ": " .. pretty(value[name], inner)
    end
  end

  if #parts == 0 then return open .. close end

  return open .. "\n" .. table.concat(parts, ",\n") .. "\n" .. indent .. close
end

-- What `aws logs tail --format json` makes of a message.
local function pretty_message(message)
  local value = message:find("^%s*{") and json.decode(message)
  return value and "\n" .. pretty(value, "") or message
end

local function csv_field(text)
  if not text:find('[",\r\n]') then return text end
  return '"' .. text:gsub('"', '""') .. '"'
end

local exports = { pretty = pretty }

-- Lines -----------------------------------------------------------------------------------------

exports["the runtime's own output"] = function(events)
  return each(events, function(event) return event.message .. "\n" end)
end

exports["an export to S3"] = function(events)
  return each(events, function(event)
    return date(event, "%Y-%m-%dT%H:%M:%S.") .. milliseconds(event) .. "Z " .. event.message .. "\n"
  end)
end

exports["aws logs tail --format short"] = function(events)
  return each(events, function(event)
    return date(event, "%Y-%m-%dT%H:%M:%S ") .. event.message .. "\n"
  end)
end

exports["aws logs tail --format detailed"] = function(events)
  return each(events, function(event)
    return ("%s.%s000+00:00 %s %s\n"):format(date(event, "%Y-%m-%dT%H:%M:%S"), milliseconds(event),
      STREAM, event.message)
  end)
end

exports["aws logs tail --color on"] = function(events)
  return each(events, function(event)
    return ("\27[32m%s.%s000+00:00\27[0m \27[36m%s\27[0m %s\n"):format(
      date(event, "%Y-%m-%dT%H:%M:%S"), milliseconds(event), STREAM, event.message)
  end)
end

exports["aws logs tail --format json"] = function(events)
  return each(events, function(event)
    local fraction = event.time % 1000 ~= 0 and "." .. milliseconds(event) .. "000" or ""
    return ("%s%s+00:00 %s %s\n"):format(date(event, "%Y-%m-%dT%H:%M:%S"), fraction, STREAM,
      pretty_message(event.message))
  end)
end

exports["sam logs"] = function(events)
  return each(events, function(event)
    return ("%s %s.%s000 %s\n"):format(STREAM, date(event, "%Y-%m-%dT%H:%M:%S"),
      milliseconds(event),
      (pretty_message(event.message):gsub("^\n", "")))
  end)
end

exports["docker compose logs"] = function(events)
  return each(events, function(event) return "weir-1  | " .. event.message .. "\n" end)
end

exports["journalctl"] = function(events)
  return each(events, function(event)
    return date(event, "%b %d %H:%M:%S") .. " host weir[17]: " .. event.message .. "\n"
  end)
end

exports["a log event a line"] = function(events)
  return each(events, function(event)
    return json.encode { timestamp = event.time, message = event.message .. "\n" } .. "\n"
  end)
end

exports["messages as JSON texts"] = function(events)
  return each(events, function(event) return json.encode(event.message) .. "\n" end)
end

-- Documents -------------------------------------------------------------------------------------

local function filtered(events)
  local list = json.array {}
  for i, event in ipairs(events) do
    list[i] = {
      logStreamName = STREAM,
      timestamp = event.time,
      message = event.message .. "\n",
      ingestionTime = event.time + 17,
      eventId = ("3861%052d"):format(i),
    }
  end

  return list
end

exports["aws logs filter-log-events"] = function(events)
  return pretty({ events = filtered(events), searchedLogStreams = json.array {} }, "") .. "\n"
end

exports["aws logs filter-log-events, compact"] = function(events)
  return json.encode { events = filtered(events), searchedLogStreams = json.array {} }
end

exports["aws logs filter-log-events --query events[].message"] = function(events)
  local list = json.array {}
  for i, event in ipairs(events) do list[i] = event.message .. "\n" end
  return pretty(list, "") .. "\n"
end

exports["aws logs filter-log-events --query events[].[timestamp,message]"] = function(events)
  local list = json.array {}
  for i, event in ipairs(events) do list[i] = json.array { event.time, event.message .. "\n" } end
  return pretty(list, "") .. "\n"
end

local function results_of(events)
  local results = json.array {}
  for i, event in ipairs(events) do
    results[i] = json.array {
      { field = "@timestamp", value = date(event, "%Y-%m-%d %H:%M:%S.") .. milliseconds(event) },
      { field = "@message", value = event.message .. "\n" },
      { field = "@ptr", value = "CmEKJgoi" .. i },
    }
  end

  return results
end

exports["aws logs get-query-results --query results"] = function(events)
  return pretty(results_of(events), "") .. "\n"
end

exports["aws logs get-query-results"] = function(events)
  return pretty({
    queryLanguage = "CWLI",
    results = results_of(events),
    statistics = { recordsMatched = #events + 0.0, recordsScanned = 9000.0, bytesScanned = 1e6 },
    status = "Complete",
  }, "") .. "\n"
end

exports["what a subscription delivers"] = function(events)
  return each(events, function(event, i)
    local list = json.array {
      { id = tostring(i), timestamp = event.time, message = event.message .. "\n" },
    }

    return json.encode { messageType = "DATA_MESSAGE", owner = "111122223333", logStream = STREAM,
      logEvents = list }
  end)
end

exports["a CSV export of a log stream"] = function(events)
  return "timestamp,message\n" .. each(events, function(event)
    return event.time .. "," .. csv_field(event.message .. "\n") .. "\n"
  end)
end

exports["a CSV export of Logs Insights"] = function(events)
  return "\xef\xbb\xbf@timestamp,@message,@logStream\r\n" .. each(events, function(event)
    return ("%s.%s,%s,%s\r\n"):format(date(event, "%Y-%m-%d %H:%M:%S"), milliseconds(event),
      csv_field(event.message), csv_field(STREAM))
  end)
end

return exports
