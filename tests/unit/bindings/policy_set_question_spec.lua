-- What asking a set tells besides the decision: how long it took, and the line of the decision log.
local json = require "weir.json"
local policy_folder = require "support.policy_folder"
local process = require "weir.process"

-- Takes some 100,000 steps: far longer than a microsecond on any machine.
local LONG = [[
    local sum = 0
    for i = 1, 20000 do sum = sum + i % 7 end
    return batch { because = "%d", sum }]]

local FACTS = '{"file_count":1}'

describe("asking a policy set", function()
  local set

  setup(function() set = policy_folder.load(policy_folder.routing(LONG)) end)
  teardown(policy_folder.remove_all)

  it("measures how long the policy took, in microseconds", function()
    local began = process.clock()
    local answer = assert(set:decide("routing", FACTS))
    local most_us = (process.clock() - began + 1) * 1000
    assert.is_true(answer.eval_us >= 10, answer.eval_us)
    assert.is_true(answer.eval_us <= most_us, answer.eval_us .. " of " .. most_us)
  end)

  it("logs the time that it took, or the one that is given, 0 too", function()
    local _, line = assert(set:ask("routing", FACTS))
    assert.is_true(json.decode(line).eval_us >= 10, line)
    for _, eval_us in ipairs { 0, 1, 123456 } do
      line = assert(set:record("routing", FACTS, { eval_us = eval_us }))
      assert.equal(eval_us, json.decode(line).eval_us)
    end
  end)

  it("gives handlers the decision as a value, and the line of a decision made now", function()
    local before = process.time()
    local entry, line = assert(set:ask("routing", FACTS, "request-1", '["/a"]'))
    local decision, logged = assert(set:decide("routing", FACTS)), json.decode(line)
    assert.same({
      kind = "routing",
      action = "batch",
      because = decision.because,
      fields = { action = "batch" },
      file = decision.file,
      line = decision.line,
      params_json = decision.params,
    }, entry)

    assert.matches("^%x+$", logged.id)
    assert.equal(32, #logged.id)
    assert.is_true(logged.time >= process.timestamp(before), logged.time)
    assert.is_true(logged.time <= process.timestamp(), logged.time)
    assert.same({ "request-1", { "/a" } }, { logged.request_id, logged.redacted })
    local given = { request_id = "request-1", redacted_json = '["/a"]' }
    for _, name in ipairs { "id", "time", "eval_us" } do given[name] = logged[name] end
    assert.equal(line, set:record("routing", FACTS, given))

    local again = json.decode(select(2, assert(set:ask("routing", FACTS))))
    assert.not_equal(logged.id, again.id)
    assert.same({ nil, json.array {} }, { again.request_id, again.redacted })
  end)

  it("gives no line where the origin is not text", function()
    local wanted = { nil, "the line cannot be written: id, time and request_id must be UTF-8",
      "InvalidText" }
    assert.same(wanted, { set:ask("routing", FACTS, "\xff") })
    assert.same(wanted, { set:record("routing", FACTS, { id = "\xff" }) })
  end)

  it("gives message and code of a decision that fails", function()
    local answer, message, code = set:decide("routing", '{"file_count":"many"}')
    assert.is_nil(answer)
    assert.equal("InvalidFacts", code)
    assert.truthy(message:find("file_count", 1, true), message)
    assert.same({ nil, message, code }, { set:record("routing", '{"file_count":"many"}') })
    assert.same({ nil, message, code }, { set:ask("routing", '{"file_count":"many"}') })
  end)

  it("raises for a set that was collected before who asks it", function()
    local caught = {}
    do
      -- Finalizers run in the opposite order of their objects' making: the set's is the first.
      local asker = setmetatable({}, { __gc = function(self)
        for i, method in ipairs { "decide", "record", "ask" } do
          caught[i] = select(2, pcall(self.set[method], self.set, "routing", FACTS))
        end
      end })
      asker.set = policy_folder.load(policy_folder.routing(LONG))
    end

    collectgarbage()
    for i, method in ipairs { "decide", "record", "ask" } do
      assert.matches(("this policy set is closed; expected set:%s(kind, facts_json"):format(method),
        caught[i], 1, true)
    end
  end)
end)
