-- realtime_inference sends requests to the variants that the weights policy assigns.
local assignment = require "weir.inference.assignment"
local json = require "weir.json"
local policy_set = require "weir.policy_set"
local workflow = require "support.workflow"
local world = require "support.inference_world"

local cloud = workflow.cloud
local infer, endpoint, requested = world.infer, world.endpoint, world.requested
local s3 = world.s3
local BYTES = world.BYTES

describe("realtime_inference with the weights policy", function()
  before_each(world.reset)

  local set = assert(policy_set.load "policies")

  it("sends a key to the variant that is assigned to it, always the same", function()
    endpoint { a = { weight = 7 }, b = { weight = 3 } }
    workflow.settings.variant_assignment = "policy"
    local seen = {}
    for i = 1, 40 do
      local report = infer({ endpoint_name = "exp", assignment_key = "tenant-" .. i % 20 }, set)
      local variant = workflow.fine(report).variant
      assert.equal(seen[i % 20] or variant, variant)
      seen[i % 20] = variant
      assert.same({ "assign", variant }, {
        report.decisions[1].action,
        report.decisions[1].fields.variant,
      })
    end

    assert.equal(1, #requested "DescribeEndpoint")
  end)

  it("asks the file's key where the event has none, and nobody where the event names a variant",
    function()
    endpoint { a = { weight = 7 }, b = { weight = 3 } }
    workflow.settings.variant_assignment = "policy"
    assert.equal("in/a b.bin", infer({ endpoint_name = "exp" },
      set).decisions[1].facts.assignment_key)
    for _, more in ipairs { { target_variant = "b" }, { inference_component_name = "c" } } do
      more.endpoint_name = "exp"
      local report = infer(more, set)
      workflow.fine(report)
      assert.same({}, report.decisions)
    end

    workflow.settings.variant_assignment = "endpoint"
    assert.same({}, infer({ endpoint_name = "exp" }, set).decisions)
  end)

  it("assigns anew when the variant has left the endpoint", function()
    endpoint { a = { weight = 0 }, b = { weight = 1 } }
    workflow.settings.variant_assignment = "policy"
    assert.equal("b", workflow.fine(infer({ endpoint_name = "exp" }, set)).variant)
    cloud.reset()
    assert(s3:put_object { Bucket = "bucket", Key = "in/a b.bin", Body = BYTES })
    endpoint { a = { weight = 1 } }
    assert.equal("a", workflow.fine(infer({ endpoint_name = "exp" }, set)).variant)
  end)

  it("keeps to what a serverless variant takes", function()
    cloud.answers { ["sagemaker.DescribeEndpoint"] = { { status = 200, headers = {},
      body = json.encode {
      EndpointStatus = "InService", ProductionVariants = { { VariantName = "a", CurrentWeight = 1,
        CurrentServerlessConfig = { MaxConcurrency = 5, MemorySizeInMB = 1024 } } } } } } }
    assert(s3:put_object { Bucket = "bucket", Key = "in/a b.bin", Body = ("x"):rep(4194305) })
    workflow.settings.variant_assignment = "policy"
    local report = infer({}, set)
    assert.matches("an endpoint takes 4194304", workflow.fails("FileTooLarge", report), 1, true)
    assert.is_true(report.decisions[1].facts.variants[1].serverless)
  end)

  it("fails where nobody can be asked, or the endpoint has no variants", function()
    workflow.settings.variant_assignment = "policy"
    workflow.fails("NoPolicySet", infer())
    cloud.answers { ["sagemaker.DescribeEndpoint"] = { { status = 200, headers = {},
      body = '{"EndpointStatus":"Creating","ProductionVariants":[]}' } } }
    assignment.forget()
    workflow.fails("NoVariants", infer({}, set))
    workflow.settings.variant_assignment = "both"
    workflow.fails("InvalidSetting", infer())
  end)
end)
