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

  it("logs the time that the answer has", function()
    local answer = assert(set:decide("routing", FACTS, { record = {} }))
    assert.is_true(answer.eval_us >= 10, answer.eval_us)
    assert.equal(answer.eval_us, json.decode(answer.record).eval_us)
  end)

  it("logs a time that is given, 0 too, in place of its own", function()
    for _, eval_us in ipairs { 0, 1, 123456 } do
      local answer = assert(set:decide("routing", FACTS, { record = { eval_us = eval_us } }))
      assert.equal(eval_us, json.decode(answer.record).eval_us)
      assert.is_true(answer.eval_us >= 10, answer.eval_us)
      local line = assert(set:record("routing", FACTS, { eval_us = eval_us }))
      assert.equal(eval_us, json.decode(line).eval_us)
    end
  end)

  it("gives no line where the origin is not text", function()
    local answer, message, code = set:decide("routing", FACTS, { record = { id = "\xff" } })
    assert.same({ nil, "the line cannot be written: id, time and request_id must be UTF-8",
      "InvalidText" }, { answer, message, code })
  end)

  it("gives message and code of a decision that fails", function()
    local answer, message, code = set:decide("routing", '{"file_count":"many"}')
    assert.is_nil(answer)
    assert.equal("InvalidFacts", code)
    assert.truthy(message:find("file_count", 1, true), message)
    assert.same({ nil, message, code }, { set:record("routing", '{"file_count":"many"}') })
  end)

  it("raises for a set that was collected before who asks it", function()
    local caught = {}
    do
      -- Finalizers run in the opposite order of their objects' making: the set's is the first.
      local asker = setmetatable({}, { __gc = function(self)
        for i, method in ipairs { "decide", "record" } do
          caught[i] = select(2, pcall(self.set[method], self.set, "routing", FACTS))
        end
      end })
      asker.set = policy_folder.load(policy_folder.routing(LONG))
    end

    collectgarbage()
    assert.matches("this policy set is closed; expected set:decide(kind, facts_json", caught[1], 1,
      true)
    assert.matches("this policy set is closed; expected set:record(kind, facts_json", caught[2], 1,
      true)
  end)
end)
