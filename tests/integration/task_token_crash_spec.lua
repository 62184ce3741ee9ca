-- Task tokens when the process of `weir run` dies at any call to AWS. And a thousand jobs at once.
local crash_matrix = require("support.crash_matrix")
local mortal_handler = require("support.mortal_handler")
local property = require("support.property")
local workflow = require("support.workflow")

local TOKEN = "AQCEAAAAKgAAAAMAAAAAAAAAAYJ5kWq3T+first/token+9xVt2=="
local SECOND = "AQCEAAAAKgAAAAMAAAAAAAAAAbN7second/token/Zq+pL0sD4w=="

describe("a process that is killed", function()
  local mortal

  setup(function()
    mortal = mortal_handler.new {
      TOKEN_TABLE = workflow.TABLE,
      MODEL_NAME = "model-1",
      OUTPUT_PATH = "s3://bucket/out",
    }
  end)

  teardown(function() mortal:remove() end)

  -- Runs a handler in a process of its own: true, or false when it was killed.
  local function deliver(handler, event, mode)
    local status, output = mortal:run(handler, event, { variables = { TOKEN_STORAGE_MODE = mode } })
    if status == "killed" then return false end
    assert.equal(0, status, output)

    return true
  end

  for name, case in pairs(crash_matrix.cases { tokens = { TOKEN, SECOND }, deliver = deliver,
    pid_file = function() return mortal.pid_file end }) do it(name, case) end
end)

describe("a thousand jobs in flight", function()
  -- xorshift; the seed of the property tests repeats an order.
  local state = property.seed({ seed = 7 }) * 0x9E3779B97F4A7C15 | 1
  local function chance(most)
    state = state ~ (state << 13)
    state = state ~ (state >> 7)
    state = state ~ (state << 17)

    return (state >> 1) % most + 1
  end

  local function shuffle(list)
    for i = #list, 2, -1 do
      local j = chance(i)
      list[i], list[j] = list[j], list[i]
    end

    return list
  end

  -- What happens to one job, in its order: it is started, perhaps twice; it ends; then come its
  -- events, those of before among them.
  local function story(i, jobs)
    local token = ("AQCEAAAA%04d/%s"):format(i, ("t%dk"):format(i * 7919):rep(6))
    local task = workflow.task(token, {
      execution_id = "arn:aws:states:eu-west-1:1:execution:wf:run-" .. i,
    })

    local failed = i % 10 == 0
    local function start()
      jobs[i].name = workflow.fine(workflow.invoke(task)).transform_job_name
    end

    local final = failed and "Failed" or "Completed"
    local function tell(status)
      return function() workflow.fine(workflow.callback(workflow.event(jobs[i].name, status))) end
    end

    local function finish() workflow.set_job(jobs[i].name, final, failed and "no" or nil) end
    local later = shuffle {
      tell(final),
      tell(final),
      i % 4 == 0 and tell("InProgress") or i % 7 == 0 and start or nil,
    }

    jobs[i] = { token = token, failed = failed }
    local steps = { start }
    if i % 9 == 0 then steps[#steps + 1] = start end
    if i % 5 == 0 then steps[#steps + 1] = tell("InProgress") end
    steps[#steps + 1] = finish

    return table.move(later, 1, #later, #steps + 1, steps)
  end

  it("with duplicated, reordered events: each is answered once, and the table is empty", function()
    local jobs, stories, tokens, open = {}, {}, {}, {}
    local count = property.cases(1000)
    workflow.reset()
    for i = 1, count do
      stories[i] = story(i, jobs)
      tokens[i], open[i] = jobs[i].token, i
    end

    workflow.waiting(table.unpack(tokens))
    while #open > 0 do
      local at = chance(#open)
      local steps = stories[open[at]]
      table.remove(steps, 1)()
      if #steps == 0 then
        open[at] = open[#open]
        open[#open] = nil
      end
    end

    local kinds = {}
    for _, answer in ipairs(workflow.answers()) do
      assert.is_nil(kinds[answer.token])
      kinds[answer.token] = answer.kind
    end

    for i = 1, count do
      assert.equal(jobs[i].failed and "failure" or "success",
        kinds[workflow.fingerprint(tokens[i])])
    end

    workflow.is_empty()
  end)
end)

