-- What must hold of the shipped policies for any facts, besides the invariants of their kinds,
-- which the engine checks.
local json = require("weir.json")
local property = require("support.property")
local promotion_trial = require("support.promotion_trial")
local shipped_policy = require("support.shipped_policy")

-- A value or nil: JSON's absent members, which no Lua list can hold.
local ABSENT = {}

local function present(value)
  if value ~= ABSENT then return value end
end

describe("routing", function()
  local routing = shipped_policy.load("routing")

  -- The rules, from the other end: who may use an endpoint at all, then by the count.
  local function expected(facts, threshold)
    local usable = facts.inference_type ~= "none"
      and (facts.endpoint_status or "InService") == "InService"
      and (facts.largest_bytes or 0) <= 6291456
    if not usable then return "batch" end
    if facts.inference_type == "serverless" or facts.inference_type == "components" then
      return facts.inference_type
    end

    return facts.file_count < threshold and "realtime" or "batch"
  end

  it("follows its rules", function()
    property.check("routing", property.tuple {
      property.int(0, 25), property.element { ABSENT, 0, 6291456, 6291457, 1 << 40 },
      property.element { ABSENT, "none", "provisioned", "serverless", "components" },
      property.element {
        ABSENT,
        "InService",
        "Failed",
        "Creating",
        "RollingBack",
      }, property.int(1, 25),
    }, function(case)
      local facts = {
        file_count = case[1], largest_bytes = present(case[2]), inference_type = present(case[3]),
        endpoint_status = present(case[4]),
      }

      assert.equal(expected(facts, case[5]), routing:decide(facts, { threshold = case[5] }).action)
    end, { cases = 1500 })
  end)
end)

describe("weights", function()
  local weights = shipped_policy.load("weights")

  local variants = property.map(property.array(property.tuple {
    property.element { ABSENT, 0, 1, 0.1, 5e-324, 1e-300, 3, 1000000 },
    property.element { ABSENT, "champion", "challenger", "retired", "failed" },
  }, { min = 1, max = 10 }), function(cases)
    local list = {}
    for i, case in ipairs(cases) do
      list[i] = { name = "v" .. i, weight = present(case[1]), stage = present(case[2]) }
    end

    return list
  end)

  local function is_live(variant)
    return variant.stage ~= "retired" and variant.stage ~= "failed"
  end

  local function any_live(list)
    for _, variant in ipairs(list) do
      if is_live(variant) then return true end
    end

    return false
  end

  it("give proportions between live variants, and fail when none is", function()
    property.check("weights", variants, function(list)
      local ok, decision = pcall(weights.decide, weights, { variants = list })
      assert.equal(any_live(list), ok)
      if not ok then return end
      for _, a in ipairs(list) do
        local share = decision.weights[a.name]
        assert.is_true(share >= 0 and share <= 1)
        for _, b in ipairs(list) do
          if is_live(a) and is_live(b) and (a.weight or 0) > (b.weight or 0) then
            assert.is_true(share >= decision.weights[b.name])
          end
        end
      end
    end, { cases = 600 })
  end)

  it("assign only to a variant with a share", function()
    property.check("assignment", property.tuple { variants, property.string { min = 1 } },
      function(case)
      local list, key = case[1], case[2]
      if not any_live(list) then return end
      local share = weights:decide({ variants = list }).weights
      local decision = weights:decide { variants = list, assignment_key = key }
      assert.is_true(share[decision.variant] > 0)
    end, { cases = 300 })
  end)
end)

describe("promotion", function()
  local promotion = shipped_policy.load("promotion")
  local NOW, trial = promotion_trial.now, promotion_trial.facts

  -- What may be otherwise in a trial: a path and the values it may take.
  local CHANGES = {
    { "evidence", ABSENT }, { "evidence.method", ABSENT, "fixed_horizon" },
    { "evidence.confidence", ABSENT, 0.99, 0.5 }, {
      "evidence.sample_ratio_p",
      ABSENT,
      0,
      0.0009,
      1,
    },
    { "evidence.sample_ratio_shift", ABSENT, -1, 0.009, 0.01, 5 },
    { "evidence.sample_ratio_minutes", 0, 119, 120 },
    { "evidence.error_rate", ABSENT, { low = -1e308, high = 1e308 }, { low = 0.01, high = 0.02 },
      { low = 0.001, high = 0.0001 }, { low = 0.0005, high = 0.0005 },
        { low = -0.01, high = 0.003 } },
    { "evidence.latency", ABSENT, { low = -1e308, high = 1e308 }, { low = 0.2, high = 0.3 },
      { low = -1 },
      { low = 0.1, high = 0.1 }, { low = -0.3, high = 0.11 } },
    { "evidence.requests", ABSENT, 0, 1, 1e15 }, { "evidence.errors", ABSENT, 0, 1e15 },
    { "evidence.champion_requests", ABSENT, 0, 0.5, 1e15 }, {
      "evidence.champion_errors",
      ABSENT,
      0,
      1e15,
    },
    { "evidence.successes", ABSENT, 0, 1 }, { "evidence.champion_successes", ABSENT, 0, 1e15 },
    { "evidence.dispersion", ABSENT, 3, 3.1, 1e300 }, { "evidence.step", ABSENT, {} },
    { "evidence.step.error_rate_low", ABSENT, 0.1 }, { "evidence.step.latency_low", ABSENT, 0.2 },
    { "minutes_since_start", ABSENT, 0, 10080, 10081 }, {
      "minutes_since_change",
      ABSENT,
      0,
      29,
      30,
      1439,
      1440,
    },
    { "good_looks", ABSENT, 0, 1, 5 },
    { "champion", "new", "unknown" }, { "challenger", ABSENT, "old", "unknown" },
    { "order", { action = "hold" }, { action = "rollback" }, { action = "rollback", to = "old" } },
    { "history", { { at = NOW, action = "rollback", variant = "new" } }, json.array {} },
    { "now", 0, 253402300799 },
  }

  for _, variant in ipairs { "variants.1", "variants.2" } do
    for _, change in ipairs {
      { ".weight", ABSENT, 0, 0.05, 0.4, 0.5, 1 }, {
        ".stage",
        "champion",
        "challenger",
        "retired",
        "failed",
      },
      { ".approval", ABSENT, "PendingManualApproval", "Rejected" }, { ".window", ABSENT },
      { ".window.requests", ABSENT, 0, 1, 49, 50, 999, 1000, 1000000000000 },
      { ".window.errors", ABSENT, 0, 1, 60, 1000, 1000000000000 },
      { ".window.seconds", ABSENT, 1, 100000000 },
      { ".recent", ABSENT, { requests = 50, errors = 50 }, { requests = 49, errors = 49 },
        { requests = 1, errors = 1 }, { requests = 900, errors = 0,
          latency_ms = { p99 = 10001 } } },
      { ".recent.warming", true },
    } do
      CHANGES[#CHANGES + 1] = { variant .. change[1], table.unpack(change, 2) }
    end
  end

  local single_changes = {}
  for _, change in ipairs(CHANGES) do
    for i = 2, #change do single_changes[#single_changes + 1] = { change[1], change[i] } end
  end

  local function changed(changes, at_the_end)
    local facts = trial()
    if at_the_end then facts.variants[2].weight, facts.minutes_since_change = 0.5, 1440 end
    for _, change in ipairs(changes) do
      local at, last = facts, change[1]:match("[^.]+$")
      for name in change[1]:gmatch("([^.]+)%.") do at = at and at[tonumber(name) or name] end
      if at then at[last] = present(change[2]) end
    end

    return facts
  end

  it("gives more traffic only when all is well, and decides in every state", function()
    local seen = {}
    local some_changes = property.array(property.element(single_changes), { max = 5 })
    property.check("promotion", property.tuple { some_changes, property.boolean() }, function(case)
      local facts = changed(case[1], case[2])
      local decision = promotion:decide(facts)
      seen[decision.action] = (seen[decision.action] or 0) + 1
      if decision.action == "promote" or decision.action == "ramp" then
        assert.is_true(promotion_trial.may_grow(facts, decision), decision.action)
      end
    end, { cases = 3000 })
    if os.getenv("WEIR_CASES") then return end -- too few cases to meet every state
    for _, action in ipairs { "promote", "ramp", "hold", "rollback" } do
      assert.is_true((seen[action] or 0) > 3, "few decisions to " .. action)
    end
  end)

  it("never acts on one request, whatever became of it", function()
    local some_changes = property.array(property.element(single_changes), { max = 3 })
    property.check("one sample", property.tuple { some_changes, property.int(0, 1) }, function(case)
      local facts = changed(case[1])
      local new = facts.variants[2]
      if facts.order or facts.challenger ~= "new" or new.weight == 0 or new.approval == "Rejected"
        or new.stage == "failed" or new.stage == "retired"
        or (facts.minutes_since_start or 0) > 10080 then
        return -- decided without any measurement
      end

      if facts.evidence then facts.evidence.sample_ratio_p = 1 end
      new.window = { requests = 1, errors = case[2], seconds = 300 }
      new.recent = { requests = 1, errors = case[2], seconds = 300, latency_ms = { p99 = 60000 } }
      assert.equal("hold", promotion:decide(facts).action)
    end, { cases = 1000 })
  end)

  it("never gains from losing data", function()
    local losses = {}
    for _, change in ipairs(single_changes) do
      if change[2] == ABSENT then losses[#losses + 1] = change end
    end

    local some_losses = property.array(property.element(losses), { min = 1, max = 4 })
    property.check("loss", some_losses, function(changes)
      local decision = promotion:decide(changed(changes))
      -- The guardrail's recent window and the standing of the champion are not evidence.
      local spared = true
      for _, change in ipairs(changes) do
        spared = spared and (change[1]:find("recent$") or change[1]:find("^variants.1.[wa][ep]")
          or change[1]:find("^evidence.*successes$") or change[1]:find("^evidence.*requests$")
          or change[1]:find("^evidence.*errors$") or change[1]:find("^evidence.dispersion")
          or change[1]:find("^evidence.step") or change[1]:find("shift$")
          or change[1]:find("window.seconds$") or change[1] == "minutes_since_start") ~= nil
      end

      if not spared then assert.equal("hold", decision.action) end
    end, { cases = 400 })
  end)
end)

describe("mapping", function()
  local mapping = shipped_policy.load("mapping")

  local function url_encoded(key)
    return (key:gsub("[^%w%-._~/*]", function(c)
      return c == " " and "+" or ("%%%02x"):format(c:byte())
    end))
  end

  local function ways(key)
    return {
      { source = "aws.s3", ["detail-type"] = "Object Created",
        detail = { bucket = { name = "b" }, object = { key = key, size = 7, etag = "e1" } } },
      { Records = { { eventName = "ObjectCreated:Put",
        s3 = { bucket = { name = "b" }, object = { key = url_encoded(key), size = 7,
          eTag = "e1" } } } } },
      { source = "weir.listing", bucket = "b", object = { Key = key, Size = 7, ETag = '"e1"' } },
      { source = "weir.listing", bucket = "b", encoding = "url",
        object = { Key = url_encoded(key), Size = 7, ETag = '"e1"' } },
    }
  end

  it("makes the same job of the same write, whichever way it came", function()
    local alphabet = { "a", "/", ".", " ", "+", "%", "%20", "%2F", "~", "$", "\0", "\n", '"', "\\",
      "é",
      "e\u{301}", "🚀", ".tmp", "results/", ":" }
    property.check("ways", property.string { alphabet = alphabet, min = 1, max = 12 }, function(key)
      local first
      for _, event in ipairs(ways(key)) do
        local decision = mapping:decide { event = event }
        first = first or decision
        assert.equal(first.action, decision.action)
        assert.equal(first.idempotency_key, decision.idempotency_key)
        if decision.action == "job" then assert.equal(key, decision.key) end
      end
    end, { cases = 400 })
  end)

  it("answers any event, or refuses it with a reason", function()
    local leaves = property.one_of {
      property.string { max = 3 }, property.int(), property.boolean(), property.float(),
      property.element { "aws.s3", "aws.sagemaker", "weir.listing", "Object Created",
        "ObjectCreated:Put",
        "SageMaker Transform Job State Change", "Completed", "url" },
    }

    local names = property.element { "source", "detail-type", "detail", "object", "bucket", "name",
      "key",
      "size", "etag", "Records", "s3", "eventName", "Key", "Size", "encoding", "TransformJobName",
      "TransformJobStatus" }
    local function branch(values)
      return property.one_of {
        property.object(names, values, { max = 5 }), property.array(values, { min = 1, max = 2 }),
      }
    end

    local event = property.map(property.nested(4, leaves, branch), function(value)
      return { value }
    end)

    property.check("events", event, function(case)
      local ok, result = pcall(mapping.decide, mapping, { event = case[1] })
      if ok then
        assert.is_true(result.action == "job" or result.action == "ignore")
      else
        -- Refused by the policy's own words, not by a mistake in it.
        local by_design = result:find("the event has no", 1, true)
          or result:find("the notification has no", 1, true)
          or result:find("several records", 1, true)
        assert.truthy(by_design, result)
      end
    end, { cases = 2000 })
  end)
end)
