-- Task tokens in a table that several regions share: ids are bound to the region that gave the
-- token, and a callback answers where the job is.
local effects = require "weir.effects"
local handlers = require "weir.handlers"
local json = require "weir.json"
local secret = require "weir.secret"
local task_token_store = require "weir.callback.task_token_store"
local workflow = require "support.workflow"

local TOKEN = "AQCEAAAAKgAAAAMAAAAAAAAAAYJ5kWq3T+first/token+9xVt2=="
local SECOND = "AQCEAAAAKgAAAAMAAAAAAAAAAbN7second/token/Zq+pL0sD4w=="

local fine, fails, answered = workflow.fine, workflow.fails, workflow.answered

describe("a task token of a global table", function()
  before_each(function()
    workflow.reset { token_region = "eu-west-1" }
    workflow.waiting(TOKEN, SECOND)
  end)

  local function start() return fine(workflow.invoke(workflow.task(TOKEN))) end

  it("is kept under an id that begins with its region, in the record and in the job's tag",
    function()
    local started = start()
    assert.matches("^eu%-west%-1%-%x%x%x%x%x%x%x%x$", started.correlation_id)
    assert.equal("eu-west-1", workflow.records()[started.correlation_id].region)
  end)

  it("is answered and removed as any other", function()
    local started = start()
    local report = workflow.callback(workflow.finish(started.transform_job_name, "Completed"))
    assert.equal(1, fine(report).answered)
    answered(TOKEN)
    workflow.is_empty()
  end)

  it("is left alone where it belongs to another region's job of the same name", function()
    local started = start()
    local theirs = task_token_store.new(workflow.effects(),
      { table = workflow.TABLE, region = "us-east-1" })
    local record = assert(theirs:put(secret.wrap(SECOND), started.transform_job_name))
    assert.matches("^us%-east%-1%-", record.correlation_id)

    local report = workflow.callback(workflow.finish(started.transform_job_name, "Completed"))
    assert.equal(1, fine(report).answered)
    answered(TOKEN)
    local left = workflow.records()
    assert.is_table(left[record.correlation_id])
    assert.is_nil(left[started.correlation_id])
  end)

  it("takes a region only", function()
    for _, region in ipairs { "Ireland", "eu-west-1-", "eu west 1", "-1" } do
      workflow.settings.token_region = region
      assert.matches("TOKEN_REGION must be a region",
        fails("InvalidSetting", workflow.invoke(workflow.task(TOKEN))), 1, true)
    end
  end)

  it("has an id of which each part is looked at", function()
    for _, id in ipairs { "9f1c0a2e", "eu-west-1-9f1c0a2e", "us-gov-west-1-9f1c0a2e9f1c" } do
      assert.is_true(task_token_store.is_id(id), id)
    end

    for _, id in ipairs { "eu-west-1-", "eu-west-1", "-9f1c0a2e", "nowhere-9f1c0a2e",
      "eu-west-1-9f1c", "eu-west-1-9f1c0a2g" } do
      assert.is_false(task_token_store.is_id(id), id)
    end

    assert.equal("us-gov-west-1", task_token_store.region_of "us-gov-west-1-9f1c0a2e")
    assert.is_nil(task_token_store.region_of "9f1c0a2e")
  end)
end)

describe("an event that was forwarded from another region", function()
  local getenv = os.getenv

  after_each(function() os.getenv = getenv end) -- luacheck: ignore 122

  -- A function of eu-central-1.
  local function callback_elsewhere(event)
    os.getenv = function(name) -- luacheck: ignore 122
      if name == "AWS_REGION" then return "eu-central-1" end
      return getenv(name)
    end

    local live = effects.live {
      client = {
        credentials = workflow.cloud.credentials,
        getenv = workflow.cloud.environment { AWS_REGION = "eu-central-1" },
      },
    }
    function live.setting(_, name, default) return workflow.settings[name] or default end

    return handlers.run(handlers.find "sagemaker_callback",
      assert(json.decode(event, { secrets = true })), nil, live)
  end

  it("is answered where its job is: every request is signed for that region", function()
    workflow.reset { token_region = "eu-west-1" }
    workflow.waiting(TOKEN)
    local started = fine(workflow.invoke(workflow.task(TOKEN)))
    local before = #workflow.cloud.requests()
    local report = callback_elsewhere(workflow.finish(started.transform_job_name, "Completed"))
    assert.equal(1, fine(report).answered)
    answered(TOKEN)

    local requests = workflow.cloud.requests()
    assert.is_true(#requests >= before + 5)
    for i = before + 1, #requests do
      assert.equal("eu-west-1", requests[i].region, requests[i].operation)
    end
  end)
end)
