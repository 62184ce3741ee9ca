-- Findings as SARIF 2.1.0, the format in which code scanning takes results of analysis tools.
-- Accepted findings are in it too, as suppressed: by a comment (inSource) or a baseline (external).
--
-- Columns count characters, from 1; weir's own count bytes.
local files = require "weir.files"
local findings = require "weir.findings"
local json = require "weir.json"
local process = require "weir.process"
local sha256 = require "weir.sha256"

local sarif = {}

local SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
local SOURCE_LIMIT = 16 * 1024 * 1024

-- A path as a URI reference: what has a meaning there is escaped.
local function uri(path)
  local text = path:gsub("[^%w%-._~/]", function(byte) return ("%%%02X"):format(byte:byte()) end)
  return path:sub(1, 1) == "/" and "file://" .. text or (text:gsub("^%./", ""))
end

local Report = {}
Report.__index = Report

function sarif.new()
  return setmetatable({
    rules = json.array({}),
    index = {},
    results = json.array({}),
    lines = {},
  }, Report)
end

function Report:rule(code)
  if self.index[code] then return self.index[code] end
  local entry = findings.entry(code)
  self.rules[#self.rules + 1] = {
    id = code,
    shortDescription = { text = entry.title },
    help = { text = findings.page(code), markdown = findings.page(code) },
    defaultConfiguration = { level = entry.severity },
  }

  self.index[code] = #self.rules - 1

  return self.index[code]
end

function Report:source_line(file, number)
  if not self.lines[file] then
    local list = {}
    local text = (files.read(file, SOURCE_LIMIT) or ""):gsub("\r\n?", "\n")
    for line in (text .. "\n"):gmatch("([^\n]*)\n") do list[#list + 1] = line end
    self.lines[file] = list
  end

  return self.lines[file][number] or ""
end

-- Characters in front of a byte of a line, and one: 1 for the first.
local function character_column(line, column)
  local before = line:sub(1, column - 1)
  return (utf8.len(before) or #before) + 1
end

function Report:region(finding)
  if finding.line == 0 then return nil end
  if not finding.column or finding.column == 0 then return { startLine = finding.line } end
  local line = self:source_line(finding.file, finding.line)

  return {
    startLine = finding.line,
    startColumn = character_column(line, finding.column),
    endColumn = character_column(line, finding.column + (finding.size or 1)),
  }
end

-- Adds a finding; `suppressed` is nil, "inSource" or "external".
function Report:add(finding, suppressed)
  local text = finding.message .. (finding.hint and "; " .. finding.hint or "")
  self.results[#self.results + 1] = {
    ruleId = finding.code,
    ruleIndex = self:rule(finding.code),
    level = finding.severity,
    message = { text = text },
    locations = json.array { {
      physicalLocation = {
        artifactLocation = { uri = uri(finding.file) },
        region = self:region(finding),
      },
    } },
    partialFingerprints = {
      ["weirFinding/v1"] = sha256.hex(table.concat({ finding.file, finding.code, finding.message },
        "\0")),
    },
    suppressions = suppressed and json.array { {
      kind = suppressed,
      justification = finding.reason,
    } } or nil,
  }
end

-- render(status) → the document, one line of ASCII; status is that of the verb.
function Report:render(status)
  return json.encode({
    version = "2.1.0",
    ["$schema"] = SCHEMA,
    runs = json.array { {
      tool = { driver = { name = "weir", version = process.version, rules = self.rules } },
      columnKind = "unicodeCodePoints",
      invocations = json.array { { executionSuccessful = true, exitCode = status } },
      results = self.results,
    } },
  }, { ascii = true })
end

return sarif
