-- weir test [DIR]: the examples of a policy set and its example files, one by one.
local cases = require "weir.testing.cases"
local coverage = require "weir.testing.coverage"
local exit = require "weir.cli.exit"
local json = require "weir.json"
local junit = require "weir.testing.junit"
local messages = require "weir.cli.messages"
local output_file = require "weir.cli.output_file"
local policies = require "weir.cli.policies"
local recordings = require "weir.cli.recordings"
local redact = require "weir.redact"
local terminal = require "weir.cli.terminal"

local printable = terminal.printable

local function fail(screen, message, code, status, next_command)
  return messages.failure(screen, "test", {
    message = message,
    code = code,
    exit = status,
    next = next_command,
  })
end

-- Loading ----------------------------------------------------------------------------------------

-- The set, with its examples not run yet, and its directory; else nil and what the verb returns.
-- Neither --set nor WEIR_PARAMS apply: examples say what a policy does with its own defaults.
local function load(given, screen)
  local named, mistake, hint = policies.named(given)
  if mistake then return nil, function() return nil, mistake, hint end end
  local directory, missing = policies.directory(named)
  if not directory then
    local status = fail(screen, missing, "NoPolicySet", exit.load, "weir test -p DIR")
    return nil, function() return status end
  end

  local set, findings, code = require("weir.policy_set").load(directory, { verify = false })
  if set then return set, directory end
  local status = messages.refusal(screen, "test", directory, findings, code)

  return nil, function() return status end
end

-- The cases whose place or name holds the text.
local function chosen(list, filter)
  if not filter then return list end
  local kept = {}
  for _, case in ipairs(list) do
    local text = ("%s:%d %s"):format(case.file, case.line, case.name)
    if text:find(filter, 1, true) then kept[#kept + 1] = case end
  end

  return kept
end

-- Showing ----------------------------------------------------------------------------------------

-- The lines that explain a failed result: label and text.
local function explanation(result)
  local case = result.case
  cases.note_secrets(case)
  local rows = {}
  local function row(label, text)
    if text then rows[#rows + 1] = { label, redact.text(text) } end
  end

  row("given", case.given)
  row("params", case.params ~= "{}" and case.params or nil)
  row("expected", case.expect)
  row("decided", result.decision)
  row("because", result.because)
  row("where", result.place)
  if not result.decision then row("failed", result.message) end

  return rows
end

local function show_failure(out, result)
  local case, rows = result.case, explanation(result)
  out:print(out:paint("bold", ("%s:%d"):format(printable(case.file), case.line)), ": ",
    out:paint("error", "failed"), " ", printable(case.name), ": ",
    terminal.excerpt(redact.text(result.message), 160))
  for _, row in ipairs(rows) do
    if row[1] ~= "failed" then
      out:print("      ", out:paint("dim", ("%-8s"):format(row[1])), "  ",
        terminal.excerpt(row[2], 400))
    end
  end
end

local MISSED = {
  line = "never runs",
  yes = "never holds: ",
  no = "always holds: ",
}

-- Each place that no test reaches; of a line that never runs, its conditions are left out.
local function show_missed(out, missed, limit)
  local at
  for i, miss in ipairs(missed) do
    if i > limit then break end
    local place = ("%s:%d"):format(printable(miss.file), miss.line)
    if miss.what == "line" then at = place end
    if miss.what == "line" or place ~= at then
      out:print(place, ": ", out:paint("warning", MISSED[miss.what]),
        miss.condition and terminal.excerpt(miss.condition, 120) or "")
    end
  end
end

local function share(part)
  return ("%.1f %% (%s of %s)"):format(part.percent, terminal.thousands(part.covered),
    terminal.thousands(part.all))
end

local function show_coverage(out, given, found)
  if given.coverage or not found.is_enough then show_missed(out, found.missed, given.limit) end
  out:print(out:paint(found.is_enough and "good" or "error", "coverage of decide"), ": ",
    share(found.lines), " of lines, ", share(found.branches), " of branches",
    found.is_enough and "" or (", below %s %%"):format(given.min_coverage))
end

local function show(out, directory, results, totals, limit)
  local shown = 0
  for _, result in ipairs(results) do
    if not result.passed and shown < limit then
      show_failure(out, result)
      shown = shown + 1
    end
  end

  local style = totals.failed > 0 and "error" or "good"
  out:print(out:paint(style, printable(directory)), ": ",
    terminal.count(totals.passed, "test passes", "tests pass"), ", ",
    terminal.count(totals.failed, "fails", "fail"))
end

local function decoded(text)
  if not text then return nil end
  return redact.value((json.decode(text)))
end

local function result_json(result)
  local case = result.case
  cases.note_secrets(case)
  return {
    name = case.name,
    kind = case.kind,
    file = case.file,
    line = case.line,
    passed = result.passed,
    given = decoded(case.given),
    params = decoded(case.params),
    expect = decoded(case.expect),
    decision = decoded(result.decision),
    because = result.because and redact.text(result.because),
    place = result.place,
    message = result.message and redact.text(result.message),
    code = result.code,
    instructions = result.instructions,
    bytes = result.bytes,
    eval_us = result.eval_us,
  }
end

local function show_json(out, set, directory, results, totals, found)
  local tests = json.array({})
  for i, result in ipairs(results) do tests[i] = result_json(result) end
  out:print(terminal.json {
    type = "test",
    policies = directory,
    set_digest = set:digest(),
    passed = totals.passed,
    failed = totals.failed,
    tests = tests,
    coverage = {
      lines = found.lines,
      branches = found.branches,
      missed = json.array(found.missed),
    },
  })
end

-- Writes the JUnit file where one is wanted; nil and an exit status when it cannot be written.
local function write_junit(given, screen, results)
  if not given.junit then return true end
  for _, result in ipairs(results) do
    result.details = {}
    for i, row in ipairs(explanation(result)) do
      result.details[i] = ("%-8s  %s"):format(row[1], row[2])
    end

    result.shown = result.message and redact.text(result.message)
  end

  local ok, message = output_file.write(given.junit, junit.render(results))
  if ok then return true end

  return nil, fail(screen, message, "WriteFailed", exit.io)
end

-- Running ----------------------------------------------------------------------------------------

-- A policy that no test asks is not covered: a question without facts tells what code it has.
local function cover_untested(set, list, covered)
  local tested = {}
  for _, case in ipairs(list) do tested[case.kind] = true end
  for _, policy in ipairs(set:policies()) do
    if not tested[policy.kind] then
      local answer, _, _, trace = set:trace(policy.kind, "{}")
      if trace or not answer then covered:add(trace) end
    end
  end
end

local function run_all(set, list, screen, covered)
  local results, totals = {}, { passed = 0, failed = 0 }
  for i, case in ipairs(list) do
    screen.err:progress(("%d of %d tests"):format(i, #list))
    results[i] = cases.run(set, case, covered)
    local key = results[i].passed and "passed" or "failed"
    totals[key] = totals[key] + 1
  end

  screen.err:clear_progress()

  return results, totals
end

local function nothing_ran(given, screen, list)
  local message = #list == 0 and "the set has no examples"
    or ("no test's place or name has '%s' in it"):format(given.filter)
  return fail(screen, message, "NoTests", exit.inconclusive,
    #list == 0 and "weir example RECORDING:LINE --add" or "weir test without --filter")
end

-- What shows the first failure alone.
local function next_command(directory, results)
  for _, result in ipairs(results) do
    if not result.passed then
      return ("weir test %s --filter %s:%d"):format(directory, result.case.file, result.case.line)
    end
  end
end

-- "--min-coverage" as a number of percent; nil, message, hint for a mistake.
local function least_coverage(text)
  local number = tonumber(text or 0)
  if number and number >= 0 and number <= 100 then return number end

  return nil, ("--min-coverage '%s' is not a percentage"):format(text), "write --min-coverage 80"
end

local function run(given, screen)
  local least, mistake, hint = least_coverage(given.min_coverage)
  if not least then return nil, mistake, hint end
  given.limit, mistake, hint = recordings.limit(given.limit, math.huge)
  if not given.limit then return nil, mistake, hint end
  local set, directory = load(given, screen)
  if not set then return directory() end
  local list, message, code = cases.of_set(set, directory)
  if not list then return fail(screen, message, code, exit.io) end
  local kept = chosen(list, given.filter)
  if #kept == 0 then return nothing_ran(given, screen, list) end

  local covered = coverage.new(set:sources())
  local results, totals = run_all(set, kept, screen, covered)
  if not given.filter then cover_untested(set, kept, covered) end
  local found = covered:result()
  found.is_enough = math.min(found.lines.percent, found.branches.percent) >= least

  if given.json then
    show_json(screen.out, set, directory, results, totals, found)
  else
    show(screen.out, directory, results, totals, given.limit)
    show_coverage(screen.out, given, found)
  end

  local written, status = write_junit(given, screen, results)
  if not written then return status end
  if totals.failed == 0 then return found.is_enough and exit.fine or exit.findings end
  screen.err:next(printable(next_command(directory, results)))

  return exit.findings
end

return {
  name = "test",
  summary = "run the examples of a policy set, one by one",
  description = {
    [[Runs every example of the policies in DIR (./policies when none is named), and every recorded
      decision of its example files DIR/examples/*.jsonl: facts, parameters and the decision that is
      expected. A set with an example that fails does not load anywhere else; here all the others
      run, too. 'weir example' makes examples of recorded decisions.]],
    [[An example of a policy has to give what its 'expect' says, a recorded decision exactly the
      recorded one, whatever the reason's words; it is asked with the parameters that were in force
      then.]],
    [[The coverage counts lines that ran, and both outcomes of every condition, of decide and what
      it calls in the set's files.]],
  },
  positionals = {
    { name = "DIR", doc = "the policy set", optional = true, complete = "directory" },
  },
  options = {
    policies.options.directory,
    { long = "filter", short = "f", value = "TEXT",
      doc = "only tests whose FILE:LINE NAME has this text in it" },
    { long = "coverage", doc = "name every line and branch of decide that no test reaches" },
    { long = "min-coverage", value = "PERCENT",
      doc = "fail when fewer of the lines, or of the branches, of decide are reached" },
    { long = "junit", value = "FILE", complete = "file",
      doc = "also write the results as JUnit XML, for continuous integration" },
    recordings.limit_option "show N failures and N places that no test reaches",
    { long = "json", doc = "one JSON object with every test" },
  },
  exits = {
    { 0, "every test passes" },
    { 1, "some fail, or they reach less than --min-coverage" },
    { 2, "usage" },
    { 3, "the policy set does not load, for another reason than its examples" },
    { 5, "there is no test to run" },
    { 6, "an example file cannot be read, the JUnit file not written, or memory is short" },
    { 7, "the policy set is a bundle that is not what its digests say" },
  },
  examples = {
    { "weir test", "the examples of ./policies" },
    { "weir test mine --filter routing --junit results.xml", "some of them, for CI to show" },
  },
  run = run,
}
