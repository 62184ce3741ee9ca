-- The cases that `weir test` runs: the examples of a set's policies, and the recorded decisions of
-- its example files, DIR/examples/*.jsonl and *.jsonl.gz.
--
-- A case is { kind =, name =, file =, line =, given =, params =, expect =, whole = }; given,
-- params and expect are JSON texts; whole: the decision must be expect, not only have what is in
-- it. One that cannot be asked has problem = instead. A result is { case =, passed =, message =,
-- code =, decision =, because =, place =, instructions =, bytes =, eval_us = }.
local files = require "weir.files"
local json = require "weir.json"
local policy_source = require "weir.testing.policy_source"
local redact = require "weir.redact"
local sorted_pairs = require "weir.sorted_pairs"

local cases = {}

local EXAMPLES = "examples"

-- The cases of policy files --------------------------------------------------------------------

-- kind → the source of its policy
local function sources_of(set)
  local by_file, by_kind = {}, {}
  for _, source in ipairs(set:sources()) do by_file[source.file] = source end
  for _, policy in ipairs(set:policies()) do by_kind[policy.kind] = by_file[policy.file] end

  return by_kind
end

local function of_policies(set)
  local list, read = {}, {}
  local sources = sources_of(set)
  for _, example in ipairs(require("weir.policy_examples").read(set)) do
    local source = sources[example.kind]
    local seen = read[example.kind]
    if not seen then
      seen = { policy_source.examples(source.text) }
      read[example.kind] = seen
    end

    local place = seen[1][example.number]
    local name = ("%s example %d"):format(example.kind, example.number)
    example.name = place and place.doc and name .. ": " .. place.doc or name
    example.file, example.line = source.file, place and place.line or seen[2]
    list[#list + 1] = example
  end

  return list
end

-- The cases of example files -------------------------------------------------------------------

-- The paths of a set's example files, in order; none for a bundle.
local function example_files(directory)
  local folder = directory .. "/" .. EXAMPLES
  local paths = {}
  for _, name in ipairs(files.list(folder) or {}) do
    if name:find("%.jsonl$") or name:find("%.jsonl%.gz$") then
      paths[#paths + 1] = folder .. "/" .. name
    end
  end

  table.sort(paths)

  return paths
end

-- The recorded parameters that were overrides: the others are what the policy's defaults are now,
-- as in weir replay.
function cases.overrides(decision)
  local params = decision.params and json.decode(decision.params) or {}
  local names = decision.overrides and json.decode(decision.overrides)
  if not names then return params end

  local given = {}
  for _, name in ipairs(names) do given[name] = params[name] end

  return given
end

-- kind → the set of its policy's parameters
function cases.parameters(set)
  local known = {}
  for _, policy in ipairs(set:policies()) do
    known[policy.kind] = {}
    for _, param in ipairs(policy.params) do known[policy.kind][param.name] = true end
  end

  return known
end

-- The values of parameters that the policy still has.
function cases.still_known(params, known)
  local kept = {}
  for name, value in pairs(params) do -- any order: copies a map
    if known and known[name] then kept[name] = value end
  end

  return kept
end

-- All recorded parameters are given, so that the example holds whatever the defaults become.
local function of_decision(path, decision, known)
  local case = {
    kind = decision.kind or "?",
    name = ("%s recorded %s"):format(decision.kind or "?", decision.id or decision.line),
    file = path,
    line = decision.line,
    whole = true,
  }

  if decision.message then
    case.problem = decision.message
  elseif not decision.decision then
    case.problem = "the line has no decision"
  else
    case.given, case.expect = decision.facts, decision.decision
    local params = decision.params and json.decode(decision.params) or {}
    case.params = json.encode(cases.still_known(params, known[decision.kind]))
  end

  return case
end

-- A replay passes over lines that are not decisions. In a file of examples such a line would be an
-- example that never runs.
local function without_decisions(path, counts)
  local problem
  if counts.other_lines > 0 then
    problem = ("%d of its %d lines are not recorded decisions; take them out"):format(
      counts.other_lines, counts.lines)
  elseif counts.lines == 0 then
    problem = "the file holds no recorded decision; remove it"
  end

  return problem and { kind = "?", name = "example file", file = path, line = 1, problem = problem }
end

-- Adds the cases of one file; nil, message, code when it cannot be read.
local function add_file(list, path, known)
  local recording <close>, message, code = require("weir.recording").open(path)
  if not recording then return nil, message, code end
  while true do
    local decision
    decision, message, code = recording:next()
    if not decision then break end
    list[#list + 1] = of_decision(path, decision, known)
  end

  if message then return nil, message, code end
  list[#list + 1] = without_decisions(path, recording:counts())

  return true
end

-- of_set(set, directory) → list of cases | nil, message, code
function cases.of_set(set, directory)
  local list = of_policies(set)
  for _, path in ipairs(example_files(directory)) do
    local ok, message, code = add_file(list, path, cases.parameters(set))
    if not ok then return nil, message, code end
  end

  return list
end

-- Running ----------------------------------------------------------------------------------------

-- Is every member of `expect` in the decision, and with `whole` nothing else?
local function fits(case, decision)
  local expect, got = json.decode(case.expect), json.decode(decision)
  for name, value in sorted_pairs(expect) do
    if got[name] == nil or json.encode(got[name]) ~= json.encode(value) then return false end
  end

  for name in sorted_pairs(case.whole and got or {}) do
    if expect[name] == nil then return false end
  end

  return true
end

local function failed(case, message, code)
  return { case = case, passed = false, message = message, code = code }
end

-- What a case's facts name as secrets is taken out of what is shown of it.
function cases.note_secrets(case)
  redact.forget()
  if case.given then redact.note_json(case.given) end
end

-- run(set, case, covered) → result. Asked twice: the same facts must give the same decision. What
-- the decision reaches is added to the coverage.
function cases.run(set, case, covered)
  if case.problem then return failed(case, case.problem, "InvalidExample") end

  cases.note_secrets(case)
  local answer, message, code, trace = set:trace(case.kind, case.given, case.params)
  if answer or trace then covered:add(answer or trace) end
  if not answer then return failed(case, message, code) end
  local again = set:decide(case.kind, case.given, { params_json = case.params })
  local passed = fits(case, answer.decision)
  local is_steady = again and again.decision == answer.decision

  return {
    case = case,
    passed = passed and is_steady,
    message = not is_steady and "the same facts gave another decision the second time"
      or not passed and "it is decided otherwise" or nil,
    code = not is_steady and "NotSteady" or not passed and "OtherDecision" or nil,
    decision = answer.decision,
    because = answer.because,
    place = ("%s:%d"):format(answer.file, answer.line),
    instructions = answer.instructions,
    bytes = answer.bytes,
    eval_us = answer.eval_us,
  }
end

return cases
