-- Results of `weir test` as JUnit XML, which continuous integration shows: one test suite a kind,
-- one test case an example. Times are in seconds.
local terminal = require "weir.cli.terminal"

local junit = {}

local ENTITIES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

-- XML knows neither control characters nor U+FFFE and U+FFFF, not even escaped.
local function xml(text)
  local printable = terminal.printable(text):gsub("\xef\xbf[\xbe\xbf]", "\u{fffd}")
  return (printable:gsub('[&<>"]', ENTITIES))
end

local function seconds(results)
  local sum = 0
  for _, result in ipairs(results) do sum = sum + (result.eval_us or 0) end
  return ("%.6f"):format(sum / 1e6)
end

local function count_failed(results)
  local failed = 0
  for _, result in ipairs(results) do failed = failed + (result.passed and 0 or 1) end
  return failed
end

-- The attributes that suites and the whole have in common.
local function totals(name, results)
  return ('name="%s" tests="%d" failures="%d" errors="0" skipped="0" time="%s"'):format(xml(name),
    #results, count_failed(results), seconds(results))
end

local function test_case(result)
  local case = result.case
  local open = ('    <testcase name="%s" classname="%s" file="%s" line="%d" time="%s"'):format(
    xml(case.name), xml(case.kind), xml(case.file), case.line, seconds { result })
  if result.passed then return open .. "/>\n" end

  local details = {}
  for _, text in ipairs(result.details) do details[#details + 1] = xml(text) end

  return ('%s>\n      <failure type="%s" message="%s">%s</failure>\n    </testcase>\n'):format(open,
    xml(result.code), xml(result.shown), table.concat(details, "\n"))
end

-- The results by kind, in the order in which the kinds come first.
local function suites(results)
  local list, by_kind = {}, {}
  for _, result in ipairs(results) do
    local kind = result.case.kind
    if not by_kind[kind] then
      by_kind[kind] = {}
      list[#list + 1] = { kind = kind, results = by_kind[kind] }
    end

    table.insert(by_kind[kind], result)
  end

  return list
end

-- render(results) → the document. Of a failed result `shown` is its message without secrets, and
-- `details` are the lines that explain it.
function junit.render(results)
  local parts = {
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    ("<testsuites %s>\n"):format(totals("weir test", results)),
  }

  for _, suite in ipairs(suites(results)) do
    parts[#parts + 1] = ("  <testsuite %s>\n"):format(totals(suite.kind, suite.results))
    for _, result in ipairs(suite.results) do parts[#parts + 1] = test_case(result) end
    parts[#parts + 1] = "  </testsuite>\n"
  end

  parts[#parts + 1] = "</testsuites>\n"

  return table.concat(parts)
end

return junit
