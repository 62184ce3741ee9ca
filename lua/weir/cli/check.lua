-- weir check [PATH…]: does a policy set load, do its examples hold, and does its source hold what
-- looks like a mistake.
local exit = require "weir.cli.exit"
local files = require "weir.files"
local is_carried = require "weir.is_carried"
local messages = require "weir.cli.messages"
local policies = require "weir.cli.policies"
local recordings = require "weir.cli.recordings"
local terminal = require "weir.cli.terminal"

local check = {}

-- The layer loads and verifies; what reads the source, and what is for pull requests, belongs to
-- the command-line program.

local READS_SOURCE = is_carried "weir.lint"

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

  if a.code ~= b.code then return a.code < b.code end
  return a.message < b.message
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

-- Findings of the source that loading cannot see, and those that its comments accept. A set whose
-- own kinds do not load is not linted: their words would look like mistakes.
local function read_meaning(given, set, sources)
  if not READS_SOURCE or #sources == 0 then return {}, {} end

  local declared = set and set:kinds() or require("weir.policy_set").kinds(given)
  if not declared then
    for _, source in ipairs(sources) do
      if source.file:find("/kinds/[^/]+%.lua$") then return {}, {} end
    end
  end

  return require("weir.lint").sources(sources, declared)
end

-- set(path) → { directory =, set = or nil, code = why not, findings =, accepted =, files =, errors
-- =, warnings = } for a policy directory or a bundle; accepted are the findings that comments in
-- the source accept. What it counts as an error is an error everywhere: in `weir bundle`, in
-- `weir watch` and in the runtime.
function check.set(given)
  local set, found, code = require("weir.policy_set").load(given)
  local status = files.stat(given)
  local is_directory = status and status.type == "directory"
  local sources = set and set:sources() or is_directory and read_sources(given) or {}

  local of_source, accepted = read_meaning(given, set, sources)
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
    accepted = accepted,
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

  local function mine(list)
    local kept = {}
    for _, finding in ipairs(list) do
      if finding.file == join(directory, name) or finding.file == given then
        finding.file = given
        kept[#kept + 1] = finding
      end
    end

    return kept
  end

  local result = check.set(directory)
  local findings = mine(result.findings)

  return {
    directory = directory,
    set = result.set,
    code = result.code,
    findings = findings,
    accepted = mine(result.accepted),
    files = { given },
    errors = count(findings, "error"),
    warnings = count(findings, "warning"),
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
  if not result.set then return messages.load_status(result.code) end
  return result.findings[1] and exit.findings or exit.fine
end

-- How many policies and examples a set has.
local function sizes(set)
  local examples = 0
  for _, policy in ipairs(set:policies()) do examples = examples + (policy.examples or 0) end

  return #set:policies(), examples
end

-- The first findings, and how many there are besides.
local function first(findings, limit)
  if #findings <= limit then return findings, 0 end
  return table.move(findings, 1, limit, 1, {}), #findings - limit
end

-- Prints one result for people, with at most `limit` findings (all without one).
function check.show(out, result, given, limit)
  local shown, more = first(result.findings, limit or math.huge)
  messages.findings(out, shown)
  if more > 0 then out:print(terminal.count(more, "more finding")) end
  limits_line(out, result.set)
  local errors, warnings = result.errors, result.warnings
  local parts = { terminal.count(#result.files, "file") }
  if result.set then
    local _, examples = sizes(result.set)
    parts[#parts + 1] = terminal.count(#result.set:policies(), "policy", "policies")
    parts[#parts + 1] = terminal.count(examples, "example")
  end

  parts[#parts + 1] = terminal.count(errors, "error")
  parts[#parts + 1] = terminal.count(warnings, "warning")
  if #result.accepted > 0 then parts[#parts + 1] = ("%d accepted"):format(#result.accepted) end
  if not result.set and not says_why(result.findings) then
    parts[#parts + 1] = "the set does not load because of other files"
  end

  if not READS_SOURCE then parts[#parts + 1] = "the source is not read here" end
  local style = (errors > 0 or not result.set) and "error" or warnings > 0 and "warning" or "good"
  out:print(out:paint(style, terminal.printable(given)), ": ", table.concat(parts, ", "),
    ".  Next: ", terminal.printable(next_command(result)))
end

-- Prints one result as JSON: each finding, or what was found to be fine.
function check.show_json(out, result, given, limit)
  local shown = first(result.findings, limit or math.huge)
  messages.findings_json(out, shown)
  if result.findings[1] or not result.set then return end

  local policy_count, examples = sizes(result.set)
  out:print(terminal.json {
    type = "summary",
    path = given,
    files = #result.files,
    policies = policy_count,
    examples = examples,
    accepted = #result.accepted,
    set_digest = result.set:digest(),
  })
end

-- How results are shown when no option for pull requests is given.
local function plain(given, screen, limit)
  local show = given.json and check.show_json or check.show
  return {
    accept = function() end,
    show = function(_, result, target) show(screen.out, result, target, limit) end,
    finish = function(_, status) return status end,
  }
end

-- → as weir.cli.check_formats.open
local function open_output(given, screen)
  local limit, mistake, hint = recordings.limit(given.limit, math.huge)
  if not limit then return nil, function() return nil, mistake, hint end end
  local asks
  for _, name in ipairs { "sarif", "github", "baseline", "write_baseline" } do
    asks = asks or given[name] and "--" .. name:gsub("_", "-")
  end

  if not asks then return plain(given, screen, limit) end
  if is_carried "weir.cli.check_formats" then
    return require("weir.cli.check_formats").open(given, screen, limit)
  end

  return nil, function()
    return nil, asks .. " belongs to the command-line program, not to the layer", "write --json"
  end
end

-- Checks one target; → its exit status
local function check_one(output, target, screen)
  local result = path(target)
  if result.code == "OutOfMemory" then
    return messages.shortage(screen, "check", result.directory)
  end

  output:accept(result)
  result.errors, result.warnings = count(result.findings, "error"),
    count(result.findings, "warning")
  output:show(result, target)

  return check.status(result)
end

local function run(given, screen)
  local output, refuse = open_output(given, screen)
  if not output then return refuse() end
  local targets = given.PATH
  if targets[1] and given.policies then
    return nil, "the policy set is named twice", "write PATH or -p DIR"
  end

  if not targets[1] then
    local directory, missing = policies.directory(given.policies)
    if not directory then
      return messages.failure(screen, "check", {
        message = missing,
        code = "NoPolicySet",
        exit = exit.load,
        next = "weir check -p DIR",
      })
    end

    targets = { directory }
  end

  local status = exit.fine
  for _, target in ipairs(targets) do
    status = math.max(status, check_one(output, target, screen))
  end

  return output:finish(status)
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
    [[A comment '-- weir: allow CODE REASON', in the line of a finding of the source (W1xx, W2xx) or
      alone above it, accepts that finding. What keeps a set from loading is never accepted.]],
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
  options = {
    policies.options.directory,
    recordings.limit_option "show the first N findings; all when left out",
    { long = "json", doc = "one JSON object per finding; without findings one that sums up" },
    { long = "sarif", doc = "one SARIF 2.1.0 document, for code scanning" },
    { long = "github", doc = "workflow commands, which GitHub shows beside the lines" },
    { long = "baseline", value = "FILE", complete = "file",
      doc = "accept the findings that FILE knows already" },
    { long = "write-baseline", value = "FILE", complete = "file",
      doc = "write the findings of the source to FILE, and accept them" },
  },
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
    { "weir check --json policies/ | jq -r '.code // empty' | sort | uniq -c",
      "count findings by code" },
  },
  run = run,
}

-- The verb is the declaration; set, status and show are for weir watch and weir bundle.
return setmetatable(check.declaration, { __index = check })
