-- weir decide KIND: one decision from facts.
local exit = require "weir.cli.exit"
local facts_of = require "weir.cli.facts"
local json = require "weir.json"
local kinds = require "weir.kinds"
local messages = require "weir.cli.messages"
local policies = require "weir.cli.policies"
local terminal = require "weir.cli.terminal"

local function decide_on(set, kind, text)
  local facts, message, code = facts_of.without_secrets(set, kind, text)
  if not facts then return nil, message, code end
  return set:decide(kind, facts)
end

local STATUS = facts_of.STATUS

local function show_json(out, set, kind, decision)
  local policy = policies.of_kind(set, kind)
  -- The texts are canonical JSON already; decoding them would only lose that.
  out:print('{"action":', terminal.json(decision.action), ',"because":',
    terminal.json(decision.because),
    ',"bytes":', decision.bytes, ',"decision":', decision.decision, ',"eval_us":', decision.eval_us,
    ',"file":', terminal.json(decision.file), ',"instructions":', decision.instructions,
    ',"kind":', terminal.json(kind), ',"line":', decision.line, ',"params":', decision.params,
    ',"policy":', terminal.json { name = policy.name, digest = policy.digest }, "}")
end

local function sorted_names(object)
  local names = {}
  for name in pairs(object) do names[#names + 1] = name end -- any order: sorted below
  table.sort(names)

  return names
end

-- "threshold = 20 (default 10)" for every parameter that is not at its default.
local function overridden(params, policy)
  local rows = {}
  for _, param in ipairs(policy.params) do
    local value = params[param.name]
    local is, by_default = json.encode(value), json.encode(param.default)
    if value ~= nil and value ~= param.default and is ~= by_default then
      rows[#rows + 1] = ("%s = %s (default %s)"):format(param.name, is, by_default)
    end
  end

  return rows
end

local function show(out, set, kind, decision)
  local fields, params = json.decode(decision.decision), json.decode(decision.params)
  local function row(label, text)
    out:print("  ", out:paint("dim", ("%-8s"):format(label)), " ", terminal.printable(text))
  end

  out:print(out:paint("bold", terminal.printable(decision.action)))
  row("because", decision.because)
  for _, name in ipairs(sorted_names(fields)) do
    if name ~= "action" then row(name, json.encode(fields[name])) end
  end

  row("where", ("%s:%d"):format(decision.file, decision.line))
  for _, text in ipairs(overridden(params, policies.of_kind(set, kind))) do row("params", text) end
  row("cost", ("%s instructions, %s, %s µs"):format(terminal.thousands(decision.instructions),
    terminal.bytes(decision.bytes), terminal.thousands(decision.eval_us)))
end

local function explain_failure(screen, given, message, code, directory)
  local help = code == "InvalidFacts" and ("weir help %s%s"):format(given.KIND,
    given.policies and " -p " .. directory or "")
  local check = not STATUS[code] and "weir check " .. directory
  return messages.failure(screen, "decide", {
    message = ("%s: %s"):format(code, message),
    code = code,
    exit = STATUS[code] or exit.decide,
    next = help or check or nil,
    more = { error = message, kind = given.KIND },
  })
end

local function run(given, screen)
  local set, directory = policies.load("decide", given, screen)
  if not set then return directory() end
  local known, unknown, advice = facts_of.check_kind(set, given.KIND)
  if not known then return nil, unknown, advice end

  local facts, status, mistake, hint = facts_of.read("decide", given, screen)
  if not facts then return status, mistake, hint end

  local decision, message, code = decide_on(set, given.KIND, facts)
  if not decision then return explain_failure(screen, given, message, code, directory) end
  if given.json then
    show_json(screen.out, set, given.KIND, decision)
  else
    show(screen.out, set, given.KIND, decision)
  end

  return exit.fine
end

return {
  name = "decide",
  summary = "make one decision from facts",
  description = {
    [[Asks the policy of KIND for one decision. The facts are one JSON object, from FILE or standard
      input. Parameters come from the policy, then from WEIR_PARAMS, --params and --set.]],
    [[With --json: one object with action, because, decision, params, file, line, policy,
      instructions, bytes and eval_us; of a failure {"error":…,"code":…,"exit":…}.]],
  },
  positionals = { { name = "KIND", doc = table.concat(kinds, ", ")
    .. ", or one of the policy set's own", words = kinds } },
  options = {
    policies.options.directory,
    facts_of.option,
    policies.options.set,
    policies.options.params,
    { long = "json", doc = "one JSON object" },
  },
  exits = {
    { 0, "decided" },
    { 2, "usage: an unknown kind or parameter, or facts the kind does not allow" },
    { 3, "the policy set does not load" },
    { 4, "the policy failed while deciding" },
    { 6, "the facts cannot be read, or memory is short" },
    { 7, "the policy set is a bundle that is not what its digests say" },
  },
  examples = {
    { "echo '{\"file_count\": 12}' | weir decide routing", "facts from standard input" },
    { "weir decide routing -e facts.json --set threshold=20", "with another threshold" },
  },
  run = run,
}
