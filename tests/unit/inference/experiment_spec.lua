-- Which windows of an experiment are evidence. The rest of it is in
-- tests/integration/inference_comparison_spec.lua.
local experiment = require "weir.inference.experiment"

-- The facts after one window of these variants, of which this source has something.
local function facts_of(source, variants)
  local self = experiment.detached { table = {}, test_id = "t" }
  self.state = {
    champion = "old",
    challenger = "new",
    windows = { { from = 0, to = 300, label = "steady", shares = { old = 0.9, new = 0.1 },
      instances = {} } },
  }

  local found = { from = 0, to = 300, source = source, variants = variants }
  return self:fold({ [0] = found }, 0, 0):facts { now = 300,
    variants = { { name = "old" }, { name = "new" } } }
end

describe("a window that lacks a variant", function()
  local OLD = { old = { requests = 900, errors = 0 } }

  it("is one without its requests where the others have records", function()
    local facts = facts_of("table", OLD)
    assert.same({ 900, 0 },
      { facts.variants[1].window.requests, facts.variants[2].window.requests })
  end)

  it("is no evidence where it is CloudWatch's: its points may be late", function()
    local facts = facts_of("cloudwatch", OLD)
    assert.is_nil(facts.variants[1].window)
    assert.is_nil(facts.minutes_since_start)
    OLD.new = { requests = 100, errors = 1 }
    assert.equal(100, facts_of("cloudwatch", OLD).variants[2].window.requests)
  end)
end)
