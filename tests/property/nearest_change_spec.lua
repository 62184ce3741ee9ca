-- The nearest change of weir explain, against every change there is: policies of random conditions
-- over facts and parameters with few values, each of which is tried. No two values of a place are
-- further apart than explain tries one by one.
local json = require "weir.json"
local nearest = require "weir.explain.nearest"
local policy_folder = require "support.policy_folder"
local property = require "support.property"
local schemas = require "weir.schemas"
local values = require "weir.explain.values"

local KIND = [[
return {
  kind = "toy",
  doc = "A question with few answers.",
  facts = {
    { name = "a", type = "integer", min = 0, max = 60, doc = "x" },
    { name = "b", type = "integer", min = -30, max = 34, required = true, doc = "x" },
    { name = "flag", type = "flag", doc = "x" },
    { name = "colour", type = "choice", values = { "red", "green", "blue" }, doc = "x" },
    { name = "text", type = "text", max_size = 3, doc = "x" },
    { name = "list", type = "list", max_items = 3, of = { type = "integer", min = 0, max = 9 },
      doc = "x" },
    { name = "owner", type = "record", doc = "x", fields = {
      { name = "size", type = "integer", min = 0, max = 20, doc = "x" },
    } },
  },
  decisions = {
    { action = "go", doc = "x" }, { action = "stay", doc = "x" }, { action = "wait", doc = "x" },
  },
}
]]

local PARAMS = [[
  params = {
    limit = integer { 20, min = 0, max = 40, doc = "x" },
    on = flag { true, doc = "x" },
    mode = choice { "slow", values = { "slow", "fast" }, doc = "x" },
    sizes = list { { 3, 7 }, of = { type = "integer", min = 0, max = 9 }, max_items = 3, doc = "x" },
  },
]]

-- Every value that a place of this type can have; absent is values.ABSENT.
local TEXTS = { "x", "", "in", "out" }

local function range(low, high)
  local list = {}
  for value = low, high do list[#list + 1] = value end
  return list
end

local DOMAINS = {
  a = range(0, 60), b = range(-30, 34), flag = { true, false }, colour = { "red", "green", "blue" },
  text = TEXTS, limit = range(0, 40), on = { true, false }, mode = { "slow", "fast" },
}

-- Policies --------------------------------------------------------------------------------------

local NUMBERS = { "(facts.a or 7)", "facts.b", "(facts.a or 7) + facts.b", "#(facts.list or {})",
  "(facts.list and facts.list[1] or 4)", "(facts.owner and facts.owner.size or 9)", "params.limit",
  "params.sizes[1]", "#params.sizes", "facts.b - params.limit" }

local OTHERS = { "facts.flag", "not facts.flag", "facts.flag == nil", "facts.a == nil",
  'facts.colour == "red"', 'facts.colour ~= "blue"', 'facts.text == "in"', 'facts.text == ""',
  "facts.text", "params.on", 'params.mode == "fast"', "facts.owner" }

local comparison = property.map(property.tuple {
  property.element(NUMBERS), property.element { "<", "<=", ">", ">=", "==", "~=" },
  property.int(-10, 60),
}, function(parts) return ("%s %s %d"):format(table.unpack(parts)) end)

local remainder = property.map(property.tuple { property.int(2, 9), property.int(0, 8) },
  function(parts) return ("facts.b %% %d == %d"):format(parts[1], parts[2] % parts[1]) end)

local between = property.map(property.tuple { property.int(-30, 50), property.int(0, 6) },
  function(parts)
    return ("facts.b >= %d and facts.b <= %d"):format(parts[1], parts[1] + parts[2])
  end)

local condition = property.one_of { comparison, comparison, remainder, between,
  property.element(OTHERS) }

local action = property.element { "go", "stay", "wait" }

local rule = property.tuple { condition, condition, action }

local function policy_of(rules, otherwise)
  local lines = { 'return policy { kind = "toy",', PARAMS, "decide = function(facts, params)" }
  for _, each in ipairs(rules) do
    lines[#lines + 1] = ('if %s then if %s then return %s { because = "x" } end end')
      :format(table.unpack(each))
  end

  lines[#lines + 1] = ('return %s { because = "y" } end }'):format(otherwise)
  return table.concat(lines, "\n")
end

local function maybe(generator)
  return property.one_of { property.constant(json.null), generator, generator }
end

local facts_of = property.map(property.tuple {
  maybe(property.int(0, 60)), property.int(-30, 34), maybe(property.boolean()),
  maybe(property.element(DOMAINS.colour)), maybe(property.element(TEXTS)),
  property.array(property.int(0, 9), { max = 3 }), maybe(property.int(0, 20)),
}, function(parts)
  local facts = { b = parts[2], list = json.array(parts[6]) }
  for i, name in ipairs { "a", "b", "flag", "colour", "text" } do
    if parts[i] ~= json.null then facts[name] = parts[i] end
  end

  if parts[7] ~= json.null then facts.owner = { size = parts[7] } end
  return facts
end)

-- Every change ----------------------------------------------------------------------------------

-- What the question is with another value there; `root` is what the holder is in.
local function changed(question, what, edit)
  local copy = json.decode(json.encode(question))
  edit(copy[what])
  return copy
end

local function each_change(question)
  local list = {}
  local function add(what, path, from, to, edit)
    list[#list + 1] = {
      what = what, path = path, distance = values.distance(from, to),
      question = changed(question, what, edit),
    }
  end

  for name, domain in pairs(DOMAINS) do -- any order: the least of them counts
    local what = question.params[name] ~= nil and "params" or "facts"
    local from = question[what][name]
    for _, to in ipairs(domain) do
      if to ~= from then add(what, name, from, to, function(root) root[name] = to end) end
    end

    if what == "facts" and from ~= nil and name ~= "b" then
      add(what, name, from, nil, function(root) root[name] = nil end)
    end
  end

  for _, each in ipairs { { "facts", "list" }, { "params", "sizes" } } do
    local what, name = each[1], each[2]
    for i, from in ipairs(question[what][name]) do
      local path = name .. "." .. i
      for to = 0, 9 do
        if to ~= from then add(what, path, from, to, function(root) root[name][i] = to end) end
      end

      add(what, path, from, nil, function(root) table.remove(root[name], i) end)
    end
  end

  add("facts", "list", 1, nil, function(root) root.list = nil end)
  local owner = question.facts.owner
  if owner then
    add("facts", "owner", 1, nil, function(root) root.owner = nil end)
    add("facts", "owner.size", 1, nil, function(root) root.owner = { size = nil } end)
    for to = 0, 20 do
      if to ~= owner.size then
        add("facts", "owner.size", owner.size, to, function(root) root.owner.size = to end)
      end
    end
  end

  return list
end

local function ask(set, question)
  return set:decide("toy", json.encode(question.facts), {
    params_json = json.encode(question.params),
  })
end

-- The least distance of any change that gives another action, and at how many places it is.
local function least_of_all(set, question, action_now)
  local least, at = math.huge, {}
  for _, change in ipairs(each_change(question)) do
    local answer = ask(set, change.question)
    if answer and answer.action ~= action_now then
      if change.distance < least - 1e-9 then least, at = change.distance, {} end
      if change.distance <= least + 1e-9 then at[change.what .. " " .. change.path] = true end
    end
  end

  local count = 0
  for _ in pairs(at) do count = count + 1 end -- any order: counts

  return least, count, at
end

local function find(set, question, traced)
  return nearest.find {
    set = set,
    kind = "toy",
    facts = json.decode(json.encode(question.facts)),
    params = json.decode(json.encode(question.params)),
    policy = set:policies()[1],
    schema = schemas.find(schemas.of(set:kinds()), "toy"),
    traced = traced,
  }
end

describe("the nearest change", function()
  teardown(policy_folder.remove_all)

  it("is the nearest of all that there are, and as many are equally near", function()
    property.check("nearest", property.tuple {
      property.array(rule, { min = 1, max = 4 }), action, facts_of,
    }, function(parts)
      local set = policy_folder.load {
        ["kinds/toy.lua"] = KIND,
        ["toy.lua"] = policy_of(parts[1], parts[2]),
      }
      local question = {
        facts = parts[3],
        params = { limit = 20, on = true, mode = "slow", sizes = json.array { 3, 7 } },
      }
      local traced = assert(set:trace("toy", json.encode(question.facts)))

      local least, count, at = least_of_all(set, question, traced.action)
      local found = find(set, question, traced)
      if least == math.huge then
        assert.equal(found.by == "action" and 0 or #found.flips, #found.flips)
        return
      end

      assert.equal("action", found.by, json.encode(at))
      local first = found.flips[1]
      assert.is_true(math.abs(first.distance - least) <= 1e-9, ("%s %s: %s, %s: %s"):format(
        first.path, tostring(first.to), first.distance, json.encode(at), least))
      assert.equal(count, found.ties + 1, json.encode(at))
    end, { cases = 200 })
  end)
end)
