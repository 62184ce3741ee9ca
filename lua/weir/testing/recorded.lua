-- A recorded decision as an example: found in its recording, asked again, written as Lua or as a
-- line of an example file.
--
-- An example is { recording =, line =, kind =, id =, time =, because =, facts =, texts of JSON;
-- given =, params =, decision =, the same as tables; now = what the set decides today, or the
-- message and code with which it fails }.
local cases = require "weir.testing.cases"
local exit = require "weir.cli.exit"
local json = require "weir.json"
local literal = require "weir.testing.literal"
local redact = require "weir.redact"
local sorted_pairs = require "weir.sorted_pairs"

local recorded = {}

function recorded.policy_of(set, kind)
  for _, policy in ipairs(set:policies()) do
    if policy.kind == kind then return policy end
  end
end

-- Equal as JSON values; 1 and 1.0 are one number.
local function equal(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  if json.is_array(a) ~= json.is_array(b) then return false end
  for key, value in pairs(a) do -- any order: every member has to be equal
    if not equal(value, b[key]) then return false end
  end

  for key in pairs(b) do -- any order: every member has to be there
    if a[key] == nil then return false end
  end

  return true
end

-- Finding ----------------------------------------------------------------------------------------

-- The decision in a line | nil, message, exit status.
local function find(path, line)
  local recording <close>, message = require("weir.recording").open(path)
  if not recording then return nil, message, exit.io end
  local last
  while true do
    local decision
    decision, message = recording:next()
    if not decision then break end
    if decision.line == line then return decision end
    if decision.line > line then break end
    last = decision.line
  end

  if message then return nil, message, exit.io end
  local near = last and (", the one before is in line %d"):format(last) or ""

  return nil, ("%s:%d: there is no decision in this line%s"):format(path, line, near), exit.usage
end

-- Parameters -------------------------------------------------------------------------------------

-- Values to try instead of a parameter's: its bounds, or one far off; nil for what cannot be
-- tried.
local function others(param, value)
  if param.type == "flag" then return { not value } end
  if param.type ~= "integer" and param.type ~= "number" then return nil end
  local reach = math.abs(value) + 1

  return { param.min or value - reach, param.max or value + reach }
end

-- What the set decides with these parameters, or the message of its failure.
local function outcome(set, example, params)
  local answer, message = set:decide(example.kind, example.facts, {
    params_json = json.encode(params),
  })

  return answer and answer.decision or message
end

-- Does the set decide otherwise when the parameter has another value?
local function turns_on(set, example, params, param)
  local tried = others(param, params[param.name])
  if not tried then return true end
  for _, other in ipairs(tried) do
    local changed = {}
    for name, value in pairs(params) do changed[name] = value end -- any order: copies a map
    changed[param.name] = math.tointeger(other) or other
    if outcome(set, example, changed) ~= outcome(set, example, params) then return true end
  end

  return false
end

-- telling(set, example, params) → which parameters the example gives, so that it holds whatever the
-- defaults become: those that are not what the policy has by default, and those on which the
-- decision turns. Of the example kind and facts are looked at.
function recorded.telling(set, example, params)
  local policy = recorded.policy_of(set, example.kind)
  local known, told = {}, {}
  for _, param in ipairs(policy.params) do known[param.name] = params[param.name] end

  for _, param in ipairs(policy.params) do
    local value = known[param.name]
    local is_told = value ~= nil and (not equal(value, param.default)
      or turns_on(set, example, known, param))
    if is_told then told[param.name] = value end
  end

  return told
end

-- Reading ----------------------------------------------------------------------------------------

local function decide_now(set, example)
  local answer, message, code = set:decide(example.kind, example.facts, {
    params_json = json.encode(example.params),
  })

  if not answer then return { same = false, message = redact.text(message), code = code } end
  local decision = json.decode(answer.decision)

  return {
    same = equal(decision, example.decision),
    decision = decision,
    because = redact.text(answer.because),
  }
end

-- read(path, line, set) → example | nil, message, exit status, hint
function recorded.read(path, line, set)
  redact.forget()
  local found, message, status = find(path, line)
  if not found then return nil, message, status end
  local place = ("%s:%d"):format(path, line)
  if found.message then return nil, ("%s: %s"):format(place, found.message), exit.usage end
  if not found.decision then
    return nil, place .. ": the line holds no decision", exit.usage
  end

  if not recorded.policy_of(set, found.kind) then
    return nil, ("the set has no policy of kind '%s'"):format(found.kind), exit.usage
  end

  redact.note_json(found.facts)
  if redact.text(found.facts) ~= found.facts then
    return nil, place .. ": its facts hold a secret, which is not written anywhere", exit.usage
  end

  local example = {
    recording = path,
    line = line,
    kind = found.kind,
    id = found.id,
    time = found.time,
    because = found.because,
    facts = found.facts,
    given = json.decode(found.facts),
    decision = json.decode(found.decision),
    all_params = cases.still_known(found.params and json.decode(found.params) or {},
      cases.parameters(set)[found.kind]),
    overrides = found.overrides and json.decode(found.overrides),
  }

  example.params = recorded.telling(set, example, example.all_params)
  example.now = decide_now(set, example)

  return example
end

-- Writing ----------------------------------------------------------------------------------------

-- An action alone where the decision has no fields.
local function expected(decision)
  for name in sorted_pairs(decision) do
    if name ~= "action" then return decision end
  end

  return decision.action
end

-- lua(example, depth) → its lines for a policy file | nil, why not
function recorded.lua(example, depth)
  local params = next(example.params) ~= nil and example.params or nil -- any order: is there one?

  return literal.example({
    doc = example.id,
    given = example.given,
    params = params,
    expect = expected(example.decision),
  }, depth)
end

-- The decision as a line of an example file.
function recorded.line(example)
  return json.encode({
    schema = "weir.decision/1",
    id = example.id,
    time = example.time,
    kind = example.kind,
    params = example.all_params,
    overrides = example.overrides,
    facts = example.given,
    decision = example.decision,
    because = example.because,
  }, { ascii = true })
end

-- The place of the same example in the set, or nil. A set that was loaded again after the example
-- was written into it tells so whether it was written right: an empty table is a list or an object
-- only there.
function recorded.place_of(set, directory, example)
  for _, case in ipairs(cases.of_set(set, directory) or {}) do
    local is_same = case.kind == example.kind and not case.problem
      and equal(json.decode(case.given), example.given)
      and equal(json.decode(case.params), case.whole and example.all_params or example.params)
      and equal(json.decode(case.expect), example.decision)
    if is_same then return { file = case.file, line = case.line } end
  end
end

return recorded
