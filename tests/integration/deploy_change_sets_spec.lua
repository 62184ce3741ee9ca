-- Change sets of a run that was killed: the next run recognises its own by their names and removes
-- them; those of others stay.
local cloud = require "support.aws"
local deployment = require "support.deployment"
local http = require "weir.http"
local json = require "weir.json"
local plan = require "weir.deploy.plan"
local stacks = require "support.stacks"

local ONE = [[
return {
  name = "weir",
  regions = { "eu-west-1" },
  features = { "Link" },
  parameters = { link = { SinkArn =
    "arn:aws:oam:eu-west-1:777788889999:sink/11111111-2222-4333-8444-555555555555" } },
  accounts = { { id = "111122223333", kind = "workload", stacks = { "link" } } },
}
]]

local TAGS = { { Key = "weir:stack", Value = "weir-link" } }

local function run_plan()
  return stacks.without_waiting(function()
    return plan.make {
      session = deployment.session(ONE, {}),
      file = "estate.lua",
      shown = function() end,
    }
  end)
end

-- act(), which dies as soon as the service has done this operation for the nth time. → whether it
-- died
local function killed_after(operation, act, nth)
  local request, seen = http.request, 0
  local death = setmetatable({}, {}) -- an object: weir.try lets it pass
  http.request = function(given)
    local response, message, code = request(given)
    if tostring(given.body):find("Action=" .. operation, 1, true) then
      seen = seen + 1
      if seen == (nth or 1) then error(death, 0) end
    end

    return response, message, code
  end

  local ok, problem = pcall(act)
  http.request = request
  if not ok and problem ~= death then error(problem, 0) end

  return not ok
end

local function change_sets() return cloud.control("GET", "stacks").change_sets end

-- A change set of somebody else, in the stack weir-link.
local function somebody_elses(name, kind)
  assert(stacks.client():create_change_set {
    StackName = "weir-link",
    ChangeSetName = name,
    ChangeSetType = kind,
    TemplateBody = stacks.template "link",
    Parameters = json.array {},
    Capabilities = { "CAPABILITY_NAMED_IAM" },
  })
end

describe("a change set", function()
  before_each(stacks.reset)

  it("of a killed plan is removed by the next one, and so is the empty stack it made", function()
    assert.is_true(killed_after("CreateChangeSet", run_plan))
    assert.equal(1, #change_sets())
    assert.matches("^weir%-plan%-%x%x%x%x%x%x%x%x%-", change_sets()[1])
    assert.equal("weir-link REVIEW_IN_PROGRESS", stacks.left())

    assert.truthy(run_plan().rows)
    assert.same({}, change_sets())
    assert.equal("", stacks.left())
  end)

  it("and its stack go at once, so that no kill leaves one of them", function()
    for nth = 1, 3 do
      stacks.reset()
      for _, operation in ipairs { "DeleteStack", "DeleteChangeSet", "ListChangeSets" } do
        killed_after(operation, run_plan, nth)
      end

      assert.truthy(run_plan().rows)
      assert.same({}, change_sets())
      assert.equal("", stacks.left())
    end

    assert.same({}, stacks.requested "DeleteChangeSet")
  end)

  it("is gone, and its empty stack with our tag is there: it goes with the next", function()
    stacks.stack { status = "REVIEW_IN_PROGRESS", tags = TAGS }
    assert.truthy(run_plan().rows)
    assert.equal("", stacks.left())

    stacks.stack { status = "REVIEW_IN_PROGRESS" }
    assert.truthy(run_plan().rows)
    assert.equal("weir-link REVIEW_IN_PROGRESS", stacks.left())
  end)

  it("of a killed plan of a stack that is there is removed, and the stack stays", function()
    stacks.stack { status = "CREATE_COMPLETE", tags = TAGS, template = stacks.template "link",
      parameters = { EnableLink = "false" } }
    assert.is_true(killed_after("CreateChangeSet", run_plan))
    assert.equal(1, #change_sets())

    assert.truthy(run_plan().rows)
    assert.same({}, change_sets())
    assert.equal("weir-link CREATE_COMPLETE", stacks.left())
  end)

  it("of a killed apply is removed by the next apply, and not by a plan", function()
    assert.is_true(killed_after("CreateChangeSet", function() deployment.apply(ONE) end, 2))
    assert.matches("^weir%-apply%-", change_sets()[1])
    assert.truthy(run_plan().rows)
    assert.equal(1, #change_sets())

    assert.is_true(deployment.apply(ONE).done)
    assert.same({}, change_sets())
    assert.equal("weir-link CREATE_COMPLETE", stacks.left())
  end)

  it("of somebody else stays, and with it the stack that is not there yet", function()
    somebody_elses("by-hand", "CREATE")
    assert.is_true(killed_after("CreateChangeSet", run_plan))
    assert.truthy(run_plan().rows)
    assert.same({ "by-hand" }, change_sets())
    assert.equal("weir-link REVIEW_IN_PROGRESS", stacks.left())
  end)

  it("of another caller of weir stays", function()
    somebody_elses("weir-plan-00000000-1", "CREATE")
    assert.truthy(run_plan().rows)
    assert.same({ "weir-plan-00000000-1" }, change_sets())
  end)
end)
