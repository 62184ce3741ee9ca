-- Task tokens when the process dies: SIGKILL before and after every call to AWS of both handlers,
-- the event delivered again, and in the end one answer and an empty table.
--
--   for name, case in pairs(crash_matrix.cases { … }) do it(name, case) end
--
--   { tokens = { first, second },
--     deliver = function(handler, event, mode) → true | false: the process was killed; raises
--                                                otherwise
--     pid_file = function(handler, mode) → where the process writes its id
--     afterwards = function()?    more to check of each case }
--
-- A case for each scenario and mode.
local assert = require("luassert")
local MODES = require("weir.callback.token_carrier").MODES
local workflow = require "support.workflow"

local crash_matrix = {}

-- The steps of each workflow, after the token that is to be answered; those with a handler are
-- deliveries, in which the process may die.
local function scenarios(first, second)
  local job
  local function invoke(token)
    return { "sagemaker_invoke", function() return workflow.task(token) end }
  end

  local callback = { "sagemaker_callback", function() return workflow.event(job, "Completed") end }
  local function over() workflow.over(first) end
  local function finish()
    job = assert(next(workflow.jobs()))
    workflow.set_job(job, "Completed")
  end

  return {
    ["of a job from start to end"] = { first, invoke(first), finish, callback },
    ["of a retry that takes the job over"] = {
      second,
      invoke(first),
      over,
      invoke(second),
      finish,
      callback,
    },
    ["of a late delivery that answers"] = { first, invoke(first), finish, invoke(first), callback },
  }
end

-- One delivery, killed at its nth call, before or after the service acts; then once more.
local function deliver_twice(given, step, mode, call, kind)
  local faults = {}
  for n = 1, call - 1 do faults[n] = { kind = "pass" } end
  faults[call] = { kind = kind, pid_file = given.pid_file(step[1], mode) }
  workflow.cloud.faults(table.unpack(faults))
  assert.is_false(given.deliver(step[1], step[2](), mode))
  assert.is_true(given.deliver(step[1], step[2](), mode))
end

-- Plays a scenario; in step `victim`, if any, the process dies. → how many calls each delivery
-- made.
local function play(given, scenario, mode, victim, call, kind)
  local calls = {}
  workflow.reset()
  workflow.waiting(table.unpack(given.tokens))
  for i = 2, #scenario do
    local step, before = scenario[i], #workflow.cloud.requests()
    if type(step) == "function" then step()
    elseif i == victim then deliver_twice(given, step, mode, call, kind)
    else
      assert.is_true(given.deliver(step[1], step[2](), mode))
      calls[i] = #workflow.cloud.requests() - before
    end
  end

  assert.equal("success", workflow.answered(scenario[1])[1].kind)
  workflow.is_empty()

  return calls
end

function crash_matrix.cases(given)
  local cases = {}
  for name, scenario in pairs(scenarios(table.unpack(given.tokens))) do
    for _, mode in ipairs(MODES) do
      cases[("at any call %s (%s): one answer, an empty table"):format(name, mode)] = function()
        local deaths = 0
        for step, count in pairs(play(given, scenario, mode)) do
          for call = 1, count do
            for _, kind in ipairs { "kill_before", "kill_after" } do
              play(given, scenario, mode, step, call, kind)
              deaths = deaths + 1
            end
          end
        end

        assert.is_true(deaths >= (mode == "dynamodb" and 16 or 8), deaths)
        if given.afterwards then given.afterwards() end
      end
    end
  end

  return cases
end

return crash_matrix
