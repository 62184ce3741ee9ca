-- weir watch [DIR]: on every save, check; then replay.
local check = require "weir.cli.check"
local exit = require "weir.cli.exit"
local files = require "weir.files"
local messages = require "weir.cli.messages"
local policies = require "weir.cli.policies"
local process = require "weir.process"
local recordings = require "weir.cli.recordings"
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

-- The content of the files: a save that changes nothing starts no run.
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

-- The recordings replayed with the set; an exit status.
local function replay(directory, given, screen)
  local verb = require("weir.cli").verb("replay")
  local status, mistake, hint = verb.run({
    RECORDING = given.RECORDING,
    json = given.json,
    limit = given.limit,
    policies = directory,
    set = given.set,
    params = given.params,
  }, screen)
  screen.out:flush()
  if not mistake then return status end

  return messages.failure(screen, "replay", {
    message = mistake,
    hint = hint,
    code = "Usage",
    exit = exit.usage,
  })
end

local function once(directory, given, screen)
  local result = check.set(directory)
  if result.code == "OutOfMemory" then return messages.shortage(screen, "watch", directory) end
  local show = given.json and check.show_json or check.show
  show(screen.out, result, directory, recordings.limit(given.limit, math.huge))
  screen.out:flush()

  local status = check.status(result)
  -- Nobody would use a set with errors, so there is nothing to replay.
  if not result.set or result.errors > 0 or not given.RECORDING[1] then return status end

  return math.max(status, replay(directory, given, screen))
end

-- With -p there is no DIR: what stands there is a recording.
local function arrange(given)
  if given.policies and given.DIR then
    table.insert(given.RECORDING, 1, given.DIR)
    given.DIR = nil
  end
end

local function run(given, screen)
  local limit, mistake, hint = recordings.limit(given.limit, math.huge)
  if not limit then return nil, mistake, hint end
  arrange(given)

  local directory, missing = policies.directory(given.DIR or given.policies)
  if not directory then
    return messages.failure(screen, "watch", {
      message = missing,
      code = "NoPolicySet",
      exit = exit.load,
      next = "weir watch -p DIR",
    })
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
    [[Checks the policy set DIR (./policies when none is named) now and after every save; when it
      has no error and recordings are given, replays them. A set that is broken or half written is
      reported, and watched on.]],
  },
  positionals = {
    { name = "DIR", doc = "the policy set", optional = true, complete = "directory" },
    {
      name = "RECORDING",
      doc = "recordings to replay",
      optional = true,
      many = true,
      complete = "file",
    },
  },
  options = {
    policies.options.directory,
    policies.options.set,
    policies.options.params,
    recordings.limit_option "show the first N findings and the first N differences",
    { long = "json", doc = "the objects of weir check --json, then those of weir replay --json" },
    { long = "once", doc = "check and replay once, then end with that status" },
  },
  exits = {
    { 0, "with --once: no findings and no difference" },
    { 1, "with --once: findings or differences" },
    { 2, "usage" },
    { 3, "with --once: the policy set does not load" },
    { 4, "with --once: a policy failed while deciding" },
    { 5, "with --once: the recordings hold no decision" },
    { 6, "with --once: a recording cannot be read, or memory is short" },
    { 7, "with --once: the policy set is a bundle that is not what its digests say" },
  },
  examples = {
    { "weir watch policies recordings/day.jsonl.gz", "see at each save what would change" },
  },
  run = run,
}
