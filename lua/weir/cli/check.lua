-- weir check [PATH…]: does a policy set load, do its examples hold, and does its source say
-- anything that cannot be meant.
local exit = require "weir.cli.exit"
local files = require "weir.files"
local json = require "weir.json"
local lint = require "weir.lint"
local policies = require "weir.cli.policies"
local report = require "weir.cli.report"
local terminal = require "weir.cli.terminal"

local check = {}

-- Larger files are refused by loading (W002); there is no use in reading them a second time.
local SOURCE_LIMIT = 1024 * 1024

local function join(directory, name) return directory == "/" and "/" .. name or directory .. "/" .. name end

local function by_place(a, b)
  if a.file ~= b.file then return a.file < b.file end
  if a.line ~= b.line then return a.line < b.line end
  if (a.column or 0) ~= (b.column or 0) then return (a.column or 0) < (b.column or 0) end
  return a.code < b.code
end

-- directory(path) → { set = or nil, findings =, files = } for a whole policy set.
function check.directory(directory)
  local set, found = require("weir.policy_set").load(directory)
  local findings = table.move(found, 1, #found, 1, {})
  local sources = policies.sources(directory)
  for _, path in ipairs(sources) do
    local text = files.read(path, SOURCE_LIMIT)
    for _, finding in ipairs(text and lint.check(text, path) or {}) do findings[#findings + 1] = finding end
  end
  table.sort(findings, by_place)
  return { directory = directory, set = set, findings = findings, files = sources }
end

-- The same for a bundle, whose sources are in it.
local function check_bundle(given)
  local set, found = require("weir.policy_set").load(given)
  local findings, sources = table.move(found, 1, #found, 1, {}), {}
  for _, file in ipairs(set and json.decode(set:bundle()).files or {}) do
    sources[#sources + 1] = join(given, file.path)
    for _, finding in ipairs(lint.check(file.text, join(given, file.path))) do findings[#findings + 1] = finding end
  end
  table.sort(findings, by_place)
  return { directory = given, set = set, findings = findings, files = sources }
end

-- A Lua file stands for its directory, which its policy needs to load; findings elsewhere are left out.
local function path(given)
  local status = files.stat(given)
  if not status or status.type == "directory" then return check.directory((policies.directory(given))) end
  if not given:find("%.lua$") then return check_bundle(given) end
  local directory, name = given:match("^(.*)/([^/]+)$")
  if not directory then directory, name = ".", given end
  directory = directory:gsub("/+$", "")
  if directory == "" then directory = "/" end
  local result = check.directory(directory)
  local mine = {}
  for _, finding in ipairs(result.findings) do
    if finding.file == join(directory, name) or finding.file == given then
      finding.file = given
      mine[#mine + 1] = finding
    end
  end
  return { directory = directory, set = result.set, findings = mine, files = { given } }
end

local function count(findings, severity)
  local found = 0
  for _, finding in ipairs(findings) do
    if finding.severity == severity then found = found + 1 end
  end
  return found
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

local function next_command(result)
  if result.findings[1] then return "weir help " .. result.findings[1].code end
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

-- Prints one result for people.
function check.show(out, result, given)
  report.findings(out, result.findings)
  limits_line(out, result.set)
  local errors, warnings = count(result.findings, "error"), count(result.findings, "warning")
  local parts = { terminal.count(#result.files, "file") }
  if result.set then
    local examples = 0
    for _, policy in ipairs(result.set:policies()) do examples = examples + (policy.examples or 0) end
    parts[#parts + 1] = terminal.count(#result.set:policies(), "policy", "policies")
    parts[#parts + 1] = terminal.count(examples, "example")
  end
  parts[#parts + 1] = terminal.count(errors, "error")
  parts[#parts + 1] = terminal.count(warnings, "warning")
  if not result.set and not says_why(result.findings) then
    parts[#parts + 1] = "the set does not load because of other files"
  end
  local style = (errors > 0 or not result.set) and "error" or warnings > 0 and "warning" or "good"
  out:print(out:paint(style, terminal.printable(given)), ": ", table.concat(parts, ", "),
    ".  Next: ", terminal.printable(next_command(result)))
end

local function run(given, screen)
  local targets = given.PATH
  if not targets[1] then
    local directory, problem = policies.directory(nil)
    if not directory then
      screen.err:print("weir: check: ", terminal.printable(problem))
      screen.err:print("Next: weir check DIR")
      return exit.load
    end
    targets = { directory }
  end
  local status = exit.fine
  for _, target in ipairs(targets) do
    local result = path(target)
    if given.json then report.findings_json(screen.out, result.findings)
    else check.show(screen.out, result, target) end
    if not result.set then status = exit.load
    elseif result.findings[1] and status == exit.fine then status = exit.findings end
  end
  return status
end

check.declaration = {
  name = "check",
  summary = "load and verify policies, and read their source",
  description = {
    [[Loads each policy set as a host would: compiles, checks shape and parameters, runs every example and
      the invariants of its kind. Then reads the source for what loading cannot see: fields the facts do
      not have, decisions that do not say why, branches without a decision. PATH is a directory, one Lua
      file of it, or a bundle; without PATH, ./policies or the installed set.]],
    [[Each finding is file:line:column: severity[code] message. 'weir help CODE' explains it.]],
  },
  positionals = {
    { name = "PATH", doc = "policy directories or files", optional = true, many = true, complete = "file" },
  },
  options = { { long = "json", doc = "one JSON object per finding" } },
  exits = {
    { 0, "no findings" },
    { 1, "the set loads, but there are findings" },
    { 2, "usage" },
    { 3, "a policy set does not load" },
  },
  examples = {
    { "weir check", "check ./policies" },
    { "weir check --json policies/ | jq -r .code | sort | uniq -c", "count findings by code" },
  },
  run = run,
}

-- The verb is the declaration; directory and show are for weir watch.
return setmetatable(check.declaration, { __index = check })
