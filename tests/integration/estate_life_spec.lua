-- The life of an estate of four accounts: deployed, changed, broken, repaired and cleaned up, on
-- the model-checked servers. Its roles are judged by IAM's rules as they are deployed.
local aws = require "weir.aws"
local cleaning = require "weir.cleanup"
local cloud = require "support.aws"
local deployment = require "support.deployment"
local files = require "support.files"
local json = require "weir.json"
local stacks = require "support.stacks"

local STORAGE, SHARED, ONE, TWO = "444455556666", "777788889999", "111122223333", "222233334444"
local POINT = "arn:aws:s3:eu-west-1:444455556666:accesspoint/files"
local EXTERNAL_ID = "an-external-id-of-111122223333"

local ESTATE = [[
return {
  name = "weir",
  regions = { "eu-west-1" },
  features = { "Boundary", "Batch", "TokenStore", "Polling", "Sink", "Link", "Policy" },
  artifacts = { bucket = "weir-{account}", layer = "%s/layer.zip", code = "%s/code.zip" },
  parameters = {
    core = { AccessPointArn = "]] .. POINT .. [[", OutputBucket = "weir-results", ModelName = "m" },
    storage = { AccessPointArn = "]] .. POINT .. [[" },
  },
  accounts = {
    { id = "444455556666", kind = "storage", role = { arn = "arn:aws:iam::444455556666:role/d" } },
    { id = "777788889999", kind = "shared", role = { arn = "arn:aws:iam::777788889999:role/d" } },
    { id = "111122223333", kind = "workload", external_id = "]] .. EXTERNAL_ID .. [[",
      stacks = { "boundary", "core", "link" } },
    { id = "222233334444", kind = "workload", external_id = "an-external-id-of-222233334444",
      stacks = { "boundary", "core", "link" },
      role = { arn = "arn:aws:iam::222233334444:role/d" } },
  },
}
]]

describe("an estate of four accounts", function()
  local folder, estate

  setup(function()
    folder = files.directory { ["layer.zip"] = "a layer", ["code.zip"] = "a package" }
    estate = ESTATE:format(folder, folder)
  end)

  teardown(function() files.remove(folder) end)

  local function apply(text, more)
    local outcome = deployment.apply(text, more)
    assert.is_true(outcome.done, outcome.message)
    return outcome
  end

  -- How each stack is, by "account name".
  local function statuses()
    local list = {}
    for _, each in ipairs(cloud.control("GET", "stacks").stacks) do
      if each.status ~= "DELETE_COMPLETE" then
        list[each.account .. " " .. each.name] = each.status
      end
    end

    return list
  end

  -- What a function of an account gets of a file, through the role of its account.
  local function read(account, external_id)
    local keys = cloud.control("POST", "roles/keys", {
      arn = ("arn:aws:iam::%s:role/weir-eu-west-1-discovery"):format(account) })
    local found, _, code = aws.client("s3", {
      credentials = { access_key_id = keys.AccessKeyId, secret_access_key = keys.SecretAccessKey,
        session_token = keys.SessionToken },
      getenv = cloud.environment(),
      role = {
        arn = ("arn:aws:iam::%s:role/weir-storage-access-%s"):format(STORAGE, account),
        external_id = external_id,
      },
    }):get_object { Bucket = POINT, Key = "scan" }

    return found and found.Body or code
  end

  local function clean(shown)
    return stacks.in_no_time(function()
      local session = deployment.session(estate, {})
      local found = assert(cleaning.look(session, {}))
      return cleaning.act(found, session, { logs = true, shown = shown or function() end })
    end)
  end

  it("is deployed, changed, broken, repaired, and cleaned up", function()
    stacks.reset()
    cloud.control("POST", "plain_buckets", json.array { "weir-" .. ONE, "weir-" .. TWO, "files" })
    cloud.control("POST", "access_points", json.array { { arn = POINT, bucket = "files" } })
    assert(cloud.client "s3":put_object { Bucket = "files", Key = "scan", Body = "a page" })

    -- Deployed: everything is there, and only who should reads the files.
    apply(estate)
    local deployed = statuses()
    assert.equal("CREATE_COMPLETE", deployed[STORAGE .. " weir-access-" .. TWO])
    assert.equal("CREATE_COMPLETE", deployed[SHARED .. " weir-shared"])
    assert.equal("CREATE_COMPLETE", deployed[TWO .. " weir-core"])
    assert.equal("a page", read(ONE, EXTERNAL_ID))
    assert.equal("AccessDenied", read(ONE, "another-external-id-12"))
    assert.equal("AccessDenied", read(TWO, EXTERNAL_ID))

    -- Changed: one parameter, in the stacks that have it and in no other.
    local changed = estate:gsub('ModelName = "m"', 'ModelName = "m", LogRetentionDays = 90')
    apply(changed)
    deployed = statuses()
    assert.equal("UPDATE_COMPLETE", deployed[ONE .. " weir-core"])
    assert.equal("UPDATE_COMPLETE", deployed[TWO .. " weir-core"])
    assert.equal("CREATE_COMPLETE", deployed[ONE .. " weir-link"])

    -- Broken: a change fails, and so does its roll-back; then it is told what to leave out.
    stacks.change { name = "weir-core", account = ONE, operations = json.array {
      { fails = "Routing", reason = "the layer is too large", rollback_fails = "Discovery",
        why = "the function is gone" } } }
    local broken = changed:gsub('ModelName = "m"', 'ModelName = "m-2"')
    local outcome = deployment.apply(broken)
    assert.is_nil(outcome.done or nil)
    assert.matches("the layer is too large", outcome.message, 1, true)
    assert.equal("UPDATE_ROLLBACK_FAILED", statuses()[ONE .. " weir-core"])

    -- Repaired.
    apply(broken, { skip = { ["weir-core/Discovery"] = true, Discovery = true } })
    assert.equal("UPDATE_COMPLETE", statuses()[ONE .. " weir-core"])
    assert.equal("a page", read(ONE, EXTERNAL_ID))

    -- Cleaned up, although something keeps a stack at first.
    stacks.change { name = "weir-core", account = TWO, blocks = { Inference = "it is running" } }
    local pauses = 0
    outcome = clean(function(event)
      if (event.note or ""):find "tries again" then
        pauses = pauses + 1
        if pauses == 2 then stacks.change { name = "weir-core", account = TWO, blocks = {} } end
      end
    end)
    assert.same({ failed = false, waits = false }, outcome)
    assert.equal(2, pauses)
    assert.equal("", stacks.left())
    assert.same({}, cloud.control("GET", "logs"))
  end)
end)
