-- weir example RECORDING:LINE: a recorded decision as an example of its policy.
local exit = require "weir.cli.exit"
local files = require "weir.files"
local json = require "weir.json"
local messages = require "weir.cli.messages"
local output_file = require "weir.cli.output_file"
local policies = require "weir.cli.policies"
local policy_source = require "weir.testing.policy_source"
local recorded = require "weir.testing.recorded"
local terminal = require "weir.cli.terminal"

local printable = terminal.printable

local EXAMPLES_LIMIT = 64 * 1024 * 1024
local DEPTH = 4 -- columns from the left, where examples stand in a policy

local function fail(screen, message, code, status, next_command, hint)
  return messages.failure(screen, "example", {
    message = message,
    hint = hint,
    code = code,
    exit = status,
    next = next_command,
  })
end

-- Adding -----------------------------------------------------------------------------------------

-- The file of a policy with the example in it, or nil and why not. Nothing is written yet.
local function edited(source, example)
  local lines, why = recorded.lua(example, DEPTH)
  if not lines then return nil, why end
  return policy_source.add(source.text, lines)
end

-- The example's place in the set as it is on disk now.
local function place_on_disk(directory, example)
  local set = require("weir.policy_set").load(directory, { verify = false })
  return set and recorded.place_of(set, directory, example)
end

local function add_to_policy(screen, set, directory, example)
  local policy = recorded.policy_of(set, example.kind)
  local source
  for _, each in ipairs(set:sources()) do source = each.file == policy.file and each or source end
  local text, why = edited(source, example)
  if text then
    local ok, message = output_file.write(source.file, text)
    if not ok then return nil, fail(screen, message, "WriteFailed", exit.io) end
    local place = place_on_disk(directory, example)
    if place then return place end

    -- Lua does not read there what was recorded: the file gets its old text back.
    output_file.write(source.file, source.text)
    why = "a fact of it cannot be written as a Lua table"
  end

  return nil, fail(screen, ("%s: %s"):format(source.file, why), "NotAdded", exit.findings, nil,
    "write it to an example file: --add --recorded")
end

local function add_to_file(screen, directory, example)
  local path = ("%s/examples/%s.jsonl"):format(directory, example.kind)
  local before = ""
  local ok, message = files.make_directory(directory .. "/examples")

  if ok and files.stat(path) then
    before, message = files.read(path, EXAMPLES_LIMIT)
    ok = before ~= nil
  end

  if ok then
    if before ~= "" and before:sub(-1) ~= "\n" then before = before .. "\n" end
    ok, message = output_file.write(path, before .. recorded.line(example) .. "\n")
  end

  if not ok then return nil, fail(screen, message, "WriteFailed", exit.io) end
  local _, count = before:gsub("\n", "")

  return { file = path, line = count + 1 }
end

-- → the place where it stands now, and whether it was there before; else nil and an exit status.
local function add(given, screen, set, directory, example)
  local place = recorded.place_of(set, directory, example)
  if place then return place, true end
  if example.now.code == "InvalidFacts" then
    local message = ("%s:%d: its facts are not those of the set: %s"):format(example.recording,
      example.line, example.now.message)
    return nil, fail(screen, message, "NotAdded", exit.findings, "weir help kind " .. example.kind
      .. " -p " .. directory)
  end

  local status = files.stat(directory)
  if not status or status.type ~= "directory" then
    return nil, fail(screen, directory .. " is a bundle, to which nothing is added", "NotAdded",
      exit.usage, "weir example … -p DIR --add")
  end

  if given.recorded then return add_to_file(screen, directory, example) end

  return add_to_policy(screen, set, directory, example)
end

-- Showing ----------------------------------------------------------------------------------------

local function show_json(screen, example, lines, place)
  screen.out:print(terminal.json {
    type = "example",
    recording = example.recording,
    line = example.line,
    kind = example.kind,
    given = example.given,
    params = example.params,
    expect = example.decision,
    because = example.because,
    same = example.now.decision ~= nil and example.now.same,
    decision = example.now.decision,
    error = example.now.message,
    lua = lines and table.concat(lines, "\n") or nil,
    added = place and ("%s:%d"):format(place.file, place.line) or nil,
  })
end

-- What the set makes of the example today.
local function verdict(example, directory)
  local now = example.now
  if now.same then return "decided as recorded by " .. directory end
  if not now.decision then return ("%s fails with it: %s"):format(directory, now.message) end

  return ("%s decides otherwise: %s because %s"):format(directory,
    json.encode(now.decision), now.because)
end

local function show(screen, example, lines, place, directory)
  local out, err = screen.out, screen.err
  if place then
    out:printf("%s:%d: %s", printable(place.file), place.line,
      place.known and "it is an example already" or "added")
  else
    for _, line in ipairs(lines) do out:print(line) end
  end

  err:print(terminal.excerpt(verdict(example, directory), 300))
  local next_command = place and "weir test " .. directory
    or ("weir example %s:%d -p %s --add"):format(example.recording, example.line, directory)
  err:next(printable(next_command))
end

-- Running ----------------------------------------------------------------------------------------

-- With --add: the place of the example now; else nil, and an exit status when it failed.
local function place_of(given, screen, set, directory, example)
  if not given.add then return nil end
  local place, known = add(given, screen, set, directory, example)
  if not place then return nil, known end
  place.known = known

  return place
end

local function run(given, screen)
  local path, line = given.PLACE:match("^(.+):(%d+)$")
  if not path then
    return nil, ("'%s' is not RECORDING:LINE"):format(given.PLACE), "write yesterday.jsonl:189"
  end

  if given.recorded and not given.add then
    return nil, "--recorded says where --add writes to", "give both"
  end

  local directory, missing = policies.directory(given.policies)
  if not directory then
    return fail(screen, missing, "NoPolicySet", exit.load, "weir example … -p DIR")
  end

  local set, findings, code = require("weir.policy_set").load(directory, { verify = false })
  if not set then return messages.refusal(screen, "example", directory, findings, code) end
  local example, message, status, hint = recorded.read(path, math.tointeger(tonumber(line)), set)
  if not example then return fail(screen, message, "NotAnExample", status, nil, hint) end

  local lines, why = recorded.lua(example, given.add and DEPTH or 0)
  if not lines and not given.recorded then
    return fail(screen, why, "NotAdded", exit.findings, nil,
      "write it to an example file: --add --recorded")
  end

  local place, failed = place_of(given, screen, set, directory, example)
  if failed then return failed end
  local print = given.json and show_json or show
  print(screen, example, lines, place, directory)

  return example.now.same and exit.fine or exit.findings
end

return {
  name = "example",
  summary = "make an example of a recorded decision",
  description = {
    [[Prints the decision in line LINE of RECORDING as an example, as a policy file writes it: its
      facts, the decision, and of the recorded parameters those that differ from the policy's
      defaults and those on which the decision turns. So a decision that was right, or that a
      change broke, is kept right from then on.]],
    [[--add writes it into the policy's file, behind its other examples, and leaves the rest of the
      file as it is; with --recorded it becomes a line of DIR/examples/KIND.jsonl, which only
      'weir test' reads. An example that the set decides otherwise is added, too, and told: the set
      does not load until the policy is mended.]],
  },
  positionals = {
    { name = "PLACE", doc = "RECORDING:LINE, as diff and replay print it", complete = "file" },
  },
  options = {
    policies.options.directory,
    { long = "add", doc = "write it into the policy's file" },
    { long = "recorded", doc = "with --add: append it to the set's example file instead" },
    { long = "json", doc = "one JSON object" },
  },
  exits = {
    { 0, "the set decides as recorded" },
    { 1, "it decides otherwise, or the example cannot be added" },
    { 2, "usage: no such decision, or one that makes no example" },
    { 3, "the policy set does not load, for another reason than its examples" },
    { 6, "a file cannot be read or written, or memory is short" },
    { 7, "the policy set is a bundle that is not what its digests say" },
  },
  examples = {
    { "weir example yesterday.jsonl:189", "what the example looks like" },
    { "weir example yesterday.jsonl:189 -p mine --add", "keep that decision right" },
  },
  run = run,
}
