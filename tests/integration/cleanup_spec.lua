-- weir cleanup against the model-checked servers: what goes, in which order, and what stays. Only
-- what carries the estate's tag is touched.
local cleaning = require "support.cleaning"
local cloud = require "support.aws"
local files = require "support.files"
local json = require "weir.json"
local json_schema = require "support.json_schema"
local run = require "support.run"
local stacks = require "support.stacks"

local act, stack, state = cleaning.act, cleaning.stack, cleaning.state
local cleanup, live = cleaning.run, cleaning.run_live

local function sorted_names(list)
  local names = {}
  for i, each in ipairs(list) do names[i] = each.Name end
  table.sort(names)

  return names
end

describe("weir cleanup", function()
  before_each(cleaning.begin)
  after_each(cleaning.finish)

  describe("dry", function()
    it("shows the stacks in the order in which they would go, and changes nothing", function()
      stack "boundary"
      stack "core"
      stack "endpoint"
      local result = cleanup()
      assert.equal(1, result.status, result.stderr)
      assert.equal([[
weir-endpoint  111122223333 eu-west-1  CREATE_COMPLETE  would be deleted, 1 resource
weir-core      111122223333 eu-west-1  CREATE_COMPLETE  would be deleted, 1 resource
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
      assert.equal('{"outcome":"nothing to delete"}\n', cleanup("--json").stdout)
    end)

    it("with --live and nobody to ask is refused", function()
      stack "core"
      local result = cleanup "--live"
      assert.equal(2, result.status)
      assert.matches("give --yes", result.stderr, 1, true)
      assert.same({}, stacks.requested "DeleteStack")
    end)

    it("asks on a terminal, and takes no answer for a no", function()
      stack "core"
      stack "endpoint"
      local result = run { "cleanup", cleaning.path, "--live", "--logs", terminal = true,
        env = stacks.environment() }
      assert.equal(1, result.status, result.stdout)
      assert.matches("Delete 2 stacks and the log groups of the estate weir? [y/N]", result.stdout,
        1, true)
      assert.matches("nothing was deleted", result.stdout, 1, true)
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
      stack("events", { tags = cleaning.tags "other-events" })
      stack "extra"
      stacks.stack { name = "other-core", status = "CREATE_COMPLETE",
        tags = cleaning.tags "other-core" }
      local result = live()
      assert.equal(0, result.status, result.stderr)
      assert.matches("weir-core    111122223333 eu-west-1  CREATE_COMPLETE  stays: it does not "
        .. "carry the tag weir:stack = weir-core", result.stdout, 1, true)
      assert.matches("weir-extra   111122223333 eu-west-1  CREATE_COMPLETE  stays: its tag says",
        result.stdout, 1, true)
      assert.is_nil(result.stdout:find("other-core", 1, true))
      assert.same({}, stacks.requested "DeleteStack")
    end)

    it("in an account that the file does not name", function()
      stack "core"
      files.write(cleaning.path, (cleaning.ESTATE:gsub("111122223333", "999988887777")))
      local result = live()
      assert.equal(6, result.status)
      assert.matches("the credentials are of account 111122223333, the estate names 999988887777",
        result.stderr, 1, true)
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

      local disabled = stacks.requested "DisableRule"
      assert.same({ "weir-core-Gone", "weir-core-Rule" }, sorted_names(disabled))
      assert.same({ theirs = "ENABLED" }, state "starters".rules)
      schedule.Name, schedule.GroupName = "weir-core-Schedule", "default"
      schedule.State = "DISABLED"
      assert.same({ schedule }, stacks.requested "UpdateSchedule")
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
      assert.same({ "theirs" }, state "hosting".endpoints)
    end)

    it("whose deletion is stuck: scaling, endpoint, configuration and models", function()
      hosting { status = "Updating", looks = 3 }
      stack("endpoint", { resources = { Endpoint = ENDPOINT },
        blocks = { Endpoint = "the endpoint is being updated" } })
      local outcome, text = act({ endpoint_only = true }, function()
        if #state "hosting".endpoints == 1 then
          stacks.change { name = "weir-endpoint", blocks = {} }
        end
      end)
      assert.same(THEIRS, state "hosting")
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
      assert.same(THEIRS, state "hosting")
    end)

    it("but not of one without the tag", function()
      hosting { stack = "somebody" }
      stack("endpoint", { status = "DELETE_FAILED", resources = { Endpoint = ENDPOINT },
        blocks = { Endpoint = "it is broken" } })
      local outcome, text = act()
      assert.is_true(outcome.failed)
      assert.matches("the endpoint ranking does not carry the tag weir:stack = weir-endpoint", text,
        1, true)
      assert.equal(2, #state "hosting".endpoints)
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

    it("batch jobs of others that still run, and those alone", function()
      cloud.control("POST", "jobs", {
        ["weir-scan-1"] = { status = "InProgress" },
        ["weir-scan-2"] = { status = "Completed" },
        ["not-weir-3"] = { status = "InProgress" },
      })
      local result = live()
      assert.equal(0, result.status, result.stdout .. result.stderr)
      assert.matches("stays  111122223333 eu-west-1  weir-scan-1  (batch job): it runs and "
        .. "costs until it ends, and no stack that was deleted started it; aws sagemaker "
        .. "stop-transform-job stops it", result.stdout, 1, true)
      assert.is_nil(result.stdout:find("weir-scan-2", 1, true))
      assert.is_nil(result.stdout:find("not-weir-3", 1, true))
      assert.same({}, stacks.requested "StopTransformJob")
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
      local left = state "logs"
      table.sort(left)
      assert.same({ "other-core-Log", "weir-core-theirs" }, left)
    end)

    it("as JSON, one object a line", function()
      local result = live "--json"
      assert.is_true(json_schema.check("docs/json/cleanup.schema.json", result.stdout,
        { lines = true }))
      local outcomes = {}
      for line in result.stdout:gmatch "[^\n]+" do
        local object = assert(json.decode(line))
        outcomes[#outcomes + 1] = object.outcome
      end

      assert.same({ "would be deleted", "deleted", "stays", "stays", "stays", "stays" }, outcomes)
    end)
  end)

  it("names a protected stack, and how the protection is lifted", function()
    stack "core"
    cloud.answers { ["cloudformation.DeleteStack"] = json.array { {
      status = 400,
      headers = { ["Content-Type"] = "text/xml" },
      body = "<ErrorResponse><Error><Code>ValidationError</Code><Message>Stack [weir-core] cannot "
        .. "be deleted while TerminationProtection is enabled</Message></Error></ErrorResponse>",
    } } }
    local result = live()
    assert.equal(6, result.status)
    assert.matches("weir%-core  111122223333 eu%-west%-1  not deleted: .*TerminationProtection is "
      .. "enabled.*; lift it: aws cloudformation update%-termination%-protection "
      .. "%-%-no%-enable%-termination%-protection %-%-stack%-name weir%-core", (result.stdout))
    assert.equal("weir-core CREATE_COMPLETE", stacks.left())
  end)

  it("says that credentials ended in the middle, and goes on with new ones", function()
    stack "core"
    stack "events"
    local faults = {}
    for i = 1, 12 do faults[i] = { kind = "pass" } end
    faults[13] = { kind = "status", status = 403, headers = { ["Content-Type"] = "text/xml" },
      body = "<ErrorResponse><Error><Code>ExpiredToken</Code><Message>The security token included "
        .. "in the request is expired</Message></Error></ErrorResponse>" }
    cloud.faults(table.unpack(faults))
    local result = live()
    assert.equal(6, result.status, result.stdout)
    assert.matches("the credentials have ended; sign in again and run the same command, it goes "
      .. "on where it was", result.stdout .. result.stderr, 1, true)

    cloud.faults()
    assert.equal(0, live().status)
    assert.equal("", stacks.left())
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
    assert.matches("weir-core      111122223333 eu-west-1  not deleted: cloudformation "
      .. "DeleteStack: "
      .. "AccessDenied: not you", result.stdout, 1, true)
    assert.matches("weir-boundary  111122223333 eu-west-1  not deleted: left, because weir-core of "
      .. "this account is not gone", result.stdout, 1, true)
    assert.equal("weir-core CREATE_COMPLETE, weir-boundary CREATE_COMPLETE", stacks.left())
  end)
end)
