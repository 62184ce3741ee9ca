-- An External ID rotated in three applies, as deploy/README.md says: at no time is the role refused
-- to the account whose it is.
local cloud = require "support.aws"
local deployment = require "support.deployment"
local files = require "support.files"
local json = require "weir.json"
local stacks = require "support.stacks"

local POINT = "arn:aws:s3:eu-west-1:444455556666:accesspoint/files"
local OLD, NEW = "the-external-id-of-old", "the-external-id-to-come"

local ESTATE = [[
return {
  name = "weir",
  regions = { "eu-west-1" },
  features = { "Boundary", "Batch", "TokenStore" },
  artifacts = { bucket = "weir-{account}", layer = "%s/layer.zip", code = "%s/code.zip" },
  parameters = {
    core = { AccessPointArn = "]] .. POINT .. [[", OutputBucket = "weir-results" },
    storage = { AccessPointArn = "]] .. POINT .. [[" },
  },
  accounts = {
    { id = "444455556666", kind = "storage", role = { arn = "arn:aws:iam::444455556666:role/d" } },
    { id = "111122223333", kind = "workload", stacks = { "boundary", "core" }, IDS },
  },
}
]]

describe("the External ID of an account", function()
  local folder

  setup(function() folder = files.directory { ["layer.zip"] = "l", ["code.zip"] = "c" } end)
  teardown(function() files.remove(folder) end)

  local function apply(ids)
    local text = ESTATE:format(folder, folder):gsub("IDS", ids)
    local outcome = deployment.apply(text)
    assert.is_true(outcome.done, outcome.message)
  end

  -- The External ID that the functions have.
  local function presented()
    for _, each in ipairs(cloud.control("GET", "stacks").stacks) do
      if each.name == "weir-core" and each.parameters then return each.parameters.ExternalId end
    end
  end

  local function is_taken(external_id)
    local keys = cloud.control("POST", "roles/keys", {
      arn = "arn:aws:iam::111122223333:role/weir-eu-west-1-discovery" })
    local sts = require("weir.aws.sts").new {
      credentials = { access_key_id = keys.AccessKeyId, secret_access_key = keys.SecretAccessKey,
        session_token = keys.SessionToken },
      getenv = cloud.environment(),
      region = "eu-west-1",
    }

    return sts:assume_role {
      RoleArn = "arn:aws:iam::444455556666:role/weir-storage-access-111122223333",
      RoleSessionName = "reader",
      ExternalId = external_id,
    } ~= nil
  end

  it("is rotated without a moment in which it is refused", function()
    stacks.reset()
    cloud.control("POST", "plain_buckets", json.array { "weir-111122223333" })
    local steps = {
      { ('external_id = "%s"'):format(OLD), true, false },
      { ('external_id = "%s", next_external_id = "%s"'):format(OLD, NEW), true, true },
      { ('external_id = "%s", next_external_id = "%s"'):format(NEW, OLD), true, true },
      { ('external_id = "%s"'):format(NEW), false, true },
    }
    for i, step in ipairs(steps) do
      local before = presented()
      apply(step[1])
      assert.same({ step[2], step[3] }, { is_taken(OLD), is_taken(NEW) }, "step " .. i)
      assert.is_true(not before or is_taken(before), "step " .. i)
      assert.is_true(is_taken(presented()), "step " .. i)
    end
  end)
end)
