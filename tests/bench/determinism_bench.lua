-- Does the same set decide the same in many processes? Replays the corpus of tests/determinism, and
-- the recorded day, in 20 processes each, in two directories and with different numbers of jobs,
-- and counts the digests. Not a measure of speed.
package.path = "tests/?.lua;" .. package.path
local determinism = require "support.determinism"
local run = require "support.run"

local PROCESSES = 20
local JOBS = { "1", "2", "3", "64" }

local function count_digests(recording, sets)
  local digests, different = {}, 0
  for i = 1, PROCESSES do
    local result = run { "replay", recording, "-p", sets[i % #sets + 1], "--quiet", "--jobs",
      JOBS[i % #JOBS + 1],
      timeout = 600 }
    local digest = assert(determinism.digest(result.stdout), result.stderr)
    if not digests[digest] then different = different + 1 end
    digests[digest] = true
  end

  return different, next(digests)
end

local function report(what, recording, sets)
  local different, digest = count_digests(recording, sets)
  print(("%-14s %d processes, %d directories: %d digest%s, %s (%s)"):format(what, PROCESSES, #sets,
    different,
    different == 1 and "" or "s", digest, different == 1 and "met" or "not met"))
end

local folder = run.directory {}
local function copy_of(set, name)
  local path = ("%s/%s"):format(folder, name)
  assert(os.execute(("mkdir -p %s && cp -r %s/* %s"):format(run.quote(path), set, run.quote(path))))
  return path
end

local recording = folder .. "/corpus.jsonl"
determinism.write_recording(recording)
report("corpus", recording, {
  determinism.set,
  copy_of(determinism.set, "a copy/with a rather long name/of its own")
})
report("working day", "tests/recordings/working-day.jsonl.gz", {
  "policies",
  copy_of("policies", "other")
})
run.remove(folder)
