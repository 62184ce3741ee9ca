-- ./dev mutate [--list] [--near] [N] [SEED] [PATH…]: changes one line at a time and
-- asks whether a test notices. N mutants (10) of the seed (1), only of files whose path begins with
-- a PATH if there is one.
--   --list  shows the mutants and runs nothing
--   --near  runs only the tests nearest to the file, by the map of tests/README.md, not the rest
-- Exits with 1 when a mutant survives, with 2 when nothing can be said.
local draw = require("mutate.draw")
local files = require("support.files")
local operators = require("mutate.operators")
local sorted_pairs = require("weir.sorted_pairs")
local suites = require("mutate.suites")
local workspace = require("mutate.workspace")

local main = {}

local USAGE = "expected ./dev mutate [--list] [--near] [N] [SEED] [PATH…]"

local function give_up(message)
  io.stderr:write("mutate: ", message, "\n")
  os.exit(2, true)
end

-- { list=, near=, count=, seed=, prefixes= } or nil, message.
function main.arguments(words)
  local given = { prefixes = {} }
  local numbers = {}
  for _, word in ipairs(words) do
    local number = math.tointeger(tonumber(word))
    if word == "--list" or word == "--near" then
      given[word:sub(3)] = true
    elseif word:sub(1, 1) == "-" then
      return nil, ("'%s' is not an option; %s"):format(word, USAGE)
    elseif number and #numbers < 2 then
      numbers[#numbers + 1] = number
    else
      given.prefixes[#given.prefixes + 1] = word
    end
  end

  given.count, given.seed = numbers[1] or 10, numbers[2] or 1
  if given.count < 1 then return nil, "N is at least 1; " .. USAGE end

  return given
end

local function is_equivalent(mutant)
  for _, entry in ipairs(require("mutate.equivalent")) do
    local same_line = entry.path == mutant.path and entry.was == mutant.was
    if same_line and entry.is == mutant.is then return true end
  end

  return false
end

-- What is known before anything is built: Lua that does not compile, and what is equivalent.
local function is_possible(mutant)
  if is_equivalent(mutant) then return false end
  if not mutant.path:find("%.lua$") then return true end
  return load(operators.apply(files.read(mutant.path), mutant), "=mutant") ~= nil
end

-- The mutants of the seed, in order.
function main.mutants(prefixes, seed)
  local paths = draw.sources(prefixes)
  if #paths == 0 then give_up("no source file begins with " .. table.concat(prefixes, " or ")) end
  local by_kind, count = draw.candidates(paths)
  local following = draw.stream(by_kind, seed)
  local function next_possible()
    local mutant = following()
    while mutant and not is_possible(mutant) do mutant = following() end
    return mutant
  end

  return next_possible, count
end

local function show(mutant)
  local is = mutant.is == "" and "(deleted)" or mutant.is
  return ("%s:%d: %s: %s → %s"):format(mutant.path, mutant.line, mutant.kind, mutant.was, is)
end

-- A test that fails without a mutant, too, notices nothing; it is run without one the first time
-- that it seems to. Leaves the tree without the mutant.
local function fails_without(test, mutant, known)
  if known[test] == nil then
    workspace.restore(mutant)
    workspace.build("weir")
    known[test] = not workspace.passes(test)
    if known[test] then print("  " .. test .. " fails without a mutant, too; it is left out") end
  end

  return known[test]
end

-- The test that notices the mutant; nil when none does; false when it does not compile.
local function run_one(mutant, tests, failing)
  workspace.put(mutant)
  if not workspace.build("weir") then return false end
  local passed = false
  for _, test in ipairs(tests) do
    if not failing[test] then
      if workspace.passes(test) then
        passed = true
      else
        if not fails_without(test, mutant, failing) then return test end
        workspace.put(mutant)
        workspace.build("weir")
      end
    end
  end

  if not passed then give_up("no test of " .. mutant.path .. " passes, even without a mutant") end
end

local function list(given)
  local following, count = main.mutants(given.prefixes, given.seed)
  print(("%d of %d mutants, seed %d:"):format(given.count, count, given.seed))
  for _ = 1, given.count do
    local mutant = following()
    if not mutant then break end
    print(show(mutant))
  end

  return 0
end

-- Counts a mutant in its folder: { ran=, noticed= } by folder.
local function count_in_folder(folders, mutant, noticed)
  local folder = mutant.path:match("^.*/")
  local count = folders[folder] or { ran = 0, noticed = 0 }
  folders[folder] = count
  count.ran = count.ran + 1
  if noticed then count.noticed = count.noticed + 1 end
end

local function rate(noticed, ran)
  return ("%d of %d noticed (%d %%)"):format(noticed, ran, noticed * 100 // math.max(ran, 1))
end

local function print_folders(folders)
  for folder, count in sorted_pairs(folders) do
    print(("mutate: %s: %s"):format(folder, rate(count.noticed, count.ran)))
  end
end

-- Runs `count` mutants that compile; the survivors, how many ran, how many did not compile, and the
-- counts by folder.
local function run_all(given, following)
  local rows, all = suites.map(files.read("tests/README.md")), suites.all()
  local texts = suites.texts(all)
  local survivors, failing, ran, broken, folders = {}, {}, 0, 0, {}
  for mutant in following do
    local plan, near = suites.plan(mutant.path, rows, all, texts)
    if given.near then plan = table.move(plan, 1, near, 1, {}) end
    local began = os.time()
    local noticed = run_one(mutant, plan, failing)
    workspace.restore(mutant)
    if noticed == false then
      broken = broken + 1
    else
      ran = ran + 1
      count_in_folder(folders, mutant, noticed)
      if not noticed then survivors[#survivors + 1] = mutant end
      print(("%2d %s"):format(ran, show(mutant)))
      local outcome = noticed and "noticed by " .. noticed or "SURVIVES"
      print(("   %s, %d s"):format(outcome, os.time() - began))
      io.stdout:flush()
    end

    if ran == given.count then break end
  end

  return survivors, ran, broken, folders
end

local function run(given)
  local following, count = main.mutants(given.prefixes, given.seed)
  local built, message = workspace.prepare()
  if not built then give_up(message) end

  print(("mutate: %d of %d mutants, seed %d"):format(given.count, count, given.seed))
  local survivors, ran, broken, folders = run_all(given, following)
  print_folders(folders)
  print(("mutate: %s, %d more did not compile; seed %d"):format(
    rate(ran - #survivors, ran), broken, given.seed))
  for _, mutant in ipairs(survivors) do print("survivor: " .. show(mutant)) end

  return #survivors == 0 and 0 or 1
end

function main.main(words)
  local given, message = main.arguments(words)
  if not given then give_up(message) end
  return given.list and list(given) or run(given)
end

return main
