-- The nearest change that makes a policy decide otherwise: it is there, nothing nearer is, and what
-- was tried is counted.
local json = require("weir.json")
local nearest = require("weir.explain.nearest")
local places = require("weir.explain.places")
local policy_folder = require("support.policy_folder")
local schemas = require("weir.schemas")
local values = require("weir.explain.values")

-- find(body of decide, facts[, head, with params]) for a routing policy.
local function find(body, facts, params)
  local text = "return policy { kind = 'routing', "
    .. (params and "params = { " .. params .. " }, " or "")
    .. "decide = function(facts, params)\n" .. body .. "\nend }"
  local set = policy_folder.load(text)
  local answer, _, _, trace = set:trace("routing", json.encode(facts))

  return nearest.find {
    set = set,
    kind = "routing",
    facts = facts,
    params = answer and json.decode(answer.params) or {},
    policy = set:policies()[1],
    schema = schemas.find(schemas.of(set:kinds()), "routing"),
    traced = answer or trace,
    failed = not answer,
  }
end

local function either(condition)
  return ("if %s then return realtime { because = 'x' } end return batch { because = 'y' }")
    :format(condition)
end

-- "path from to" of each flip.
local function flips(found)
  local lines = {}
  for i, flip in ipairs(found.flips) do
    lines[i] = ("%s %s %s"):format(flip.path, tostring(flip.from), tostring(flip.to))
  end

  return lines
end

describe("the nearest change", function()
  teardown(policy_folder.remove_all)

  it("of a whole number is the first beyond the threshold, in either direction", function()
    for _, case in ipairs {
      { "facts.file_count < 10", 12, 9 }, { "facts.file_count < 10", 3, 10 },
      { "facts.file_count <= 10", 1000000, 10 }, { "facts.file_count > 123456789", 5, 123456790 },
      { "facts.file_count == 77", 80, 77 }, { "facts.file_count ~= 80", 80, 81 },
      { "facts.file_count * 3 > 100", 12, 34 }, { "facts.file_count % 7 == 3", 12, 10 },
    } do
      local found = find(either(case[1]), { file_count = case[2] })
      assert.equal(("file_count %d %d"):format(case[2], case[3]), flips(found)[1], case[1])
    end
  end)

  it("is of the side that is nearer", function()
    local found =
      find(either("facts.file_count > 5 and facts.file_count < 20"), { file_count = 17 })
    assert.equal("file_count 17 20", flips(found)[1])
    found = find(either("facts.file_count > 5 and facts.file_count < 20"), { file_count = 6 })
    assert.equal("file_count 6 5", flips(found)[1])
  end)

  it("of a fraction has few digits, where these are as near", function()
    local found = find(either("params.share < 0.25"), { file_count = 1 },
      "share = number { 0.5, min = 0, max = 1, doc = 'x' }")
    local flip = found.flips[1]
    assert.equal("share", flip.path)
    assert.equal("parameter", flip.what)
    assert.is_true(flip.to < 0.25 and flip.to > 0.2499999, tostring(flip.to))
    found = find(either("params.share <= 0.25"), { file_count = 1 },
      "share = number { 0.5, min = 0, max = 1, doc = 'x' }")
    assert.equal(0.25, found.flips[1].to)
  end)

  it("keeps to the bounds of parameters", function()
    local found = find(either("params.limit > 100"), { file_count = 1 },
      "limit = integer { 10, min = 1, max = 100, doc = 'x' }")
    assert.same({}, found.flips)
    assert.equal(0, found.refused)
  end)

  it("adds an absent fact, leaves one out, takes another choice or a text that is compared",
    function()
    local found = find(either("facts.deadline_seconds"), { file_count = 1 })
    assert.equal("deadline_seconds nil 0", flips(found)[1])
    found = find(either("facts.volume"), { file_count = 1, volume = "v" })
    assert.equal("volume v nil", flips(found)[1])
    found = find(either("facts.inference_type == 'components'"), { file_count = 1 })
    assert.same({ "inference_type nil components" }, flips(found))
    found = find(either("facts.prefix == 'in/' "), { file_count = 1, prefix = "out/" })
    assert.same({ "prefix out/ in/" }, flips(found))
  end)

  it("takes another choice of a parameter, and changes its lists and maps", function()
    local found = find(either("params.mode == 'fast'"), { file_count = 1 },
      "mode = choice { 'slow', values = { 'slow', 'fast' }, doc = 'x' }")
    assert.same({ "mode slow fast" }, flips(found))
    found = find(either("#params.sizes < 2 or params.sizes[2] > 4"), { file_count = 1 },
      "sizes = list { { 1, 4 }, of = { type = 'integer', max = 9 }, max_items = 3, doc = 'x' }")
    assert.same({ "sizes.2 4 5", "sizes.1 1 nil", "sizes.2 4 nil" }, flips(found))
    found = find(either("params.prices.batch > 2"), { file_count = 1 },
      "prices = map { { batch = 1.5 }, of = { type = 'number' }, max_items = 3, doc = 'x' }")
    assert.equal("prices.batch", found.flips[1].path)
    assert.is_true(found.flips[1].to > 2 and found.flips[1].to < 2.1)
  end)

  it("leaves out a flag that is false", function()
    local set = policy_folder.load {
      ["kinds/toy.lua"] = 'return { kind = "toy", doc = "d", facts = { '
        .. '{ name = "ready", type = "flag", doc = "d" } }, '
        .. 'decisions = { { action = "go", doc = "d" }, { action = "stay", doc = "d" } } }',
      ["toy.lua"] = 'return policy { kind = "toy", decide = function(facts) '
        .. 'if facts.ready == nil then return go { because = "x" } end '
        .. 'return stay { because = "y" } end }',
    }
    local found = nearest.find {
      set = set,
      kind = "toy",
      facts = { ready = false },
      params = {},
      policy = set:policies()[1],
      schema = schemas.find(schemas.of(set:kinds()), "toy"),
      traced = assert(set:trace("toy", '{"ready":false}')),
    }
    assert.same({ "ready false nil" }, flips(found))
  end)

  it("sees what the conditions that were not reached compare with", function()
    local found = find("if facts.volume then "
      .. either("facts.file_count > 700 and facts.file_count < 707 and facts.prefix")
      .. " end if facts.file_count == 702 or facts.prefix == 'in/' then "
      .. "return realtime { because = 'z' } end return batch { because = 'y' }", { file_count = 1 })
    assert.same({ "file_count 1 702", "prefix nil in/" }, flips(found))
  end)

  it("tells ties", function()
    local found = find(either("facts.volume or facts.prefix"), { file_count = 1 })
    assert.same({ "prefix nil ", "volume nil x" }, { flips(found)[1]:sub(1, 11), flips(found)[2] })
    assert.equal(1, found.ties)
    assert.equal(1, found.flips[1].distance)
  end)

  it("is of the decision where no change gives another action", function()
    local found = find("return batch { because = '%d', facts.file_count }", { file_count = 1 })
    assert.same({}, found.flips)
    assert.equal("decision", found.by)
  end)

  it("of a policy that fails makes it decide", function()
    local found = find("return facts.total_bytes > 5 and batch { because = 'x' } "
      .. "or realtime { because = 'y' }", { file_count = 1 })
    assert.equal("total_bytes nil 0", flips(found)[1])
    assert.equal("realtime", found.flips[1].action)
    assert.is_true(found.failed > 10)
  end)

  it("counts what was tried", function()
    local found = find("if facts.file_count == 4 then error('x') end "
      .. "return batch { because = 'x' }", { file_count = 5 })
    assert.equal(8, found.places)
    assert.equal(found.tried, found.same + found.failed + found.refused)
    assert.is_true(found.failed > 0 and found.same > found.failed)
  end)
end)

describe("places", function()
  it("are every fact, those of records, lists and any JSON too", function()
    local schema = { facts = {
      { name = "count", type = "integer", required = true },
      { name = "list", type = "list", of = { type = "record", fields = {
        { name = "a", type = "number", required = true }, { name = "b", type = "flag" },
      } } },
      { name = "any", type = "any", required = true },
    } }
    local facts = { count = 1, list = { { a = 1.5 } }, any = { x = { "t", 2 } } }
    local paths = {}
    for i, place in ipairs(places.of_facts(schema, facts)) do paths[i] = place.path end
    assert.same({ "count", "list", "list.1", "list.1.a", "list.1.b", "any.x", "any.x.1",
      "any.x.2" },
      paths)
  end)

  it("give the facts back as they were", function()
    local facts = { list = { 1, 2, 3 }, n = 5 }
    local element = { keys = { "list", 2 }, element = true }
    places.with_value(facts, element, nil, function() assert.same({ 1, 3 }, facts.list) end)
    places.with_value(facts, { keys = { "n" } }, nil, function() assert.is_nil(facts.n) end)
    assert.same({ list = { 1, 2, 3 }, n = 5 }, facts)
  end)
end)

describe("distance", function()
  it("of numbers is relative to the larger, of anything else a whole", function()
    assert.equal(0.25, values.distance(12, 9))
    assert.equal(0.25, values.distance(9, 12))
    assert.equal(1, values.distance(0, 1))
    assert.equal(1, values.distance(-5, 5))
    assert.equal(1, values.distance("a", "b"))
    assert.equal(1, values.distance(nil, 3))
  end)
end)
