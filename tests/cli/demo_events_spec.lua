-- ./dev demo-events: it ends as it should, or says that it does not.
local run = require "support.run"

local function demo(weir)
  local path = os.tmpname()
  local _, _, status = os.execute(
    ("env -u FORCE_COLOR NO_COLOR=1 node tests/workflow/demo_events.mjs %s >%s 2>&1")
    :format(run.quote(weir), path))
  local output = run.read(path)
  os.remove(path)

  return output, status
end

describe("the demo of events", function()
  it("walks from polling to events and back, compares, and prints the latency of both ways",
    function()
    local output, status = demo(run.program)
    assert.equal(0, status, output)
    for _, words in ipairs {
      "trigger mode  parallel in the SSM parameter /weir/trigger-mode",
      "Both ways made the same of every object that both processed.",
      "9 listed, 8 finished, 1 missed by events, 1 processed now",
      "latency (ms)",
      "each finished at its first attempt",
    } do
      assert.truthy(output:find(words, 1, true), words .. "\n" .. output)
    end
  end)

  it("fails when a file is not processed as its phase says", function()
    local folder = run.directory()
    -- A deployment that does not follow the parameter.
    run.write(folder .. "/weir", ("#!/bin/sh\n[ $1 = emulate ] && set -- \"$@\" --env "
      .. "WEIR_TRIGGER_MODE=events\nexec %s \"$@\"\n"):format(run.quote(run.program)))
    os.execute("chmod 755 " .. folder .. "/weir")
    local output, status = demo(folder .. "/weir")
    run.remove(folder)
    assert.equal(1, status, output)
    local words = "demo-events failed: Error: an event was acted on while only polling counts"
    assert.truthy(output:find(words, 1, true), output)
  end)
end)
