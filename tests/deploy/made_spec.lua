-- What CloudFormation does in the name of whoever deploys and cleans up is allowed by what weir
-- permissions prints for them: of every resource of every template, by the permissions that
-- CloudFormation's registry tells of its type (tests/servers/aws_resource_needs.mjs).
local json = require "weir.json"
local run = require "support.run"
local templates = require "support.templates"

-- The account in which a template is deployed. stacksets.yaml is deployed by hand, as a template of
-- its own: its instances are made by roles of AWS's.
local ACCOUNTS = {
  boundary = templates.WORKLOAD,
  core = templates.WORKLOAD,
  endpoint = templates.WORKLOAD,
  events = templates.WORKLOAD,
  link = templates.WORKLOAD,
  replay = templates.WORKLOAD,
  tokens = templates.WORKLOAD,
  shared = templates.SHARED,
  storage = templates.STORAGE,
}

local function printed(verb, account)
  local result = run { "permissions", verb, "--json", "--region", templates.REGION, "--account",
    account }
  return assert(json.decode(result.stdout), result.stderr)
end

-- template → findings
local function refused(verb, act, change)
  local names, questions = {}, {}
  for _, name in ipairs(templates.names()) do
    if ACCOUNTS[name] then
      local policy = printed(verb, ACCOUNTS[name])
      if change then change(policy) end
      names[#names + 1] = name
      questions[#questions + 1] = {
        check = "made",
        file = templates.path(name),
        parameters = templates.given(name, name == "events" and { EnableBucket = "true",
          SourceBucket = false } or nil),
        place = templates.place(ACCOUNTS[name], "weir-" .. name),
        policy = policy,
        act = act,
      }
    end
  end

  local found = {}
  for i, findings in ipairs(templates.ask(questions)) do
    for _, finding in ipairs(findings) do found[#found + 1] = names[i] .. " " .. finding end
  end

  return found
end

describe("what weir permissions prints", function()
  it("for deploy lets CloudFormation make, change and take back everything there is", function()
    for _, act in ipairs { "create", "update", "roll back" } do
      assert.same({}, refused("deploy", act), act)
    end
  end)

  it("for cleanup lets it delete what does not stay", function()
    assert.same({}, refused("cleanup", "delete"))
  end)

  it("fits into the policies that a role has of its own", function()
    for _, verb in ipairs { "deploy", "cleanup", "doctor" } do
      local result = run { "permissions", verb, "--json", "--region", "ap-northeast-1", "--account",
        templates.WORKLOAD, "--set", "name=sixteen-letters1" }
      assert.is_true(#result.stdout <= 10240, ("%s: %d"):format(verb, #result.stdout))
    end
  end)

  it("is missed where it is not there", function()
    local found = refused("deploy", "create", function(policy)
      for _, statement in ipairs(policy.Statement) do
        for i = #statement.Action, 1, -1 do
          if statement.Action[i] == "states:CreateStateMachine" then
            table.remove(statement.Action, i)
          end
        end
      end
    end)
    assert.equal(4, #found)
    assert.matches("Inference: states:CreateStateMachine on arn:aws:states:", found[1], 1, true)
  end)

  it("is asked of every template but the one that is deployed by hand", function()
    for _, name in ipairs(templates.names()) do
      assert.equal(name ~= "stacksets", ACCOUNTS[name] ~= nil, name)
    end
  end)
end)
