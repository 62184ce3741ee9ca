-- weir watch [DIR]: on every save, check; then replay.
local check = require "weir.cli.check"
local exit = require "weir.cli.exit"
local files = require "weir.files"
local policies = require "weir.cli.policies"
local process = require "weir.process"
local sha256 = require "weir.sha256"
local terminal = require "weir.cli.terminal"

local POLL_MS = 300
local SOURCE_LIMIT = 16 * 1024 * 1024

-- Changes whenever a file is written, removed or renamed; cheap enough to ask for often.
local function signature(directory)
  local parts = {}
  for i, path in ipairs(policies.sources(directory)) do
    local status = files.stat(path)
    parts[i] = status and ("%s\0%d\0%d"):format(path, status.size, status.modified_ns) or path
  end
  return table.concat(parts, "\1")
end

-- What is in the files: a save that changes nothing is not worth a run.
local function content(directory)
  local parts = {}
  for i, path in ipairs(policies.sources(directory)) do
    parts[i] = path .. "\0" .. sha256.hex(files.read(path, SOURCE_LIMIT) or "")
  end
  return table.concat(parts, "\1")
end

-- A file that is just being written is left alone until two looks see the same.
local function wait_for_change(directory, last)
  local seen = signature(directory)
  while true do
    process.sleep(POLL_MS)
    local now = signature(directory)
    if now == seen and content(directory) ~= last then return end
    seen = now
  end
end

local function once(directory, given, screen)
  local result = check.set(directory)
  check.show(screen.out, result, directory)
  screen.out:flush()
  if not result.set then return exit.load end
  if result.errors > 0 then return exit.findings end -- nobody would use it, so nothing to replay

  local replay = given.RECORDING[1] and require("weir.cli").verb("replay")
  if replay then
    local status, problem = replay.run({ RECORDING = given.RECORDING, policies = directory,
      set = given.set }, screen)
    screen.out:flush()
    if problem then screen.err:print("weir: replay: ", terminal.printable(problem)) end
    if status == exit.fine and result.findings[1] then return exit.findings end
    return status or exit.usage
  end
  return result.findings[1] and exit.findings or exit.fine
end

local function run(given, screen)
  local directory, problem = policies.directory(given.DIR)
  if not directory then
    screen.err:print("weir: watch: ", terminal.printable(problem))
    screen.err:print("Next: weir watch DIR")
    return exit.load
  end
  if given.once then return once(directory, given, screen) end
  while true do
    local seen = content(directory)
    screen.err:print(screen.err:paint("dim", os.date("%H:%M:%S") .. "  watching "
      .. terminal.printable(directory)
      .. "; end with Ctrl-C"))
    once(directory, given, screen)
    wait_for_change(directory, seen)
  end
end

return {
  name = "watch",
  summary = "check, and replay, on every save",
  description = {
    [[Checks the policy set DIR (./policies when none is named) now and after every save; when it has
      no error and recordings are given, replays them. A set that is broken or half written is reported, and
      watched on.]],
  },
  positionals = {
    { name = "DIR", doc = "the policy set", optional = true, complete = "directory" },
    { name = "RECORDING", doc = "recordings to replay", optional = true, many = true, complete = "file" },
  },
  options = {
    policies.options.set,
    { long = "once", doc = "check and replay once, then end with that status" },
  },
  exits = {
    { 0, "with --once: no findings and no difference" },
    { 1, "with --once: findings or differences" },
    { 2, "usage" },
    { 3, "with --once: the policy set does not load" },
    { 6, "with --once: a recording cannot be read" },
  },
  examples = {
    { "weir watch policies recordings/day.jsonl.gz", "see at each save what would change" },
  },
  run = run,
}
