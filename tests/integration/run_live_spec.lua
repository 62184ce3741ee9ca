-- `weir run` against the signing front: what a dry run leaves undone, what a live one does.
local cloud = require("support.aws")
local json = require("weir.json")
local run = require("support.run")

describe("weir run", function()
  local MACHINE = "arn:aws:states:eu-west-1:111122223333:stateMachine:m"
  local CREATED = [[{"source":"aws.s3","detail-type":"Object Created",
    "detail":{"bucket":{"name":"b"},"object":{"key":"%s","size":3,"etag":"1"}}}]]

  before_each(cloud.reset)

  local function weir(arguments)
    arguments.env = cloud.variables { WEIR_STATE_MACHINE = MACHINE }
    return run(arguments)
  end

  local function mapped(event, ...)
    return weir { "run", "mapping", "-e", "-", "-p", "policies", stdin = event, ... }
  end

  it("calls nothing unless it is told to", function()
    local result = mapped(CREATED:format("a"))

    assert.equal(0, result.status, result.stderr)
    assert.matches("plan      1. stepfunctions StartExecution", result.stdout)
    assert.same(json.array({}), cloud.requests())
  end)

  it("--live does what the dry run planned, and the same work once", function()
    local event = CREATED:format("a")
    local dry = mapped(event, "--json")
    local live = mapped(event, "--json", "--live")

    assert.equal(0, live.status, live.stderr)
    local planned, done = json.decode(dry.stdout), json.decode(live.stdout)
    assert.is_false(done.dry)
    assert.same(planned.plan, done.plan)
    assert.same(planned.plan[1].input, cloud.requests()[1].input)
    assert.equal(planned.result.started[1].execution, done.result.started[1].execution)
    assert.equal(0, mapped(event, "--live").status)
  end)

  it("--live fails with status 6 when AWS refuses", function()
    cloud.faults({ kind = "status", status = 400, headers = {},
      body = '{"__type":"AccessDeniedException","message":"not you"}' })
    local result = mapped(CREATED:format("b"), "--live")

    assert.equal(6, result.status)
    assert.matches("AccessDeniedException: stepfunctions StartExecution: AccessDeniedException: "
      .. "not you", result.stderr)
  end)

  it("--live is refused when the policy set does not verify", function()
    local directory = run.directory({ ["mapping.lua"] = "return policy { kind = 'mapping' }" })
    local result = weir({
      "run",
      "mapping",
      "-e",
      "-",
      "-p",
      directory,
      "--live",
      stdin = CREATED:format("c")
    })

    run.remove(directory)
    assert.equal(3, result.status)
    assert.same(json.array({}), cloud.requests())
  end)

  it("--live-reads asks AWS for what the world does not tell, and changes nothing", function()
    local function routed(event, ...)
      return json.decode(weir({ "run", "routing", "-e", "-", "-p", "policies", "--json",
        stdin = event, ... }).stdout)
    end

    local event = '{"file_count": 3, "endpoint_name": "e"%s}'
    assert.equal("InService", routed(event:format(""),
      "--live-reads").decisions[1].facts.endpoint_status)
    assert.equal("DescribeEndpoint", cloud.requests()[1].operation)
    local world = ', "world": {"sagemaker.DescribeEndpoint": {"e": {"EndpointStatus": "Failed"}}}'
    assert.equal("Failed", routed(event:format(world),
      "--live-reads").decisions[1].facts.endpoint_status)
    assert.equal(1, #cloud.requests())
  end)
end)
