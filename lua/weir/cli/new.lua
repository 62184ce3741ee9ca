-- weir new DIR: a policy set to start from.
local exit = require "weir.cli.exit"
local files = require "weir.files"
local kinds = require "weir.kinds"
local messages = require "weir.cli.messages"
local output_file = require "weir.cli.output_file"
local policy_examples = require "weir.policy_examples"
local schemas = require "weir.schemas"
local starter = require "weir.starter.files"
local starter_policies = require "weir.starter.policies"
local stubs = require "weir.starter.stubs"
local suggest = require "weir.suggest"
local terminal = require "weir.cli.terminal"

local printable = terminal.printable

local function fail(screen, message, code, hint)
  return messages.failure(screen, "new", {
    message = message,
    hint = hint,
    code = code,
    exit = exit.io,
  })
end

-- The kinds to begin with; nil, message, hint for one that there is not.
local function chosen_kinds(given)
  local list, seen = {}, {}
  for _, name in ipairs(given.kind or { "routing" }) do
    if not starter_policies[name] then
      local close = suggest(name, kinds)
      return nil, ("unknown kind '%s'"):format(name), close
        and ("did you mean '%s'?"):format(close) or "kinds are: " .. table.concat(kinds, ", ")
    end

    if not seen[name] then list[#list + 1] = name end
    seen[name] = true
  end

  return list
end

-- Why nothing can be written there, or nil: nobody's file is overwritten.
local function occupied(directory)
  local status = files.stat(directory)
  if not status then return nil end
  if status.type ~= "directory" then return directory .. " is a file" end
  local names, message = files.list(directory)
  if not names then return message end

  return #names > 0 and directory .. " is not empty" or nil
end

-- The set's path from the root of the repository, where that can be told: the workflow names it.
local function in_repository(directory)
  local is_inside = files.stat(".git") and not directory:find("^/") and not directory:find("%.%.")
  return is_inside and directory:gsub("^%./", "") or "."
end

local function table_of(list)
  local rows, known = {}, schemas.of()
  for i, kind in ipairs(list) do
    rows[i] = ("| `%s.lua` | %s |"):format(kind, schemas.find(known, kind).doc)
  end

  return table.concat(rows, "\n")
end

-- What to write: a list of { path inside the directory, text }.
local function contents(directory, list)
  local root = in_repository(directory)
  local recording = ("examples/%s.jsonl"):format(list[1])
  if root ~= "." then recording = root .. "/" .. recording end

  local made = {}
  for _, kind in ipairs(list) do made[#made + 1] = { kind .. ".lua", starter_policies[kind] } end
  made[#made + 1] = { "README.md", starter.readme(table_of(list)) }
  made[#made + 1] = { ".github/workflows/policies.yml", starter.workflow(root, recording) }

  return made
end

-- The decisions of a policy's examples as a recording: the set's first example file.
local function recordings_of(set, list)
  local lines = {}
  for _, kind in ipairs(list) do lines[kind] = {} end
  for _, example in ipairs(policy_examples.read(set)) do
    local line = assert(set:record(example.kind, example.given, {
      id = ("example-%d"):format(example.number),
      time = "2026-01-01T00:00:00.000Z",
      eval_us = 0,
    }))

    table.insert(lines[example.kind], line .. "\n")
  end

  local made = {}
  for i, kind in ipairs(list) do
    made[i] = { ("examples/%s.jsonl"):format(kind), table.concat(lines[kind]) }
  end

  return made
end


local function write_set(directory, list)
  local made = contents(directory, list)
  local ok, message = output_file.write_all(directory, made)
  if not ok then return nil, message end

  local set = assert(require("weir.policy_set").load(directory))
  local of_set = stubs.files(set)
  table.move(recordings_of(set, list), 1, #list, #of_set + 1, of_set)
  ok, message = output_file.write_all(directory, of_set)
  if not ok then return nil, message end

  return table.move(of_set, 1, #of_set, #made + 1, made)
end

local function show(screen, directory, made, given)
  local paths = {}
  for i, file in ipairs(made) do paths[i] = directory .. "/" .. file[1] end
  table.sort(paths)
  if given.json then
    screen.out:print(terminal.json { type = "new", policies = directory, files = paths })
  else
    for _, path in ipairs(paths) do screen.out:print(printable(path)) end
  end

  screen.err:next("weir check ", printable(directory), ", then weir test ",
    printable(directory))
end

local function run(given, screen)
  local list, mistake, hint = chosen_kinds(given)
  if not list then return nil, mistake, hint end
  local directory = #given.DIR > 1 and given.DIR:gsub("/+$", "") or given.DIR
  local why = occupied(directory)
  if why then
    return fail(screen, why .. "; nothing was written", "Exists", "name a directory to be made")
  end

  local made, message = write_set(directory, list)
  if not made then return fail(screen, message, "WriteFailed") end
  show(screen, directory, made, given)

  return exit.fine
end

return {
  name = "new",
  summary = "a policy set to start from",
  description = {
    [[Makes the directory DIR with a policy of each KIND (routing when none is named) that checks
      clean, with examples, a recording of their decisions, a page, what editors complete from,
      and a workflow that checks, tests and compares every pull request on GitHub. Nothing that is
      there is overwritten.]],
  },
  positionals = { { name = "DIR", doc = "a directory that is not there yet, or is empty",
    complete = "directory" } },
  options = {
    { long = "kind", short = "k", value = "KIND", many = true, words = kinds,
      doc = "what the policies decide: " .. table.concat(kinds, ", ") },
    { long = "json", doc = "one JSON object that lists the files" },
  },
  exits = {
    { 0, "the set is there" },
    { 2, "usage" },
    { 6, "DIR is not empty, or cannot be written" },
  },
  examples = {
    { "weir new mine", "a set with a routing policy" },
    { "weir new mine -k routing -k weights", "two kinds" },
  },
  run = run,
}
