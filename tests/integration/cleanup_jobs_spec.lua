-- Batch jobs that still run when an estate is cleaned up: ours are stopped, others are listed.
local cleaning = require "support.cleaning"
local cloud = require "support.aws"
local json = require "weir.json"
local sorted_pairs = require "weir.sorted_pairs"
local stacks = require "support.stacks"

local stack, state, live = cleaning.stack, cleaning.state, cleaning.run_live

describe("weir cleanup of batch jobs that still run", function()
  after_each(cleaning.finish)
  before_each(function()
    cleaning.begin()
    cloud.control("POST", "jobs", {
      ["weir-ours-1"] = { status = "InProgress", tags = { ["weir:stack"] = "weir-core" } },
      ["weir-ours-2"] = { status = "Completed", tags = { ["weir:stack"] = "weir-core" } },
      ["weir-other"] = { status = "InProgress", tags = { ["weir:stack"] = "other-core" } },
      ["not-weir"] = { status = "InProgress", tags = { ["weir:stack"] = "weir-core" } },
    })
  end)

  local function statuses()
    local list = {}
    for name, job in sorted_pairs(state "jobs") do list[#list + 1] = name .. " " .. job.status end
    return table.concat(list, ", ")
  end

  it("stops those whose tag is a stack of the estate", function()
    stack "core"
    local shown = cleaning.run()
    assert.matches("would be deleted, 1 resource, 1 batch job would be stopped\n", shown.stdout,
      1, true)
    assert.same({}, stacks.requested "StopTransformJob")

    local result = live()
    assert.equal(0, result.status, result.stdout .. result.stderr)
    assert.matches("stopped the batch job weir-ours-1\n", result.stdout, 1, true)
    assert.matches("stays  111122223333 eu-west-1  weir-other  (batch job)", result.stdout, 1,
      true)
    assert.equal("not-weir InProgress, weir-other InProgress, weir-ours-1 Stopping, "
      .. "weir-ours-2 Completed", statuses())
  end)

  it("stops them although their stack is gone", function()
    local shown = cleaning.run()
    assert.equal(1, shown.status)
    assert.equal("weir-ours-1  111122223333 eu-west-1  a batch job whose stack is gone, would be "
      .. "stopped\n", shown.stdout)
    local as_json = json.decode(cleaning.run("--json").stdout)
    assert.equal("would be stopped", as_json.outcome)
    assert.equal(0, live().status)
    assert.equal(1, #stacks.requested "StopTransformJob")
    assert.equal(0, cleaning.run().status)
  end)

  it("leaves those of a stack alone that is left alone itself", function()
    stack("core", { tags = json.array {} })
    assert.equal(0, live().status)
    stack "endpoint"
    live "--endpoint-only"
    assert.same({}, stacks.requested "StopTransformJob")
  end)

  it("takes a job that ended meanwhile for stopped, and says which could not be", function()
    stack "core"
    local function refuses(status, meanwhile)
      cloud.control("POST", "jobs", { ["weir-ours-1"] = { status = "InProgress" } })
      cloud.answers { ["sagemaker.StopTransformJob"] = json.array { { status = status, body =
        '{"__type":"ValidationException","message":"it is in another state"}' } },
        ["sagemaker.DescribeTransformJob"] = meanwhile and json.array { { status = 200, body =
          '{"TransformJobStatus":"Completed"}' } } or nil }
    end

    refuses(400, true)
    local result = live()
    assert.equal(0, result.status, result.stdout .. result.stderr)
    assert.is_nil(result.stdout:find("stopped the batch job", 1, true))
    refuses(400)
    result = live()
    assert.equal(6, result.status)
    assert.matches("the batch job weir-ours-1 could not be stopped: ", result.stdout, 1, true)
    assert.matches("it is in another state", result.stdout, 1, true)
  end)
end)
