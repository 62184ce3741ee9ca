-- Which changes of a change set take data away.
local losses = require "weir.deploy.losses"
local plan = require "weir.deploy.plan"

local function change(id, type, action, more)
  local made = { LogicalResourceId = id, ResourceType = type, Action = action }
  for name, value in pairs(more or {}) do made[name] = value end
  return made
end

local function objection(...) return (losses.objection { ... }) end

local TABLE = "AWS::DynamoDB::Table"

describe("a change set", function()
  it("loses what holds data and is removed or replaced", function()
    assert.equal("data would be lost: Tokens, Files", objection(
      change("Tokens", TABLE, "Remove"),
      change("Role", "AWS::IAM::Role", "Remove"),
      change("Files", "AWS::S3::Bucket", "Modify", { Replacement = "True" })))
    assert.equal("data would be lost: Queue",
      objection(change("Queue", "AWS::SQS::Queue", "Modify", { Replacement = "Conditional" })))
  end)

  it("loses nothing that is added, kept in place, or holds no data", function()
    assert.is_nil(objection())
    assert.is_nil(objection(change("T", TABLE, "Add")))
    assert.is_nil(objection(change("T", TABLE, "Modify", { Replacement = "False" })))
    assert.is_nil(objection(change("T", TABLE, "Modify")))
    assert.is_nil(objection(change("F", "AWS::Lambda::Function", "Remove")))
    -- Replacement is of a change in place only.
    assert.is_nil(objection(change("T", TABLE, "Import", { Replacement = "True" })))
  end)

  it("loses nothing that a policy of its template keeps", function()
    for _, policy in ipairs { "Retain", "Snapshot", "ReplaceAndRetain", "ReplaceAndSnapshot" } do
      assert.is_nil(objection(change("T", TABLE, "Remove", { PolicyAction = policy })), policy)
    end

    assert.equal("data would be lost: T", objection(change("T", TABLE, "Remove",
      { PolicyAction = "Delete" })))
  end)

  it("that loses data says what to do", function()
    assert.same({ "data would be lost: T", "DataWouldBeLost",
      "copy what is in there, then give --replace" },
      { losses.objection { change("T", TABLE, "Remove") } })
  end)

  it("is told as a list of changes: what is replaced, and whether that loses data", function()
    assert.same({ action = "Modify", id = "T", type = TABLE, replacement = "True",
      loses_data = true }, plan.change(change("T", TABLE, "Modify", { Replacement = "True" })))
    assert.same({ action = "Modify", id = "R", type = "AWS::IAM::Role",
      replacement = "Conditional" },
      plan.change(change("R", "AWS::IAM::Role", "Modify", { Replacement = "Conditional" })))
    assert.same({ action = "Remove", id = "R", type = "AWS::IAM::Role" },
      plan.change(change("R", "AWS::IAM::Role", "Remove", { Replacement = "False" })))
  end)
end)
