-- The stacks of an estate and the values of their parameters (weir.deploy.stacks).
local files = require "support.files"
local stacks = require "weir.deploy.stacks"

local SUMMARY = { Parameters = {} }
for i, name in ipairs { "Prefix", "EnableAccess", "EnableAccessPoint", "EnablePolicy", "ExternalId",
  "WorkloadAccountId" } do
  SUMMARY.Parameters[i] = { ParameterKey = name }
end

local ESTATE = {
  name = "weir",
  regions = { "eu-west-1" },
  accounts = {
    {
      id = "444455556666",
      kind = "storage",
      features = { "Access", "AccessPoint", "Policy" },
    },
    { id = "111122223333", kind = "workload", external_id = "ours-7", stacks = { "link" } },
  },
}

-- Values by parameter of each stack of the storage account, by the stack's name.
local function storage_values(summary)
  local values = {}
  for _, stack in ipairs(stacks.list(ESTATE)) do
    if stack.template == "storage" then
      local of_stack = {}
      for _, each in ipairs(stacks.parameters(ESTATE, stack, summary or SUMMARY, {})) do
        of_stack[each.ParameterKey] = each.ParameterValue
      end

      values[stack.name] = of_stack
    end
  end

  return values
end

describe("weir.deploy.stacks", function()
  it("gives the storage account's features to its own stack only", function()
    assert.same({
      ["weir-storage"] = { Prefix = "weir", EnableAccess = "true", EnableAccessPoint = "true" },
      ["weir-access-111122223333"] = { Prefix = "weir", EnableAccess = "true",
        ExternalId = "ours-7", WorkloadAccountId = "111122223333" },
      ["weir-policy"] = { Prefix = "weir", EnablePolicy = "true" },
    }, storage_values())
  end)

  it("lets the storage account trust the roles that templates call so, and no others", function()
    local wanted = {}
    for _, template in ipairs { "core", "events" } do
      local text = files.read(("deploy/cloudformation/%s.yaml"):format(template))
      for name in text:gmatch("RoleName: [^\n]*Region}%-([%w-]+) # storage.yaml trusts it") do
        wanted[#wanted + 1] = "arn:aws:iam::111122223333:role/weir-eu-west-1-" .. name
      end
    end

    table.sort(wanted)
    assert.equal(5, #wanted)
    local trusted = storage_values { Parameters = { { ParameterKey = "WorkloadRoleArns" } } }
    assert.equal(table.concat(wanted, ","),
      trusted["weir-access-111122223333"].WorkloadRoleArns)
  end)
end)
