-- What an operator sees of an invocation: log records, metrics, traces.
local cloud = require "support.aws"
local http = require "weir.http"
local json = require "weir.json"
local lambda = require "support.lambda"
local policy_set = require "weir.policy_set"
local process = require "weir.process"
local run = require "support.run"
local servers = require "support.servers"

local function records(result)
  local list = {}
  for line in result.stdout:gmatch("[^\n]+") do
    list[#list + 1] = assert(json.decode(line), line)
  end

  return list
end

local function where(list, test)
  local found = {}
  for _, record in ipairs(list) do if test(record) then found[#found + 1] = record end end
  return found
end

describe("the runtime's log", function()
  it("has one JSON record a line, with the request's id, when the format is JSON", function()
    local _, result = lambda.run({ _HANDLER = "routing", AWS_LAMBDA_LOG_FORMAT = "JSON" }, "[]",
      '{"file_count": 3}')
    local list = records(result)
    local failure = where(list, function(r) return r.level == "ERROR" end)[1]
    assert.matches("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ$", failure.timestamp)
    failure.timestamp = nil
    assert.same({ level = "ERROR", requestId = "request-1",
      message = "the event must be a JSON object",
      errorType = "InvalidEvent", errorMessage = "the event must be a JSON object",
      stackTrace = json.array {} }, failure)
    for _, record in ipairs(list) do
      assert.truthy(record.requestId or record.request_id, json.encode(record))
    end
  end)

  it("keeps what a handler prints in front of the invocation's own lines, and out of them",
    function()
    local root = run.directory { ["function.lua"] =
      [[return { handle = function() io.write("one\ntwo\nthr") return 1 end }]] }
    local _, result = lambda.run({ _HANDLER = "function.handle", LAMBDA_TASK_ROOT = root,
      WEIR_POLICY_SOURCE = false }, "{}", "{}")
    run.remove(root)
    local lines = {}
    for line in result.stdout:gmatch("[^\n]+") do
      lines[#lines + 1] = line:match('^{"_aws"') or line
    end

    assert.same({ "one", "two", '{"_aws"', "throne", "two", '{"_aws"', "thr" }, lines)
  end)

  it("takes the format in capitals and in small letters", function()
    local _, result = lambda.run({ _HANDLER = "routing", AWS_LAMBDA_LOG_FORMAT = "json" }, "[]")
    records(result)
  end)

  it("leaves out what is below the level, but never a decision", function()
    local _, result = lambda.run({ _HANDLER = "routing", AWS_LAMBDA_LOG_LEVEL = "FATAL" }, "[]",
      '{"file_count": 3}')
    assert.not_matches("InvalidEvent: ", result.stdout)
    assert.matches('"schema":"weir.decision/1"', result.stdout, 1, true)
  end)

  -- Lambda drops lines of JSON below the function's level, and takes one that names none for INFO.
  it("gives decisions and metrics the level that Lambda lets through", function()
    local event = '{"file_count": 3}'
    local _, result = lambda.run({ _HANDLER = "routing", AWS_LAMBDA_LOG_LEVEL = "ERROR",
      AWS_LAMBDA_LOG_FORMAT = "JSON" }, event)
    local list = records(result)
    assert.is_true(#list > 2)
    for _, record in ipairs(list) do
      assert.equal("ERROR", record.level)
      assert.matches("^%d%d%d%d%-%d%d%-%d%dT[%d:.]+Z$", record.timestamp)
    end

    local replay = run { "replay", "-", "-p", "policies", stdin = result.stdout }
    assert.matches("1  identical to what was recorded", replay.stdout, 1, true)
    for _, level in ipairs { "INFO", "TRACE" } do
      _, result = lambda.run({ _HANDLER = "routing", AWS_LAMBDA_LOG_LEVEL = level,
        AWS_LAMBDA_LOG_FORMAT = "JSON" }, event)
      for _, record in ipairs(records(result)) do assert.is_nil(record.level) end
    end
  end)

  it("keeps what was said with line breaks in one record", function()
    local _, result = lambda.run({ _HANDLER = "routing" }, '"a\\nb"',
      '{"file_count": "a\\nb\\u0007"}')
    local count = 0
    for line in result.stdout:gmatch("[^\n]+") do
      assert.matches("^[%d{]", line)
      count = count + 1
    end

    assert.truthy(count >= 2, result.stdout)
  end)
end)

describe("the runtime's metrics", function()
  it("count each invocation once, as success or error, with its duration and cold start", function()
    local _, result = lambda.run({ _HANDLER = "routing", WEIR_METRICS_NAMESPACE = "Team/weir" },
      '{"file_count": 3}', "[]")
    local own = where(records { stdout = result.stdout:gsub("[^\n]* ERROR [^\n]*\n", "") },
      function(r) return r.Duration end)
    assert.equal(2, #own)
    assert.same({ 1, 0, 1, 0 }, {
      own[1].Success,
      own[1].Error,
      own[1].ColdStart,
      own[2].ColdStart,
    })

    assert.same({ 0, 1 }, { own[2].Success, own[2].Error })
    assert.equal("routing", own[1].Handler)
    assert.equal("f", own[1].Function)
    assert.equal("request-2", own[2].request_id)
    assert.matches("^sha256:%x+$", own[1].policy_digest)
    local directive = own[1]._aws.CloudWatchMetrics[1]
    assert.equal("Team/weir", directive.Namespace)
    assert.same({ { "Function", "Handler" } }, directive.Dimensions)
    assert.same({ Name = "Duration", Unit = "Milliseconds" }, directive.Metrics[1])
    assert.is_true(own[1].Duration > 0)
  end)

  it("hold what the handler measured, under its dimensions and the function's", function()
    local _, result = lambda.run({ _HANDLER = "routing" }, '{"file_count": 3}')
    local mine = where(records(result), function(r) return r.FilesRouted end)[1]
    assert.same({ 3, 1, "realtime" }, { mine.FilesRouted, mine.RoutingDecisions, mine.Action })
    assert.same({ { "Action", "Function" } }, mine._aws.CloudWatchMetrics[1].Dimensions)
  end)

  it("that CloudWatch would not take are left out, and said in the log", function()
    local root = run.directory { ["function.lua"] = [[
return { handle = function(event, _, effects)
  if event.good then return "good" end
  effects:metric("Good", 1, "Count", {})
  effects:metric("Unit", 1, "Foo", {})
  effects:metric("Empty", 1, "Count", { Kind = "" })
  effects:metric("Bytes", 1, "Count", { Kind = "\xff" })
  effects:metric("Function", 1, "Count", {})
  effects:metric("request_id", 1, "Count", {})
  effects:metric("Duration", 1, "Count", { Handler = "function.handle" })
  return "bad"
end }]] }
    local posts, result = lambda.run({ _HANDLER = "function.handle", LAMBDA_TASK_ROOT = root,
      WEIR_POLICY_SOURCE = false, AWS_LAMBDA_LOG_FORMAT = "JSON" }, "{}", '{"good": true}')
    run.remove(root)
    assert.same({ '"bad"', '"good"' }, { posts[1].body, posts[2].body })
    assert.equal("", result.stderr)
    local all = records(result)
    local own = where(all, function(r) return r.Success end)
    assert.same({ "request-1", 1, 1 }, { own[1].request_id, own[1].Success, own[1].ColdStart })
    assert.same({ "request-2", 1, 0 }, { own[2].request_id, own[2].Success, own[2].ColdStart })
    assert.equal(1, #where(all, function(r) return r.Good end))
    local said = where(all, function(r) return r.level == "WARN" end)
    assert.equal(5, #said)
    for i, name in ipairs { "Unit", "Empty", "Bytes", "Function", "request_id" } do
      assert.matches("the metric '" .. name .. "' is left out: ", said[i].message, 1, true)
      assert.equal("request-1", said[i].requestId)
    end
  end)
end)

describe("the runtime's traces", function()
  local daemon = servers.start("xray_daemon")
  local ROOT, PARENT = "1-5759e988-bd862e3fe1be46a994272793", "53995c3f42cd8ad8"
  local EVENT = '{"file_count": 3, "endpoint_name": "e"}'

  local SAMPLED = ("Root=%s;Parent=%s;Sampled=1"):format(ROOT, PARENT)

  local function invoke(header, address, more)
    local environment = cloud.variables {
      _HANDLER = "routing",
      AWS_XRAY_DAEMON_ADDRESS = address or "127.0.0.1:" .. daemon.udp,
    }

    for name, value in pairs(more or {}) do environment[name] = value end
    return (lambda.run(environment, { body = EVENT,
      headers = { ["Lambda-Runtime-Trace-Id"] = header } }))
  end

  before_each(cloud.reset)

  -- Datagrams arrive when they do; `count` of them are waited for.
  local function documents(count)
    local list = {}
    for _ = 1, 500 do
      local more = json.decode(assert(http.request { url = daemon.url, timeout_ms = 5000 }).body)
      table.move(more, 1, #more, #list + 1, list)
      if #list >= count then break end
      process.sleep(10)
    end

    for i, text in ipairs(list) do
      local head, document = text:match("^([^\n]+)\n(.*)$")
      assert.equal('{"format":"json","version":1}', head)
      list[i] = json.decode(document)
    end

    return list
  end

  it("are a subsegment around each call and each decision, when the trace is sampled", function()
    invoke(SAMPLED)
    local call, decision = table.unpack(documents(2))
    for _, document in ipairs { call, decision } do
      assert.same({ ROOT, PARENT, "subsegment" }, {
        document.trace_id,
        document.parent_id,
        document.type,
      })

      assert.matches("^%x%x%x%x%x%x%x%x%x%x%x%x%x%x%x%x$", document.id)
      assert.is_true(document.end_time >= document.start_time)
    end

    assert.same({ "SageMaker", "aws", "DescribeEndpoint" }, {
      call.name,
      call.namespace,
      call.aws.operation,
    })

    assert.equal("decide routing", decision.name)
    assert.equal("realtime", decision.annotations.action)
    assert.matches("^sha256:", decision.annotations.policy)
    assert.equal(SAMPLED, cloud.requests()[1].headers["x-amzn-trace-id"])
  end)

  it("have the look for new policies in them", function()
    cloud.answers { ["appconfigdata.GetLatestConfiguration"] = json.array {
      {
        headers = { ["Next-Poll-Configuration-Token"] = "two" },
        body = assert(policy_set.load("policies")):bundle()
      },
      { headers = { ["Next-Poll-Configuration-Token"] = "three" }, body = "" } } }
    invoke(SAMPLED, nil, { WEIR_POLICY_SOURCE = "appconfig:a/b/c", WEIR_POLICY_POLL_SECONDS = "0" })
    local look = documents(3)[1]
    assert.same({ "AppConfigData", "aws", "GetLatestConfiguration", ROOT, PARENT },
      { look.name, look.namespace, look.aws.operation, look.trace_id, look.parent_id })
  end)

  it("tell that a decision failed, without its message", function()
    lambda.run({ _HANDLER = "routing", AWS_XRAY_DAEMON_ADDRESS = "127.0.0.1:" .. daemon.udp },
      { body = '{"file_count": -1}', headers = { ["Lambda-Runtime-Trace-Id"] = SAMPLED } })
    local decision = documents(1)[1]
    assert.same({ "decide routing", true, "InvalidFacts" },
      { decision.name, decision.fault, decision.annotations.code })
    assert.is_nil(decision.annotations.action)
    assert.not_matches("file_count", json.encode(decision))
  end)

  it("tell a failed call from a fault of the service, without its message", function()
    cloud.faults({ kind = "status", status = 400, headers = {},
      body = '{"__type":"ValidationException","message":"m"}' })
    invoke(SAMPLED)
    local call = documents(1)[1]
    assert.same({ true, nil, 400, "ValidationException" },
      { call.error, call.fault, call.http.response.status, call.annotations.code })
    assert.not_matches('"m"', json.encode(call))
  end)

  it("name the table that DynamoDB was asked about, not the item", function()
    local root = run.directory { ["function.lua"] = [[
return { handle = function(_, _, effects)
  effects:read { service = "dynamodb", operation = "GetItem", target = "item-7",
    input = { TableName = "no-such-table", Key = { id = "item-7" } } }
  return "done"
end }]] }
    lambda.run(cloud.variables {
      _HANDLER = "function.handle",
      LAMBDA_TASK_ROOT = root,
      WEIR_POLICY_SOURCE = false,
      AWS_XRAY_DAEMON_ADDRESS = "127.0.0.1:" .. daemon.udp,
    }, { body = "{}", headers = { ["Lambda-Runtime-Trace-Id"] = SAMPLED } })
    run.remove(root)
    local call = documents(1)[1]
    assert.same({ "DynamoDB", "no-such-table" }, { call.name, call.aws.table_name })
  end)

  it("find the daemon in either form of its address", function()
    for _, form in ipairs { "udp:%s", "tcp:127.0.0.1:1 udp:%s", "udp:%s tcp:127.0.0.1:1" } do
      invoke(SAMPLED, form:format("127.0.0.1:" .. daemon.udp))
      assert.equal(2, #documents(2), form)
    end
  end)

  it("are not sent otherwise", function()
    for _, header in ipairs { (SAMPLED:gsub("1$", "0")), "Sampled=1",
      "Root=x;Parent=y;Sampled=1" } do
      assert.equal("/invocation/request-1/response", invoke(header)[1].path)
    end

    assert.same({}, documents(0))
  end)

  it("are lost without harm when there is no daemon", function()
    local posts = invoke(SAMPLED, "nowhere")
    assert.equal("/invocation/request-1/response", posts[1].path)
  end)
end)
