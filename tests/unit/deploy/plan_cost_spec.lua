-- What a stack is to cost: what it has, and what its change set adds and takes away.
local plan_cost = require "weir.deploy.plan_cost"

local ALARM, DASHBOARD = "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard"

-- resources: the types of those deployed, or { nil, message, code }
local function cost(resources, changes, more)
  more = more or {}
  local asked = {}
  local session = {
    estate = { prices = more.prices },
    summary = function()
      return { Parameters = {
        { ParameterKey = "InstanceType", DefaultValue = "ml.m5.large" },
        { ParameterKey = "EnableEndpoint", DefaultValue = "false" },
        { ParameterKey = "NoDefault" },
      } }
    end,
    cloudformation = function()
      return { all = function(_, operation, input)
        asked[#asked + 1] = operation .. " " .. input.StackName
        if resources == false then return nil, "not allowed", "AccessDenied" end
        local list = {}
        for i, type in ipairs(resources) do list[i] = { ResourceType = type } end
        return list
      end }
    end,
  }
  local row = {
    stack = { name = "weir-core", region = more.region or "us-east-1" },
    status = more.status,
    changes = changes or {},
  }
  local price, message, code = plan_cost.of(session, row, { parameters = more.parameters or {} })

  return price, message or asked, code
end

local function change(action, type) return { action = action, type = type } end

describe("the cost of a plan", function()
  it("is of what is deployed, more what is added, less what is removed", function()
    local price, asked = cost({ ALARM, ALARM, DASHBOARD, DASHBOARD, "AWS::IAM::Role" },
      { change("Add", ALARM), change("Remove", DASHBOARD), change("Modify", ALARM),
        change("Import", ALARM) }, { status = "UPDATE_COMPLETE" })
    assert.same({ "3 × Alarm", "1 × Dashboard" }, price.parts)
    assert.same({ "ListStackResources weir-core" }, asked)
  end)

  it("is of what is added alone where the stack is not there, or has nothing in it", function()
    for _, status in ipairs { false, "REVIEW_IN_PROGRESS" } do
      local price, asked = cost({ ALARM }, { change("Add", DASHBOARD) },
        { status = status or nil })
      assert.same({ "1 × Dashboard" }, price.parts)
      assert.same({}, asked)
    end
  end)

  it("takes a parameter as it is given, else the template's", function()
    local price = cost({}, {}, { parameters = {
      { ParameterKey = "EnableEndpoint", ParameterValue = "true" },
    } })
    assert.same({ "1 × ml.m5.large" }, price.parts)
    assert.same({}, cost({}).parts)
    price = cost({}, {}, { parameters = {
      { ParameterKey = "EnableEndpoint", ParameterValue = "true" },
      { ParameterKey = "InstanceType", ParameterValue = "ml.g5.xlarge" },
    } })
    assert.same({ "1 × ml.g5.xlarge" }, price.parts)
  end)

  it("goes by the estate's prices, and the stack's region", function()
    local price = cost({}, { change("Add", DASHBOARD) },
      { prices = { ["eu-west-1"] = { [DASHBOARD] = 7 } }, region = "eu-west-1" })
    assert.same({ 7, false }, { price.monthly, price.elsewhere })
    price = cost({}, { change("Add", DASHBOARD) }, { region = "eu-west-1" })
    assert.is_true(price.elsewhere)
  end)

  it("is not known where AWS does not say what is deployed", function()
    assert.same({ nil, "not allowed", "AccessDenied" },
      { cost(false, {}, { status = "CREATE_COMPLETE" }) })
  end)
end)
