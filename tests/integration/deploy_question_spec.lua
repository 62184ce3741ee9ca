-- The command line of weir deploy apply: the question, and what it prints.
local files = require "support.files"
local json = require "weir.json"
local json_schema = require "support.json_schema"
local run = require "support.run"
local stacks = require "support.stacks"

local ESTATE = [[
return {
  name = "weir",
  regions = { "eu-west-1" },
  accounts = { { id = "111122223333", kind = "workload", stacks = { "link" } } },
}
]]

describe("weir deploy apply", function()
  local folder

  before_each(function()
    stacks.reset()
    folder = files.directory { ["estate.lua"] = ESTATE }
  end)

  after_each(function() files.remove(folder) end)

  local function deploy(action, ...)
    local words = { "deploy", action, folder .. "/estate.lua", ... }
    words.env = stacks.environment()
    return run(words)
  end

  it("shows the plan, then what happens, then what was done", function()
    local result = deploy("apply", "--yes")
    assert.equal(0, result.status, result.stderr)
    assert.equal([[
weir-link  111122223333 eu-west-1  absent  would be created, 1 change
    + Nothing  AWS::CloudFormation::WaitConditionHandle
    CREATE_IN_PROGRESS  weir-link  User Initiated
    CREATE_IN_PROGRESS  Nothing
    CREATE_COMPLETE  Nothing
    CREATE_COMPLETE  weir-link
weir-link  111122223333 eu-west-1  created
]], result.stdout)

    result = deploy("apply")
    assert.equal(0, result.status, result.stderr)
    assert.matches("everything is as the estate file says", result.stderr, 1, true)
  end)

  it("prints one object for each row, event and end", function()
    local result = deploy("apply", "--yes", "--json")
    assert.equal(0, result.status, result.stderr)
    assert.is_true(json_schema.check("docs/json/deploy.schema.json", result.stdout,
      { lines = true }))
    local statuses, last = {}, nil
    for line in result.stdout:gmatch("[^\n]+") do
      last = json.decode(line)
      statuses[#statuses + 1] = last.resource and last.resource .. " " .. last.status
    end

    assert.same({ "weir-link CREATE_IN_PROGRESS", "Nothing CREATE_IN_PROGRESS",
      "Nothing CREATE_COMPLETE", "weir-link CREATE_COMPLETE" }, statuses)
    assert.equal("created", last.done)
  end)

  it("changes nothing where nobody can be asked", function()
    local result = deploy("apply")
    assert.equal(2, result.status)
    assert.matches("nobody can be asked: the standard input is not a terminal", result.stderr, 1,
      true)
    assert.equal("", stacks.left())
  end)

  it("changes nothing before all accounts and stacks were looked at without objection", function()
    stacks.stack { fails = "Transform AWS::LanguageExtensions failed" }
    local result = deploy("apply", "--yes")
    assert.equal(6, result.status)
    assert.matches("a stack cannot be planned", result.stderr, 1, true)
    assert.same({}, stacks.requested "ExecuteChangeSet")
  end)

  it("says which failure came first, and what to do", function()
    stacks.stack { operations = { { fails = "Nothing", reason = "no permission" } } }
    local result = deploy("apply", "--yes")
    assert.equal(6, result.status)
    assert.matches("Nothing CREATE_FAILED: no permission\nNext: mend what failed, then run the "
      .. "same command again",
      result.stderr, 1, true)
  end)

  it("says which --skip was for nothing", function()
    stacks.stack { status = "UPDATE_ROLLBACK_FAILED", stuck = "Stuck",
      tags = { { Key = "weir:stack", Value = "weir-link" } },
      operations = { { rollback_fails = "Stuck" } } }
    local result = deploy("apply", "--yes", "--skip", "Stuck", "--skip", "Stranger")
    assert.equal(0, result.status, result.stderr)
    assert.matches("--skip Stranger: no roll-back was held up by it\n", result.stderr, 1, true)
    assert.is_nil(result.stderr:find("--skip Stuck:", 1, true))
  end)

  it("asks nothing and changes nothing where a stack lacks our tag, but with --adopt", function()
    stacks.stack { status = "CREATE_COMPLETE" }
    local planned = deploy("plan")
    assert.equal(1, planned.status, planned.stderr)
    assert.matches("    it lacks our tag weir:stack: somebody else's, or --adopt\n", planned.stdout,
      1, true)

    local result = deploy("apply", "--yes")
    assert.equal(6, result.status)
    assert.matches("stack weir-link of account 111122223333 in eu-west-1: it does not carry the "
      .. "tag weir:stack = weir-link, so somebody else may have made it; nothing was changed\n"
      .. "Next: give the estate another name", result.stderr, 1, true)
    assert.same({}, stacks.requested "ExecuteChangeSet")

    result = deploy("apply", "--yes", "--adopt")
    assert.equal(0, result.status, result.stderr)
    assert.equal(0, deploy("plan").status)
  end)

  it("takes the options of apply for apply only", function()
    for _, option in ipairs { "--yes", "--replace", "--adopt" } do
      local result = deploy("plan", option)
      assert.equal(2, result.status)
      assert.matches("belong to apply", result.stderr, 1, true)
    end
  end)
end)
