-- What becomes of a promotion decision: one change of weights, one event, one metric; in every
-- state of the endpoint, twice, and after a crash.
local cloud = require "support.aws"
local endpoints = require "support.endpoints"
local experiment = require "support.experiment"
local json = require "weir.json"
local mortal_handler = require "support.mortal_handler"
local policy_folder = require "support.policy_folder"
local workflow = require "support.workflow"

local fine = workflow.fine

-- A policy that obeys orders and else decides this.
local function policy_that(decides)
  return { ["promotion.lua"] = ([[
    return policy { kind = "promotion", decide = function(facts)
      if facts.order and facts.order.action == "hold" then
        return hold {
          needs = "the order to be lifted",
          because = "ordered by %%s", facts.order.by or "somebody",
        }
      end
      if facts.order then
        return rollback { variant = "new", to = facts.order.to or "old", because = "ordered" }
      end
      return %s
    end }]]):format(decides) }
end

local HOLD = 'hold { needs = "more", because = "it is early" }'
local RAMP = 'ramp { variant = "new", weight = 0.2, because = "it is good" }'
local PROMOTE = 'promote { variant = "new", because = "it is good" }'
local ROLLBACK = 'rollback { variant = "new", to = "old", because = "it is bad" }'

local BROKEN = 'error("no")'
local NINE_TO_ONE = { old = { weight = 0.9 }, new = { weight = 0.1 } }
local UNAPPROVED = {
  old = { weight = 0.9 },
  new = { weight = 0.1, approval = "PendingManualApproval" },
}

describe("a promotion decision", function()
  teardown(policy_folder.remove_all)

  local function new(decides, given)
    given = given or {}
    given.set = policy_folder.load(policy_that(decides))
    given.variants = given.variants or NINE_TO_ONE
    given.per_minute = given.per_minute or 20
    given.settings = given.settings or {}
    given.settings.warm_up_seconds = "0"

    return experiment.new(given)
  end

  local function decisions_counted(trial)
    local counted = {}
    for _, metric in ipairs(trial.effects.metrics) do
      if metric.name == "PromotionDecisions" then
        assert.equal(1, metric.value)
        counted[#counted + 1] = metric.dimensions.Action
      end
    end

    return counted
  end

  local function busy(trial, share)
    assert(cloud.client("sagemaker"):update_endpoint_weights_and_capacities {
      EndpointName = trial.ENDPOINT,
      DesiredWeightsAndCapacities = {
        { VariantName = "old", DesiredWeight = 1 - share },
        { VariantName = "new", DesiredWeight = share },
      },
    })
  end

  describe("becomes", function()
    local cases = {
      { RAMP, "done", { old = 0.8, new = 0.2 } },
      { PROMOTE, "done", { old = 0, new = 1 } },
      { ROLLBACK, "done", { old = 1, new = 0 } },
      { HOLD, "held" },
    }

    for _, case in ipairs(cases) do
      local decides, outcome, weights = table.unpack(case)
      local action = decides:match "^%l+"

      it(("%s: one change, one event, one metric"):format(action), function()
        local trial = new(decides)
        local result = fine(trial:step())
        assert.same({ action, outcome }, { result.action, result.outcome })
        local updates = trial.updates()
        assert.same(weights and { weights } or {}, { updates[1] and updates[1].weights })
        assert.same({ action }, decisions_counted(trial))

        local event = trial.events()[1]
        assert.equal(1, #trial.events())
        assert.same({ "weir", "Weir Promotion Decision", "default" },
          { event.Source, event.DetailType, event.EventBusName })
        local detail = event.Detail
        assert.same({ action, outcome, "act", trial.ENDPOINT },
          { detail.action, detail.outcome, detail.mode, detail.endpoint })
        assert.is_string(detail.because)
        assert.same({ from = trial.START, to = trial.START + 300 }, detail.window)
        assert.same(weights, detail.shares)
      end)

      it(("%s: only said, in the default mode"):format(action), function()
        local trial = new(decides, { settings = { promotion = false } })
        local result = fine(trial:step())
        assert.same({ "observe", weights and "observed" or "held", weights },
          { result.mode, result.outcome, result.shares })
        assert.same({}, trial.updates())
        assert.same({ action }, decisions_counted(trial))
        assert.same({ "observe", weights and "observed" or "held" },
          { trial.events()[1].Detail.mode, trial.events()[1].Detail.outcome })
      end)
    end

    it("a failure, where the policy fails or decides what it must not", function()
      for _, case in ipairs { { BROKEN, NINE_TO_ONE }, { PROMOTE, UNAPPROVED },
        { RAMP, UNAPPROVED } } do
        local decides, variants = table.unpack(case)
        local trial = new(decides, { variants = variants })
        local report = trial:step()
        assert.is_table(report.error, decides)
        assert.same({}, trial.updates())
        assert.same({ "failed" }, decisions_counted(trial))
        local detail = trial.events()[1].Detail
        assert.same({ "failed", report.error.message }, { detail.action, detail.because })
        assert.equal(1, #trial.events())
      end
    end)

    it("a failure, where SageMaker or the table fails", function()
      local refusal = { status = 400, headers = { ["Content-Type"] = "application/x-amz-json-1.1" },
        body = json.encode { __type = "AccessDeniedException", message = "not authorized" } }
      for _, operation in ipairs { "sagemaker.DescribeEndpoint",
        "sagemaker.UpdateEndpointWeightsAndCapacities",
        "sagemaker.DescribeEndpointConfig" } do
        local trial = new(RAMP)
        trial:traffic(5)
        cloud.answers { [operation] = { refusal } }
        local report = trial:compare()
        assert.equal("AccessDeniedException", report.error.code, operation)
        assert.same({}, trial.updates())
        assert.equal(1, #trial.events(), operation)
        assert.equal("failed", trial.events()[1].Detail.outcome)
        assert.equal(1, #decisions_counted(trial))
      end
    end)
  end)

  it("is a failure, told once, where a setting or the order is wrong", function()
    for _, case in ipairs {
      { "InvalidSetting", { promotion = "Act" } },
      { "InvalidSetting", { aggregation_window_seconds = "61" } },
      { "NotConfigured", { endpoint_name = false } },
      { "InvalidEvent", {}, { order = { action = "explode" } } },
    } do
      local code, changed, event = table.unpack(case)
      local trial = new(RAMP)
      trial:traffic(5)
      for name, value in pairs(changed) do trial.settings[name] = value or nil end
      local report = trial:compare(event)
      assert.equal(code, report.error.code)
      assert.same({ "failed" }, decisions_counted(trial), code)
      local detail = trial.events()[1].Detail
      assert.same({ 1, "failed", report.error.message, trial.settings.endpoint_name },
        { #trial.events(), detail.outcome, detail.because, detail.endpoint })
    end
  end)

  it("made twice of one window acts once", function()
    local trial = new(RAMP)
    trial:traffic(5)
    fine(trial:compare())
    trial:wait(100)
    fine(trial:compare())
    fine(trial:compare())
    assert.same({ 1, 1, 1 }, { #trial.updates(), #trial.events(), #trial.decisions })
  end)

  it("made by two invocations at once is one: the slower gives way", function()
    local trial = new(RAMP)
    trial:traffic(5)
    local other, is_other
    local set = trial.set
    trial.set = setmetatable({}, { __index = function(_, name)
      return function(_, ...)
        if name == "ask" and not is_other then
          is_other = true
          trial.set = set
          other = trial:compare()
        end

        return set[name](set, ...)
      end
    end })
    local slower = fine(trial:compare())
    assert.same({ "ramp", true }, { fine(other).action, slower.repeated })
    assert.same({ 1, 1 }, { #trial.updates(), #trial.events() })
  end)

  it("to give more waits while the endpoint changes, and is made again", function()
    local trial = new(RAMP, { update_seconds = 400 })
    trial:traffic(5)
    busy(trial, 0.12)
    assert.equal("waiting", fine(trial:compare()).outcome)
    assert.equal(1, #trial.updates())
    trial:wait(300)
    assert.equal("waiting", fine(trial:compare()).outcome)
    trial:wait(300)
    assert.equal("done", fine(trial:compare()).outcome)
    assert.same({ old = 0.8, new = 0.2 }, trial.updates()[2].weights)
    assert.equal(3, #trial.events())
  end)

  it("whose change comes in between another's look and its own waits too", function()
    local trial = new(RAMP)
    trial:traffic(5)
    local set = trial.set
    trial.set = setmetatable({}, { __index = function(_, name)
      return function(_, ...)
        if name == "ask" then busy(trial, 0.15) end
        return set[name](set, ...)
      end
    end })
    assert.equal("waiting", fine(trial:compare()).outcome)
    assert.equal(1, #trial.updates())
  end)

  it("to roll back waits for the endpoint as well, and comes before anything else then", function()
    local trial = new(ROLLBACK, { update_seconds = 200 })
    trial:traffic(5)
    busy(trial, 0.12)
    assert.equal("waiting", fine(trial:compare()).outcome)
    trial.set = policy_folder.load(policy_that(HOLD))
    trial:wait(300)
    assert.equal("done", fine(trial:compare()).outcome)
    assert.same({ old = 1, new = 0 }, trial.updates()[2].weights)
    local outcomes = {}
    for i, event in ipairs(trial.events()) do outcomes[i] = event.Detail.outcome end
    assert.same({ "waiting", "done" }, outcomes)
  end)

  it("to roll back is dropped when the endpoint has other variants before it is carried out",
    function()
    local trial = new(ROLLBACK, { update_seconds = 200 })
    trial:traffic(5)
    busy(trial, 0.12)
    assert.equal("waiting", fine(trial:compare()).outcome)
    trial:wait(300)
    local function variant(weight)
      return { weight = weight, median_ms = 50, sigma = 0.3, error_rate = 0.001 }
    end

    endpoints.make { [trial.ENDPOINT] = { seed = 1, modified = trial.now - 100,
      variants = { old = variant(0.9), newer = variant(0.1) } } }
    trial.set = policy_folder.load(policy_that(HOLD))
    trial.settings.challenger_variant = "newer" -- another trial
    assert.equal("held", fine(trial:compare()).outcome)
    assert.equal("dropped", trial.events()[#trial.events() - 1].Detail.outcome)
    assert.equal(1, #trial.updates())
  end)

  it("that asked for what was so already is not carried out when it is told later", function()
    local trial = new(ROLLBACK, { variants = { old = { weight = 1 }, new = { weight = 0 } } })
    trial:traffic(5)
    local refused = { status = 200, headers = { ["Content-Type"] = "application/x-amz-json-1.1" },
      body = json.encode { FailedEntryCount = 1, Entries = { { ErrorCode = "InternalFailure" } } } }
    cloud.answers { ["eventbridge.PutEvents"] = { refused, refused } }
    assert.equal("InternalFailure", trial:compare().error.code)
    trial.set = policy_folder.load(policy_that(HOLD))
    trial:wait(300)
    busy(trial, 0.1) -- by hand
    trial:wait(300)
    fine(trial:compare())
    local told = trial.events()[1].Detail
    assert.same({ "rollback", "unchanged", 1 }, { told.action, told.outcome, #trial.updates() })
  end)

  it("to give more that was left open by a death is dropped in another window", function()
    local trial = new(RAMP)
    trial:traffic(5)
    busy(trial, 0.12) -- so that it is not carried out
    local refused = { status = 200, headers = { ["Content-Type"] = "application/x-amz-json-1.1" },
      body = json.encode { FailedEntryCount = 1, Entries = { { ErrorCode = "InternalFailure" } } } }
    cloud.answers { ["eventbridge.PutEvents"] = { refused, refused } }
    assert.equal("InternalFailure", trial:compare().error.code)

    trial:wait(300)
    trial.set = policy_folder.load(policy_that(HOLD))
    assert.equal("hold", fine(trial:compare()).action)
    local told = {}
    for i, event in ipairs(trial.events()) do
      told[i] = event.Detail.action .. " " .. event.Detail.outcome
    end

    assert.same({ "ramp dropped", "hold held" }, told)
    assert.equal(1, #trial.updates())
  end)

  it("whose event is not taken fails, and the next invocation tells it", function()
    local trial = new(RAMP)
    trial:traffic(5)
    local refused = { status = 200, headers = { ["Content-Type"] = "application/x-amz-json-1.1" },
      body = json.encode { FailedEntryCount = 1,
        Entries = { { ErrorCode = "InternalFailure", ErrorMessage = "no" } } } }
    cloud.answers { ["eventbridge.PutEvents"] = { refused, refused } }
    assert.equal("InternalFailure", trial:compare().error.code)
    assert.same({ 1, 0 }, { #trial.updates(), #trial.events() })

    trial:wait(300)
    trial.set = policy_folder.load(policy_that(HOLD))
    fine(trial:compare())
    assert.same({ "ramp", "done" }, {
      trial.events()[1].Detail.action,
      trial.events()[1].Detail.outcome,
    })

    assert.equal(1, #trial.updates())
  end)

  it("keeps what it did as history, for the policy's cool-down", function()
    local trial = new(ROLLBACK)
    fine(trial:step())
    trial.set = policy_folder.load(policy_that(HOLD))
    fine(trial:step())
    local facts = json.decode(trial.decisions[2]).facts
    assert.same({ { at = trial.START + 305, action = "rollback", variant = "new", weight = 0 } },
      facts.history)
    assert.equal("failed", facts.variants[1].stage)
  end)

  it("to promote makes the challenger the champion, which then runs alone", function()
    local trial = new(PROMOTE)
    fine(trial:step())
    trial.set = policy_folder.load(policy_that(HOLD))
    fine(trial:step())
    local facts = json.decode(trial.decisions[2]).facts
    assert.same({ "new" }, { facts.champion, facts.challenger })
  end)

  it("to roll back after a promotion makes the variant the champion that takes over", function()
    local trial = new(PROMOTE)
    fine(trial:step())
    trial.set = policy_folder.load(policy_that('rollback { variant = "new", to = "old", '
      .. 'because = "it is bad" }'))
    fine(trial:step())
    trial.set = policy_folder.load(policy_that(HOLD))
    fine(trial:step())
    local facts = json.decode(trial.decisions[3]).facts
    assert.same({ "old" }, { facts.champion, facts.challenger })
    for _, variant in ipairs(facts.variants) do
      assert.equal(variant.name == "old" and "champion" or nil, variant.stage)
    end
  end)

  it("to roll back a third variant leaves champion and challenger what they are", function()
    local trial = new('rollback { variant = "third", to = "new", because = "it is bad" }',
      { settings = { champion_variant = "old", challenger_variant = "new" },
        variants = { old = { weight = 0.6 }, new = { weight = 0.1 }, third = { weight = 0.3 } } })
    fine(trial:step())
    trial.set = policy_folder.load(policy_that(HOLD))
    fine(trial:step())
    local facts = json.decode(trial.decisions[2]).facts
    assert.same({ "old", "new" }, { facts.champion, facts.challenger })
  end)

  it("shares the rest among several variants as before", function()
    local trial = new(RAMP, { settings = { champion_variant = "old", challenger_variant = "new" },
      variants = { old = { weight = 0.6 }, new = { weight = 0.1 }, third = { weight = 0.3 } } })
    fine(trial:step())
    local weights = trial.updates()[1].weights
    assert.near(0.2, weights.new, 1e-9)
    assert.near(0.8 * 0.6 / 0.9, weights.old, 1e-9)
    assert.near(0.8 * 0.3 / 0.9, weights.third, 1e-9)
  end)

  describe("of an operator", function()
    local ORDER = { order = { action = "rollback", by = "ops", reason = "it feels slow" } }

    it("rolls back without statistics, whatever fails to be read", function()
      local refusal = { status = 400, headers = { ["Content-Type"] = "application/x-amz-json-1.0" },
        body = json.encode { __type = "AccessDeniedException", message = "not authorized" } }
      local many = {}
      for i = 1, 100 do many[i] = refusal end
      for _, operation in ipairs { "cloudwatch.GetMetricData",
        "sagemaker.DescribeEndpointConfig" } do
        local trial = new(RAMP)
        cloud.answers { [operation] = many }
        assert.same({ "rollback", "done" }, {
          fine(trial:compare(ORDER)).action,
          fine(trial:compare()).outcome,
        })

        assert.same({ old = 1, new = 0 }, trial.updates()[1].weights)
      end
    end)

    it("rolls back while the table cannot be read", function()
      local trial = new(RAMP)
      trial.settings.ab_test_table_name, trial.settings.ab_test_table_key = "nowhere", "sharded"
      local result = fine(trial:compare(ORDER))
      assert.same({ "rollback", "done" }, { result.action, result.outcome })
      assert.is_string(result.left_out)
      assert.equal(1, #trial.events())
    end)

    it("stays in force until it is lifted", function()
      local trial = new(RAMP)
      fine(trial:step())
      fine(trial:step { order = { action = "hold", by = "ops" } })
      for _ = 1, 2 do assert.equal("ordered by ops", fine(trial:step()).because) end
      assert.equal(1, #trial.updates())

      trial.set = policy_folder.load(policy_that(HOLD))
      assert.equal("it is early", fine(trial:step { order = { action = "lift",
        by = "ops" } }).because)
    end)

    it("is obeyed within a window that was decided already, and drops what waits", function()
      local trial = new(RAMP)
      trial:traffic(5)
      fine(trial:compare())
      trial:wait(100)
      local result = fine(trial:compare(ORDER))
      assert.same({ "rollback", "done" }, { result.action, result.outcome })
      assert.same({ old = 1, new = 0 }, trial.updates()[2].weights)
      assert.equal("unchanged", fine(trial:step()).outcome)
    end)

    it("to lift one begins the trial of a challenger again that was rolled back", function()
      local trial = new(RAMP)
      fine(trial:step(ORDER))
      fine(trial:step())
      assert.equal("failed", json.decode(trial.decisions[2]).facts.variants[1].stage)
      trial.set = policy_folder.load(policy_that(HOLD))
      fine(trial:step { order = { action = "lift" } })
      local facts = json.decode(trial.decisions[3]).facts
      assert.same({ "challenger", "rollback" }, {
        facts.variants[1].stage,
        facts.history[1].action,
      })
    end)

    it("may say much: its beginning is kept", function()
      local trial = new(HOLD)
      local result = fine(trial:compare { order = { action = "rollback", by = "x" .. ("é"):rep(200),
        reason = ("it is slow "):rep(200) } })
      assert.same({ "rollback", "done" }, { result.action, result.outcome })
      local order = json.decode(trial.decisions[1]).facts.order
      assert.same({ "x" .. ("é"):rep(127), ("it is slow "):rep(200):sub(1, 1024) },
        { order.by, order.reason })
    end)

    it("must be one", function()
      local trial = new(RAMP)
      for _, order in ipairs { { action = "explode" }, {}, { action = "rollback", to = 7 },
        { action = "rollback", to = ("x"):rep(64) }, { action = "hold", by = 7 } } do
        assert.equal("InvalidEvent", trial:compare { order = order }.error.code)
      end
    end)
  end)

  describe("when the process dies at any call to AWS", function()
    local mortal

    setup(function()
      mortal = mortal_handler.new {
        AB_TEST_TABLE_NAME = experiment.TABLE,
        WEIR_PROMOTION = "act",
        AGGREGATION_WINDOW_SECONDS = "3600",
        WARM_UP_SECONDS = "0",
      }
    end)

    teardown(function() mortal:remove() end)

    -- A process of its own: whether it lived.
    local function deliver(trial, policies)
      local status, output = mortal:run("inference_comparison", "{}",
        { policies = policies, variables = { ENDPOINT_NAME = trial.ENDPOINT } })
      if status == "killed" then return false end
      assert.equal(0, status, output)

      return true
    end

    for _, decides in ipairs { RAMP, PROMOTE, ROLLBACK, HOLD } do
      local action = decides:match "^%l+"
      it(("%s: changes the weights once, and tells it"):format(action), function()
        local policies = policy_folder.with(policy_that(decides))
        -- The process has the real clock: an hour that has ended holds some traffic.
        local function fresh()
          local trial = new(decides, { start = os.time() // 3600 * 3600 - 1800, per_minute = 100 })
          trial:traffic(1)
          endpoints.now(nil)

          return trial
        end

        local trial = fresh()
        local before = #cloud.requests()
        assert.is_true(deliver(trial, policies))
        local requests = cloud.requests()
        -- The reads of the sixteen shards are alike.
        local calls, has_query = {}, false
        for call = 1, #requests - before do
          local is_query = requests[before + call].operation == "Query"
          if not (is_query and has_query) then calls[#calls + 1] = call end
          has_query = has_query or is_query
        end

        assert.is_true(#calls >= (decides == HOLD and 11 or 12), #calls)

        for _, call in ipairs(calls) do
          for _, kind in ipairs { "kill_before", "kill_after" } do
            trial = fresh()
            local faults = {}
            for n = 1, call - 1 do faults[n] = { kind = "pass" } end
            faults[call] = { kind = kind, pid_file = mortal.pid_file }
            cloud.faults(table.unpack(faults))
            assert.is_false(deliver(trial, policies))
            assert.is_true(deliver(trial, policies))

            local place = ("%s %s"):format(kind, requests[before + call].operation)
            assert.equal(decides == HOLD and 0 or 1, #trial.updates(), place)
            local told = trial.events()
            assert.is_true(#told >= 1 and #told <= 2, place)
            for _, event in ipairs(told) do
              assert.same({ action, decides == HOLD and "held" or "done",
                told[1].Detail.decision_id },
                { event.Detail.action, event.Detail.outcome, event.Detail.decision_id }, place)
            end
          end
        end
      end)
    end
  end)
end)
