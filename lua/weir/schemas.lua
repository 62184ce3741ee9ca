-- The schema of every kind of policy that there is: weir's own, and what a policy set declares in
-- its folder kinds/. Whoever wants to know the facts or decisions of a kind asks here.
--
--   of(declared) → list of schemas: weir's kinds in their order, then the set's own
--       declared: what set:kinds() or weir.policy_set.kinds(path) gives; nil: weir's kinds alone.
--       A schema is what a kind file returns (docs/kinds.md). Facts that the set adds to a kind of
--       weir's have own = true, and its schema has added_in, the file; a kind of the set's own has
--       file, and no invariants: they stay in the sandbox.
--   find(list, name) → the schema | nil
--   names(list) → their names
--   order(by_kind) → the keys of a table by kind: weir's kinds in their order, then the others
local kinds = require "weir.kinds"

local schemas = {}

local function with_facts(schema, added)
  if not added then return schema end
  local facts = table.move(schema.facts, 1, #schema.facts, 1, {})
  for _, fact in ipairs(added.facts) do
    fact.own = true
    facts[#facts + 1] = fact
  end

  return {
    kind = schema.kind,
    doc = schema.doc,
    facts = facts,
    decisions = schema.decisions,
    invariants = schema.invariants,
    added_in = added.file,
  }
end

function schemas.of(declared)
  local own, list = {}, {}
  for _, each in ipairs(declared or {}) do own[each.kind] = each end
  for i, name in ipairs(kinds) do
    list[i] = with_facts(require("weir.kinds." .. name), own[name])
    own[name] = nil
  end

  for _, each in ipairs(declared or {}) do
    if own[each.kind] then list[#list + 1] = each end
  end

  return list
end

function schemas.find(list, name)
  for _, schema in ipairs(list) do
    if schema.kind == name then return schema end
  end
end

function schemas.names(list)
  local names = {}
  for i, schema in ipairs(list) do names[i] = schema.kind end
  return names
end

function schemas.order(by_kind)
  local order, is_weirs, others = {}, {}, {}
  for _, name in ipairs(kinds) do
    is_weirs[name] = true
    if by_kind[name] ~= nil then order[#order + 1] = name end
  end

  for name in pairs(by_kind) do -- any order: sorted below
    if not is_weirs[name] then others[#others + 1] = name end
  end

  table.sort(others)
  return table.move(others, 1, #others, #order + 1, order)
end

return schemas
