local files = require("support.files")
local reference = require("weir.kinds.reference")

local TYPES = {
  integer = {}, number = {}, text = {}, flag = {}, choice = {}, list = {}, record = {}, map = {},
  any = {},
}
local KEYS = {
  name = "string", type = "string", doc = "string", unit = "string", required = "boolean",
  values = "table",
  min = "number", max = "number", min_size = "number", max_size = "number", min_items = "number",
  max_items = "number", unique_by = "string", of = "table", fields = "table",
}

local check_fields

local function check_spec(spec, where)
  assert.is_table(TYPES[spec.type], where)
  for key, value in pairs(spec) do assert.equal(KEYS[key], type(value), where .. "." .. key) end
  if spec.type == "choice" then assert.is_true(#spec.values > 0) end
  if spec.type == "list" or spec.type == "map" then check_spec(spec.of, where .. "[]") end
  if spec.type == "record" then check_fields(spec.fields, where) end
end

function check_fields(fields, where)
  local seen = {}
  for _, spec in ipairs(fields) do
    local path = where .. "." .. tostring(spec.name)
    assert.truthy(spec.name:find("^[a-z][a-z0-9_]*$"), path)
    assert.is_nil(seen[spec.name], path)
    assert.is_string(spec.doc, path)
    seen[spec.name] = true
    check_spec(spec, path)
  end
end

local function invariants(kind, facts, decision)
  return require("weir.kinds." .. kind).invariants(facts, decision, decision.action)
end

describe("the kinds", function()
  for _, name in ipairs(require("weir.kinds")) do
    it("describe " .. name .. " in the field language", function()
      local kind = require("weir.kinds." .. name)
      assert.equal(name, kind.kind)
      check_fields(kind.facts, name)
      for _, decision in ipairs(kind.decisions) do
        check_fields(decision.fields, decision.action)
      end
    end)
  end

  it("have reference pages that are up to date", function()
    for _, page in ipairs(reference.pages()) do
      local committed = files.read(page.path)
      assert.equal(page.text, committed, page.path .. ": run weir lua docs/kinds/generate.lua")
    end
  end)
end)

describe("the invariants of routing", function()
  it("refuse an endpoint that is not there", function()
    for _, action in ipairs { "realtime", "serverless", "components" } do
      local decision = { action = action }
      assert.is_nil(invariants("routing", {}, decision))
      assert.is_nil(invariants("routing", { endpoint_status = "InService" }, decision))
      assert.is_string(invariants("routing", { endpoint_status = "Failed" }, decision))
      assert.is_string(invariants("routing", { inference_type = "none" }, decision))
    end

    assert.is_nil(invariants("routing", { endpoint_status = "Failed" }, { action = "batch" }))
  end)
end)

describe("the invariants of weights", function()
  local FACTS = { variants = { { name = "a" }, { name = "b" }, { name = "c", stage = "retired" } } }

  local function broken(weights)
    return invariants("weights", FACTS, { action = "weights", weights = weights })
  end

  it("accept shares that sum to 1", function()
    assert.is_nil(broken { a = 0.7, b = 0.3, c = 0 })
    assert.is_nil(broken { a = 0.7 + 9e-10, b = 0.3, c = 0 })
    assert.is_nil(broken { a = 1, b = 0, c = 0 })
  end)

  it("refuse any others", function()
    assert.is_string(broken { a = 0.7 + 2e-9, b = 0.3, c = 0 })
    assert.is_string(broken { a = 0.7, b = 0.2, c = 0 })
    assert.is_string(broken { a = 1.5, b = -0.5, c = 0 })
    assert.is_string(broken { a = 0 / 0, b = 0.3, c = 0 })
    assert.is_string(broken { a = math.huge, b = 0.3, c = 0 })
    assert.is_string(broken { a = 0.7, c = 0.3, b = 0 })
    assert.is_string(broken { a = 0.5, b = 0.3, c = 0, d = 0.2 })
    assert.is_string(broken { a = 0.7, b = 0.3 })
    assert.is_string(broken {})
  end)

  it("refuse an assignment to what is not in the traffic, or without a key", function()
    local facts = { variants = FACTS.variants, assignment_key = "k" }
    assert.is_nil(invariants("weights", facts, { action = "assign", variant = "a", bucket = 0 }))
    assert.is_string(invariants("weights", facts, { action = "assign", variant = "c", bucket = 0 }))
    assert.is_string(invariants("weights", facts, { action = "assign", variant = "d", bucket = 0 }))
    assert.is_string(invariants("weights", FACTS, { action = "assign", variant = "a", bucket = 0 }))
  end)
end)

describe("the invariants of promotion", function()
  local function broken(decision, change)
    local new = {
      name = "new",
      approval = "Approved",
      weight = 0.1,
      window = { requests = 10, errors = 0 },
    }

    if change then change(new) end
    local variants = { { name = "old", approval = "Approved" }, new }

    return invariants("promotion", { champion = "old", variants = variants }, decision)
  end

  local PROMOTE = { action = "promote", variant = "new" }

  it("let only an approved model with data grow", function()
    assert.is_nil(broken(PROMOTE))
    assert.is_nil(broken { action = "ramp", variant = "new", weight = 0.2 })
    for i, change in ipairs {
      function(new)
        new.approval = "PendingManualApproval"
      end, function(new) new.approval = "Rejected" end,
      function(new) new.approval = nil end, function(new) new.stage = "failed" end,
      function(new) new.stage = "retired" end, function(new) new.window = nil end,
      function(new) new.window.errors = nil end, function(new) new.window.requests = nil end,
      function(new) new.window.requests = 0 end,
    } do
      assert.is_string(broken(PROMOTE, change), "change " .. i)
      assert.is_string(broken({ action = "ramp", variant = "new", weight = 0.2 }, change),
        "change " .. i)
    end

    assert.is_string(broken { action = "promote", variant = "old" })
    assert.is_string(broken { action = "promote", variant = "unknown" })
  end)

  it("let a ramp only rise, and stay below all of the traffic", function()
    for _, weight in ipairs { 0, 0.1, 1, 0 / 0 } do
      assert.is_string(broken { action = "ramp", variant = "new", weight = weight })
    end
  end)

  it("let anything known be rolled back to anything else known", function()
    local function nothing(new)
      new.window, new.approval, new.weight, new.stage = nil, nil, nil, "failed"
    end

    assert.is_nil(broken({ action = "rollback", variant = "new", to = "old" }, nothing))
    assert.is_nil(broken { action = "rollback", variant = "old", to = "new" })
    assert.is_string(broken { action = "rollback", variant = "new", to = "new" })
    assert.is_string(broken { action = "rollback", variant = "new", to = "unknown" })
    assert.is_string(broken { action = "rollback", variant = "unknown", to = "old" })
    assert.is_nil(broken({ action = "hold", needs = "data" }, nothing))
  end)
end)

describe("the invariants of mapping", function()
  it("want the parts that a job of its sort cannot do without", function()
    local function broken(job)
      job.action = "job"
      return invariants("mapping", {}, job)
    end

    assert.is_nil(broken { work = "object", bucket = "b", key = "k" })
    assert.is_string(broken { work = "object", bucket = "b" })
    assert.is_string(broken { work = "object", key = "k" })
    assert.is_nil(broken { work = "transform", transform = "t", status = "Failed" })
    assert.is_string(broken { work = "transform", transform = "t" })
    assert.is_string(broken { work = "transform", status = "Failed" })
    assert.is_nil(invariants("mapping", {}, { action = "ignore" }))
  end)
end)

describe("the invariants of review", function()
  it("accept nothing without a label", function()
    local labels = { { name = "Cup", confidence = 1 } }
    assert.is_nil(invariants("review", { labels = labels }, { action = "accept" }))
    assert.is_string(invariants("review", { labels = {} }, { action = "accept" }))
    assert.is_nil(invariants("review", { labels = {} }, { action = "manual_review" }))
  end)
end)
