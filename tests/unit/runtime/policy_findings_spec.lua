-- What loading found, in one line of the runtime's log.
local policy_findings = require "weir.runtime.policy_findings"

local function finding(line, severity)
  return { file = "routing.lua", line = line, severity = severity, code = "W101", message = "no" }
end

describe("findings in one line", function()
  it("name the line where there is one", function()
    assert.equal("routing.lua:3: error[W101] no; routing.lua: error[W101] no",
      policy_findings.summary({ finding(3, "error"), finding(0, "error"),
        finding(9, "warning") }, "error"))
    assert.equal("routing.lua: warning[W101] no",
      policy_findings.summary({ finding(nil, "warning") }, "warning"))
    assert.is_nil(policy_findings.summary({ finding(3, "error") }, "warning"))
  end)

  it("name five, and count the rest", function()
    local five, six = {}, {}
    for i = 1, 5 do five[i], six[i] = finding(i, "error"), finding(i, "error") end
    six[6] = finding(6, "error")
    assert.is_nil(policy_findings.summary(five, "error"):find("more", 1, true))
    assert.matches("routing.lua:5: error[W101] no; and 1 more; run weir check",
      policy_findings.summary(six, "error"), 1, true)
  end)
end)
