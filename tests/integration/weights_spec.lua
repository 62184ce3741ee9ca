-- Handler weights: an endpoint of the test server, whose weights it reads and changes.
local cloud = require "support.aws"
local effects = require "weir.effects"
local json = require "weir.json"
local handlers = require "weir.handlers"
local policy_set = require "weir.policy_set"
local workflow = require "support.workflow"

describe("weights", function()
  local set = assert(policy_set.load "policies")

  local function endpoint(variants, more)
    local made = { variants = variants }
    for name, value in pairs(more or {}) do made[name] = value end
    cloud.control("POST", "endpoints", { exp = made })
  end

  local function package(version)
    return "arn:aws:sagemaker:eu-west-1:111122223333:model-package/g/" .. version
  end

  before_each(function()
    cloud.reset()
    workflow.settings = { weights = "act" }
    endpoint { a = { weight = 9, package = package(1), approval = "Approved" },
      b = { weight = 1, package = package(2), approval = "Approved" } }
  end)

  local function run(event)
    event.endpoint_name = event.endpoint_name or "exp"
    return handlers.run(handlers.find "weights", event, set, workflow.effects())
  end

  local function updates() return cloud.control("GET", "updates") end

  local SPLIT = json.array { { name = "a", weight = 7 }, { name = "b", weight = 3 } }

  it("says how the traffic is split, and changes nothing where that is so already", function()
    local result = workflow.fine(run {})
    assert.same({ "weights", "unchanged", { a = 0.9, b = 0.1 } }, {
      result.action,
      result.outcome,
      result.weights,
    })

    assert.same({}, updates())
  end)

  it("makes the split that is asked for, once", function()
    local report = run { variants = SPLIT }
    local result = workflow.fine(report)
    assert.same({ "done", { a = 0.7, b = 0.3 } }, { result.outcome, result.weights })
    assert.same({ 1, { Endpoint = "exp", Outcome = "done" } }, {
      workflow.metric(report, "WeightsDecisions")
    })

    assert.equal("unchanged", workflow.fine(run { variants = SPLIT }).outcome)
    assert.same({ { a = 0.7, b = 0.3 } }, { updates()[1].weights })
    assert.equal(1, #updates())
  end)

  it("only says what it would do, unless WEIR_WEIGHTS is act", function()
    workflow.settings.weights = nil
    assert.equal("observed", workflow.fine(run { variants = SPLIT }).outcome)
    assert.same({}, updates())
    workflow.settings.weights = "yes"
    workflow.fails("InvalidSetting", run { variants = SPLIT })
  end)

  it("waits while the endpoint is not in service, and fails when SageMaker refuses", function()
    endpoint({}, { status = "Creating" })
    assert.equal("waiting", workflow.fine(run { variants = SPLIT }).outcome)
    endpoint({}, { status = "InService" })
    cloud.faults({ kind = "pass" }, { kind = "pass" }, { kind = "pass" }, { kind = "pass" },
      { kind = "status", status = 400, headers = {},
        body = '{"__type":"x#AccessDeniedException"}' })
    workflow.fails("AccessDeniedException", run { variants = SPLIT })
    assert.same({}, updates())
  end)

  it("gives a retired or failed variant nothing, whatever its weight", function()
    assert.same({ a = 1, b = 0 },
      workflow.fine(run { variants = json.array { { name = "b", stage = "failed" } } }).weights)
  end)

  it("lets no variant grow that is not an Approved package", function()
    for _, approval in ipairs { "PendingManualApproval", "Rejected" } do
      endpoint { b = { weight = 1, approval = approval } }
      local message = workflow.fails("NotApproved", run { variants = SPLIT })
      assert.equal(("b would get more traffic, and is not an Approved model package (%s); approve "
        .. "it with 'weir registry approve'"):format(approval), message)
      -- Taking traffic away needs no approval, and looking needs none.
      workflow.settings.weights = "observe"
      assert.equal("observed", workflow.fine(run { variants = SPLIT }).outcome)
      workflow.settings.weights = "act"
    end

    assert.same({}, updates())
    assert.equal("done", workflow.fine(run { variants = json.array { { name = "b",
      stage = "failed" } } }).outcome)
  end)

  it("lets a model that is in no registry grow only where approval is not required", function()
    endpoint { c = { weight = 0 } }
    local grown = json.array {
      { name = "a", weight = 8 },
      { name = "b", weight = 1 },
      { name = "c", weight = 1 },
    }

    assert.matches("in no registry", workflow.fails("NotApproved", run { variants = grown }), 1,
      true)
    workflow.settings.require_approval = "false"
    assert.equal("done", workflow.fine(run { variants = grown }).outcome)
    endpoint { c = { weight = 0, package = package(3), approval = "Rejected" } }
    cloud.control("POST", "now", { now = 4000000000 })
    workflow.fails("NotApproved", run { variants = grown })
  end)

  it("assigns a variant to a key, the same one each time, and changes nothing", function()
    local first = workflow.fine(run { assignment_key = "tenant-7", experiment = "november" })
    assert.equal("assign", first.action)
    assert.same(first, workflow.fine(run { assignment_key = "tenant-7", experiment = "november" }))
    assert.is_true(first.bucket >= 0 and first.bucket < 10000)
    assert.same({}, updates())
  end)

  it("refuses an event that cannot be right", function()
    for text, event in pairs {
      ["variants names c, which the endpoint exp does not have"] = {
        variants = json.array { { name = "c" } },
      },
      ["variants has a twice"] = { variants = json.array { { name = "a" }, { name = "a" } } },
      ["variants must be a list"] = { variants = "a" },
      ["variants[0] must be an object"] = { variants = json.array { "a" } },
      ["variants[0].stage must be champion"] = {
        variants = json.array { { name = "a", stage = "best" } },
      },
      ["a weight to some variants of exp and not to all"] = {
        variants = json.array { { name = "a", weight = 1 } },
      },
    } do
      assert.matches(text, workflow.fails("InvalidEvent", run(event)), 1, true)
    end

    local nothing = json.array { { name = "a", weight = 0 }, { name = "b", weight = 0 } }
    workflow.fails("InvalidWeights", run { variants = nothing })
    endpoint { a = { weight = 0 }, b = { weight = 0 } }
    workflow.fails("InvalidWeights", run {})
    cloud.faults {
      kind = "status",
      status = 400,
      headers = {},
      body = '{"__type":"x#ValidationException"}',
    }

    workflow.fails("ValidationException", run {})
  end)

  it("takes the endpoint from its setting, and in a dry run the variants from the event", function()
    local dry = effects.dry {
      config = { ENDPOINT_NAME = "e", WEIGHTS = "act", REQUIRE_APPROVAL = false },
    }

    local report = handlers.run(handlers.find "weights", { variants = SPLIT }, set, dry)
    assert.same({ a = 0.7, b = 0.3 }, workflow.fine(report).weights)
  end)
end)
