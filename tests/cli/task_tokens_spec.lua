-- weir run sagemaker_invoke and sagemaker_callback, dry: the plans of the events in tests/events.
local json = require("weir.json")
local run = require("support.run")

local function event(name)
  return assert(json.decode(run.read("tests/events/" .. name .. ".json")))
end

local function dry(handler, given, ...)
  return run {
    "run",
    handler,
    "-e",
    "-",
    "-p",
    "policies",
    "--json",
    stdin = json.encode(given),
    ...
  }
end

local function planned(result)
  assert.equal(0, result.status, result.stderr)
  local report = assert(json.decode(result.stdout))
  local operations = {}
  for i, call in ipairs(report.plan) do operations[i] = call.operation end

  return operations, report
end

describe("weir run sagemaker_invoke", function()
  it("needs no policy set", function()
    local nowhere = run.directory {
      ["event.json"] = run.read("tests/events/sagemaker_invoke.json")
    }

    local result = run { "run", "sagemaker_invoke", "-e", "event.json", directory = nowhere }
    run.remove(nowhere)
    assert.equal(0, result.status, result.stderr)
  end)

  it("plans the record before the job, and shows no token", function()
    local result = dry("sagemaker_invoke", event("sagemaker_invoke"))
    local operations, report = planned(result)
    assert.same({ "PutItem", "CreateTransformJob" }, operations)
    assert.equal("[redacted]", report.plan[1].input.Item.task_token)
    assert.equal(report.result.correlation_id, report.plan[2].input.Tags[1].Value)
    assert.same(json.array {}, report.unknown)
    assert.is_nil(result.stdout:find("AQCEAAAA", 1, true))
  end)

  it("plans a tag in direct mode", function()
    local given = event("sagemaker_invoke")
    given.config = { token_storage_mode = "direct" }
    local operations, report = planned(dry("sagemaker_invoke", given))
    assert.same({ "CreateTransformJob" }, operations)
    assert.same({ { Key = "TaskToken", Value = "[redacted]" } }, report.plan[1].input.Tags)
  end)

  it("names what it does not know", function()
    local given = event("sagemaker_invoke")
    given.config, given.model_name = nil, nil
    local operations, report = planned(dry("sagemaker_invoke", given))
    assert.same({ "PutItem", "CreateTransformJob" }, operations)
    local unknown = {}
    for i, each in ipairs(report.unknown) do unknown[i] = each.what end
    table.sort(unknown)
    assert.same({ "the setting model_name", "the setting token_table" }, unknown)
  end)

  it("gives one execution, state and work one name, whatever the token", function()
    local function name(change)
      local given = event("sagemaker_invoke")
      for key, value in pairs(change) do given[key] = value end
      return select(2, planned(dry("sagemaker_invoke", given))).result.transform_job_name
    end

    local first = name {}
    assert.matches("^weir%-nightly%-7%-%x+$", first)
    assert.equal(first, name { task_token = "another" })
    for key, value in pairs { execution_id = "x", state_name = "x", job_key = "x",
      input_path = "s3://x/y" } do
      assert.are_not.equal(first, name { [key] = value })
    end

    for _, execution in ipairs { "é", ("x"):rep(300), "---", "a:b/c d" } do
      local made = name { execution_id = execution }
      assert.is_true(#made <= 58)
      assert.matches("^weir%-[%w-]*%x$", made)
    end
  end)

  it("refuses wrong events and settings, status 2", function()
    assert.equal(2, dry("sagemaker_invoke", {}).status)
    local given = event("sagemaker_invoke")
    given.config.token_storage_mode = "s3"
    local result = dry("sagemaker_invoke", given)
    assert.equal(2, result.status)
    assert.matches(
      "InvalidSetting: the setting token_storage_mode is 's3', not one of dynamodb, direct; "
      .. "set WEIR_TOKEN_STORAGE_MODE or TOKEN_STORAGE_MODE", result.stderr)
    given.config.token_storage_mode, given.task_token = "direct", ("x"):rep(300)
    result = dry("sagemaker_invoke", given)
    assert.equal(2, result.status)
    assert.matches("TokenDoesNotFit: .*300 characters.*at most 256", result.stderr)
  end)
end)

describe("weir run sagemaker_callback", function()
  it("plans the answer before the record's removal", function()
    local result = dry("sagemaker_callback", event("sagemaker_callback"))
    local operations, report = planned(result)
    assert.same({ "SendTaskSuccess", "DeleteItem" }, operations)
    assert.equal("[redacted]", report.plan[1].input.taskToken)
    assert.equal("s3://results/nightly-7/", json.decode(report.plan[1].input.output).output_path)
    assert.same(json.array {}, report.unknown)
    assert.is_nil(result.stdout:find("AQCEAAAA", 1, true))
  end)

  it("believes the event where nobody knows, and says so", function()
    local given = event("sagemaker_callback")
    given.world = nil
    local operations, report = planned(dry("sagemaker_callback", given))
    assert.same({ "SendTaskSuccess", "DeleteItem" }, operations)
    assert.equal(4, #report.unknown)
  end)

  it("finds a token in the event's own tags, as a list too, and takes it out of the reason",
    function()
    for _, tags in ipairs { { TaskToken = "AQCEAAAAKgAAAAMA" },
      { { Key = "TaskToken", Value = "AQCEAAAAKgAAAAMA" } } } do
      local given = event("sagemaker_callback")
      given.world, given.detail.Tags = nil, tags
      given.detail.TransformJobStatus, given.detail.FailureReason = "Failed",
        "no tag AQCEAAAAKgAAAAMA"
      local result = dry("sagemaker_callback", given)
      local operations, report = planned(result)
      assert.same({ "SendTaskFailure" }, operations)
      assert.matches("is Failed: no tag %[redacted%]$", report.plan[1].input.cause)
      assert.is_nil(result.stdout:find("AQCEAAAA", 1, true))
    end
  end)

  it("plans a heartbeat while the job runs", function()
    local given = event("sagemaker_callback")
    given.detail.TransformJobStatus = "InProgress"
    local jobs = given.world["sagemaker.DescribeTransformJob"]
    jobs["weir-nightly-7-0123456789abcdef"].TransformJobStatus = "InProgress"
    assert.same({ "SendTaskHeartbeat" }, (planned(dry("sagemaker_callback", given))))
  end)

  it("takes a token in a tag of the world", function()
    local given = event("sagemaker_callback")
    for _, tags in pairs(given.world["sagemaker.ListTags"]) do
      tags.Tags = { { Key = "TaskToken", Value = "AQCEAAAAKgAAAAMA" } }
    end

    local result = dry("sagemaker_callback", given)
    assert.same({ "SendTaskSuccess" }, (planned(result)))
    assert.is_nil(result.stdout:find("AQCEAAAA", 1, true))
  end)
end)
