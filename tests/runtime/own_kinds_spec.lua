-- Facts and kinds of the set's own in Lambda: from a directory and from a bundle, with facts from
-- the event, from settings and from the clock; and what was logged there replays here.
local files = require "support.files"
local json = require "weir.json"
local lambda = require "support.lambda"
local policy_set = require "weir.policy_set"
local replay = require "weir.replay"
local run = require "support.run"

local SET = {
  ["kinds/routing.lua"] = [[return { kind = "routing", facts = {
    { name = "customer", type = "text", max_size = 64, doc = "who pays" },
    { name = "price", type = "number", min = 0, doc = "of an hour" },
    { name = "now", type = "integer", min = 0, doc = "when" },
  } }]],
  ["routing.lua"] = [[return policy { kind = "routing", decide = function(facts)
    if not facts.now then error("no clock", 0) end
    return batch { because = "%s pays %g", facts.customer or "nobody", facts.price or 0 }
  end }]],
  ["kinds/retention.lua"] = [[return { kind = "retention", doc = "How long.", facts = {
      { name = "bytes", type = "integer", min = 0, required = true, doc = "size",
        from = { event = "detail.size" } } },
    decisions = { { action = "keep", doc = "Keep.", fields = {
      { name = "days", type = "integer", min = 1, required = true, doc = "how long" } } } },
    invariants = function(_, decision) if decision.days > 30 then return "too long" end end,
  }]],
  ["retention.lua"] = [[return policy { kind = "retention", decide = function(facts)
    return keep { because = "%d bytes", facts.bytes, days = facts.bytes }
  end }]],
}

-- The decision lines of a log.
local function decisions(log)
  local lines = {}
  for line in log:gmatch("[^\n]+") do
    if line:find('"schema":"weir.decision/1"', 1, true) then lines[#lines + 1] = line end
  end

  return lines
end

describe("the runtime, with a set that declares facts and kinds", function()
  local root
  before_each(function()
    lambda.reset()
    root = run.directory { ["src/batches.lua"] = [[return { finished = function(_, ask)
      local decision, message, code = ask("retention", {})
      if not decision then return nil, message, code end
      return { days = decision.fields.days }
    end }]] }
  end)
  after_each(function() run.remove(root) end)

  -- The answers to the events, and the log.
  local function invoke(handler, source, events)
    local runtime = lambda.start {
      _HANDLER = handler,
      LAMBDA_TASK_ROOT = root .. "/src",
      WEIR_POLICY_SOURCE = source,
      WEIR_FACT_PRICE = "2.5",
    }
    local answers = {}
    for i, event in ipairs(events) do
      lambda.script { kind = "event", id = "r" .. i, body = event }
      answers[i] = json.decode(lambda.posts(i)[i].body)
    end

    return answers, runtime:stop().stdout
  end

  local function directory()
    for name, text in pairs(SET) do files.write(root .. "/set/" .. name, text) end
    return root .. "/set"
  end

  it("gives policies the facts from event, settings and clock, and logs what replays", function()
    local set = directory()
    local answers, log = invoke("routing", set,
      { '{"file_count": 1, "customer": "acme"}', '{"file_count": 2}' })
    assert.equal("acme pays 2.5", answers[1].because)
    assert.equal("nobody pays 2.5", answers[2].because)

    local lines = decisions(log)
    assert.equal(2, #lines)
    assert.equal("acme", json.decode(lines[1]).facts.customer)
    local recording = files.write(root .. "/log.jsonl", table.concat(lines, "\n") .. "\n")
    local summary = assert(replay.run {
      set = assert(policy_set.load(set)),
      recordings = { recording },
      jobs = 1,
    })
    assert.equal(2, summary.identical)
  end)

  it("asks a kind of the set's own from a bundle, and holds its invariants", function()
    local set = assert(policy_set.load(directory()))
    local bundle = files.write(root .. "/set.bundle", assert(set:bundle { stamp = true }))
    local answers = invoke("batches.finished", bundle,
      { '{"detail": {"size": 7}}', '{"detail": {"size": 31}}', '{"detail": {}}' })
    assert.same({ days = 7 }, answers[1])
    assert.equal("InvariantBroken retention.lua:2: keep: too long",
      answers[2].errorType .. " " .. answers[2].errorMessage)
    assert.equal("InvalidFacts", answers[3].errorType)
  end)
end)
