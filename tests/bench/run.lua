-- Every benchmark in one process tree: the C programs of tests/bench, then its scripts in Lua and
-- JavaScript. Called by ./dev bench:
--
--   ./dev bench [--json] [--quick] [NAME…]    NAME as in tests/bench/NAME_bench.*
--
-- Slowness never fails; a benchmark that cannot measure does, with exit status 1. How rows are
-- made, and what each figure of --json means: tests/bench/README.md.
package.path = "tests/?.lua;tests/bench/?.lua;" .. package.path
local contest = require "contest"
local files = require "support.files"
local json = require "weir.json"
local rows = require "rows"

local function usage(problem)
  io.stderr:write("bench: ", problem, "\nexpected: ./dev bench [--json] [--quick] [NAME…]\n")
  os.exit(2)
end

local function parse(words)
  local given = { names = {} }
  for _, word in ipairs(words) do
    if word == "--json" or word == "--quick" then
      given[word:sub(3)] = true
    elseif word:sub(1, 1) == "-" then
      usage("there is no option " .. word)
    else
      given.names[#given.names + 1] = word
    end
  end

  return given
end

local PROGRAMS = contest.weir:match("^(.*)/") .. "/tests/"

-- NAME_bench.c is a program beside weir; the scripts bring the command that runs them.
local COMMANDS = {
  c = function(name) return PROGRAMS .. name .. "_bench" end,
  lua = function(name, path) return files.quote(contest.weir) .. " lua " .. path, name end,
  mjs = function(name, path) return "node " .. path, name end,
}

local function all_benches()
  local list = {}
  for _, path in ipairs(files.lines_of("ls tests/bench/*_bench.*")) do
    local name, kind = path:match("([%w_]+)_bench%.(%w+)$")
    list[#list + 1] = { name = name, command = COMMANDS[kind](name, path) }
  end

  return list
end

local function chosen(names)
  local all, by_name, list = all_benches(), {}, {}
  for _, bench in ipairs(all) do by_name[bench.name] = bench end
  for _, name in ipairs(names) do
    if not by_name[name] then
      usage(("there is no benchmark %q; they are tests/bench/NAME_bench.*"):format(name))
    end

    list[#list + 1] = by_name[name]
  end

  return #list > 0 and list or all
end

-- The peers that load AWS's SDK, as one file each, as functions are deployed.
local function make_bundles()
  files.shell("mkdir -p build/bench")
  for _, name in ipairs { "node_loop", "dynamodb_requests" } do
    files.shell(("tests/node_modules/.bin/esbuild tests/bench/%s.mjs --bundle --platform=node "
      .. "--format=esm --minify --log-level=error --outfile=build/bench/%s_bundled.mjs "
      .. "--banner:js='import{createRequire}from\"module\";"
      .. "const require=createRequire(import.meta.url);'"):format(name, name))
  end
end

-- Runs one benchmark, and hands each row on as soon as it is there; false when it failed.
local function run(bench, each)
  local pipe = assert(io.popen(bench.command))
  for line in pipe:lines() do
    local row, problem = json.decode(line)
    if not row then error(("%s printed no row (%s): %s"):format(bench.name, problem, line), 0) end
    each(rows.summary(bench.name, row))
  end

  return (pipe:close())
end

-- All benchmarks inherit the processors that they may use from here, ours and theirs alike.
local function machine()
  local processor = files.read("/proc/cpuinfo"):match("model name%s*:%s*([^\n]+)")
  local status = files.read("/proc/self/status")
  return {
    processor = processor,
    allowed_cpus = status:match("Cpus_allowed_list:%s*(%S+)"),
    load = tonumber(files.read("/proc/loadavg"):match("^%S+")),
    node = files.lines_of("node --version")[1],
  }
end

local given = parse(arg)
local environment = ("WEIR_BENCH_PROGRAM=%s %s"):format(files.quote(contest.weir),
  given.quick and "WEIR_BENCH_QUICK=1 " or "")
local found, failed = {}, {}
local benches = chosen(given.names)
make_bundles()

for _, bench in ipairs(benches) do
  if not given.json then print("\n== " .. bench.name) end
  bench.command = environment .. bench.command
  local well = run(bench, function(one)
    found[#found + 1] = one
    if not given.json then print(rows.show(one)) end
  end)

  if not well then failed[#failed + 1] = bench.name end
end

if given.json then
  print(json.encode { machine = machine(), rows = json.array(found), failed = json.array(failed) })
end

for _, name in ipairs(failed) do
  io.stderr:write(("bench: %s failed; what it says is above\n"):format(name))
end
os.exit(#failed == 0 and 0 or 1)
