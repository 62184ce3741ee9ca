-- weir bundle [DIR] [-o FILE]: a verified policy set as one file, for S3 or AppConfig.
local check = require "weir.cli.check"
local exit = require "weir.cli.exit"
local messages = require "weir.cli.messages"
local output_file = require "weir.cli.output_file"
local policies = require "weir.cli.policies"
local terminal = require "weir.cli.terminal"

local function fail(screen, message, code, status, next_command)
  return messages.failure(screen, "bundle", {
    message = message,
    code = code,
    exit = status,
    next = next_command,
  })
end

-- Why the set is not bundled, or nil: what check calls an error is an error here, too.
local function refuse(screen, result, directory)
  if result.code == "OutOfMemory" then return messages.shortage(screen, "bundle", directory) end
  messages.findings(screen.err, result.findings)
  if result.set and result.errors == 0 then return nil end

  local why = not result.set and "does not load" or "has " .. terminal.count(result.errors, "error")
  return fail(screen, ("the policy set %s %s; nothing was written"):format(directory, why),
    result.code or "PolicySetRefused", messages.load_status(result.code),
    "weir check " .. directory)
end

local function run(given, screen)
  if given.json and not given.output then
    return nil, "--json and the bundle would both be on standard output", "give -o FILE, too"
  end

  local named, mistake, hint = policies.named(given)
  if mistake then return nil, mistake, hint end
  local directory, missing = policies.directory(named)
  if not directory then
    return fail(screen, missing, "NoPolicySet", exit.load, "weir bundle -p DIR")
  end

  local result = check.set(directory)
  local refused = refuse(screen, result, directory)
  if refused then return refused end

  local text, message, code = result.set:bundle { stamp = true }
  if not text then return fail(screen, message, code, exit.load) end
  if not given.output then
    screen.out:write(text)
    return exit.fine
  end

  local ok
  ok, message = output_file.write(given.output, text)
  if not ok then return fail(screen, message, "WriteFailed", exit.io) end

  local policy_count = #result.set:policies()
  if screen.json then
    screen.out:print(terminal.json {
      type = "bundle",
      file = given.output,
      policies = policy_count,
      bytes = #text,
      set_digest = result.set:digest(),
    })
    return exit.fine
  end

  screen.err:print(terminal.printable(given.output), ": ",
    terminal.count(policy_count, "policy", "policies"), ", ", terminal.bytes(#text), ", ",
    result.set:digest())
  screen.err:next("weir diff ", terminal.printable(directory), " ",
    terminal.printable(given.output), " RECORDING, or put it where WEIR_POLICY_SOURCE points")
  return exit.fine
end

return {
  name = "bundle",
  summary = "make one file of a policy set, for S3 or AppConfig",
  description = {
    [[Checks the policy set of DIR as weir check does, and writes it as one file when it has no
      error: JSON with a manifest of digests. The same policies give the same bytes. A function
      whose WEIR_POLICY_SOURCE names that file (s3://bucket/key or
      appconfig:application/environment/profile) takes a new version between two invocations, as a
      whole; one that does not verify is refused there too.]],
    [[Wherever a verb takes a policy directory it takes a bundle.]],
  },
  positionals = {
    {
      name = "DIR",
      doc = "the policy set; else ./policies, else the installed one",
      optional = true,
      complete = "directory",
    },
  },
  options = {
    policies.options.directory,
    { long = "output", short = "o", value = "FILE", complete = "file",
      doc = "where to write it; else standard output" },
    { long = "json", doc = "with --output: print one JSON object about what was written" },
  },
  exits = {
    { 0, "written; warnings are shown" },
    { 2, "usage" },
    { 3, "the policy set has errors, or is not UTF-8 text; nothing was written" },
    { 6, "the file cannot be written, or memory is short" },
    { 7, "DIR is a bundle that is not what its digests say; nothing was written" },
  },
  examples = {
    { "weir bundle policies -o policies.bundle", "one file, verified" },
    {
      "weir bundle | aws s3 cp - s3://bucket/policies.bundle",
      "publish it; functions swap within a minute",
    },
  },
  run = run,
}
