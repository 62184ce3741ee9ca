-- Clean-ups of whatever state a stack is in, with whatever keeps it, throttled, refused and killed
-- at any call: each ends with nothing left or says what is in the way, the next run goes on, and
-- nothing without the estate's tag is ever touched.
local cleaning = require "weir.cleanup"
local cloud = require "support.aws"
local estates = require "weir.deploy.estate"
local json = require "weir.json"
local killed = require "support.killed"
local property = require "support.property"
local sessions = require "weir.deploy.session"
local stacks = require "support.stacks"

local ESTATE = [[
return {
  name = "weir",
  regions = { "eu-west-1" },
  accounts = { { id = "111122223333", kind = "workload" } },
}
]]

local STATUSES = {
  "CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE",
  "IMPORT_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_FAILED", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_FAILED",
  "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED",
  "UPDATE_ROLLBACK_FAILED", "SOMETHING_NEW",
}

local function tags(name) return json.array { { Key = "weir:stack", Value = name } } end

-- Ours and theirs, of everything that a clean-up can touch.
local function world(given)
  stacks.reset()
  local mine = { ["weir:stack"] = "weir-core" }
  cloud.control("POST", "network", {
    groups = json.array { { id = "sg-ours", vpc = "vpc-1", tags = mine },
      { id = "sg-theirs", vpc = "vpc-1" } },
    rules = json.array { { id = "sgr-ours", group = "sg-theirs", names = "sg-ours" },
      { id = "sgr-theirs", group = "sg-theirs", names = "sg-theirs" } },
    interfaces = json.array {
      { id = "eni-ours", groups = json.array { "sg-ours" }, looks = given.looks,
        description = "AWS Lambda VPC ENI-weir-core-F" },
      { id = "eni-theirs", groups = json.array { "sg-theirs" }, status = "available",
        description = "AWS Lambda VPC ENI-theirs" },
    },
  })

  cloud.control("POST", "buckets", json.array {
    { name = "weir-bucket", tags = mine, writes = given.writes,
      versions = json.array { { Key = "a", VersionId = "1" }, { Key = "a", VersionId = "2",
        marker = true } }, uploads = json.array { { Key = "b", UploadId = "u" } } },
    { name = "theirs", versions = json.array { { Key = "a", VersionId = "1" } } },
  })

  cloud.control("POST", "hosting", json.array {
    { name = "ours", stack = "weir-endpoint", config = "c-ours", variants = { a = "m-ours" } },
    { name = "theirs", config = "c-theirs", variants = { a = "m-theirs" } },
  })

  cloud.control("POST", "logs", json.array { { name = "weir-core-L", tags = mine },
    { name = "weir-core-theirs" } })
  stacks.stack { name = "weir-core", status = given.status, tags = tags "weir-core", blocks = {
    Topic = given.blocked and "it is in use" or nil,
  }, resources = {
    Topic = { Type = "AWS::SNS::Topic" },
    Bucket = { Type = "AWS::S3::Bucket", physical = "weir-bucket" },
    Group = { Type = "AWS::EC2::SecurityGroup", physical = "sg-ours" },
  } }
  stacks.stack { name = "weir-endpoint", status = "CREATE_COMPLETE", tags = tags "weir-endpoint",
    resources = { Endpoint = { Type = "AWS::SageMaker::Endpoint",
      physical = "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/ours" } } }
  stacks.stack { name = "weir-events", status = "CREATE_COMPLETE",
    resources = { Topic = { Type = "AWS::SNS::Topic" } } }
end

local function has(list, key, value)
  for _, each in ipairs(list) do
    if each == value or type(each) == "table" and each[key] == value then return true end
  end

  return false
end

local function check_theirs()
  local network, hosting = cloud.control("GET", "network"), cloud.control("GET", "hosting")
  assert.is_true(has(network.groups, "id", "sg-theirs"))
  assert.is_true(has(network.rules, "id", "sgr-theirs"))
  assert.is_true(has(network.interfaces, "id", "eni-theirs"))
  assert.is_true(has(hosting.endpoints, nil, "theirs") and has(hosting.configs, nil, "c-theirs")
    and has(hosting.models, nil, "m-theirs"))
  assert.is_true(has(hosting.targets, nil,
    "endpoint/theirs/variant/a|sagemaker:variant:DesiredInstanceCount"))
  assert.is_true(has(cloud.control("GET", "logs"), nil, "weir-core-theirs"))
  local left = cloud.control("GET", "buckets")
  assert.equal(1, #left[#left].versions)
  assert.matches("weir-events CREATE_COMPLETE", stacks.left(), 1, true)
end

-- → outcome | nil, message; what was said
local function clean()
  local said = {}
  local given = {
    logs = true,
    shown = function(event) said[#said + 1] = event.error or event.note or "" end,
  }
  local session = sessions.new {
    estate = estates.read(ESTATE, "estate.lua"),
    config = { credentials = cloud.credentials, getenv = cloud.environment() },
  }
  local found, message = cleaning.look(session, given)
  if not found then return nil, message end

  return cleaning.act(found, session, given), table.concat(said, "\n")
end

local function check_gone()
  assert.equal("weir-events CREATE_COMPLETE", stacks.left())
  assert.same({ "theirs" }, cloud.control("GET", "hosting").endpoints)
  assert.equal(1, #cloud.control("GET", "buckets"))
  assert.is_false(has(cloud.control("GET", "logs"), nil, "weir-core-L"))
end

-- record{ { name, generator }, … }: a table with a value of each
local function record(members)
  local generators = {}
  for i, member in ipairs(members) do generators[i] = member[2] end

  return property.map(property.tuple(generators), function(values)
    local made = {}
    for i, member in ipairs(members) do made[member[1]] = values[i] end
    return made
  end)
end

describe("a clean-up", function()
  it("goes on where it was killed, at any call, in any state", function()
    local worlds = record {
      { "status", property.element(STATUSES) },
      { "looks", property.int(0, 6) },
      { "writes", property.int(0, 3) },
      { "number", property.int(1, 80) },
      { "before", property.boolean() },
    }
    property.check("kills", worlds, function(given)
      world(given)
      stacks.in_no_time(function()
        killed(given.number, given.before, clean)
        check_theirs()
        local outcome, said
        for _ = 1, 2 do outcome, said = clean() end
        assert.same({ failed = false, waits = false }, outcome, said)
      end)
      check_theirs()
      check_gone()
    end, { cases = 25 })
  end)

  it("ends well or names what is in the way, whatever fails", function()
    local FAULTS = {
      throttled = { kind = "status", status = 400, body = "<ErrorResponse><Error><Code>Throttling"
        .. "</Code><Message>Rate exceeded</Message></Error></ErrorResponse>",
        headers = { ["Content-Type"] = "text/xml" } },
      expired = { kind = "status", status = 403, body = "<ErrorResponse><Error><Code>ExpiredToken"
        .. "</Code><Message>The security token has expired</Message></Error></ErrorResponse>",
        headers = { ["Content-Type"] = "text/xml" } },
      broken = { kind = "reset" },
      pass = { kind = "pass" },
    }
    local worlds = record {
      { "status", property.element(STATUSES) },
      { "looks", property.element { 0, 3, false } },
      { "writes", property.element { 0, 1000000 } },
      { "blocked", property.boolean() },
      { "faults", property.array(property.element { "throttled", "expired", "broken", "pass",
        "pass", "pass", "pass", "pass" }, { max = 30 }) },
    }
    property.check("failures", worlds, function(given)
      given.looks = given.looks or nil
      world(given)
      local faults = {}
      for i, name in ipairs(given.faults) do faults[i] = FAULTS[name] end
      if #faults > 0 then cloud.faults(table.unpack(faults)) end

      local outcome, said = stacks.in_no_time(clean)
      check_theirs()
      if outcome and not outcome.failed and not outcome.waits then return check_gone() end
      assert.is_true(#said > 10)
      if outcome and given.looks == nil and outcome.waits then
        assert.matches("eni-ours", said, 1, true)
      end
    end, { cases = 25 })
  end)
end)
