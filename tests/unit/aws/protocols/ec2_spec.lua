-- The form of a request of the ec2 protocol: lists are numbered, what is within records is joined
-- by dots.
local ec2 = require "weir.aws.protocols.ec2"

local SERVICE = { version = "2016-11-15", input_names = { Filters = "Filter", Values = "Value" } }

-- name → value of the form that a request sends, but for the action and the version.
local function form(input)
  local request = ec2.build(SERVICE, { name = "DescribeThings" }, input)
  assert.equal("POST", request.method)
  assert.equal("/", request.path)

  local fields = {}
  for name, value in tostring(request.body):gmatch("([^&=]*)=([^&]*)") do fields[name] = value end
  assert.equal("DescribeThings", fields.Action)
  assert.equal("2016-11-15", fields.Version)
  fields.Action, fields.Version = nil, nil

  return fields
end

describe("a request of the ec2 protocol", function()
  it("sends texts, numbers and flags under their names", function()
    assert.same({ GroupId = "sg-1", MaxResults = "5", DryRun = "false" },
      form { GroupId = "sg-1", MaxResults = 5, DryRun = false })
  end)

  it("numbers the entries of a list from 1", function()
    assert.same({ ["SubnetId.1"] = "a", ["SubnetId.2"] = "b" }, form { SubnetId = { "a", "b" } })
  end)

  it("joins the members of a record by dots, in lists too, under the service's names", function()
    assert.same({ ["Range.From"] = "1", ["Range.To"] = "2" }, form { Range = { From = 1, To = 2 } })
    assert.same({
      ["Filter.1.Name"] = "vpc-id",
      ["Filter.1.Value.1"] = "vpc-1",
      ["Filter.1.Value.2"] = "vpc-2",
      ["Filter.2.Name"] = "state",
    }, form {
      Filters = { { Name = "vpc-id", Values = { "vpc-1", "vpc-2" } }, { Name = "state" } },
    })
  end)

  it("sends nothing of what is empty", function()
    assert.same({}, form {})
    assert.same({ A = "1" }, form { A = 1, Filters = {}, Range = { To = {} } })
  end)
end)
