-- Findings as GitHub's workflow commands, which it shows beside the lines of a pull request:
--   ::error file=policies/routing.lua,line=19,col=60,title=W101::facts of kind routing have no …
local annotations = {}

local IN_MESSAGE = { ["%"] = "%25", ["\r"] = "%0D", ["\n"] = "%0A" }
local IN_PROPERTY = { ["%"] = "%25", ["\r"] = "%0D", ["\n"] = "%0A", [":"] = "%3A", [","] = "%2C" }

local function property(name, value)
  if not value or value == 0 then return nil end
  return name .. "=" .. tostring(value):gsub("[%%\r\n:,]", IN_PROPERTY)
end

-- line(finding) → one command
function annotations.line(finding)
  local parts = {}
  local function add(text) parts[#parts + 1] = text end
  add(property("file", finding.file))
  add(property("line", finding.line))
  add(property("col", finding.column))
  add(property("endColumn", finding.column and finding.column > 0 and finding.size
    and finding.column + finding.size))
  add(property("title", finding.code))

  local message = finding.message .. (finding.hint and "; " .. finding.hint or "")

  return ("::%s %s::%s"):format(finding.severity, table.concat(parts, ","),
    (message:gsub("[%%\r\n]", IN_MESSAGE)))
end

return annotations
