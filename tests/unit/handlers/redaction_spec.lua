-- No secret of an event reaches a decision, the decision log, a plan or an error: by its name, by
-- its value, or by its look, however it was wrapped.
local bytes = require "weir.bytes"
local effects = require "weir.effects"
local emf = require "weir.emf"
local handlers = require "weir.handlers"
local json = require "weir.json"
local policy_set = require "weir.policy_set"
local redact = require "weir.redact"
local run = require "support.run"
local secret = require "weir.secret"
local token_search = require "support.token_search"

-- As Step Functions gives them, a short one of another kind, and a long one that does not begin so.
local REAL = "AQCEAAAAKgAAAAMAAAAAAAAAAYJ5kWq3T" .. ("Zr+8/qLw0N"):rep(60) .. "=="
local BARE = "AAAAKgAAAAIAAAAAAAAAAQ5kWq3TnB7/Zr+8qLw0Np=="
local LONG = ("b7Xq_-9Kd2"):rep(26)
local SHORT = "hush-hush-42"

local function each_byte(text, format)
  return (text:gsub(".", function(c) return format:format(c:byte()) end))
end

-- How a text may stand in another one.
local WRAPPERS = {
  plain = function(text) return text end,
  sentence = function(text) return "token '" .. text .. "' was refused" end,
  json = function(text) return json.encode { token = text } end,
  json_twice = function(text) return json.encode { body = json.encode { note = text } } end,
  json_thrice = function(text)
    return json.encode { a = json.encode { b = json.encode { c = text } } }
  end,
  slashes = function(text) return (json.encode { note = text }:gsub("/", "\\/")) end,
  unicode = function(text) return '{"note":"' .. each_byte(text, "\\u%04x") .. '"}' end,
  unicode_twice = function(text)
    return json.encode { body = '{"note":"' .. each_byte(text, "\\u%04X") .. '"}' }
  end,
  percent = function(text) return "note=" .. each_byte(text, "%%%02X") end,
  percent_json = function(text) return each_byte(json.encode { note = text }, "%%%02x") end,
  percent_twice = function(text) return "note=" .. each_byte(text, "%%25%02X") end,
  base64 = function(text) return bytes.base64(text) end,
  base64_of_json = function(text) return bytes.base64(json.encode { n = 1, note = text }) end,
  base64_for_urls = function(text)
    return (bytes.base64("xx" .. text):gsub("+", "-"):gsub("/", "_"):gsub("=", ""))
  end,
  json_in_base64_in_json = function(text)
    return json.encode { data = bytes.base64(json.encode { note = text }) }
  end,
  references = function(text) return each_byte(text, "&#x%x;") end,
  url = function(text) return "https://host/path?x=1&note=" .. text .. "&y=2" end,
}

local function event_with(copy, token)
  return {
    source = "aws.s3",
    ["detail-type"] = "Object Created",
    task_token = token,
    note = copy,
    detail = {
      bucket = { name = "b" },
      object = { key = "k", size = 1, etag = "e", metadata = { list = { "x", copy } } },
      [copy] = true,
    },
    Sns = { Message = json.encode { note = copy, deep = json.encode { copy } } },
  }
end

local set = assert(policy_set.load "policies")

local function map(event)
  local lines, dry = {}, effects.dry { config = { state_machine = "arn:x" } }
  local decoded = assert(json.decode(json.encode(event), { secrets = true }))
  local report = handlers.run(handlers.find "mapping", decoded, set, dry,
    { log = function(line) lines[#lines + 1] = line return true end })
  return report, table.concat(lines, "\n")
end

local function shown(report)
  return json.encode(redact.value { decisions = report.decisions, plan = report.effects.plan,
    result = report.result, error = report.error })
end

describe("a secret of an event", function()
  for name, wrap in pairs(WRAPPERS) do
    it("stays out of log, plan and decision: " .. name, function()
      for _, token in ipairs { REAL, BARE, LONG } do
        local report, log = map(event_with(wrap(token), nil))
        assert.is_nil(report.error and report.error.message)
        assert.equal("job", report.decisions[1].action)
        token_search.check(log, token)
        token_search.check(shown(report), token)
      end
    end)

    it("stays out when it is short and named somewhere: " .. name, function()
      local report, log = map(event_with(wrap(SHORT), SHORT))
      assert.equal("job", report.decisions[1].action)
      token_search.check(log, SHORT)
      token_search.check(shown(report), SHORT)
    end)
  end

  it("is named only inside of a text inside of a text", function()
    for _, inner in ipairs { json.encode { taskToken = SHORT },
      json.encode(json.encode { taskToken = SHORT }),
      "line 3: " .. json.encode { taskToken = SHORT } .. " refused", "https://h/?x=1&task_token="
        .. SHORT,
      json.encode { 1, json.encode(bytes.base64(json.encode { taskToken = SHORT })) },
      bytes.base64(json.encode { taskToken = SHORT }),
        each_byte(json.encode { taskToken = SHORT }, "%%%02X") } do
      for _, event in ipairs {
        { source = "aws.s3", ["detail-type"] = "Object Created", Message = inner, copy = SHORT,
          detail = { bucket = { name = "b" }, object = { key = "k", size = 1, etag = "e" } } },
        { Records = { { eventSource = "aws:sqs",
          body = json.encode { source = "aws.s3", Message = inner,
          ["detail-type"] = "Object Created", copy = SHORT,
          detail = { bucket = { name = "b" },
            object = { key = "k", size = 1, etag = "e" } } } } } },
      } do
        local report, log = map(event)
        assert.equal("job", report.decisions[1].action)
        token_search.check(log, SHORT)
        token_search.check(shown(report), SHORT)
      end
    end
  end)

  it("is not a part of a job: the event is refused, and says where", function()
    for _, key in ipairs { "in/" .. REAL, "in/" .. BARE } do
      local event = event_with("x", nil)
      event.detail.object.key = key
      local report = map(event)
      assert.equal("InvalidEvent", report.error.code)
      assert.matches("event 1 of 1: idempotency_key, key of the job looks like a task token",
        report.error.message)
      token_search.check(shown(report), key)
      assert.same({}, report.effects.plan)
    end
  end)

  it("is noted where it was, and the line replays", function()
    local report, log = map(event_with("see " .. BARE, SHORT))
    local line = assert(json.decode(log))
    assert.same({ "/event/Sns/Message", "/event/detail/object/metadata/list/1",
      "/event/detail/see [redacted]",
      "/event/note", "/event/task_token" },
        (function(list) table.sort(list) return list end)(line.redacted))
    assert.equal("see [redacted]", line.facts.event.note)
    assert.same(line.redacted, report.decisions[1].redacted)

    local folder = run.directory { ["log.jsonl"] = log .. "\n" }
    local result = run { "replay", folder .. "/log.jsonl", "-p", "policies", "--json" }
    run.remove(folder)
    assert.equal(0, result.status, result.stdout .. result.stderr)
    assert.matches('"identical":1', result.stdout)
  end)

  it("is one of at most 1000: an event with more is refused, and shows none", function()
    local tokens = json.array {}
    for i = 1, 1001 do tokens[i] = ("token-%04d"):format(i) end
    local report, log = map { source = "x", tokens = tokens, note = tokens[1001] }
    assert.same({ "InvalidEvent", "" }, { report.error.code, log })
    assert.matches("more secrets than are kept out", report.error.message)
    assert.is_nil(shown(report):find("token-1001", 1, true))

    tokens[1001] = nil
    report, log = map {
      source = "x",
      tokens = tokens,
      note = "see " .. tokens[1000] .. ", " .. tokens[1],
    }

    assert.is_nil(report.error)
    assert.is_nil(log:find("token-%d"))
  end)

  it("costs no more than the event is long", function()
    for _, text in ipairs { ("{"):rep(200000) .. '"', ('{"'):rep(100000), "ex" .. ("="):rep(200000)
      .. "x",
      ("%7b"):rep(60000), ("?a="):rep(60000), ('"'):rep(200000), ("\\"):rep(100000) } do
      redact.forget()
      redact.note { text = text } -- a quadratic search would not end
      assert.equal("as it is", redact.text("as it is"))
    end
  end)

  it("stays out of errors that quote it", function()
    local handler = {
      name = "h",
      run = function(event) return nil, "no '" .. event.note .. "' here", "Nope" end,
    }

    local event = assert(json.decode(json.encode { token = SHORT, note = "a " .. SHORT .. " b" },
      { secrets = true }))
    assert.equal("no 'a [redacted] b' here",
      handlers.run(handler, event, nil, effects.dry {}).error.message)
  end)

  it("stays out of dimensions that a collector knows from before it was a secret", function()
    local collector = emf.collector { namespace = "n", dimensions = {}, properties = {} }
    for _, job in ipairs { "job " .. SHORT, "job [redacted]", "job " .. SHORT } do
      local live = effects.of_invocation { environment = {}, collector = collector }
      if job:find "redacted" then redact.note { token = secret.wrap(SHORT) } end
      live:metric("M", 1, "Count", { Job = "job " .. SHORT })
      assert.equal(job, assert(json.decode(collector:lines())).Job)
    end
  end)

  it("stays out of what a handler always measures, which a collector knows as a series", function()
    local collector = emf.collector { namespace = "n", dimensions = {}, properties = {} }
    local measured = { { name = "M", unit = "Count", dimensions = { Job = "job " .. SHORT } } }
    local environment, series = { use_case = false }, {}
    for i, job in ipairs { "job " .. SHORT, "job [redacted]", "job " .. SHORT } do
      local live = effects.of_invocation {
        environment = environment,
        collector = collector,
        series = series,
      }
      if job:find "redacted" then redact.note { token = secret.wrap(SHORT) } end
      live:measure(measured, i)
      local document = assert(json.decode(collector:lines()))
      assert.same({ job, i }, { document.Job, document.M })
    end

    assert.is_not_nil(series[measured])
  end)

  it("stays out of metrics' dimensions and a plan's target", function()
    local dry = effects.dry {}
    redact.note { token = secret.wrap(SHORT) }
    dry:metric("M", 1, "Count", { Job = "job " .. SHORT })
    dry:call {
      service = "s3",
      operation = "PutObject",
      target = "in/" .. BARE,
      input = { Bucket = "b", Key = SHORT },
    }

    assert.equal("job [redacted]", dry.metrics[1].dimensions.Job)
    assert.matches("%[redacted%]$", dry.plan[1].target)
    assert.equal("[redacted]", dry.plan[1].input.Key)
  end)
end)

describe("redaction", function()
  before_each(redact.forget)

  it("leaves alone what is not a secret", function()
    for _, text in ipairs {
      "", "k",
      "arn:aws:sagemaker:eu-west-1:111122223333:transform-job/weir-nightly-7-0123456789abcdef",
      ("sha256:" .. ("0123456789abcdef"):rep(4)), ("a b "):rep(200), ("x"):rep(255),
        ("word/word.csv "):rep(40),
      ("scans/2026-11-22/"):rep(30), -- '-' and '/' are not of one alphabet
    } do assert.equal(text, redact.text(text)) end
  end)

  it("hides a run of 256 characters of either alphabet, and 255 not", function()
    for _, part in ipairs { "aB3+/zZ9", "aB3-_zZ9" } do
      local run_of = part:rep(32)
      assert.equal("<[redacted]>", redact.text("<" .. run_of .. ">"))
      assert.equal("<" .. run_of:sub(2) .. ">", redact.text("<" .. run_of:sub(2) .. ">"))
    end
  end)

  it("hides the whole of a token by its beginning", function()
    assert.equal("a [redacted] b", redact.text("a " .. BARE .. " b"))
    assert.equal("[redacted]", redact.text(REAL))
    assert.equal("'AAAAKgAAA'", redact.text "'AAAAKgAAA'")
  end)

  it("hides a known value as a whole, and no part of it", function()
    redact.note { password = secret.wrap "hunter2!" }
    assert.equal("my [redacted], not hunter2", redact.text "my hunter2!, not hunter2")
  end)

  it("forgets the secrets of the invocation before", function()
    redact.note { password = secret.wrap "hunter2!" }
    effects.live()
    assert.equal("hunter2!", redact.text "hunter2!")
  end)

  it("gives keys that show a secret names of their own", function()
    redact.note { password = secret.wrap "hunter2!" }
    assert.same({ ["[redacted]"] = 2, ["[redacted] (2)"] = 1, ["a/b~c"] = "[redacted]" },
      (redact.facts { ["hunter2!"] = 1, [BARE] = 2, ["a/b~c"] = "hunter2!" }))
    assert.same({ "/a~1b~0c" }, select(2, redact.facts { ["a/b~c"] = "hunter2!" }))
  end)
end)
