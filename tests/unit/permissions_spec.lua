-- Which IAM actions calls need. tests/deploy/permissions_spec.lua asks IAM's own list about them.
local actions = require "weir.permissions.actions"
local aws = require "weir.aws"
local permissions = require "weir.permissions"
local sorted_pairs = require "weir.sorted_pairs"

describe("the IAM actions of an operation", function()
  it("are known of every operation of every client", function()
    local missing = {}
    for _, service in ipairs(aws.services) do
      for name in sorted_pairs(aws.service(service).service.operations) do
        if not actions[service .. "." .. name] then
          missing[#missing + 1] = service .. "." .. name
        end
      end
    end

    assert.same({}, missing, "add each to lua/weir/permissions/actions.lua")
  end)
end)

describe("statements", function()
  local function grant(action, resource, condition)
    return { action = action, resource = resource, condition = condition }
  end

  it("are the same whatever the order of the grants, each action and resource once", function()
    local grants = { grant("s3:PutObject", "b"), grant("s3:GetObject", "b"),
      grant("s3:GetObject", "a"),
      grant("s3:GetObject", "b"), grant("sns:Publish", "a"), grant("s3:PutObject", "a") }
    local wanted = {
      {
        Sid = "S3",
        Effect = "Allow",
        Action = { "s3:GetObject", "s3:PutObject" },
        Resource = { "a", "b" },
      },
      { Sid = "Sns", Effect = "Allow", Action = { "sns:Publish" }, Resource = { "a" } },
    }

    assert.same(wanted, permissions.statements(grants))
    for i = 1, #grants // 2 do
      grants[i], grants[#grants + 1 - i] = grants[#grants + 1 - i], grants[i]
    end

    assert.same(wanted, permissions.statements(grants))
  end)

  it("keep conditions apart, and number what is of one service", function()
    local in_weir = { StringEquals = { ["cloudwatch:namespace"] = "weir" } }
    local list = permissions.statements { grant("cloudwatch:PutMetricData", "*", in_weir),
      grant("cloudwatch:GetMetricData", "*") }
    assert.same({ "Cloudwatch", "Cloudwatch2" }, { list[1].Sid, list[2].Sid })
    assert.same({ nil, in_weir }, { list[1].Condition, list[2].Condition })
  end)
end)
