-- The commands that the documents give for polling: the mode's switch, and doing failed objects
-- again.
local cloud = require "support.aws"
local files = require "support.files"
local json = require "weir.json"

local PLACE = "arn:aws:states:eu-west-1:111122223333:"
local MACHINE, EXECUTION = PLACE .. "stateMachine:weir-polling", PLACE .. "execution:weir-polling:x"

-- Runs lines of a document, in which `aws` is AWS's own SDK → exit status, what they printed
local function shell(lines)
  local names = { POLLING_MACHINE_ARN = MACHINE, EXECUTION_ARN = EXECUTION }
  local script = lines:gsub("%u+_[%u_]+", names)
  local pipe = assert(io.popen(("env -i PATH=%s AWS_ENDPOINT_URL=%s AWS_ACCESS_KEY_ID=%s "
    .. "AWS_SECRET_ACCESS_KEY=%s sh -ec %s 2>&1"):format(files.quote(os.getenv "PATH"),
    cloud.front.url, cloud.front.key_id, cloud.front.secret,
    files.quote("aws() { node tests/oracles/aws_command.mjs \"$@\"; }\n" .. script))))
  local printed = pipe:read("a")
  local _, _, status = pipe:close()

  return status, printed
end

local function executions() return cloud.control("GET", "machines") end

describe("the commands of the documents", function()
  before_each(function() cloud.reset() end)

  it("switch the trigger mode", function()
    local line = assert(files.read("docs/event-processing.md"):match("\n    (aws ssm [^\n]+)\n"))
    local status, printed = shell(line)
    assert.equal(0, status, printed)
    local kept = cloud.client("ssm"):get_parameter { Name = "/weir/trigger-mode" }
    assert.equal("parallel", kept.Parameter.Value)
  end)

  it("redrive a failed execution of polling, and start one that lists everything", function()
    cloud.control("POST", "machines", { {
      arn = MACHINE,
      ended = { x = { status = "FAILED", error = "JobsFailed" } },
    } })

    local page = files.read "deploy/README.md"
    local lines = assert(page:match("```sh\n(aws stepfunctions redrive.-)```"))
    local status, printed = shell(lines)
    assert.equal(0, status, printed)
    assert.equal("RUNNING", executions()[EXECUTION].status)
    local started
    for arn, execution in pairs(executions()) do
      if arn ~= EXECUTION then started = execution end
    end

    assert.same({ prefix = "in/", checkpoint = false }, json.decode(started.input))

    -- The input is one that the state machine takes.
    local machine = json.decode(files.read("deploy/state-machines/polling.asl.json"))
    local defaults = machine.States["Know the defaults"].Parameters.defaults
    for name in pairs(json.decode(started.input)) do assert.is_not_nil(defaults[name], name) end

    status, printed = shell(lines)
    assert.equal(1, status)
    assert.matches("ExecutionNotRedrivable", printed, 1, true)
  end)

  it("are refused where AWS has no such command or option", function()
    for _, line in ipairs { "aws stepfunctions redrive --execution-arn EXECUTION_ARN",
      "aws stepfunctions redrive-execution --arn EXECUTION_ARN" } do
      local status = shell(line)
      assert.equal(1, status, line)
    end
  end)
end)
