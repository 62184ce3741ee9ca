-- Properties of task tokens: the store, the modes, exactly one answer whatever fails, and no token
-- in any output. Services are in memory (tests/support/token_world.lua), or below the clients.
local effects = require("weir.effects")
local handlers = require("weir.handlers")
local json = require("weir.json")
local property = require("support.property")
local secret = require("weir.secret")
local store = require("weir.callback.task_token_store")
local token_world = require("support.token_world")
local transform_job = require("weir.callback.transform_job")
local uuid_pattern = require("support.uuid")

local CASES = { cases = 1000 }

local hex_digit = property.element {
  "0",
  "1",
  "2",
  "3",
  "4",
  "5",
  "6",
  "7",
  "8",
  "9",
  "a",
  "b",
  "c",
  "d",
  "e",
  "f",
}
local token_character = property.element {
  "A",
  "B",
  "x",
  "y",
  "Q",
  "0",
  "7",
  "+",
  "/",
  "=",
  "-",
  "_",
}

local function text_of(character, min, max)
  return property.map(property.array(character, { min = min, max = max }), table.concat)
end

local token = text_of(token_character, 12, 120)
local job_name = property.map(text_of(hex_digit, 1, 20), function(text) return "job-" .. text end)

local function uuid_of(hex)
  return ("%s-%s-4%s-8%s-%s"):format(hex:sub(1, 8), hex:sub(9, 12), hex:sub(13, 15),
    hex:sub(16, 18), hex:sub(19, 30))
end

describe("a correlation id", function()
  it("is the first digits of a random UUID of version 4", function()
    local seen = {}
    property.check("ids", property.element { 8, 12, 16 }, function(length)
      local world, uuid = token_world.new {}, nil
      world.effects.uuid = function()
        uuid = effects.dry({}):uuid()
        return uuid
      end

      local tokens = store.new(world.effects, { table = "t", id_length = length })
      local id = assert(tokens:put(secret.wrap("token"), "job")).correlation_id
      assert.matches("^" .. uuid_pattern .. "$", uuid)
      assert.equal(uuid:gsub("-", ""):sub(1, length), id)
      assert.is_true(store.is_id(id))
      assert.is_nil(seen[uuid])
      seen[uuid] = true
    end, CASES)
  end)
end)

describe("the store", function()
  it("gives back what was put, and expires it a day after its creation", function()
    local case = property.tuple { token, job_name, property.int(0, 1 << 40),
      property.element { 0, 1, 86399, 86400,
      86401 } }
    property.check("round trip", case, function(given)
      local world = token_world.new {}
      local tokens = store.new(world.effects, { table = "t" })
      world.time = given[3]
      local record = assert(tokens:put(secret.wrap(given[1]), given[2]))
      assert.equal(given[3], record.created_at)
      assert.equal(record.created_at + 86400, record.ttl)
      world.time = given[3] + given[4]
      local found, _, code, expired = tokens:get(record.correlation_id)
      if given[4] >= 86400 then
        assert.is_nil(found)
        assert.equal("TokenExpired", code)
        found = expired
      end

      assert.is_true(secret.equal(found.task_token, given[1]))
      assert.equal(given[2], found.transform_job_name)
      assert.is_true(tokens:delete(record))
      assert.equal("TokenNotFound", select(3, tokens:get(record.correlation_id)))
    end, CASES)
  end)

  it("never overwrites, in a space of few ids, with replies lost", function()
    local step = property.tuple {
      token,
      property.array(property.int(1, 3), { min = 3, max = 3 }),
      property.int(0, 3)
    }

    property.check("collisions", property.array(step, { max = 10 }), function(steps)
      local lost, ids
      local world = token_world.new { fail = function(n, operation)
        return operation == "PutItem" and n == lost and "after" or nil
      end, uuid = function() return uuid_of(("%030x"):format(table.remove(ids, 1)):reverse()) end }
      local tokens, model = store.new(world.effects, { table = "t" }), {}
      for i, one in ipairs(steps) do
        ids = table.move(one[2], 1, 3, 1, {})
        lost = one[3] == 0 and world.calls + 1 or nil
        local record, _, code = tokens:put(secret.wrap(one[1] .. i), "job-" .. i)
        if record then
          assert.is_nil(model[record.correlation_id])
          model[record.correlation_id] = one[1] .. i
        else
          assert.is_true(code == "CorrelationIdTaken" or code == "ServiceUnavailable")
        end

        for id, text in pairs(model) do
          assert.is_true(secret.equal(world.records[id].task_token, text))
        end

        for id in pairs(world.records) do assert.is_not_nil(model[id]) end
      end
    end, CASES)
  end)
end)

describe("the mode of a job", function()
  it("follows from its tags on all pages, CorrelationId first", function()
    local tag = property.element {
      "CorrelationId",
      "TaskToken",
      "Team",
      "token",
      "correlationid",
      "Tasktoken",
    }

    local case = property.tuple { property.array(tag, { max = 8 }), property.int(1, 4) }
    property.check("mode by tags", case, function(given)
      local world = token_world.new { page_size = given[2] }
      local present, tags = {}, {}
      for _, key in ipairs(given[1]) do
        if not present[key] then tags[#tags + 1] = { Key = key, Value = "0a1b2c3d" } end
        present[key] = true
      end

      world.jobs.job = { tags = tags, status = "Completed" }
      local expected = present.CorrelationId and "dynamodb" or present.TaskToken and "direct" or nil
      assert.equal(expected, transform_job.mode_of(assert(transform_job.tags(world.effects,
        "arn/job"))))
    end, CASES)
  end)
end)

-- Workflows --------------------------------------------------------------------------------------

local EXECUTION = "arn:aws:states:eu-west-1:111122223333:execution:wf:run"

local function deliver(world, name, event)
  world.effects.metrics, world.effects.plan = {}, {}
  local decoded = assert(json.decode(json.encode(event), { secrets = true }))
  return handlers.run(handlers.find(name), decoded, nil, world.effects)
end

local function invoke(world, text)
  return deliver(world, "sagemaker_invoke",
    { task_token = text, execution_id = EXECUTION, input_path = "s3://bucket/in" })
end

local function callback(world)
  local name, job = next(world.jobs)
  return deliver(world, "sagemaker_callback", { source = "aws.sagemaker",
    detail = { TransformJobName = name, TransformJobStatus = job.status } })
end

describe("a workflow", function()
  it("has its record deleted after the callback, in either mode and outcome", function()
    local case = property.tuple { token, property.element { "dynamodb", "direct" },
      property.element { "Completed", "Failed", "Stopped" }, property.int(1, 3) }
    property.check("record deleted", case, function(given)
      local world = token_world.new { tokens = { given[1] },
        settings = { token_storage_mode = #given[1] <= 256 and not given[1]:find("[^%w_.:/=+@-]")
          and given[2] } }
      assert.is_nil(invoke(world, given[1]).error)
      local _, job = next(world.jobs)
      job.status = given[3]
      for _ = 1, given[4] do assert.is_nil(callback(world).error) end
      assert.equal(1, #world.answers)
      assert.equal(given[3] == "Completed" and "success" or "failure", world.answers[1].kind)
      assert.is_nil(next(world.records))
    end, CASES)
  end)

  it("is answered exactly once, whichever calls fail before or after the service acts", function()
    -- A delivery: whose event it is, and which of its calls fails, if any, and how.
    local delivery = property.tuple { property.element { "invoke", "callback", "retry", "end" },
      property.int(0, 9),
      property.element { "before", "after" } }
    local case = property.tuple {
      property.element { "dynamodb", "direct" },
      property.array(delivery, { max = 10 })
    }

    property.check("exactly once", case, function(given)
      local failing, how
      local world = token_world.new { tokens = { "first/token/AAAA1111", "second/token/BBBB2222" },
        settings = { token_storage_mode = given[1] },
        fail = function(n) return n == failing and how or nil end }
      local current = "first/token/AAAA1111"
      local function step(kind)
        local name, job = next(world.jobs)
        if kind == "invoke" then return invoke(world, current) end
        if kind == "retry" then -- Step Functions gives up the first attempt and tries again
          if world.waiting[current] == "over" then return {} end
          world.waiting["first/token/AAAA1111"], current = "over", "second/token/BBBB2222"
          return invoke(world, current)
        end

        if kind == "end" and name then job.status = "Completed" end
        if kind == "callback" and name then return callback(world) end

        return {}
      end

      for _, each in ipairs(given[2]) do
        failing, how = each[2] > 0 and world.calls + each[2] or nil, each[3]
        step(each[1])
        failing = nil
      end

      -- Whatever happened, the last deliveries succeed.
      assert.is_nil(step("invoke").error)
      step("end")
      for _ = 1, 2 do assert.is_nil(callback(world).error) end
      local count = 0
      for _, answer in ipairs(world.answers) do
        if answer.token == current then count = count + 1 end
      end

      assert.equal(1, count)
      assert.is_nil(next(world.records))
    end, { cases = 3000 })
  end)
end)
