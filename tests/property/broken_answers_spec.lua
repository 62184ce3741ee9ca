-- What services answer to event_processor, damaged in any way: a member missing, or any value in
-- its place (of S3, whose answers are headers, any text or number). It ends with a result or with a
-- failure that has a code, never with an error of the program; and once the services answer well
-- again, the object is processed.
local json = require "weir.json"
local json_places = require "support.json_places"
local processing_world = require "support.processing_world"
local property = require "support.property"
local random = require "support.random"

local CASES = property.cases(1500)

local ODD = {
  json.null, true, false, 0, -1, 1.5, 1e300, "", "x", "%", '"', ("y"):rep(3000), json.array {}, {},
  json.array { json.null }, { a = 1 }, 9007199254740993, "2026-11-23T12:00:00Z",
}

-- Of headers, which the client of S3 reads as texts and whole numbers.
local ODD_HEADERS = {
  ETag = { "", '"', '""', 'W/"e"', "e" },
  ContentLength = { 0, 1, 9007199254740993 },
  ContentRange = { "", "x", "bytes 0-9/*", "bytes 0-9/99999999999999999999", "bytes */0" },
  LastModified = { "", "x", "2026-11-23T12:00:00Z", "Mon, 99 Foo 2026 99:99:99 GMT" },
  Body = { "", "x", "\x89PNG" },
}

local HEADERS = { "ETag", "ContentLength", "ContentRange", "LastModified" }

local FINAL = { ImageTooLarge = true, EmptyObject = true }

local CALLS = { "HeadObject", "GetObject", "DetectLabels", "Converse", "PutItem", "GetItem" }

local function damaged_headers(answer, source, has_body)
  answer = json_places.copy(answer)
  local name = has_body and source:chance(0.2) and "Body" or source:choice(HEADERS)
  answer[name] = source:choice(ODD_HEADERS[name])
  if name ~= "Body" and source:chance(0.3) then answer[name] = nil end

  return answer
end

local function damaged(answer, source)
  answer = json_places.copy(answer)
  local all = json_places.of(answer)
  if #all == 0 then return answer end
  local parent, name = table.unpack(source:choice(all))
  parent[name] = json_places.copy(source:choice(ODD))
  if math.type(name) ~= "integer" and source:chance(0.3) then parent[name] = nil end

  return answer
end

-- A world whose first answers to one operation, of one delivery, are damaged.
local function damaged_world(source)
  local world = processing_world.new()
  local perform, victim = world.perform, source:choice(CALLS)
  world.put("in/a.png", "1")
  world.is_damaged = true

  world.perform = function(self, request)
    local answer, message, code, details = perform(self, request)
    if not self.is_damaged or request.operation ~= victim then
      return answer, message, code, details
    end

    if answer and answer.LastModified then
      return damaged_headers(answer, source, answer.Body), message, code, details
    end

    if answer then return damaged(answer, source), message, code, details end
    return answer, message, code, damaged(details, source)
  end

  return world, victim
end

local function deliver(world, source)
  local job = { work = "object", bucket = "in", key = "in/a.png", source = "event" }
  if source:chance(0.5) then job = world.event "in/a.png" end
  return world.deliver("event_processor", job)
end

describe("a damaged answer of a service", function()
  it("is a named failure or no matter, and the object is processed after it", function()
    local seed = property.seed {}
    local source = random.new(seed)
    local done, named = 0, 0

    for case = 1, CASES do
      local world, victim = damaged_world(source)
      local where = ("case %d of seed %s, %s"):format(case, seed, victim)
      local ok, report = pcall(deliver, world, source)
      assert.is_true(ok, where .. ": " .. tostring(report))
      local problem = report.error
      assert.is_truthy(report.result or type(problem.code) == "string", where)
      if report.result then done = done + 1 else named = named + 1 end
      assert.is_string(json.encode(report.result or problem), where)

      world.is_damaged = false
      world.time = world.time + 1000
      report = deliver(world, source)
      assert.is_truthy(next(world.finished), where)
      -- A size that S3 tells is believed, and kept as what the object is.
      if not (problem and FINAL[problem.code]) then
        assert.is_nil(report.error and report.error.message, where)
      end
    end

    assert.is_true(done > 0 and named > 0, ("%d results, %d failures"):format(done, named))
  end)
end)
