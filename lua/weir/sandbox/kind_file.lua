-- Checks what a file in the folder kinds/ of a policy set returns: a kind of its own, or facts that
-- it adds to one of weir's.
--
-- Runs inside a sandbox, before the policies, as trusted code. It is called with
-- weir.sandbox.fields and gives
--
--   check(spec, name, words, base) → checked, invariants | nil, text, about
--
-- name: the file's, without .lua; words: the table of the policy language's words; base: what
-- weir's own kind file of that name returns, or nil. `checked` has kind, doc, facts and decisions
-- as kind files have them, all of them JSON, and of a kind of weir's only kind and facts. about:
-- the name that the mistake is at, or nil.
local fields = ...

local refuse = fields.refuse

local RESERVED = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat
  return then true until while]]):gmatch("%a+") do RESERVED[word] = true end

local MOST_NAME, MOST_DECISIONS = 31, 16 -- as in host/policy/impl.h

local KIND_KEYS = { kind = true, doc = true, facts = true, decisions = true, invariants = true }
local DECISION_KEYS = { action = true, doc = true, fields = true }

-- Where a fact comes from, when the handler does not give it (docs/own-kinds.md).
local FROM_KEYS = { event = true, setting = true }

local SOURCES = {
  event = { "^[%w_%-%.]+$", "a path of names, such as \"detail.price\"" },
  setting = { "^[%a_][%w_]*$", "a name of letters, digits and _" },
}

local function check_source(name, from, key)
  local value, allowed, noun = from[key], table.unpack(SOURCES[key])
  if value == nil then return nil end
  local fits = type(value) == "string" and value:find(allowed)
    and not ("." .. value .. "."):find("..", 1, true)
  if not fits then refuse(name, "facts.%s: from.%s must be %s", name, key, noun) end

  return value
end

local function copy_from(path, from, copied)
  local name = copied.name
  local problem = type(from) ~= "table" and path .. ": from must be a table"
    or fields.unknown_key(path .. ": from", from, FROM_KEYS)
  if problem then refuse(name, "%s", problem) end

  copied.from = {
    event = check_source(name, from, "event"),
    setting = check_source(name, from, "setting"),
  }
  if next(copied.from) == nil then -- any order: is there one?
    refuse(name, "%s: from needs event = \"…\" or setting = \"…\"", path)
  end
end

local FACT_RULES = { bounded = true, more = { from = copy_from } }

local function copy_facts(spec)
  local facts = fields.list("facts", spec.facts, FACT_RULES)
  for _, fact in ipairs(facts) do
    if fact.name == "now" and fact.type ~= "integer" and fact.type ~= "number" then
      refuse("now", "facts.now is the time in epoch seconds; give it the type integer")
    end
  end

  return facts
end

-- A kind of weir's: facts may only be added. ------------------------------------------------------

local function check_addition(spec, base)
  for _, key in ipairs { "doc", "decisions", "invariants" } do
    if spec[key] ~= nil then
      refuse(key, "%s is a kind of weir's: a policy set may add facts to it, and has no %s for it; "
        .. "declare a kind of another name instead", base.kind, key)
    end
  end

  local facts = copy_facts(spec)
  if #facts == 0 then refuse(nil, "adds no fact to %s", base.kind) end

  local known = {}
  for _, fact in ipairs(base.facts) do known[fact.name] = true end
  for _, fact in ipairs(facts) do
    if known[fact.name] then
      refuse(fact.name, "facts.%s: %s has a fact of that name already; choose another", fact.name,
        base.kind)
    end
  end

  return { kind = base.kind, facts = facts }
end

-- A kind of the set's own -------------------------------------------------------------------------

local function is_word(words, name)
  for word in pairs(words) do -- any order: looks for one
    if word == name then return true end
  end

  return false
end

local function check_action(what, spec, words, seen)
  local problem = type(spec) ~= "table" and what .. " must be a table"
    or fields.unknown_key(what, spec, DECISION_KEYS)
  if problem then refuse(nil, "%s", problem) end

  local action = spec.action
  if type(action) ~= "string" or not action:find("^[a-z][a-z0-9_]*$") or #action > MOST_NAME then
    refuse(nil, "%s needs an action: small letters, digits and _, at most %d", what, MOST_NAME)
  elseif seen[action] then
    refuse(action, "the action %s is there twice", action)
  elseif is_word(words, action) then
    refuse(action, "the action %s is a word of the policy language already; choose another", action)
  elseif RESERVED[action] then
    refuse(action, "the action %s is a word of Lua's; no policy could write it, choose another",
      action)
  elseif not fields.is_text(spec.doc) then
    refuse(action, "the action %s needs doc = \"…\": say what it does", action)
  end

  seen[action] = true
  return action
end

local function copy_decision(what, spec, words, seen)
  local action = check_action(what, spec, words, seen)
  local of = fields.list(action, spec.fields or {}, {})
  for _, field in ipairs(of) do
    if field.name == "action" or field.name == "because" then
      refuse(field.name, "%s.%s: every decision has action and because; choose another name",
        action, field.name)
    end
  end

  return { action = action, doc = spec.doc, fields = of }
end

local function copy_decisions(spec, words)
  if type(spec.decisions) ~= "table" then refuse("decisions", "decisions must be a list") end
  local count, problem = fields.count("decisions", spec.decisions)
  if not count then refuse("decisions", "%s", problem) end
  if count == 0 or count > MOST_DECISIONS then
    refuse("decisions", "decisions has %d actions; a kind has 1 to %d", count, MOST_DECISIONS)
  end

  local copied, seen = {}, {}
  for i = 1, count do
    copied[i] = copy_decision(("decisions[%d]"):format(i), spec.decisions[i], words, seen)
  end

  return copied
end

local function check_kind(spec, words)
  if not fields.is_text(spec.doc) then refuse("doc", "needs doc = \"…\": say what it asks") end
  if spec.invariants ~= nil and type(spec.invariants) ~= "function" then
    refuse("invariants", "invariants must be a function(facts, decision, action)")
  end

  return {
    kind = spec.kind, doc = spec.doc, facts = copy_facts(spec),
    decisions = copy_decisions(spec, words),
  }
end

local function check_file(spec, name, words, base)
  local problem = type(spec) ~= "table" and "returns no kind; it ends in: return { kind = …, … }"
    or fields.unknown_key("a kind", spec, KIND_KEYS)
  if problem then refuse(nil, "%s", problem) end
  if not name:find("^[a-z][a-z0-9_]*$") or #name > MOST_NAME then
    refuse(nil, "the name of a kind has small letters, digits and _, at most %d", MOST_NAME)
  elseif spec.kind ~= name then
    refuse("kind", "kind must be \"%s\", as the file is named", name)
  end

  if base then return check_addition(spec, base) end
  return check_kind(spec, words)
end

return function(spec, name, words, base)
  local checked, problem, about = fields.checked(check_file, spec, name, words, base)
  if not checked then return nil, problem, about end

  return checked, not base and spec.invariants or nil
end
