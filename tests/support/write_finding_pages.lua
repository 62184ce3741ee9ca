-- Writes docs/findings/CODE.md from lua/weir/findings/: weir lua
-- tests/support/write_finding_pages.lua
local findings = require "weir.findings"

local index = { "# Findings of weir check\n", "| code | severity | meaning |", "|---|---|---|" }
for _, code in ipairs(findings.codes()) do
  local file = assert(io.open("docs/findings/" .. code .. ".md", "wb"))
  file:write(findings.page(code))
  file:close()
  local entry = findings.entry(code)
  index[#index + 1] = ("| [%s](%s.md) | %s | %s |"):format(code, code, entry.severity, entry.title)
end
local file = assert(io.open("docs/findings/README.md", "wb"))
file:write(table.concat(index, "\n"), "\n")
file:close()
