local shipped_policy = require("support.shipped_policy")

local routing = shipped_policy.load("routing")

local function action(facts, params)
  return routing:decide(facts, params).action
end

describe("the routing policy", function()
  it("goes by the number of files", function()
    assert.equal("realtime", action { file_count = 0 })
    assert.equal("realtime", action { file_count = 3 })
    assert.equal("realtime", action { file_count = 9 })
    assert.equal("batch", action { file_count = 10 })
    assert.equal("batch", action { file_count = 1000000 })
  end)

  it("says the count and the threshold", function()
    assert.equal("3 files, below 10", routing:decide({ file_count = 3 }).because)
    assert.equal("10 files, at or above 10", routing:decide({ file_count = 10 }).because)
  end)

  it("takes another threshold", function()
    assert.equal("realtime", action({ file_count = 19 }, { threshold = 20 }))
    assert.equal("batch", action({ file_count = 20 }, { threshold = 20 }))
    assert.equal("batch", action({ file_count = 1 }, { threshold = 1 }))
  end)

  it("follows the inference type whatever the count", function()
    for _, count in ipairs { 0, 1, 9, 10, 5000 } do
      assert.equal("serverless", action { file_count = count, inference_type = "serverless" })
      assert.equal("components", action { file_count = count, inference_type = "components" })
      assert.equal("batch", action { file_count = count, inference_type = "none" })
    end

    assert.equal("realtime", action { file_count = 9, inference_type = "provisioned" })
    assert.equal("batch", action { file_count = 10, inference_type = "provisioned" })
  end)

  it("sends a file over the payload limit to batch, whatever the count and the endpoint", function()
    for _, kind in ipairs { "provisioned", "serverless", "components" } do
      assert.equal("batch", action { file_count = 1, largest_bytes = 6291457,
        inference_type = kind })
      assert.not_equal("batch", action { file_count = 1, largest_bytes = 6291456,
        inference_type = kind })
    end

    -- Many small files may well be more than the limit together: each is a request of its own.
    assert.equal("realtime", action { file_count = 9, total_bytes = 56623104,
      largest_bytes = 6291456 })
  end)

  it("needs an endpoint in service, when it was asked", function()
    local statuses
    for _, field in ipairs(require("weir.kinds.routing").facts) do
      if field.name == "endpoint_status" then statuses = field.values end
    end

    for _, status in ipairs(statuses) do
      for _, kind in ipairs { "provisioned", "serverless", "components" } do
        local decision = routing:decide {
          file_count = 1,
          endpoint_status = status,
          inference_type = kind,
        }

        assert.equal(status ~= "InService", decision.action == "batch")
        if status ~= "InService" then assert.truthy(decision.because:find(status, 1, true)) end
      end
    end
  end)
end)
