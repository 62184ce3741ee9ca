-- What weir keeps between two invocations, damaged in any way: cut short, of another shape, with
-- any value where it had another. Each handler that reads it ends with the right result or with a
-- failure that has a code, never with an error of the program.
local effects = require "weir.effects"
local handlers = require "weir.handlers"
local json = require "weir.json"
local json_places = require "support.json_places"
local policy_set = require "weir.policy_set"
local property = require "support.property"
local random = require "support.random"
local sha256 = require "weir.sha256"

local CASES = property.cases(300)

local set = assert(policy_set.load "policies")
local source

local ODD = {
  json.null, true, false, 0, -1, 1.5, 1e300, "", "x", "%", ("y"):rep(3000), json.array {}, {},
  json.array { json.null }, { a = 1 }, 9007199254740993, "2026-11-23T12:00:00Z",
}

local function mutated(value)
  value = json_places.copy(value)
  for _ = 1, source:integer(1, 2) do
    local all = json_places.of(value)
    if #all > 0 then
      local parent, name = table.unpack(source:choice(all))
      parent[name] = json_places.copy(source:choice(ODD))
      if math.type(name) ~= "integer" and source:chance(0.3) then parent[name] = nil end
    end
  end

  return value
end

-- A value as text: as it is, cut short, or with something else in it.
local function text_of(value)
  local how = source:integer(1, 4)
  if how == 1 then return json.encode(value) end
  if how == 2 then return json.encode(value):sub(1, source:integer(0, #json.encode(value))) end

  return json.encode(mutated(value))
end

local MANIFEST = { schema = "weir.manifest/1", bucket = "b", prefix = "", total_bytes = 15,
  lines = json.array { 2, 1 }, total_objects = 3, largest_bytes = 5 }
local JOB = { key = "in/a.png", bucket = "b", work = "object", size = 5 }
local NOTE = { position = 1, failed = 0 }
local LETTER = { schema = "weir.dead_letter/1", reason = "r", code = "c", time = "t",
  event = { source = "aws.s3", ["detail-type"] = "Object Created", detail = {
    bucket = { name = "b" }, object = { key = "in/a.png", size = 5, etag = "e" } } } }
local PROGRESS = { run = "x", ignored = 0, dead_letters = 0, segments = json.array {}, old = 1,
  listed = 1, new = 1, changed = 0, missing = 0, after = "A", last = "A",
  manifest = { lines = json.array { 1 }, total_objects = 1, total_bytes = 1, largest_bytes = 1 } }
local CHECKPOINT = { schema = "weir.checkpoint/1", source = "s3://b/ ", runs = 1,
  segments = json.array { { first = "a", name = "segment", digest = "d", count = 1 } },
  garbage = json.array { "old" }, last = { run = "r0", answer = { done = true } },
  progress = PROGRESS }
local CLAIM = { object = "b/in/a.png", etag = "e", revision = 2, sequencer = "0A",
  last_modified = 1795435200000,
  ways = {
    events = { mode = "events_first", status = "finished", owner = "o", lease_until = 5,
      attempts = 1, duplicates = 0, finished_at = 1, result = '{"status":"SUCCESS"}' },
    polling = { mode = "parallel", status = "working", owner = "o", lease_until = 5000000000,
      attempts = 1 },
  } }
local PLACE = ("weir/discovery/checkpoints/%s/"):format(sha256.hex("s3://b/ "):sub(1, 12))

local function world()
  local objects = {
    ["in/a.png"] = "\137PNG\r\n\26\nxx",
    ["m/manifest.json"] = text_of(MANIFEST),
    ["m/part-000001.jsonl"] = text_of(JOB) .. "\n" .. text_of(JOB) .. "\n",
    ["m/part-000002.jsonl"] = text_of(JOB) .. "\n",
    ["m/progress/lane-0-of-2.json"] = text_of(NOTE),
    ["dead-letters/x.json"] = text_of(LETTER),
    [PLACE .. "state.json"] = text_of(CHECKPOINT),
    [PLACE .. "segments/segment"] = source:choice {
      "+a\te\t5\tt\n", "", "+a", "x", "+a\n", "-a\t\t\t\n",
    },
  }

  local answers = {}
  for key, text in pairs(objects) do answers[key] = { Body = text, ETag = '"e"' } end
  local listed = { Key = "in/a.png", Size = 5, ETag = '"e"',
    LastModified = "2026-11-23T12:00:00.000Z" }

  return {
    ["s3.GetObject"] = answers,
    ["s3.HeadObject"] = { ["in/a.png"] = { ETag = '"e"', ContentLength = 10 } },
    ["s3.ListObjectsV2"] = {
      b = { Contents = json.array { listed } },
      dead = { Contents = json.array { { Key = "dead-letters/x.json", Size = 1 } } },
    },
    ["dynamodb.GetItem"] = {
      ["b/in/a.png"] = { Item = mutated(CLAIM) },
      ["progress:b/*"] = { Item = mutated { object = "progress:b/*", after = "A" } },
    },
    ["dynamodb.PutItem"] = {
      ["b/in/a.png"] = { failure = { code = "ConditionalCheckFailedException", message = "held" } },
    },
    ["rekognition.DetectLabels"] = { ["in/a.png"] = { Labels = json.array {} } },
  }
end

local CONFIG = { claims_table = "claims", output_bucket = "b", source_bucket = "b",
  trigger_mode = "events_first", state_machine = "arn:machine", dead_letter_bucket = "dead",
  bucket = "b", endpoint_name = "e" }

local function state(etag, more)
  local job = { work = "object", bucket = "b", key = "in/a.png", etag = etag, size = 5 }
  for name, value in pairs(more or {}) do job[name] = value end
  return { job = job }
end

local EVENTS = {
  discovery = {
    {}, { run = "r0" }, { batch_manifest_of = "m/manifest.json", manifest_bucket = "b" },
  },
  event_map = { { redrive = true } },
  event_processor = {
    state "e", state("e2", { sequencer = "0B" }),
    state("e2", { source = "listing", time = "2026-11-23T12:00:00Z" }),
  },
  realtime_inference = {
    { manifest_bucket = "b", manifest_key = "m/manifest.json", lane = 0, lanes = 2,
      endpoint_name = "e", output_bucket = "o", output_prefix = "p" },
  },
  reconcile = { {} },
}

describe("what is damaged", function()
  it("is a copy, at every place", function()
    local value, names = { a = json.array { 1, { b = 2 } }, c = 3 }, {}
    for i, place in ipairs(json_places.of(value)) do names[i] = place[2] end
    assert.same({ "a", 1, 2, "b", "c" }, names)

    local copied = json_places.copy(value)
    copied.a[2].b = nil
    assert.equal(2, value.a[2].b)
    assert.is_true(json.is_array(copied.a))
  end)
end)

for name, events in require "weir.sorted_pairs"(EVENTS) do
  describe("damage to what is kept", function()
    it("is a named failure or no matter to " .. name, function()
      local seed = property.seed {}
      source = random.new(seed)
      local done, named = 0, 0
      for case = 1, CASES do
        local given = world()
        local dry = effects.dry { config = CONFIG, world = given }
        local report = handlers.run(handlers.find(name), source:choice(events), set, dry)
        local problem = report.error
        local where = ("case %d of seed %s: %s"):format(case, seed, problem and problem.message)
        assert.truthy(report.result or problem.code, where)
        assert.is_nil(problem and problem.message:find("stack traceback", 1, true), where)
        if report.result then done = done + 1 else named = named + 1 end
      end

      assert.is_true(done > 0, named .. " failures and no result")
    end)
  end)
end
