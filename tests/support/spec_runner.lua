-- Runs spec files in as many processes as there are cores (WEIR_JOBS=n: in n), each file in a
-- process of its own, the longest first.
--
--   local status = spec_runner.run({ "tests/unit", "tests/cli/check_spec.lua" }, program)
--
-- How long a file took is kept in build/spec_seconds for the next run; a file that is not in there
-- is taken for long, the larger one first. The result is an exit status: 0, or the number of
-- failures, at most 125. A process that dies is a failure of its file.
local files = require("support.files")
local sorted_pairs = require("weir.sorted_pairs")
local spec_log = require("support.spec_log")

local spec_runner = {}

local WORKER = "tests/support/spec_worker.sh"
local MOST = 125

local function spec_files_below(path)
  local pipe = assert(io.popen("find " .. files.quote(path)
    .. " -name '*_spec.lua' -type f -printf '%s %p\\n' 2>/dev/null"))
  local found = {}
  for line in pipe:lines() do
    local bytes, file = line:match("^(%d+) (.+)$")
    found[#found + 1] = { path = file, bytes = tonumber(bytes) }
  end

  pipe:close()

  -- Busted itself reports a path that is missing or empty.
  if #found == 0 then found[1] = { path = path, bytes = 0 } end
  return found
end

local function read_seconds(path)
  local seconds = {}
  if not files.exists(path) then return seconds end
  for line in io.lines(path) do
    local taken, file = line:match("^(%d+%.%d+) (.+)$")
    if file then seconds[file] = tonumber(taken) end
  end

  return seconds
end

local function write_seconds(path, seconds)
  local lines = {}
  for file, taken in sorted_pairs(seconds) do
    lines[#lines + 1] = ("%.3f %s\n"):format(taken, file)
  end

  files.write(path, table.concat(lines))
end

local function is_longer(a, b)
  if a.expected ~= b.expected then return a.expected > b.expected end
  if a.bytes ~= b.bytes then return a.bytes > b.bytes end
  return a.path < b.path
end

-- The spec files of these paths, each once, the longest first.
local function queue_of(paths, seconds)
  local queue, seen = {}, {}
  for _, path in ipairs(paths) do
    for _, spec in ipairs(spec_files_below(path)) do
      spec.expected = seconds[spec.path] or math.huge
      if not seen[spec.path] then queue[#queue + 1] = spec end
      seen[spec.path] = true
    end
  end

  table.sort(queue, is_longer)
  return queue
end

local function jobs()
  return tonumber(os.getenv("WEIR_JOBS")) or tonumber(files.lines_of("nproc")[1])
end

-- Starts the workers: each takes the next file of the queue when it has ended one.
local function start(queue, folder, program)
  local words = {}
  for number, spec in ipairs(queue) do
    words[#words + 1] = ("%d\n%s\n"):format(number, spec.path)
  end

  local list = files.write(folder .. "/queue", table.concat(words))

  return assert(io.popen(("xargs -a %s -d '\\n' -n 2 -P %d sh %s %s %s"):format(files.quote(list),
    jobs(), WORKER, files.quote(program), files.quote(folder))))
end

local function show(spec, done, all)
  local result = spec.result
  io.write(("[%d/%d] %s: %d passed"):format(done, all, spec.path, result.successes))
  if result.failures + result.errors > 0 then
    io.write((", %d FAILED"):format(result.failures + result.errors))
  end

  io.write((" (%.1f s)\n"):format(spec.seconds))
  io.flush()
end

local function take_results(pipe, queue, folder, seconds)
  local done = 0
  for line in pipe:lines() do
    local number, status, milliseconds = line:match("^(%d+) (%d+) (%d+)$")
    local spec = assert(queue[tonumber(number)], line)
    spec.seconds = tonumber(milliseconds) / 1000
    spec.result = spec_log.read(spec.path, ("%s/%s.log"):format(folder, number), tonumber(status))
    seconds[spec.path] = spec.seconds

    done = done + 1
    show(spec, done, #queue)
  end

  pipe:close()

  for number, spec in ipairs(queue) do
    spec.result = spec.result or spec_log.lost(spec.path, ("%s/%d.log"):format(folder, number))
  end
end

-- Prints the failures, then the sum as Busted does; the sum.
local function tell(queue, clock)
  local sum = { successes = 0, failures = 0, errors = 0, pending = 0 }
  for _, spec in ipairs(queue) do
    for name in pairs(sum) do sum[name] = sum[name] + spec.result[name] end
    if spec.result.text ~= "" then io.write("\n", spec.result.text, "\n") end
  end

  io.write(("\n%d successes / %d failures / %d errors / %d pending : %.6f seconds\n"):format(
    sum.successes, sum.failures, sum.errors, sum.pending, clock))
  return sum
end

function spec_runner.run(paths, program)
  local process = require("weir.process")
  local begin = process.clock()
  local seconds_path = "build/spec_seconds"
  local seconds = read_seconds(seconds_path)
  local queue = queue_of(paths, seconds)
  local folder = files.lines_of("mktemp -d \"${TMPDIR:-/tmp}/weir_specs_XXXXXX\"")[1]
  files.shell("chmod 755 " .. files.quote(folder)) -- some specs run programs as another user

  take_results(start(queue, folder, program), queue, folder, seconds)
  local sum = tell(queue, (process.clock() - begin) / 1000)
  write_seconds(seconds_path, seconds)
  files.remove(folder)

  return math.min(sum.failures + sum.errors, MOST)
end

return spec_runner
