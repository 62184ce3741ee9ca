-- weir explore: facts that no recording contains, generated until a policy fails, or two versions
-- of it decide differently.
local add = require "weir.explore.add"
local contains = require "weir.contains"
local exit = require "weir.cli.exit"
local json = require "weir.json"
local kinds = require "weir.kinds"
local messages = require "weir.cli.messages"
local policies = require "weir.cli.policies"
local recordings = require "weir.cli.recordings"
local search = require "weir.explore.search"
local suggest = require "weir.suggest"
local terminal = require "weir.cli.terminal"
local text = require "weir.explore.text"

local TRIES = 300000

local function fail(screen, message, code, status, next_command)
  return messages.failure(screen, "explore", {
    message = message,
    code = code,
    exit = status,
    next = next_command,
  })
end

-- Arguments -----------------------------------------------------------------------------------

local function whole_number(value, name, default, least)
  if value == nil then return default end
  local number = math.tointeger(tonumber(value))
  if not number or number < least then
    return nil, ("--%s '%s' is not a whole number"):format(name, value), ("write --%s %d"):format(
      name, default)
  end

  return number
end

local NUMBERS = {
  { name = "tries", default = TRIES, least = 1 },
  { name = "seed", default = 1, least = 0 },
}

local function read_numbers(given)
  local numbers = {}
  for _, each in ipairs(NUMBERS) do
    local number, message, hint = whole_number(given[each.name], each.name, each.default,
      each.least)
    if not number then return nil, message, hint end
    numbers[each.name] = number
  end

  local message, hint
  numbers.jobs, message, hint = recordings.jobs(given.jobs)
  if not numbers.jobs then return nil, message, hint end
  numbers.limit, message, hint = recordings.limit(given.limit, 20)
  if not numbers.limit then return nil, message, hint end

  return numbers
end

-- The positional words as { old = DIR, new = DIR }, { kind = } or {}.
local function read_words(given)
  local one, two = given.WHAT and given.WHAT[1], given.WHAT and given.WHAT[2]
  if given.WHAT and given.WHAT[3] then
    return nil, "too many arguments", "write weir explore KIND, or weir explore OLD NEW"
  end

  if not two then return { kind = one } end
  if given.policies then
    return nil, "the policy set is named twice", "write OLD NEW, or -p DIR"
  end

  return { old = one, new = two }
end

-- The policies' kinds, or the one that is named.
local function chosen_kinds(set, name)
  local names = {}
  for i, policy in ipairs(set:policies()) do names[i] = policy.kind end
  if not name then return names end
  if contains(names, name) then return { name } end

  local close = suggest(name, names)
  return nil, ("the set has no policy of kind '%s'"):format(name),
    close and ("did you mean '%s'?"):format(close) or "it has: " .. table.concat(names, ", ")
end

-- Kinds that both sets have a policy of.
local function common_kinds(names, old)
  local both = {}
  for _, name in ipairs(names) do
    if policies.of_kind(old, name) then both[#both + 1] = name end
  end

  return both
end

-- The sets, their directory and the kinds to explore; else nil and a function that gives what the
-- verb has to return.
local function load_sets(given, words, screen)
  local function load(path)
    return policies.load("explore", { policies = path, set = given.set, params = given.params },
      screen)
  end

  local set, directory = load(words.new or given.policies)
  if not set then return nil, directory end
  local names, message, hint = chosen_kinds(set, words.kind or given.kind)
  if not names then return nil, function() return nil, message, hint end end
  if not words.old then return { set = set, directory = directory, kinds = names } end

  local old, failed = load(words.old)
  if not old then return nil, failed end

  return { set = set, directory = directory, old = old, kinds = common_kinds(names, old) }
end

-- Exploring -----------------------------------------------------------------------------------

local function explore(given, screen, sets, numbers, kind)
  local err = screen.err
  local result, message, code = search.run {
    set = sets.set,
    old = sets.old,
    kind = kind,
    recordings = given.recording,
    seed = numbers.seed,
    tries = numbers.tries,
    jobs = numbers.jobs,
    on_progress = function(done, total)
      err:progress(("%s: %s of %s fact sets"):format(kind, terminal.thousands(done),
        terminal.thousands(total)))
    end,
  }
  err:clear_progress()
  if result then
    result.compares = sets.old ~= nil
    return result
  end

  return nil, fail(screen, message, code, exit.io)
end

local function is_found(result)
  for _, found in ipairs(result.findings) do
    if found.type ~= "raised" then return true end
  end

  return false
end

-- Adds what was found to the set's examples; nil, or an exit status.
local function add_examples(given, screen, sets, result)
  local added, message
  if sets.old then
    added, message = add.differences(sets.set, sets.directory, result)
  else
    added, message = add.failures(sets.directory, result, given.expect)
  end

  if not added then return fail(screen, message, "NotAdded", exit.io) end
  for _, place in ipairs(added) do
    screen.err:print("added an example to ", terminal.printable(place))
  end
end

local function check_adding(given, words, set, names)
  if not given.add_examples then return true end
  if words.old then return true end
  if not given.expect then
    return nil, "--add-examples needs what should be decided where the policy fails",
      "write --expect ACTION"
  end

  if #names > 1 then return nil, "--expect is an action of one kind", "name the KIND" end
  local schemas = require "weir.schemas"
  local schema = schemas.find(schemas.of(set:kinds()), names[1])
  local actions = {}
  for i, decision in ipairs(schema.decisions) do
    actions[i] = decision.action
    if decision.action == given.expect then return true end
  end

  return nil, ("%s has no action '%s'"):format(names[1], given.expect),
    "actions are: " .. table.concat(actions, ", ")
end

local function show(given, screen, results, numbers)
  if given.json then
    local list = {}
    for i, result in ipairs(results) do list[i] = text.json(result) end
    screen.out:print(terminal.json { type = "explorations", explorations = json.array(list) })
    return
  end

  for _, result in ipairs(results) do text.show(screen.out, result, numbers.limit) end
  screen.out:print(screen.out:paint("dim",
    "What was not found may still be there: this is a search, and no proof."))
end

local function run(given, screen)
  local numbers, message, hint = read_numbers(given)
  if not numbers then return nil, message, hint end
  local words, wrong, remedy = read_words(given)
  if not words then return nil, wrong, remedy end
  local sets, ended = load_sets(given, words, screen)
  if not sets then return ended() end
  local ok, mistake, advice = check_adding(given, words, sets.set, sets.kinds)
  if not ok then return nil, mistake, advice end

  local results, status = {}, exit.fine
  for _, kind in ipairs(sets.kinds) do
    local result, failed = explore(given, screen, sets, numbers, kind)
    if not result then return failed end
    results[#results + 1] = result
    if is_found(result) then status = exit.findings end
  end

  show(given, screen, results, numbers)
  for _, result in ipairs(given.add_examples and results or {}) do
    local failed = add_examples(given, screen, sets, result)
    if failed then return failed end
  end

  return status
end

return {
  name = "explore",
  summary = "look for facts with which a policy fails, or two versions differ",
  description = {
    [[Generates facts that the kind allows, from its bounds and choices, the numbers and texts that
      the policy mentions and those beside them, its examples, the facts of recordings; parameters
      too. What reaches new lines or new ways of conditions is kept and changed further.]],
    [[Reports the smallest facts with which a policy fails or breaks an invariant of its kind, lines
      that nothing reached, conditions that went one way only, and parameters that changed no
      decision. With OLD NEW: the smallest facts on which the two sets differ, one for each pair of
      places that decided. The same seed gives the same, however many threads there are.]],
    [[It says how much was tried. What it does not find may still be there: it proves nothing.]],
    [[--add-examples writes what was found into the set: a difference into the examples, with
      what NEW decides; a failure into DIR/examples/KIND.jsonl for weir test, with the action that
      --expect names.]],
    [[With --json: one object, as docs/json/explore.schema.json describes it.]],
  },
  positionals = {
    {
      name = "WHAT",
      doc = "a kind (" .. table.concat(kinds, ", ")
        .. ", or one of the policy set's own); or two policy sets, OLD NEW; without: every kind",
      optional = true,
      many = true,
      complete = "directory",
    },
  },
  options = {
    policies.options.directory,
    policies.options.set,
    policies.options.params,
    { long = "kind", value = "KIND", words = kinds, doc = "with OLD NEW: this kind only" },
    { long = "recording", value = "FILE", many = true, complete = "file",
      doc = "begin with the facts of this recording too" },
    { long = "tries", value = "N", doc = "how many facts to try, of each kind (300000)" },
    { long = "seed", value = "N", doc = "what random numbers begin with (1)" },
    { long = "jobs", value = "N", doc = "threads; else one for each core" },
    { long = "add-examples", doc = "write what was found into the policy set" },
    { long = "expect", value = "ACTION", doc = "what is right where the policy fails" },
    recordings.limit_option "show at most N of each sort (20)",
    { long = "json", doc = "one JSON object" },
  },
  exits = {
    { 0, "nothing was found" },
    { 1, "facts with which a policy fails, or two sets differ" },
    { 2, "usage: an unknown kind, action or parameter" },
    { 3, "a policy set does not load" },
    { 6, "a recording cannot be read, an example cannot be written, or memory is short" },
    { 7, "a policy set is a bundle that is not what its digests say" },
  },
  examples = {
    { "weir explore routing", "one kind of ./policies" },
    { "weir explore --recording night.jsonl", "every kind, from what happened last night on" },
    { "weir explore policies/ new/ --kind routing", "where two versions differ" },
  },
  run = run,
}
