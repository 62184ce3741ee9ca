-- weir check [PATH…]: does a policy set load, do its examples hold, and does its source say
-- anything that cannot be meant.
local exit = require "weir.cli.exit"
local files = require "weir.files"
local policies = require "weir.cli.policies"
local report = require "weir.cli.report"
local terminal = require "weir.cli.terminal"

local check = {}

-- The layer loads and verifies; what reads the source belongs to the command-line program.
local READS_SOURCE = type(package.searchers[2]("weir.lint")) == "function"

-- Larger files are refused by loading (W002); they are not read a second time.
local SOURCE_LIMIT = 1024 * 1024

local function join(directory, name)
  return directory == "/" and "/" .. name or directory .. "/" .. name
end

local function count(findings, severity)
  local found = 0
  for _, finding in ipairs(findings) do
    if finding.severity == severity then found = found + 1 end
  end

  return found
end

local function by_place(a, b)
  if a.file ~= b.file then return a.file < b.file end
  if a.line ~= b.line then return a.line < b.line end
  if (a.column or 0) ~= (b.column or 0) then return (a.column or 0) < (b.column or 0) end

  return a.code < b.code
end

-- The sources of a set that does not load, from its directory.
local function read_sources(directory)
  local sources = {}
  for _, path in ipairs(policies.sources(directory)) do
    local text = files.read(path, SOURCE_LIMIT)
    sources[#sources + 1] = { file = path, text = text or "" }
  end

  return sources
end

-- set(path) → { directory =, set = or nil, code = why not, findings =, files =, errors =, warnings
-- = } for a policy directory or a bundle. What it counts as an error is an error everywhere: in
-- `weir bundle`, in `weir watch` and in the runtime.
function check.set(given)
  local set, found, code = require("weir.policy_set").load(given)
  local status = files.stat(given)
  local is_directory = status and status.type == "directory"
  local sources = set and set:sources() or is_directory and read_sources(given) or {}

  local of_source = READS_SOURCE and require("weir.lint").sources(sources) or {}
  local findings = table.move(found, 1, #found, 1, {})
  table.move(of_source, 1, #of_source, #findings + 1, findings)
  table.sort(findings, by_place)

  local names = {}
  for i, source in ipairs(sources) do names[i] = source.file end
  return {
    directory = given,
    set = set,
    code = code,
    findings = findings,
    files = names,
    errors = count(findings, "error"),
    warnings = count(findings, "warning"),
  }
end

-- A Lua file stands for its directory, which its policy needs to load; findings elsewhere are left
-- out.
local function path(given)
  local status = files.stat(given)
  if not status or status.type == "directory" then
    return check.set((policies.directory(given)))
  end

  if not given:find("%.lua$") then return check.set(given) end

  local directory, name = given:match("^(.*)/([^/]+)$")
  if not directory then directory, name = ".", given end
  directory = directory:gsub("/+$", "")
  if directory == "" then directory = "/" end

  local result = check.set(directory)
  local mine = {}
  for _, finding in ipairs(result.findings) do
    if finding.file == join(directory, name) or finding.file == given then
      finding.file = given
      mine[#mine + 1] = finding
    end
  end

  return {
    directory = directory,
    set = result.set,
    code = result.code,
    findings = mine,
    files = { given },
    errors = count(mine, "error"),
    warnings = count(mine, "warning"),
  }
end

local function limits_line(out, set)
  local worst
  for _, policy in ipairs(set and set:policies() or {}) do
    if policy.worst and (not worst or policy.worst.instructions > worst.instructions) then
      worst = policy.worst
    end
  end

  if not worst then return end
  out:printf("limits: worst example %s instructions, %s", terminal.thousands(worst.instructions),
    terminal.bytes(worst.bytes))
end

-- The finding to mend first: the first error, else the first of all.
local function worst(findings)
  for _, finding in ipairs(findings) do
    if finding.severity == "error" then return finding end
  end

  return findings[1]
end

local function next_command(result)
  local finding = worst(result.findings)
  if finding then return "weir help " .. finding.code end
  if not result.set then return "weir check " .. result.directory end

  return ("weir replay RECORDING -p %s"):format(result.directory)
end

-- Is one of these findings a reason for which the set does not load?
local function says_why(findings)
  for _, finding in ipairs(findings) do
    if finding.code:find("^W0") then return true end
  end

  return false
end

-- The exit status of one result.
function check.status(result)
  if not result.set then return report.load_status(result.code) end
  return result.findings[1] and exit.findings or exit.fine
end

-- Prints one result for people.
function check.show(out, result, given)
  report.findings(out, result.findings)
  limits_line(out, result.set)
  local errors, warnings = result.errors, result.warnings
  local parts = { terminal.count(#result.files, "file") }
  if result.set then
    local examples = 0
    for _, policy in ipairs(result.set:policies()) do
      examples = examples + (policy.examples or 0)
    end

    parts[#parts + 1] = terminal.count(#result.set:policies(), "policy", "policies")
    parts[#parts + 1] = terminal.count(examples, "example")
  end

  parts[#parts + 1] = terminal.count(errors, "error")
  parts[#parts + 1] = terminal.count(warnings, "warning")
  if not result.set and not says_why(result.findings) then
    parts[#parts + 1] = "the set does not load because of other files"
  end

  if not READS_SOURCE then parts[#parts + 1] = "the source is not read here" end
  local style = (errors > 0 or not result.set) and "error" or warnings > 0 and "warning" or "good"
  out:print(out:paint(style, terminal.printable(given)), ": ", table.concat(parts, ", "),
    ".  Next: ", terminal.printable(next_command(result)))
end

local function run(given, screen)
  local targets = given.PATH
  if not targets[1] then
    local directory, missing = policies.directory(nil)
    if not directory then
      return report.failure(screen, "check", {
        message = missing,
        code = "NoPolicySet",
        exit = exit.load,
        next = "weir check DIR",
      })
    end

    targets = { directory }
  end

  local status = exit.fine
  for _, target in ipairs(targets) do
    local result = path(target)
    if result.code == "OutOfMemory" then
      report.shortage(screen, "check", result.directory)
    elseif given.json then
      report.findings_json(screen.out, result.findings)
    else
      check.show(screen.out, result, target)
    end

    status = math.max(status, check.status(result))
  end

  return status
end

check.declaration = {
  name = "check",
  summary = "load and verify policies, and read their source",
  description = {
    [[Loads each policy set as a host would: compiles, checks shape and parameters, runs every
      example and the invariants of its kind. Then reads the source for what loading cannot see:
      fields the facts do not have, values of different types compared, decisions that do not say
      why, branches without a decision. PATH is a directory, one Lua file of it, or a bundle;
      without PATH, ./policies or the installed set.]],
    [[Each finding is file:line:column: severity[code] message. 'weir help CODE' explains it.]],
  },
  positionals = {
    {
      name = "PATH",
      doc = "policy directories or files",
      optional = true,
      many = true,
      complete = "file",
    },
  },
  options = { { long = "json", doc = "one JSON object per finding" } },
  exits = {
    { 0, "no findings" },
    { 1, "the set loads, but there are findings" },
    { 2, "usage" },
    { 3, "a policy set does not load" },
    { 6, "memory is short" },
    { 7, "a bundle is not what its digests say" },
  },
  examples = {
    { "weir check", "check ./policies" },
    { "weir check --json policies/ | jq -r .code | sort | uniq -c", "count findings by code" },
  },
  run = run,
}

-- The verb is the declaration; set, status and show are for weir watch and weir bundle.
return setmetatable(check.declaration, { __index = check })
