-- weir stubs [DIR]: what an editor needs to complete and check the policies of a set.
local exit = require "weir.cli.exit"
local files = require "weir.files"
local messages = require "weir.cli.messages"
local output_file = require "weir.cli.output_file"
local policies = require "weir.cli.policies"
local stubs = require "weir.starter.stubs"
local terminal = require "weir.cli.terminal"

local function fail(screen, message, code, status, next_command)
  return messages.failure(screen, "stubs", {
    message = message,
    code = code,
    exit = status,
    next = next_command,
  })
end

-- The files to write: the annotations, and settings where there are none.
local function wanted(set, directory)
  local list = {}
  for _, file in ipairs(stubs.files(set)) do
    local is_ours = file[1]:find("^%.weir/") ~= nil
    if is_ours or not files.stat(directory .. "/" .. file[1]) then list[#list + 1] = file end
  end

  return list
end

local function run(given, screen)
  local named, mistake, hint = policies.named(given)
  if mistake then return nil, mistake, hint end
  local directory, missing = policies.directory(named)
  if not directory then
    return fail(screen, missing, "NoPolicySet", exit.load, "weir stubs -p DIR")
  end

  local set, findings, code = require("weir.policy_set").load(directory, { verify = false })
  if not set then return messages.refusal(screen, "stubs", directory, findings, code) end
  if files.stat(directory).type ~= "directory" then
    return fail(screen, directory .. " is a bundle, which nobody edits", "NotADirectory",
      exit.usage,
      "weir stubs -p DIR")
  end

  local list = wanted(set, directory)
  local ok, message = output_file.write_all(directory, list)
  if not ok then return fail(screen, message, "WriteFailed", exit.io) end

  local paths = {}
  for i, file in ipairs(list) do paths[i] = directory .. "/" .. file[1] end
  if given.json then
    screen.out:print(terminal.json { type = "stubs", policies = directory, files = paths })
  else
    for _, path in ipairs(paths) do screen.out:print(terminal.printable(path)) end
  end

  return exit.fine
end

return {
  name = "stubs",
  summary = "what an editor needs to complete policies",
  description = {
    [[Writes DIR/.weir/stubs.lua: the facts, parameters and decisions of the set (./policies when
      none is named) as annotations that the Lua language server reads, with their types and
      meaning; a .gitignore beside it, since they follow from the set; and DIR/.luarc.json, which
      tells it where they are, unless there is one. Run it again when kinds or parameters have
      changed, and after a checkout.]],
  },
  positionals = {
    { name = "DIR", doc = "the policy set", optional = true, complete = "directory" },
  },
  options = {
    policies.options.directory,
    { long = "json", doc = "one JSON object that lists the files" },
  },
  exits = {
    { 0, "written" },
    { 2, "usage" },
    { 3, "the policy set does not load, for another reason than its examples" },
    { 6, "a file cannot be written, or memory is short" },
    { 7, "the policy set is a bundle that is not what its digests say" },
  },
  examples = { { "weir stubs policies", "after a parameter or a fact was added" } },
  run = run,
}
