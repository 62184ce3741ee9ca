-- Every finding of `weir check`: what its code means, an example that shows it, the example
-- mended. `weir help CODE` prints a page; docs/findings/ holds the same pages as files (written by
-- tests/support/write_finding_pages.lua, and the tests compare them).
--
-- W0xx come from loading and verifying (host/), W1xx and W2xx from reading the source (lint.lua),
-- W3xx from estate files (weir.deploy.estate), which the layer does not read. The layer goes
-- without the examples, too.
local is_carried = require "weir.is_carried"

local findings = {}

local entries, codes = {}, {}

-- What a module of findings returns; nothing where it is not carried.
local function part(name)
  local module = "weir.findings." .. name
  return is_carried(module) and require(module) or {}
end

for _, name in ipairs { "load", "source", "estate" } do
  local examples = part("examples." .. name)
  for _, entry in ipairs(part(name)) do
    entry.example = examples[entry.code]
    entries[entry.code] = entry
    codes[#codes + 1] = entry.code
  end
end

-- All codes, in order.
function findings.codes() return codes end

function findings.entry(code) return entries[code] end

-- "error" or "warning".
function findings.severity(code) return entries[code].severity end

-- Prose is written in indented lines; in Markdown a paragraph is one line.
local function flow(text) return (text:gsub("^%s+", ""):gsub("%s+", " ")) end

local function example(title, file, text)
  return ("## %s\n\n`%s`\n\n```lua\n%s```\n"):format(title, file, text)
end

-- The page in Markdown, or nil for another code.
function findings.page(code)
  local entry = entries[code]
  if not entry then return nil end
  local parts = {
    ("# %s: %s\n"):format(code, entry.title),
    ("%s. %s\n"):format(entry.severity == "error" and "Error" or "Warning", flow(entry.meaning)),
  }

  local shown = entry.example
  if shown then
    local file = shown.file or "routing.lua"
    parts[#parts + 1] = example("An example", file, shown.bad)
    parts[#parts + 1] = example("Mended", file, shown.good)
  end

  parts[#parts + 1] = ("## What to do\n\n%s\n"):format(flow(entry.remedy))

  return table.concat(parts, "\n")
end

return findings
