-- weir bench [DIR] RECORDING…: what the decisions of a recording cost a policy set.
local cost = require "weir.testing.cost"
local exit = require "weir.cli.exit"
local files = require "weir.files"
local json = require "weir.json"
local messages = require "weir.cli.messages"
local native = require "weir.terminal"
local policies = require "weir.cli.policies"
local recordings = require "weir.cli.recordings"
local redact = require "weir.redact"
local terminal = require "weir.cli.terminal"

local printable, thousands = terminal.printable, terminal.thousands

local SHOWN = 5

-- Arguments --------------------------------------------------------------------------------------

local function is_directory(path)
  local status = files.stat(path)
  return status ~= nil and status.type == "directory"
end

-- The first word is DIR when it is a directory; every other word is a recording. → directory or
-- nil, recordings; or nil, nil, message, hint
local function targets(given)
  local directory, list = given.policies, table.move(given.RECORDING or {}, 1,
    #(given.RECORDING or {}), 1, {})
  if given.DIR and is_directory(given.DIR) then
    if directory then return nil, nil, "the policy set is named twice", "write DIR or -p DIR" end
    directory = given.DIR
  elseif given.DIR then
    table.insert(list, 1, given.DIR)
  end

  if #list == 0 and native.is_terminal(0) then
    return nil, nil, "no recording is given", "name a decision log, or write one to standard input"
  end

  if #list == 0 then list[1] = "-" end

  return directory, list
end

local UNITS = { [""] = 1, k = 1024, m = 1024 * 1024 }

-- A limit as a number: 20000, or with a unit of memory 64K, 1M; nil, message, hint for a mistake.
local function limit_of(name, text, units)
  if text == nil then return math.huge end
  local digits, unit = text:match("^(%d+)([kKmM]?)i?B?$")
  local factor = digits and (unit == "" or units) and UNITS[unit:lower()]
  local number = factor and math.tointeger(tonumber(digits))
  if number and number > 0 then return number * factor end

  return nil, ("--%s '%s' is not a limit"):format(name, text),
    ("write --%s %s"):format(name, units and "64K" or "20000")
end

local function limits_of(given)
  local instructions, message, hint = limit_of("max-instructions", given.max_instructions, false)
  if not instructions then return nil, message, hint end
  local bytes
  bytes, message, hint = limit_of("max-memory", given.max_memory, true)
  if not bytes then return nil, message, hint end

  return { instructions = instructions, bytes = bytes }
end

-- Showing ----------------------------------------------------------------------------------------

local function microseconds(count) return thousands(count) .. " µs" end

local COLUMNS = {
  { "instructions", "instructions", thousands },
  { "memory", "bytes", terminal.bytes },
  { "time", "eval_us", microseconds },
}

local function show_kinds(out, measured)
  local rows = { { "", "decisions", "", "median", "99 %", "most" } }
  for _, kind in ipairs(measured:kinds()) do
    for i, column in ipairs(COLUMNS) do
      local spread = kind[column[2]]
      rows[#rows + 1] = {
        i == 1 and printable(kind.kind) or "",
        i == 1 and thousands(kind.decisions) or "",
        column[1],
        column[3](spread.median),
        column[3](spread.p99),
        column[3](spread.most),
      }
    end
  end

  local aligns = { "left", "right", "left", "right", "right", "right" }
  for _, line in ipairs(terminal.table(rows, aligns, "  ")) do out:print(line) end
end

local function show_worst(out, worst, is_contract)
  if #worst == 0 then return end
  out:print(is_contract and out:paint("error", "above the limit, the worst first")
    or "the most expensive")
  for _, one in ipairs(worst) do
    out:print("  ", out:paint("bold", terminal.count(one.instructions, "instruction")), ", ",
      terminal.bytes(one.bytes), ", ", microseconds(one.eval_us), "  ", printable(one.kind), " ",
      printable(one.action))
    out:print("      ", recordings.place(one.recording, one), "  ",
      out:paint("dim", printable(one.place)))
  end
end

local function per_second(measured)
  if measured.eval_us == 0 then return "" end
  return (", %s a second on one core"):format(
    thousands(measured.decisions * 1000000 // measured.eval_us))
end

local function show_left_out(out, measured)
  local parts = {}
  for i, one in ipairs(measured:left_out_kinds()) do
    parts[i] = ("%s %s"):format(thousands(one.decisions), printable(one.kind))
  end

  if parts[1] then
    out:print("left out, because the set has no policy of the kind: ", table.concat(parts, ", "))
  end
end

local function show(out, directory, measured, limits)
  out:print(out:paint("bold", printable(directory)), ": ",
    terminal.count(measured.decisions, "decision"), " in ",
    ("%.1f ms"):format(measured.eval_us / 1000), per_second(measured))
  show_kinds(out, measured)
  local is_contract = measured.exceeding > 0
  show_worst(out, measured:worst(), is_contract)

  local budget = require("weir.policy_set").default_limits
  local most = measured:most()
  out:printf("of a decision's budget: %.1f %% of the instructions, %.1f %% of the memory",
    most.instructions * 100 / budget.instructions, most.bytes * 100 / budget.memory)
  show_left_out(out, measured)
  if limits.instructions < math.huge or limits.bytes < math.huge then
    out:print(out:paint(is_contract and "error" or "good",
      terminal.count(measured.exceeding, "decision") .. " above the limit"))
  end
end

local function show_json(out, set, directory, measured, limits)
  out:print(terminal.json {
    type = "bench",
    policies = directory,
    set_digest = set:digest(),
    decisions = measured.decisions,
    failed = measured.failed,
    bad_lines = measured.bad_lines,
    left_out = json.array(measured:left_out_kinds()),
    eval_us = measured.eval_us,
    kinds = json.array(measured:kinds()),
    worst = json.array(measured:worst()),
    budget = require("weir.policy_set").default_limits,
    max_instructions = limits.instructions < math.huge and limits.instructions or nil,
    max_memory = limits.bytes < math.huge and limits.bytes or nil,
    exceeding = measured.exceeding,
  })
end

-- Running ----------------------------------------------------------------------------------------

local function fail(screen, message, code)
  return messages.failure(screen, "bench", { message = message, code = code, exit = exit.io })
end

-- Measures every decision of a recording; nil, message, code when it cannot be read.
local function measure(measured, path, screen)
  local recording <close>, message, code = require("weir.recording").open(path)
  if not recording then return nil, message, code end
  while true do
    local decision
    decision, message, code = recording:next()
    if not decision then break end
    redact.forget()
    if decision.facts then redact.note_json(decision.facts) end
    measured:add(path, decision)
    screen.err:progress(("%s  %s decisions"):format(printable(path), thousands(measured.decisions)))
  end

  screen.err:clear_progress()
  if message then return nil, message, code end

  return true
end

local function status_of(measured, screen)
  if measured.failed > 0 then return exit.decide end
  if measured.decisions == 0 then
    screen.err:print("weir: bench: there is no decision in these recordings that the set can "
      .. "make")
    show_left_out(screen.err, measured)
    return exit.inconclusive
  end

  return (measured.exceeding > 0 or measured.bad_lines > 0) and exit.findings or exit.fine
end

local function run(given, screen)
  local chosen, list, mistake, hint = targets(given)
  if not list then return nil, mistake, hint end
  local ok
  ok, mistake, hint = recordings.check(list)
  if not ok then return nil, mistake, hint end
  local limits
  limits, mistake, hint = limits_of(given)
  if not limits then return nil, mistake, hint end
  local shown
  shown, mistake, hint = recordings.limit(given.limit, SHOWN)
  if not shown then return nil, mistake, hint end
  local set, directory = policies.load("bench", {
    policies = chosen,
    set = given.set,
    params = given.params,
    RECORDING = given.RECORDING,
  }, screen)
  if not set then return directory() end

  local troubles = recordings.troubles(screen.err, recordings.TROUBLES)
  local measured = cost.new(set, limits, shown, troubles)
  for _, path in ipairs(list) do
    local message, code
    ok, message, code = measure(measured, path, screen)
    if not ok then return fail(screen, message, code) end
  end

  troubles:finish()
  if given.json then
    show_json(screen.out, set, directory, measured, limits)
  elseif measured.decisions > 0 then
    show(screen.out, directory, measured, limits)
  end

  return status_of(measured, screen)
end

return {
  name = "bench",
  summary = "what the decisions of recordings cost a policy set",
  description = {
    [[Asks the policies in DIR (./policies when none is named) with the facts of every recorded
      decision, one after the other on one core, and shows instructions, memory and time of each
      kind, and the decisions that cost most. Instructions and memory are the same on every machine
      and at every run; the time is this machine's.]],
    [[With --max-instructions or --max-memory they are a contract: a decision that costs more is
      named, and the status is 1.]],
  },
  positionals = {
    { name = "DIR", doc = "the policy set, a directory; a bundle is named with -p", optional = true,
      complete = "file" },
    { name = "RECORDING", doc = "recordings; standard input when none is named", optional = true,
      many = true, complete = "file" },
  },
  options = {
    policies.options.directory,
    policies.options.set,
    policies.options.params,
    { long = "max-instructions", value = "N", doc = "the most that one decision may take" },
    { long = "max-memory", value = "SIZE", doc = "the most bytes one decision may make, as 64K" },
    recordings.limit_option "name the N most expensive decisions; 5 when left out",
    { long = "json", doc = "one JSON object" },
  },
  exits = {
    { 0, "every decision keeps to the limits" },
    { 1, "some cost more, or some lines are bad" },
    { 2, "usage" },
    { 3, "the policy set does not load" },
    { 4, "a policy failed while deciding" },
    { 5, "the recordings hold no decision" },
    { 6, "a recording cannot be read, or memory is short" },
    { 7, "the policy set is a bundle that is not what its digests say" },
  },
  examples = {
    { "weir bench policies yesterday.jsonl.gz", "what each kind costs, and the worst decisions" },
    { "weir bench mine day.jsonl --max-instructions 20000 --max-memory 64K", "a contract, for CI" },
  },
  run = run,
}
