-- What weir cleanup does about what keeps a stack: buckets that are not empty, security groups in
-- use, and what nobody can repair. Only what carries the stack's tag is touched.
local cleaning = require "support.cleaning"
local cloud = require "support.aws"
local json = require "weir.json"
local stacks = require "support.stacks"

local act, stack, state = cleaning.act, cleaning.stack, cleaning.state
local live = cleaning.run_live

local BUCKET = { Type = "AWS::S3::Bucket", physical = "weir-arrivals" }
local GROUP = { Type = "AWS::EC2::SecurityGroup", physical = "sg-ours" }

describe("weir cleanup", function()
  before_each(cleaning.begin)
  after_each(cleaning.finish)

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
      assert.same({}, state "buckets")
      assert.equal("", stacks.left())
    end)

    it("that fills meanwhile, until a pass finds nothing", function()
      bucket { writes = 9 }
      local result = live()
      assert.equal(0, result.status, result.stdout .. result.stderr)
      assert.same({}, state "buckets")
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
      assert.equal(3, #state "buckets"[1].versions)
    end)

    it("only with the stack's tag; another stays, and is named", function()
      bucket { tags = { ["weir:stack"] = "other-events" } }
      local result = live()
      assert.equal(6, result.status, result.stdout .. result.stderr)
      assert.matches("the bucket weir-arrivals does not carry the tag weir:stack = weir-events",
        result.stdout, 1, true)
      assert.equal(7, #state "buckets"[1].versions)
      assert.same({ "Arrivals" }, stacks.requested "DeleteStack"[2].RetainResources)
      assert.equal("", stacks.left())
    end)
  end)

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
      assert.equal("eni-4", ids(state "network".interfaces))
      assert.equal("sg-default sg-theirs", ids(state "network".groups))
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
      assert.equal("sgr-3 sgr-4 sgr-5", ids(state "network".rules))
      assert.matches("revoked sgr-1 of the security group sg-theirs, which named sg-ours", text, 1,
        true)
    end)

    it("only with the stack's tag", function()
      network { tags = {}, rules = json.array {
        { id = "sgr-1", group = "sg-theirs", names = "sg-ours" } } }
      local outcome, text = act()
      assert.same({ failed = true, waits = false }, outcome)
      assert.matches("sg-ours: the security group sg-ours does not carry the tag", text, 1, true)
      assert.equal("sgr-1", ids(state "network".rules))
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
end)
