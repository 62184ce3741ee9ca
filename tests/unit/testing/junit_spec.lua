local junit = require "weir.testing.junit"

local function result(kind, name, more)
  local made = { case = { kind = kind, name = name, file = "a.lua", line = 3 }, passed = true,
    eval_us = 1500 }
  for key, value in pairs(more or {}) do made[key] = value end
  return made
end

describe("JUnit XML", function()
  it("has a suite for each kind, with counts and seconds", function()
    assert.equal([[
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="weir test" tests="3" failures="1" errors="0" skipped="0" time="0.003000">
  <testsuite name="routing" tests="2" failures="1" errors="0" skipped="0" time="0.001500">
    <testcase name="one" classname="routing" file="a.lua" line="3" time="0.001500"/>
    <testcase name="two" classname="routing" file="a.lua" line="3" time="0.000000">
      <failure type="Other" message="no">given {}
decided x</failure>
    </testcase>
  </testsuite>
  <testsuite name="weights" tests="1" failures="0" errors="0" skipped="0" time="0.001500">
    <testcase name="three" classname="weights" file="a.lua" line="3" time="0.001500"/>
  </testsuite>
</testsuites>
]], junit.render {
      result("routing", "one"),
      result("weights", "three"),
      result("routing", "two", {
        passed = false, eval_us = false, shown = "no", code = "Other",
        details = { "given {}", "decided x" },
      }),
    })
  end)

  it("escapes what XML does not hold", function()
    local document = junit.render { result("a", '<"&\0\27\xef\xbf\xbe\xff>') }
    assert.truthy(document:find('name="&lt;&quot;&amp;\\x00\\x1b\u{fffd}\\xff&gt;"', 1, true),
      document)
    assert.is_truthy(require("weir.xml").decode(document))
  end)
end)
