-- What loading a policy set found, as the runtime judges and tells it. A finding has a file, a
-- line, a severity, a code and a message, as `weir check` shows them.
local policy_findings = {}

-- As many findings as one log record names.
local MOST_FINDINGS = 5

local function describe(finding)
  local place = finding.file
  if finding.line and finding.line > 0 then place = ("%s:%d"):format(place, finding.line) end
  return ("%s: %s[%s] %s"):format(place, finding.severity, finding.code, finding.message)
end

-- summary(findings, severity) → one line for all findings of a severity; nil when there is none.
function policy_findings.summary(findings, severity)
  local parts, count = {}, 0
  for _, finding in ipairs(findings) do
    if finding.severity == severity then
      count = count + 1
      if count <= MOST_FINDINGS then parts[count] = describe(finding) end
    end
  end

  if count == 0 then return nil end
  if count > MOST_FINDINGS then
    parts[#parts + 1] = ("and %d more; run weir check"):format(count - MOST_FINDINGS)
  end

  return table.concat(parts, "; ")
end

-- refusal(what, findings) → message, code: why a set is not taken. A refusal always has a finding;
-- without one, or with one that says so, the memory did not suffice to try.
function policy_findings.refusal(what, findings)
  local summary = policy_findings.summary(findings, "error")
  if not summary or summary:find("not enough memory", 1, true) then
    return what .. " was not tried: not enough memory", "OutOfMemory"
  end

  return ("%s is refused: %s"):format(what, summary), "PolicySetRefused"
end

-- all(found, set) → the findings of loading, and those of the source, which loading cannot see.
-- Reading the source takes many times longer than a start does, so what does it is not even loaded
-- for a set that was verified before: the policies that came with the program, and what `weir
-- bundle` of this build wrote.
function policy_findings.all(found, set)
  if set:is_verified() then return found end

  local of_source = require("weir.lint").sources(set:sources(), set:kinds())
  local all = table.move(found, 1, #found, 1, {})
  return table.move(of_source, 1, #of_source, #all + 1, all)
end

return policy_findings
