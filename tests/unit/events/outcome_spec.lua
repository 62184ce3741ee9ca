local json = require "weir.json"
local memory_s3 = require "support.memory_s3"
local outcome = require "weir.events.outcome"
local trigger_mode = require "weir.events.trigger_mode"
local try = require "weir.try"

local function child(key, failure, cause)
  return {
    Input = json.encode { job = { key = key, bucket = "b", work = "object" }, delivered_at = "t" },
    Status = "FAILED",
    Error = failure,
    Cause = cause,
  }
end

local function raised(message)
  return json.encode { errorMessage = message, errorType = "X", stackTrace = json.array {} }
end

describe("what became of the jobs of a manifest", function()
  local memory, mode

  before_each(function()
    memory, mode = memory_s3.new(), "polling"
    trigger_mode.forget()
  end)

  local function keep(key, value) memory.buckets.out[key] = { Body = json.encode(value) } end

  -- The results of a Map run with these failures → what is asked of it
  local function asked(failures, more)
    keep("m/FAILED_0.json", json.array(failures))
    keep("m/manifest.json", { ResultFiles = {
      SUCCEEDED = { { Key = "m/SUCCEEDED_0.json", Size = 1 << 40 } },
      FAILED = { { Key = "m/FAILED_0.json", Size = 2000 } },
      PENDING = json.array {},
    } })

    local event = {
      outcome_of = { Bucket = "out", Key = "m/manifest.json" },
      counts = { Total = 5, Succeeded = 5 - #failures },
      total_objects = 5,
      bucket = "out",
      place = "manifests/1/",
      execution_before = { Id = "arn:x" },
      execution_now = { Id = "arn:x" },
    }
    for name, value in pairs(more or {}) do event[name] = value end

    return try.call(outcome.of, event,
      memory:effects { settings = { trigger_mode = mode } })
  end

  local function fails(code, wanted, ...)
    local answer, message, found = asked(...)
    assert.same({ nil, code }, { answer, found }, message)
    for _, words in ipairs(wanted) do assert.matches(words, message, 1, true) end
  end

  local TWO = { child("in/a.gif", "UnsupportedImage", raised "it is a GIF"),
    child("in/b.png", "States.Timeout") }

  it("is the number that failed, and the first with its reason", function()
    fails("JobsFailed", { "2 of 5 jobs failed; the first is in/a.gif: UnsupportedImage: it is a "
      .. "GIF; redrive the execution and it does these again: aws stepfunctions "
      .. "redrive-execution --execution-arn arn:x" }, TWO)
    fails("JobsFailed", { "in/b.png: States.Timeout: no cause was given" }, { TWO[2] })
    fails("JobsFailed", { "in/c: E: plain" }, { child("in/c", "E", "plain") })
    fails("JobsFailed", { "in/c: E: [1]" }, { child("in/c", "E", "[1]") })
    fails("JobsFailed", { ("x"):rep(300) .. "…;" }, { child("in/c", "E", ("x"):rep(301)) })
  end)

  it("is another failure where some were not tried at all", function()
    fails("TriggerModeChanged", { "1 of 5", "polling or parallel" },
      { child("in/c", "TriggerModeChanged") })
    fails("TriggerModeChanged", { "3 of 5 jobs failed; the first is in/a.gif" },
      { TWO[1], TWO[2], child("in/c", "TriggerModeChanged") })
  end)

  it("is that the manifest was cut short where the run had fewer jobs", function()
    fails("ManifestCutShort", { "the Map run had 4 jobs, and the manifest manifests/1/ has 5" },
      {}, { counts = { Total = 4, Succeeded = 4 } })
    fails("JobsFailed", { "1 of 5" }, { TWO[1] }, { counts = { Total = 6, Succeeded = 5 } })
  end)

  it("is the failed jobs alone when the execution is redriven", function()
    local again = asked(TWO, { execution_before = { RedriveCount = 1 },
      execution_now = { Id = "arn:x", RedriveCount = 2 } })
    assert.same({ place = "manifests/1/redrive-2/", total_objects = 2 }, again)
    local part = memory.buckets.out["manifests/1/redrive-2/part-000001.jsonl"].Body
    assert.equal('{"bucket":"b","key":"in/a.gif","work":"object"}\n'
      .. '{"bucket":"b","key":"in/b.png","work":"object"}\n', part)
  end)

  it("is all jobs again where not every failed one is told", function()
    local all = { place = "manifests/1/", total_objects = 5 }
    local redriven = { execution_now = { Id = "arn:x", RedriveCount = 1 } }
    local function again(failures, more)
      for name, value in pairs(redriven) do more[name] = value end
      return asked(failures, more)
    end

    assert.same(all, again({ TWO[1] }, { counts = { Total = 5, Succeeded = 3 } }))
    assert.same(all, again({}, { counts = { Total = 4, Succeeded = 4 } }))
    assert.same(all, again({ { Error = "E", Input = "no JSON" } }, {}))
  end)

  it("reads at most 8 MB of failures, and then asks for the trigger mode", function()
    local function many()
      keep("m/manifest.json", { ResultFiles = {
        FAILED = { { Key = "m/none.json", Size = (8 << 20) + 1 } },
      } })

      return try.call(outcome.of, {
        outcome_of = { Bucket = "out", Key = "m/manifest.json" },
        counts = { Total = 9000, Succeeded = 0 },
        total_objects = 9000,
        bucket = "out",
        place = "manifests/1/",
        execution_before = { Id = "arn:x" },
        execution_now = { Id = "arn:x", RedriveCount = 0 },
      }, memory:effects { settings = { trigger_mode = mode } })
    end

    local _, message, code = many()
    assert.equal("JobsFailed", code)
    assert.matches("9000 of 9000 jobs failed; the results are beside m/manifest.json", message, 1,
      true)
    mode = "events"
    assert.equal("TriggerModeChanged", select(3, many()))
  end)

  it("is refused where it is asked in another form", function()
    for name, value in pairs { counts = { Total = "5" }, total_objects = -1, bucket = "",
      place = 7, execution_now = { Id = 7 }, execution_before = "arn:x",
      outcome_of = { Bucket = "out" } } do
      local _, _, code = asked(TWO, { [name] = value })
      assert.equal("InvalidEvent", code, name)
    end

    local _, _, code = asked(TWO, { counts = json.null })
    assert.equal("InvalidEvent", code)
  end)
end)
