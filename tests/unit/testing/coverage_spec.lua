local coverage = require "weir.testing.coverage"
local policy_folder = require "support.policy_folder"

local POLICY = [[
local function any(...)
  return select("#", ...) > 0
end

return policy {
  kind = "routing",
  decide = function(facts)
    if not any(1) then
      return batch { because = "nothing" }
    end
    if facts.file_count < 10 and (facts.total_bytes or 0) < 100 then
      return realtime {
        because = "few",
      }
    end
    return batch { because = "many" }
  end,
}
]]

-- What these facts cover: lines, branches, and the places that are missed as "line what condition".
local function covered(...)
  local set = policy_folder.load { ["routing.lua"] = POLICY }
  local found = coverage.new(set:sources())
  for _, facts in ipairs { ... } do
    local answer, _, _, trace = set:trace("routing", facts)
    found:add(answer or trace)
  end

  local result, missed = found:result(), {}
  for i, miss in ipairs(result.missed) do
    assert.matches("routing%.lua$", miss.file)
    missed[i] = ("%d %s %s"):format(miss.line, miss.what, miss.condition or "-")
  end

  return result, missed
end

describe("coverage", function()
  teardown(policy_folder.remove_all)

  it("counts lines that ran and both outcomes of each condition", function()
    local result, missed = covered '{"file_count":3}'
    assert.same({
      "2 no … > 0",
      "8 no any(1)",
      "9 line -",
      "11 no (facts.total_bytes or 0) < 100",
      "11 no facts.file_count < 10",
      "11 yes facts.total_bytes",
      "16 line -",
    }, missed)
    assert.same({ covered = 5, all = 7, percent = 5 * 100 / 7 }, result.lines)
    assert.same({ covered = 5, all = 10, percent = 50 }, result.branches)
  end)

  it("adds up over decisions", function()
    local _, missed = covered('{"file_count":3}', '{"file_count":30}',
      '{"file_count":1,"total_bytes":100}')
    assert.same({ "2 no … > 0", "8 no any(1)", "9 line -" }, missed)
  end)

  it("counts a decision that fails as far as it came, and none for facts that are refused",
    function()
    local result = covered '{"file_cuont":3}'
    assert.equal(0, result.lines.covered)
    assert.equal(0, result.branches.covered)
    assert.equal(7, result.lines.all)
  end)

  it("is whole where there is nothing to cover", function()
    local result = coverage.new({}):result()
    assert.equal(100, result.lines.percent)
    assert.equal(100, result.branches.percent)
  end)

  it("tells the same condition twice in a line apart", function()
    local found = coverage.new({})
    local function branch(yes, no) return { file = "a.lua", line = 1, condition = "x", yes = yes,
      no = no } end
    found:add { lines = {}, branches = { branch(1, 0), branch(0, 1) } }
    assert.equal(2, found:result().branches.covered)
    assert.equal(4, found:result().branches.all)
  end)

  it("counts a helper's condition once, whichever policy reached it", function()
    local helper = 'return { small = function(x) if x < 5 then return true end return false end }'
    local decide = [[
      local helper = require "helper"
      return policy { kind = "%s", decide = function(facts)
        return helper.small(%s) and %s or %s end }]]
    local set = policy_folder.load {
      ["helper.lua"] = helper,
      ["routing.lua"] = decide:format("routing", "facts.file_count", 'batch { because = "a" }',
        'realtime { because = "b" }'),
      ["review.lua"] = decide:format("review", "#facts.labels", 'manual_review { because = "a" }',
        'manual_review { because = "b" }'),
    }
    local found = coverage.new(set:sources())
    found:add(assert(set:trace("routing", '{"file_count":9}')))
    found:add(assert(set:trace("review", '{"labels":[],"key":"a","is_fallback":false}')))
    for _, miss in ipairs(found:result().missed) do assert.not_matches("helper", miss.file) end
  end)
end)
