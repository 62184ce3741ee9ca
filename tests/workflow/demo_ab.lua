-- ./dev demo-ab: two experiments from end to end on embedded servers, on a clock of their own: the
-- real handler and policy, DynamoDB, SageMaker, CloudWatch and EventBridge. One challenger is as
-- good as the champion and is promoted; the other answers more slowly and is rolled back. Every
-- decision is printed with its reason, and all of them become a page.
--
--   weir lua tests/workflow/demo_ab.lua DIRECTORY
--
-- Exit status 0 only if what it shows is true: what SageMaker, EventBridge and the recording have
-- is compared with what was printed.
package.path = "tests/?.lua;" .. package.path
local experiment = require "support.experiment"
local files = require "support.files"
local json = require "weir.json"
local run = require "support.run"

local directory = assert(arg[1], "expected weir lua tests/workflow/demo_ab.lua DIRECTORY")
local RECORDING, PAGE = directory .. "/experiments.jsonl", directory .. "/report.html"

-- The shipped policy with short times, so that the demo does not take a day.
local PARAMS = { ["promotion.min_minutes"] = 10, ["promotion.soak_minutes"] = 30 }
local OLD = { median_ms = 80, sigma = 0.25, error_rate = 0.005 }

local ACTS = {
  {
    title = "ranking: a challenger that is as good as the champion",
    endpoint = "ranking",
    challenger = OLD,
    ends = "promote",
    shares = { old = 0, new = 1 },
  },
  {
    title = "search: a challenger that answers 30 % more slowly",
    endpoint = "search",
    challenger = { median_ms = 104, sigma = 0.25, error_rate = 0.005 },
    ends = "rollback",
    shares = { old = 1, new = 0 },
  },
}

-- Printing ----------------------------------------------------------------------------------------

local function env(name) return (os.getenv(name) or "") ~= "" end
local colours = env "FORCE_COLOR" and not env "NO_COLOR"
local CODES = { promote = "32", ramp = "36", rollback = "31", hold = "2" }

local function say(format, ...) io.stdout:write(format:format(...), "\n") io.stdout:flush() end
local function paint(code, text)
  return colours and ("\27[%sm%s\27[0m"):format(code, text) or text
end

local function show(result, trial, share)
  local minutes = (trial.now - trial.START) // 60
  local action = ("%-8s"):format(result.action)
  if result.action == "ramp" then
    action = ("%-8s"):format(("→ %g %%"):format(result.shares.new * 100))
      .. (" "):rep(2) -- the arrow has three bytes
  end

  say("  %02d:%02d  %5.1f %%  %s  %s%s", minutes // 60, minutes % 60, share * 100,
    paint(CODES[result.action], action), result.because,
    result.needs and paint("2", " · needs " .. result.needs) or "")
end

-- Checking ----------------------------------------------------------------------------------------

local function check(fine, problem, ...)
  if not fine then error(problem:format(...), 0) end
end

local function check_act(act, trial, result)
  check(result and result.action == act.ends and result.outcome == "done", "%s did not end with %s",
    act.endpoint,
    act.ends)
  trial:wait(300)
  local shares = trial:shares()
  for name, share in pairs(act.shares) do
    check(shares[name] == share, "%s serves %g of the traffic, not %g", name, shares[name], share)
  end

  local events = trial.events()
  check(#events == #trial.decisions, "%d decisions, and %d events of them", #trial.decisions,
    #events)
  local changes = 0
  for i, event in ipairs(events) do
    local decision = json.decode(trial.decisions[i])
    check(event.Detail.because == decision.because, "event %d tells another reason", i)
    if event.Detail.outcome == "done" then changes = changes + 1 end
  end

  check(changes == #trial.updates(), "%d changes are told, %d were made", changes, #trial.updates())

  return changes
end

-- The acts ----------------------------------------------------------------------------------------

local function play(act)
  say("\n%s\n", paint("1", act.title))
  say("%s", paint("2", "  time    share  decision  because"))
  local trial = experiment.new { endpoint = act.endpoint, params = PARAMS, per_minute = 1200,
    seed = 3,
    variants = { old = OLD, new = act.challenger } }
  local share = 0
  local result = trial:play(60, function(result)
    show(result, trial, share)
    if result.outcome == "done" then share = result.shares.new end
  end)

  local changes = check_act(act, trial, result)
  say("\n  %d decisions, %d events, %d changes of weights; old serves %g %%, new %g %%.",
    #trial.decisions,
    #trial.events(), changes, act.shares.old * 100, act.shares.new * 100)
  return trial:recording(), #trial.decisions
end

local function weir(...)
  local result = run { ... }
  check(result.status == 0, "weir %s: exit %d\n%s", table.concat({ ... }, " "), result.status,
    (result.stderr .. result.stdout):sub(1, 2000))
  return result.stdout
end

local function demo()
  say("Two endpoints serve 1,200 requests a minute each. All of it goes to `old`; `new` is "
    .. "approved, and has no\ntraffic yet. Every five minutes inference_comparison looks, and the "
    .. "shipped policy decides.")
  local recordings, count = {}, 0
  for i, act in ipairs(ACTS) do
    local decisions
    recordings[i], decisions = play(act)
    count = count + decisions
  end

  files.write(RECORDING, table.concat(recordings))
  local replayed = json.decode(weir("replay", RECORDING, "-p", "policies",
    "--json"):match "[^\n]+\n*$")
  check(replayed.identical == count, "%d of %d decisions are the same again", replayed.identical,
    count)
  weir("report", RECORDING, "--html", PAGE)
  local page = files.read(PAGE)
  for _, act in ipairs(ACTS) do
    check(page:find(act.endpoint, 1, true), "the page lacks %s", act.endpoint)
  end

  say("\nRecorded in %s: %d decisions, decided again the same by `weir replay`.", RECORDING, count)
  say("The page:   %s", paint("1", PAGE))
end

local ok, problem = xpcall(demo, function(problem)
  return type(problem) == "string" and problem or debug.traceback(tostring(problem), 2)
end)
if not ok then
  io.stderr:write(paint("31", "demo-ab failed"), ": ", problem, "\n")
  os.exit(1)
end
