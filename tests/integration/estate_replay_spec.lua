-- The state machine of fleet replays as part of an estate: deployed with what other stacks put out,
-- looked at, and cleaned up with the executions that still run.
local cleaning = require "weir.cleanup"
local cloud = require "support.aws"
local deployment = require "support.deployment"
local doctor = require "weir.doctor"
local estates = require "weir.deploy.estate"
local files = require "support.files"
local inventory = require "weir.cleanup.inventory"
local json = require "weir.json"
local run = require "support.run"
local sha256 = require "weir.sha256"
local stacks = require "support.stacks"

local ESTATE = [[
return {
  name = "weir",
  regions = { "eu-west-1" },
  features = { "Boundary", "Batch", "TokenStore", "Replay" },
  artifacts = { bucket = "weir-{account}", layer = "%s/layer.zip", code = "%s/code.zip" },
  parameters = {
    core = { SourceBucket = "weir-files", OutputBucket = "weir-results", ModelName = "m" },
    replay = { LogBucket = "weir-logs", ResultsBucket = "weir-results" },
  },
  accounts = {
    { id = "111122223333", kind = "workload", stacks = { "boundary", "core", "replay" } },
  },
}
]]

local MACHINE = "arn:aws:states:eu-west-1:111122223333:stateMachine:weir-replay"

describe("replay.yaml in an estate", function()
  local folder, estate

  before_each(function()
    stacks.reset()
    folder = files.directory { ["layer.zip"] = "a layer", ["code.zip"] = "a package" }
    estate = ESTATE:format(folder, folder)
    cloud.control("POST", "plain_buckets", json.array { "weir-111122223333" })
    local outcome = deployment.apply(estate)
    assert.is_true(outcome.done, outcome.message)
  end)

  after_each(function() files.remove(folder) end)

  local function weir(...)
    files.write(folder .. "/estate.lua", estate)
    local words = { ... }
    words.env = stacks.environment()
    return run(words)
  end

  it("gets the layer of core, the boundary, and its state machine", function()
    local parameters = {}
    for _, each in ipairs(cloud.control("GET", "stacks").stacks) do
      parameters[each.name] = each.parameters
    end

    local replay = parameters["weir-replay"]
    assert.matches("^arn:aws:lambda:eu%-west%-1:111122223333:layer:.+", replay.LayerArn)
    assert.equal("arn:aws:iam::111122223333:policy/weir-boundary", replay.BoundaryArn)
    assert.equal("weir/" .. sha256.file "deploy/state-machines/replay.asl.json" .. ".json",
      replay.AslKey)
    assert.equal("true", replay.EnableReplay)
  end)

  it("is looked at by doctor", function()
    local found = {}
    doctor.examine(deployment.session(estate, {}), {
      version = "1",
      shown = function(finding)
        if finding.check == "state machine" then found[finding.subject] = finding.outcome end
      end,
    })
    assert.equal("ok", found[MACHINE])
  end)

  it("is shown by a clean-up with the executions that would be stopped", function()
    cloud.control("POST", "machines", json.array {
      { arn = MACHINE, running = json.array { "one", "two", "three" } },
    })
    local result = weir("cleanup", folder .. "/estate.lua")
    assert.equal(1, result.status, result.stderr)
    assert.matches("weir%-replay +111122223333 eu%-west%-1  CREATE_COMPLETE  would be deleted, "
      .. "%d+ resources, 3 executions would be stopped\n", result.stdout)
    assert.same({}, stacks.requested "StopExecution")
  end)

  it("is cleaned up: what runs is stopped first, and nothing else", function()
    local theirs = "arn:aws:states:eu-west-1:111122223333:stateMachine:theirs"
    cloud.control("POST", "machines", json.array {
      { arn = MACHINE, running = json.array { "one", "two", "three" } },
      { arn = theirs, running = json.array { "four" } },
    })
    local session, said = deployment.session(estate, {}), {}
    local outcome = stacks.in_no_time(function()
      local found = assert(cleaning.look(session, {}))
      return cleaning.act(found, session, { logs = true, shown = function(event)
        said[#said + 1] = event.note or event.error
      end })
    end)

    assert.same({ failed = false, waits = false }, outcome, table.concat(said, "\n"))
    assert.equal("", stacks.left())
    local left = cloud.control("GET", "machines")
    for _, name in ipairs { "one", "two", "three" } do
      local execution = left[MACHINE:gsub("stateMachine", "execution") .. ":" .. name]
      assert.equal("ABORTED", execution.status)
      assert.equal("the estate is cleaned up (weir cleanup)", execution.cause)
    end

    assert.equal("RUNNING", left[theirs:gsub("stateMachine", "execution") .. ":four"].status)
    assert.matches("stopped the execution two", table.concat(said, "\n"), 1, true)
  end)

  it("stops what runs in --live as IAM lets whoever has the printed permissions", function()
    local printed = run { "permissions", "cleanup", "--json", "--region", "eu-west-1", "--account",
      "111122223333" }
    cloud.control("POST", "roles", {
      caller = { arn = "arn:aws:iam::111122223333:user/cleaner",
        policies = json.array { assert(json.decode(printed.stdout)) } },
    })
    cloud.control("POST", "machines", json.array {
      { arn = MACHINE, running = json.array { "one" } },
    })
    local result = weir("cleanup", folder .. "/estate.lua", "--live", "--yes")
    assert.equal(0, result.status, result.stdout .. result.stderr)
    assert.same(json.array {}, cloud.control("GET", "refusals"))
    assert.equal(1, #stacks.requested "StopExecution")
  end)
end)

describe("cleanup", function()
  it("has a place in its order for every template of an estate", function()
    for _, name in ipairs(estates.template_names) do
      assert.is_truthy(inventory.rank(name), name)
    end
  end)
end)
