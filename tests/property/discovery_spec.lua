-- Discovery over a bucket that changes: what is new is in one manifest, once, whatever the order of
-- pages, pauses and crashes.
local handlers = require("weir.handlers")
local json = require("weir.json")
local memory_s3 = require("support.memory_s3")
local policy_set = require("weir.policy_set")
local property = require("support.property")
local seen = require("weir.events.seen")
local sorted_pairs = require("weir.sorted_pairs")

local set = assert(policy_set.load("policies"))
local SETTINGS = { bucket = "b", output_bucket = "out" }

-- Keys that different orders of sorting would put in different places, with every kind of byte.
local ODD = { "a", "a/b", "a-b", "a b", "a+b", "a%20b", "a\tb", "a\nb", "\u{e9}", "e\u{301}", "//x",
  "x../y", "a\0b",
  "\u{1F680}", "Z", "~", ("k"):rep(1024) }

local function key_of(number)
  return ODD[number % #ODD + 1]:sub(1, 1000) .. ("%02d"):format(number // #ODD)
end

local function discover(s3, options)
  options.settings = options.settings or SETTINGS
  local effects = s3:effects(options)
  local event = { max_pages = options.max_pages, run = options.run }
  local report = handlers.run(handlers.find "discovery", event, set, effects)
  if report.error then return nil, report.error.message, effects end

  return report.result, nil, effects
end

-- Until the run is done, killing it now and then. → the answer
local function whole_run(s3, case, round)
  local crashes = case.crashes[round] or {}
  local name = "round-" .. round
  for _, at in ipairs(crashes) do
    local ok, problem = pcall(discover, s3,
      { page_size = case.page, max_pages = case.pages, crash_at = at, run = name })
    assert.is_true(ok or tostring(problem):find(memory_s3.CRASH, 1, true) ~= nil, problem)
    if ok and problem.done then return problem end
  end

  for _ = 1, 1000 do
    local answer = assert(discover(s3, { page_size = case.page, max_pages = case.pages,
      run = name }))
    if answer.done then return answer end
  end

  error("no end")
end

-- Key → ETag of the jobs of every whole manifest since `from`; raises what is in one twice.
local function jobs_of(s3, manifest_key)
  local index, jobs = assert(json.decode(s3.buckets.out[manifest_key].Body)), {}
  local place, total = manifest_key:match("^(.*/)"), 0
  for number, lines in ipairs(index.lines) do
    local count = 0
    for line in s3.buckets.out[("%spart-%06d.jsonl"):format(place, number)].Body:gmatch("[^\n]+") do
      local job = json.decode(line)
      assert.is_nil(jobs[job.key], "twice: " .. job.key)
      jobs[job.key], count = job.etag, count + 1
    end

    assert.equal(lines, count)
    total = total + count
  end

  assert.equal(index.total_objects, total)

  return jobs
end

describe("discovery", function()
  local limits

  setup(function()
    limits = { seen.SEGMENT_LINES, seen.MOST_HELD }
    seen.SEGMENT_LINES, seen.MOST_HELD = 7, 11
  end)

  teardown(function() seen.SEGMENT_LINES, seen.MOST_HELD = table.unpack(limits) end)

  it("finds what is new and what changed, once, through pauses and crashes", function()
    local changes = property.array(property.int(0, 119), { max = 60 })
    local case = property.map(property.tuple {
      property.int(1, 40), property.int(1, 20), property.array(changes, { min = 1, max = 4 }),
      property.array(property.array(property.int(1, 30), { max = 3 }), { max = 4 }),
    }, function(of) return { page = of[1], pages = of[2], rounds = of[3], crashes = of[4] } end)
    property.check("discovery", case, function(given)
      local s3, known, number = memory_s3.new(), {}, 0
      for round, changed in ipairs(given.rounds) do
        for _, which in ipairs(changed) do
          number = number + 1
          local key = key_of(which)
          local is_gone = which % 5 == 0 and s3.buckets.b[key]
          s3.buckets.b[key] = not is_gone and { Body = "x", ETag = ('"e%d"'):format(number),
            LastModified = "2026-11-20T09:00:01.000Z" } or nil
        end

        local wanted = {}
        for key, object in sorted_pairs(s3.buckets.b) do
          if known[key] ~= object.ETag then wanted[key] = object.ETag:gsub('"', "") end
          known[key] = object.ETag
        end

        local answer = whole_run(s3, given, round)
        assert.same(wanted, jobs_of(s3, answer.manifest_key))
      end

      -- Nothing changed since: neither a manifest line nor a segment is written, none is read.
      local answer, _, effects = discover(s3, { page_size = 1000 })
      assert.same({ true, 0 }, { answer.done, answer.total_objects })
      assert.is_true(effects.requests.PutObject <= 2)
    end)
  end)

  it("goes through its caller where it keeps no checkpoint", function()
    local s3 = memory_s3.new()
    for i = 0, 118 do s3.buckets.b[key_of(i)] = { Body = "x", ETag = '"e"' } end
    local settings = { bucket = "b", output_bucket = "out", checkpoint = "false" }
    local answer
    local event = { max_pages = 2 }

    repeat
      local effects = s3:effects { page_size = 10, settings = settings }
      local report = handlers.run(handlers.find "discovery", event, set, effects)
      answer = assert(report.result, report.error and report.error.message)
      event = json.decode(json.encode { max_pages = 2, progress = answer.progress })
    until answer.done

    local count = 0
    for _ in pairs(jobs_of(s3, answer.manifest_key)) do count = count + 1 end
    assert.same({ 119, 119, true }, { answer.total_objects, count, answer.everything })
  end)
end)
