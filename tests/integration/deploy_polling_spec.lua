-- An estate whose files are polled, from another account: deployed, looked at, planned again, and
-- cleaned up while an execution of polling runs.
local aws = require "weir.aws"
local cleaning = require "weir.cleanup"
local cloud = require "support.aws"
local deployment = require "support.deployment"
local files = require "support.files"
local json = require "weir.json"
local run = require "support.run"
local sha256 = require "weir.sha256"
local stacks = require "support.stacks"

local STORAGE, WORKLOAD = "444455556666", "111122223333"
local POINT = "arn:aws:s3:eu-west-1:444455556666:accesspoint/files"
local EXTERNAL_ID = "an-external-id-of-111122223333"

local ESTATE = [[
return {
  name = "weir",
  regions = { "eu-west-1" },
  features = { "Boundary", "Batch", "TokenStore", "Events", "Processing", "Polling", "Alarms",
    "Policy" },
  artifacts = { bucket = "weir-{account}", layer = "%s/layer.zip", code = "%s/code.zip" },
  parameters = {
    core = { AccessPointArn = "]] .. POINT .. [[", OutputBucket = "weir-results", ModelName = "m" },
    events = { AccessPointArn = "]] .. POINT .. [[", SourceBucket = "files",
      OutputBucket = "weir-results", TriggerMode = "polling" },
    storage = { AccessPointArn = "]] .. POINT .. [[" },
  },
  accounts = {
    { id = "444455556666", kind = "storage", role = { arn = "arn:aws:iam::444455556666:role/d" } },
    { id = "111122223333", kind = "workload", external_id = "]] .. EXTERNAL_ID .. [[",
      stacks = { "boundary", "core", "events" } },
  },
}
]]

describe("an estate whose files are polled", function()
  local folder, estate

  setup(function()
    folder = files.directory { ["layer.zip"] = "a layer", ["code.zip"] = "a package" }
    estate = ESTATE:format(folder, folder)
    stacks.reset()
    cloud.control("POST", "plain_buckets", json.array { "weir-" .. WORKLOAD, "files" })
    cloud.control("POST", "access_points", json.array { { arn = POINT, bucket = "files" } })
    local outcome = deployment.apply(estate)
    assert.is_true(outcome.done, outcome.message)
  end)

  teardown(function() files.remove(folder) end)

  local function deployed(name)
    for _, each in ipairs(cloud.control("GET", "stacks").stacks) do
      if each.account == WORKLOAD and each.name == name and each.status ~= "DELETE_COMPLETE" then
        return each
      end
    end
  end

  local function outputs()
    local found = {}
    for _, each in ipairs(stacks.client({}):describe_stacks { StackName = "weir-events" }
      .Stacks[1].Outputs) do
      found[each.OutputKey] = each.OutputValue
    end

    return found
  end

  it("has the state machine of polling under the digest of its file", function()
    local key = ("weir/%s.json"):format(sha256.file "deploy/state-machines/polling.asl.json")
    assert.equal(key, deployed("weir-events").parameters.PollingAslKey)
    assert(cloud.client "s3":head_object { Bucket = "weir-" .. WORKLOAD, Key = key })
    assert.equal("arn:aws:states:eu-west-1:111122223333:stateMachine:weir-polling",
      outputs().PollingMachineArn)
  end)

  it("lets the function that lists take the storage account's role, with its External ID",
    function()
    assert.matches("role/weir-eu-west-1-polling", outputs().FileRoleArns, 1, true)
    local function list(external_id)
      local keys = cloud.control("POST", "roles/keys",
        { arn = "arn:aws:iam::111122223333:role/weir-eu-west-1-polling" })
      local client = aws.client("s3", {
        credentials = { access_key_id = keys.AccessKeyId, secret_access_key = keys.SecretAccessKey,
          session_token = keys.SessionToken },
        getenv = cloud.environment(),
        role = {
          arn = ("arn:aws:iam::%s:role/weir-storage-access-%s"):format(STORAGE, WORKLOAD),
          external_id = external_id,
        },
      })
      local page, _, code = client:list_objects_v2 { Bucket = POINT }
      return page and "listed" or code
    end

    assert.equal("listed", list(EXTERNAL_ID))
    assert.equal("AccessDenied", list "another-external-id-12")
  end)

  it("is found in order by weir doctor, with both schedules and both state machines", function()
    local path = files.write(os.tmpname(), estate)
    local result = run { "doctor", path, env = stacks.environment() }
    for _, words in ipairs { "weir-polling", "PollingSchedule", "ReconcileSchedule" } do
      assert.matches(words, result.stdout, 1, true)
    end
  end)

  it("has nothing left to do when it is planned again, and its alarms are in its price", function()
    local rows = deployment.apply(estate).rows
    for _, row in ipairs(rows) do
      assert.is_false(row.differs, row.stack.name)
      if row.stack.name == "weir-events" then
        assert.matches("4 × Alarm", table.concat(row.price.parts, " "), 1, true)
      end
    end
  end)

  it("is cleaned up while polling runs: the execution is stopped first", function()
    local machine = outputs().PollingMachineArn
    cloud.control("POST", "machines", { { arn = machine, running = { "run-1" } } })
    local outcome = stacks.in_no_time(function()
      local session = deployment.session(estate, {})
      local found = assert(cleaning.look(session, {}))
      return cleaning.act(found, session, { logs = true, shown = function() end })
    end)

    assert.same({ failed = false, waits = false }, outcome)
    assert.equal("", stacks.left())
    local execution = machine:gsub("stateMachine", "execution") .. ":run-1"
    assert.equal("ABORTED", cloud.control("GET", "machines")[execution].status)
  end)
end)
