-- weir explain: why a policy decides as it does, and the nearest change that makes it decide
-- otherwise.
local exit = require "weir.cli.exit"
local facts_of = require "weir.cli.facts"
local json = require "weir.json"
local kinds = require "weir.kinds"
local messages = require "weir.cli.messages"
local nearest = require "weir.explain.nearest"
local policies = require "weir.cli.policies"
local recordings = require "weir.cli.recordings"
local redact = require "weir.redact"
local schemas = require "weir.schemas"
local text = require "weir.explain.text"

local STATUS = facts_of.STATUS

local function fail(screen, message, code, status, next_command)
  return messages.failure(screen, "explain", {
    message = message,
    code = code,
    exit = status,
    next = next_command,
  })
end

-- What is explained ---------------------------------------------------------------------------

-- A question is { kind =, facts =, params = } as JSON texts (params may be nil), and of a recorded
-- one { recording = "FILE:LINE", was = what was decided, because = }. Else nil and an exit status,
-- or nil, nil and the message and hint of a usage error.
local function given_question(given, set, screen)
  local known, message, hint = facts_of.check_kind(set, given.TARGET)
  if not known then return nil, nil, message, hint end
  local whole, status, mistake, advice = facts_of.read("explain", given, screen)
  if not whole then return nil, status, mistake, advice end

  local clean, why, code = facts_of.without_secrets(set, given.TARGET, whole)
  if not clean then return nil, fail(screen, code .. ": " .. why, code, exit.usage) end

  return { kind = given.TARGET, facts = clean }
end

-- The recorded parameters that the policy still has.
local function known_params(set, kind, params)
  local kept, policy = {}, policies.of_kind(set, kind)
  for _, param in ipairs(policy and policy.params or {}) do
    kept[param.name] = params[param.name]
  end

  return json.encode(kept)
end

local function recorded_question(given, set, screen)
  local path, line = given.TARGET:match("^(.+):(%d+)$")
  if given.event then
    return nil, nil, "facts are given twice", "write KIND -e FILE, or RECORDING:LINE"
  end

  local example, message, status =
    require("weir.testing.recorded").read(path, math.tointeger(line), set)
  if not example then return nil, fail(screen, message, "NotFound", status) end

  return {
    kind = example.kind,
    facts = example.facts,
    params = known_params(set, example.kind, example.all_params),
    recording = ("%s:%s"):format(path, line),
    was = example.decision,
    because = example.because,
  }
end

local function question_of(given, set, screen)
  if given.TARGET:find("^.+:%d+$") then return recorded_question(given, set, screen) end
  return given_question(given, set, screen)
end

-- Explaining ----------------------------------------------------------------------------------

-- All parameters as they are in force, by name; those of a policy that failed from its declaration.
local function params_in_force(set, question, answer)
  if answer then return json.decode(answer.params) end
  local params = question.params and json.decode(question.params) or {}
  for _, param in ipairs(policies.of_kind(set, question.kind).params) do
    local is_set = json.encode(param.value) ~= json.encode(param.default)
    if is_set or params[param.name] == nil then params[param.name] = param.value end
  end

  return params
end

-- The same set without the operator's overrides, which would hide a change of a parameter.
local function without_overrides(directory)
  return require("weir.policy_set").load(directory, { verify = false })
end

local function explain(set, directory, question)
  local answer, message, code, trace = set:trace(question.kind, question.facts, question.params)
  if not answer and STATUS[code] then return nil, message, code end
  local policy = policies.of_kind(set, question.kind)

  return {
    question = question,
    policy = policy,
    answer = answer,
    message = message and redact.text(message),
    code = code,
    traced = answer or trace,
    params = params_in_force(set, question, answer),
    nearest = nearest.find {
      set = without_overrides(directory) or set,
      kind = question.kind,
      facts = json.decode(question.facts),
      params = params_in_force(set, question, answer),
      policy = policy,
      schema = schemas.find(schemas.of(set:kinds()), question.kind),
      traced = answer or trace,
      failed = answer == nil,
    },
  }
end

local function run(given, screen)
  local limit, wrong, remedy = recordings.limit(given.limit, 20)
  if not limit then return nil, wrong, remedy end
  local set, directory = policies.load("explain", given, screen)
  if not set then return directory() end
  local question, status, mistake, hint = question_of(given, set, screen)
  if not question then return status, mistake, hint end

  local found, message, code = explain(set, directory, question)
  if not found then
    local help = code == "InvalidFacts" and "weir help " .. question.kind or nil
    return fail(screen, ("%s: %s"):format(code, message), code, STATUS[code] or exit.decide, help)
  end

  if given.json then
    screen.out:print(text.json(found))
  else
    text.show(screen.out, found, limit)
  end

  return found.answer and exit.fine or STATUS[found.code] or exit.decide
end

return {
  name = "explain",
  summary = "say why a policy decides as it does, and what would change that",
  description = {
    [[Makes one decision, from facts or from a line of a recording, and shows every condition that
      was evaluated, with its values, and by how much each comparison of numbers holds or
      fails.]],
    [[Then it looks for the nearest change of one fact or one parameter that makes the policy
      decide otherwise, by deciding again: numbers are moved in both directions, up to their
      bounds; choices, flags, texts that the policy compares with, absent facts and left-out list
      elements are tried too. A number's distance is its change relative to the larger of both
      values; every other change, and one from or to 0, counts as 1. What is found holds; that
      none is found proves nothing.]],
    [[With --json: one object, as docs/json/explain.schema.json describes it.]],
  },
  positionals = {
    {
      name = "TARGET",
      doc = "a kind (" .. table.concat(kinds, ", ")
        .. ", or one of the policy set's own) whose facts are given, or RECORDING:LINE",
      complete = "file",
    },
  },
  options = {
    policies.options.directory,
    facts_of.option,
    policies.options.set,
    policies.options.params,
    recordings.limit_option "show at most N conditions and N changes (20)",
    { long = "json", doc = "one JSON object" },
  },
  exits = {
    { 0, "explained" },
    { 2, "usage: an unknown kind or parameter, facts the kind does not allow, or no such line" },
    { 3, "the policy set does not load" },
    { 4, "the policy failed while deciding; it is explained all the same" },
    { 6, "the facts or the recording cannot be read, or memory is short" },
    { 7, "the policy set is a bundle that is not what its digests say" },
  },
  examples = {
    { "echo '{\"file_count\": 12}' | weir explain routing", "facts from standard input" },
    { "weir explain night.jsonl:812", "a recorded decision, asked again" },
  },
  run = run,
}
