-- Does the same set decide the same in many processes? Replays the corpus of tests/determinism, and
-- the recorded day, in 20 processes each, in two directories and with different numbers of jobs,
-- and counts the digests. Not a measure of speed.
--   ./dev bench determinism
package.path = "tests/?.lua;tests/bench/?.lua;" .. package.path
local contest = require "contest"
local determinism = require "support.determinism"
local run = require "support.run"

local PROCESSES = math.max(4, contest.count(20))
local JOBS = { "1", "2", "3", "64" }

local function count_digests(recording, sets)
  local digests, different = {}, 0
  for i = 1, PROCESSES do
    local result = run { "replay", recording, "-p", sets[i % #sets + 1], "--quiet", "--jobs",
      JOBS[i % #JOBS + 1], timeout = 600 }
    local digest = assert(determinism.digest(result.stdout), result.stderr)
    if not digests[digest] then different = different + 1 end
    digests[digest] = true
  end

  return different
end

local folder = run.directory {}
local function copy_of(set, name)
  local path = ("%s/%s"):format(folder, name)
  assert(os.execute(("mkdir -p %s && cp -r %s/* %s"):format(run.quote(path), set, run.quote(path))))
  return path
end

local corpus = folder .. "/corpus.jsonl"
determinism.write_recording(corpus)

for _, one in ipairs {
  {
    name = "corpus",
    recording = corpus,
    sets = {
      determinism.set,
      copy_of(determinism.set, "a copy/with a rather long name/of its own"),
    },
  },
  {
    name = "working day",
    recording = "tests/recordings/working-day.jsonl.gz",
    sets = { "policies", copy_of("policies", "other") },
  },
} do
  contest.print({
    name = one.name,
    unit = "digests",
    equal_work = ("%d processes replay the same recording, in two directories, by 1 to 64 jobs")
      :format(PROCESSES),
    target = { of = "ours", most = 1 },
  }, { ours = { count_digests(one.recording, one.sets) } })
end
run.remove(folder)
