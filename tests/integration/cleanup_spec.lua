-- weir cleanup against the model-checked servers: what a deletion trips over is put away, only what
-- carries the estate's tag is touched, and a run that was killed goes on.
local cleaning = require "weir.cleanup"
local cloud = require "support.aws"
local estates = require "weir.deploy.estate"
local files = require "support.files"
local json = require "weir.json"
local run = require "support.run"
local sessions = require "weir.deploy.session"
local stacks = require "support.stacks"

local ESTATE = [[
return {
  name = "weir",
  regions = { "eu-west-1" },
  accounts = { { id = "111122223333", kind = "workload" } },
}
]]

local BUCKET = { Type = "AWS::S3::Bucket", physical = "weir-arrivals" }
local GROUP = { Type = "AWS::EC2::SecurityGroup", physical = "sg-ours" }

local function tags(name) return json.array { { Key = "weir:stack", Value = name } } end

describe("weir cleanup", function()
  local folder

  -- Whoever cleans up may do what weir permissions cleanup prints, and nothing else.
  local permissions
  setup(function()
    local printed = run { "permissions", "cleanup", "--json", "--region", "eu-west-1",
      "--account", "111122223333" }
    permissions = json.array { assert(json.decode(printed.stdout)) }
  end)

  before_each(function()
    stacks.reset()
    cloud.control("POST", "roles", {
      caller = { arn = "arn:aws:iam::111122223333:user/cleaner", policies = permissions },
    })
    folder = files.directory { ["estate.lua"] = ESTATE }
  end)

  after_each(function()
    files.remove(folder)
    assert.same({}, cloud.control("GET", "refusals"))
  end)

  local function cleanup(...)
    local words = { "cleanup", folder .. "/estate.lua", ... }
    words.env = stacks.environment()
    return run(words)
  end

  local function live(...) return cleanup("--live", "--yes", ...) end

  -- A stack of the estate, with its tag.
  local function stack(template, given)
    given = given or {}
    given.name = "weir-" .. template
    given.status = given.status or "CREATE_COMPLETE"
    given.tags = given.tags or tags(given.name)
    given.resources = given.resources or { Topic = { Type = "AWS::SNS::Topic" } }
    stacks.stack(given)
  end

  local function control(name) return cloud.control("GET", name) end

  describe("dry", function()
    it("shows the stacks in the order in which they would go, and changes nothing", function()
      stack "boundary"
      stack "core"
      stack "endpoint"
      local result = cleanup()
      assert.equal(1, result.status, result.stderr)
      assert.equal([[
weir-endpoint  111122223333 eu-west-1  CREATE_COMPLETE  would be deleted, 1 resource
weir-core  111122223333 eu-west-1  CREATE_COMPLETE  would be deleted, 1 resource
weir-boundary  111122223333 eu-west-1  CREATE_COMPLETE  would be deleted, 1 resource
]], result.stdout)
      for _, request in ipairs(cloud.requests()) do
        assert.is_truthy(request.operation:find("^Get") or request.operation:find("^List")
          or request.operation:find("^Describe"), request.operation)
      end
    end)

    it("finds nothing where there is nothing", function()
      local result = cleanup()
      assert.equal(0, result.status, result.stderr)
      assert.equal("There is nothing to delete.\n", result.stdout)
    end)

    it("with --live and nobody to ask is refused", function()
      stack "core"
      local result = cleanup "--live"
      assert.equal(2, result.status)
      assert.matches("give --yes", result.stderr, 1, true)
      assert.same({}, stacks.requested "DeleteStack")
    end)

    it("takes --yes only with --live", function()
      assert.equal(2, cleanup("--yes").status)
    end)
  end)

  it("deletes the stacks, endpoints first and the boundary last", function()
    stack "boundary"
    stack "core"
    stack "endpoint"
    local result = live()
    assert.equal(0, result.status, result.stdout .. result.stderr)
    assert.equal("", stacks.left())
    local order = {}
    for i, input in ipairs(stacks.requested "DeleteStack") do
      order[i] = input.StackName:match("/(weir%-%w+)/")
    end

    assert.same({ "weir-endpoint", "weir-core", "weir-boundary" }, order)
    assert.equal(0, cleanup().status)
  end)

  describe("touches nothing", function()
    it("of a stack without the tag, of another estate, or that the file does not name", function()
      stack("core", { tags = json.array {} })
      stack("events", { tags = tags "other-events" })
      stack "extra"
      stacks.stack { name = "other-core", status = "CREATE_COMPLETE", tags = tags "other-core" }
      local result = live()
      assert.equal(0, result.status, result.stderr)
      assert.matches("weir-core  111122223333 eu-west-1  CREATE_COMPLETE  stays: it does not carry "
        .. "the tag weir:stack = weir-core", result.stdout, 1, true)
      assert.matches("weir-extra  111122223333 eu-west-1  CREATE_COMPLETE  stays: its tag says",
        result.stdout, 1, true)
      assert.is_nil(result.stdout:find("other-core", 1, true))
      assert.same({}, stacks.requested "DeleteStack")
    end)

    it("in an account that the file does not name", function()
      stack "core"
      files.write(folder .. "/estate.lua", (ESTATE:gsub("111122223333", "999988887777")))
      local result = live()
      assert.equal(6, result.status)
      assert.matches("the credentials are of account 111122223333, the estate names 999988887777",
        result.stderr, 1, true)
    end)
  end)

  describe("empties a bucket", function()
    local function bucket(more)
      local given = { name = "weir-arrivals", tags = { ["weir:stack"] = "weir-events" },
        versions = json.array {}, uploads = json.array {} }
      for i = 1, 7 do
        given.versions[i] = { Key = ("a & b/%d %%"):format(i % 3), VersionId = "v" .. i,
          marker = i % 2 == 0 }
        given.uploads[i] = { Key = "up/" .. i % 2, UploadId = "u" .. i }
      end

      for key, value in pairs(more or {}) do given[key] = value end
      cloud.control("POST", "buckets", json.array { given })
      stack("events", { resources = { Arrivals = BUCKET } })
    end

    it("of versions, markers and uploads, over all pages", function()
      bucket()
      local result = live()
      assert.equal(0, result.status, result.stdout .. result.stderr)
      assert.matches("emptied the bucket weir-arrivals: 14 versions, markers and uploads",
        result.stdout, 1, true)
      assert.same({}, control "buckets")
      assert.equal("", stacks.left())
    end)

    it("that fills meanwhile, until a pass finds nothing", function()
      bucket { writes = 9 }
      local result = live()
      assert.equal(0, result.status, result.stdout .. result.stderr)
      assert.same({}, control "buckets")
    end)

    it("that fills for ever, and says so", function()
      bucket { writes = 1000000 }
      local result = live()
      assert.equal(5, result.status, result.stdout .. result.stderr)
      assert.matches("Arrivals: the bucket weir-arrivals fills as fast as it is emptied; stop what "
        .. "writes to it, then run the same command again", result.stdout, 1, true)
      assert.equal("weir-events DELETE_FAILED", stacks.left())
    end)

    it("and names an object that S3 does not delete", function()
      bucket { locked = json.array { "a & b/1 %" } }
      local result = live()
      assert.equal(6, result.status, result.stdout .. result.stderr)
      assert.matches("S3 does not delete a & b/1 % in the bucket weir-arrivals: AccessDenied",
        result.stdout, 1, true)
      assert.equal(3, #control "buckets"[1].versions)
    end)

    it("only with the stack's tag; another stays, and is named", function()
      bucket { tags = { ["weir:stack"] = "other-events" } }
      local result = live()
      assert.equal(6, result.status, result.stdout .. result.stderr)
      assert.matches("the bucket weir-arrivals does not carry the tag weir:stack = weir-events",
        result.stdout, 1, true)
      assert.equal(7, #control "buckets"[1].versions)
      assert.same({ "Arrivals" }, stacks.requested "DeleteStack"[2].RetainResources)
      assert.equal("", stacks.left())
    end)
  end)

  -- The same in this process, where sleeping takes no time. → outcome, what was shown
  local function act(given, sleeps)
    given = given or {}
    local text = {}
    given.shown = function(event)
      local stays = event.stays
      text[#text + 1] = event.note or event.error or stays and stays.what .. ": " .. stays.reason
    end

    return stacks.in_no_time(function()
      local session = sessions.new {
        estate = estates.read(ESTATE, "estate.lua"),
        config = { credentials = cloud.credentials, getenv = cloud.environment() },
      }
      local found = assert(cleaning.look(session, given))
      return cleaning.act(found, session, given), table.concat(text, "\n")
    end, sleeps)
  end

  local function network(given)
    given.groups = json.array { { id = "sg-ours", vpc = "vpc-1", tags = given.tags
      or { ["weir:stack"] = "weir-core" } }, { id = "sg-theirs", vpc = "vpc-1" },
      { id = "sg-default", name = "default", vpc = "vpc-1" } }
    cloud.control("POST", "network", given)
    stack("core", { resources = { Group = GROUP } })
  end

  local function eni(id, more)
    local given = { id = id, groups = json.array { "sg-ours" }, status = "in-use",
      description = "AWS Lambda VPC ENI-weir-core-Routing" }
    for key, value in pairs(more or {}) do given[key] = value end
    return given
  end

  local function ids(list)
    local names = {}
    for i, each in ipairs(list) do names[i] = each.id end
    table.sort(names)

    return table.concat(names, " ")
  end

  describe("frees a security group", function()
    it("of network interfaces that Lambda left, when they become available", function()
      network { interfaces = json.array { eni("eni-1", { status = "available" }),
        eni("eni-2", { looks = 4 }), eni("eni-3", { looks = 9 }),
        eni("eni-4", { groups = json.array { "sg-theirs" }, status = "available" }) } }
      local outcome, text = act()
      assert.same({ failed = false, waits = false }, outcome, text)
      assert.equal("eni-4", ids(control "network".interfaces))
      assert.equal("sg-default sg-theirs", ids(control "network".groups))
      assert.equal("", stacks.left())
    end)

    it("but not of one that never becomes available: it names it, and goes on later", function()
      network { interfaces = json.array { eni "eni-1" } }
      local outcome, text = act()
      assert.same({ failed = false, waits = true }, outcome)
      assert.matches("Group: the network interface eni-1 (in-use, 'AWS Lambda VPC ENI-weir-core-"
        .. "Routing') of the security group sg-ours is in use after an hour; Lambda lets go of it "
        .. "by itself: run the same command again later", text, 1, true)
      assert.equal("weir-core DELETE_FAILED", stacks.left())

      cloud.control("POST", "network", { interfaces = json.array { eni("eni-1", { looks = 2 }) } })
      assert.same({ failed = false, waits = false }, (act()))
      assert.equal("", stacks.left())
    end)

    it("but deletes nobody else's interface, available or not", function()
      network { interfaces = json.array { eni("eni-1", { status = "available",
        description = "made by hand" }) } }
      local outcome, text = act()
      assert.same({ failed = false, waits = true }, outcome)
      assert.matches("eni-1 (available, 'made by hand') is in the security group sg-ours and is "
        .. "not Lambda's", text, 1, true)
      assert.same({}, stacks.requested "DeleteNetworkInterface")
    end)

    it("of rules that name it, both ways, and of no other rule", function()
      network { rules = json.array {
        { id = "sgr-1", group = "sg-theirs", names = "sg-ours" },
        { id = "sgr-2", group = "sg-theirs", names = "sg-ours", egress = true },
        { id = "sgr-3", group = "sg-theirs", names = "sg-default" },
        { id = "sgr-4", group = "sg-theirs" },
        { id = "sgr-5", group = "sg-default", names = "sg-theirs", egress = true },
        { id = "sgr-6", group = "sg-ours", names = "sg-theirs" },
        { id = "sgr-7", group = "sg-ours", names = "sg-ours" },
      } }
      local outcome, text = act()
      assert.same({ failed = false, waits = false }, outcome, text)
      assert.equal("sgr-3 sgr-4 sgr-5", ids(control "network".rules))
      assert.matches("revoked sgr-1 of the security group sg-theirs, which named sg-ours", text, 1,
        true)
    end)

    it("only with the stack's tag", function()
      network { tags = {}, rules = json.array {
        { id = "sgr-1", group = "sg-theirs", names = "sg-ours" } } }
      local outcome, text = act()
      assert.same({ failed = true, waits = false }, outcome)
      assert.matches("sg-ours: the security group sg-ours does not carry the tag", text, 1, true)
      assert.equal("sgr-1", ids(control "network".rules))
    end)

    it("by giving its functions the default group first", function()
      network { interfaces = json.array { eni("eni-1", { description =
        "AWS Lambda VPC ENI-weir-events-Map" }) } }
      stack("events", { resources = { Map = { Type = "AWS::Lambda::Function",
        physical = "weir-events-Map" }, Other = { Type = "AWS::Lambda::Function",
        physical = "weir-events-Other" } } })
      cloud.control("POST", "functions", { functions = json.array {
        { name = "weir-events-Map", groups = json.array { "sg-ours" },
          subnets = json.array { "subnet-1" }, updates = 3 },
        { name = "weir-events-Other", groups = json.array { "sg-theirs" },
          subnets = json.array { "subnet-1" } },
      } })
      local outcome, text = act()
      assert.same({ failed = false, waits = false }, outcome, text)
      local updates = stacks.requested "UpdateFunctionConfiguration"
      assert.equal(1, #updates)
      assert.same({ FunctionName = "weir-events-Map", VpcConfig = { SubnetIds = { "subnet-1" },
        SecurityGroupIds = { "sg-default" } } }, updates[1])
      assert.equal("", stacks.left())
    end)
  end)

  describe("of what cannot be repaired", function()
    it("tries again after growing pauses, and succeeds", function()
      stack("core", { blocks = { Topic = "try again" } })
      local pauses = 0
      local outcome, text = act(nil, function(ms)
        if ms >= 30000 then pauses = pauses + 1 end
        if pauses == 3 then stacks.change { name = "weir-core", blocks = {} } end
      end)
      assert.same({ failed = false, waits = false }, outcome, text)
      assert.matches("tries again in 30 s.*tries again in 60 s.*tries again in 120 s", text)
      assert.equal("", stacks.left())
    end)

    it("keeps what fails five times, and lists it with the reason", function()
      stack("core", { blocks = { Topic = "it is in use elsewhere" },
        resources = {
          Topic = { Type = "AWS::SNS::Topic" },
          Queue = { Type = "AWS::SQS::Queue" },
        } })
      local outcome, text = act()
      assert.same({ failed = true, waits = false }, outcome)
      assert.matches("weir-core-Topic-1A2B3C: it is in use elsewhere", text, 1, true)
      local asked = stacks.requested "DeleteStack"
      assert.equal(6, #asked)
      assert.same({ "Topic" }, asked[6].RetainResources)
      for i = 1, 5 do assert.is_nil(asked[i].RetainResources, i) end
      assert.equal("", stacks.left())
    end)

    it("leaves it to CloudFormation with force", function()
      stack("core", { blocks = { Topic = "it is in use elsewhere" } })
      assert.same({ failed = false, waits = false }, (act { force = true }))
      assert.equal("FORCE_DELETE_STACK", stacks.requested "DeleteStack"[1].DeletionMode)
    end)
  end)

  for _, status in ipairs { "CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED",
    "UPDATE_FAILED", "UPDATE_ROLLBACK_FAILED", "UPDATE_ROLLBACK_COMPLETE", "DELETE_FAILED",
    "REVIEW_IN_PROGRESS", "IMPORT_COMPLETE" } do
    it("deletes a stack in " .. status, function()
      stack("core", { status = status })
      local outcome, text = act()
      assert.same({ failed = false, waits = false }, outcome, text)
      assert.equal("", stacks.left())
    end)
  end

  describe("stops", function()
    it("rules and schedules before any stack goes, and leaves a schedule as it is else", function()
      local schedule = {
        ScheduleExpression = "rate(5 minutes)",
        ScheduleExpressionTimezone = "Asia/Tokyo",
        FlexibleTimeWindow = { Mode = "OFF" },
        Description = "compares",
        Target = { Arn = "arn:aws:lambda:eu-west-1:111122223333:function:weir-core-Comparison",
          RoleArn = "arn:aws:iam::111122223333:role/weir-core-ScheduleRole", Input = "{}" },
      }
      cloud.control("POST", "starters", { rules = { ["weir-core-Rule"] = "ENABLED",
        theirs = "ENABLED" }, schedules = { ["weir-core-Schedule"] = schedule } })
      stack("core", { resources = {
        Rule = { Type = "AWS::Events::Rule", physical = "weir-core-Rule" },
        Schedule = { Type = "AWS::Scheduler::Schedule", physical = "weir-core-Schedule" },
        Gone = { Type = "AWS::Events::Rule", physical = "weir-core-Gone" },
      } })
      assert.same({ failed = false, waits = false }, (act()))

      local starters = control "starters"
      assert.same({ ["weir-core-Rule"] = "DISABLED", theirs = "ENABLED" }, starters.rules)
      local updated = starters.schedules["weir-core-Schedule"]
      schedule.State, schedule.GroupName = "DISABLED", "default"
      assert.same(schedule, updated)
      local order = {}
      for _, request in ipairs(cloud.requests()) do
        if request.operation:find "Rule$" or request.operation:find "^UpdateSchedule"
          or request.operation == "DeleteStack" then
          order[#order + 1] = request.operation
        end
      end

      assert.equal("DeleteStack", order[#order])
      assert.equal(4, #order)
    end)
  end)

  describe("ends the bill of endpoints", function()
    local ENDPOINT = { Type = "AWS::SageMaker::Endpoint",
      physical = "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/ranking" }

    local function hosting(more)
      local given = { name = "ranking", stack = "weir-endpoint", config = "config-1",
        variants = { a = "model-a", b = "model-b" } }
      for key, value in pairs(more or {}) do given[key] = value end
      local theirs = { name = "theirs", stack = "other-endpoint", config = "config-2",
        variants = { a = "model-c" } }
      cloud.control("POST", "hosting", json.array { given, theirs })
    end

    local THEIRS = {
      endpoints = { "theirs" },
      configs = { "config-2" },
      models = { "model-c" },
      targets = { "endpoint/theirs/variant/a|sagemaker:variant:DesiredInstanceCount" },
    }

    it("alone, with --endpoint-only", function()
      hosting()
      stack("endpoint", { resources = { Endpoint = ENDPOINT } })
      stack "core"
      local result = live "--endpoint-only"
      assert.equal(0, result.status, result.stdout .. result.stderr)
      assert.equal("weir-core CREATE_COMPLETE", stacks.left())
      assert.same({ "theirs" }, control "hosting".endpoints)
    end)

    it("whose deletion is stuck: scaling, endpoint, configuration and models", function()
      hosting { status = "Updating", looks = 3 }
      stack("endpoint", { resources = { Endpoint = ENDPOINT },
        blocks = { Endpoint = "the endpoint is being updated" } })
      local outcome, text = act({ endpoint_only = true }, function()
        if #control "hosting".endpoints == 1 then
          stacks.change { name = "weir-endpoint", blocks = {} }
        end
      end)
      assert.same(THEIRS, control "hosting")
      assert.matches("deleted the endpoint ranking; it costs nothing any more", text, 1, true)
      assert.is_false(outcome.waits, text)
    end)

    it("whose stack is gone", function()
      hosting()
      local result = cleanup "--endpoint-only"
      assert.equal(1, result.status, result.stderr)
      assert.matches("ranking  111122223333 eu-west-1  an endpoint whose stack is gone, would be "
        .. "deleted", result.stdout, 1, true)
      assert.same({ failed = false, waits = false }, (act { endpoint_only = true }))
      assert.same(THEIRS, control "hosting")
    end)

    it("but not of one without the tag", function()
      hosting { stack = "somebody" }
      stack("endpoint", { status = "DELETE_FAILED", resources = { Endpoint = ENDPOINT },
        blocks = { Endpoint = "it is broken" } })
      local outcome, text = act()
      assert.is_true(outcome.failed)
      assert.matches("the endpoint ranking does not carry the tag weir:stack = weir-endpoint", text,
        1, true)
      assert.equal(2, #control "hosting".endpoints)
      assert.same({}, stacks.requested "DeleteEndpoint")
    end)
  end)

  describe("lists what stays", function()
    before_each(function()
      cloud.control("POST", "logs", json.array {
        { name = "weir-core-RoutingLog-1", tags = { ["weir:stack"] = "weir-core" } },
        { name = "weir-core-theirs" },
        { name = "weir-core-CallbackLog-1", tags = { ["weir:stack"] = "weir-core" } },
        { name = "other-core-Log", tags = { ["weir:stack"] = "other-core" } },
      })
      cloud.control("POST", "tagged", json.array {
        { arn = "arn:aws:dynamodb:eu-west-1:111122223333:table/weir-core-Table-1A2B3C",
          tags = { ["weir:stack"] = "weir-core" } },
        { arn = "arn:aws:dynamodb:eu-west-1:111122223333:table/weir-core-Older",
          tags = { ["weir:stack"] = "weir-core" } },
        { arn = "arn:aws:dynamodb:eu-west-1:111122223333:table/payroll",
          tags = { ["weir:stack"] = "payroll" } },
      })
      stack("core", { resources = {
        Table = { Type = "AWS::DynamoDB::Table", DeletionPolicy = "RetainExceptOnCreate" },
      } })
    end)

    it("with the reason, and each thing once", function()
      local result = live()
      assert.equal(0, result.status, result.stdout .. result.stderr)
      local stays = {}
      for line in result.stdout:gmatch "[^\n]+" do
        stays[#stays + 1] = line:match "^stays  111122223333 eu%-west%-1  (.*)"
      end

      assert.same({
        "weir-core-Table-1A2B3C  (AWS::DynamoDB::Table): kept by the DeletionPolicy of its "
          .. "template",
        "arn:aws:logs:eu-west-1:111122223333:log-group:weir-core-RoutingLog-1  (logs): logs are "
          .. "kept; weir cleanup --logs deletes them",
        "arn:aws:logs:eu-west-1:111122223333:log-group:weir-core-CallbackLog-1  (logs): logs are "
          .. "kept; weir cleanup --logs deletes them",
        "arn:aws:dynamodb:eu-west-1:111122223333:table/weir-core-Older  (dynamodb): its data is "
          .. "kept; aws dynamodb delete-table deletes it",
      }, stays)
    end)

    it("older versions of a layer, too", function()
      stack("events", { resources = { Layer = { Type = "AWS::Lambda::LayerVersion",
        physical = "arn:aws:lambda:eu-west-1:111122223333:layer:Layer1A2B:4" } } })
      cloud.control("POST", "functions", { layers = { Layer1A2B = json.array { 3, 2 } } })
      local result = live()
      assert.equal(0, result.status, result.stdout .. result.stderr)
      assert.matches("stays  111122223333 eu-west-1  arn:aws:lambda:eu-west-1:111122223333:layer:"
        .. "Layer1A2B:2  (AWS::Lambda::LayerVersion): kept for roll-backs", result.stdout, 1, true)
    end)

    it("and deletes log groups with --logs, also when the stacks are gone; only its own", function()
      assert.equal(0, live().status)
      local result = live "--logs"
      assert.equal(0, result.status, result.stdout .. result.stderr)
      local left = control "logs"
      table.sort(left)
      assert.same({ "other-core-Log", "weir-core-theirs" }, left)
    end)

    it("as JSON, one object a line", function()
      local result = live "--json"
      local outcomes = {}
      for line in result.stdout:gmatch "[^\n]+" do
        local object = assert(json.decode(line))
        outcomes[#outcomes + 1] = object.outcome
      end

      assert.same({ "would be deleted", "deleted", "stays", "stays", "stays", "stays" }, outcomes)
    end)
  end)

  it("leaves the boundary while a stack stands on it", function()
    stack("core", { blocks = { Topic = "no" } })
    stack "boundary"
    cloud.answers { ["cloudformation.DeleteStack"] = json.array { {
      status = 403,
      headers = { ["Content-Type"] = "text/xml" },
      body = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error>"
        .. "</ErrorResponse>",
    } } }
    local result = live()
    assert.equal(6, result.status)
    assert.matches("weir-core  111122223333 eu-west-1  not deleted: cloudformation DeleteStack: "
      .. "AccessDenied: not you", result.stdout, 1, true)
    assert.matches("weir-boundary  111122223333 eu-west-1  not deleted: left, because weir-core of "
      .. "this account is not gone", result.stdout, 1, true)
    assert.equal("weir-core CREATE_COMPLETE, weir-boundary CREATE_COMPLETE", stacks.left())
  end)
end)
