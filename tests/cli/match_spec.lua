local json = require "weir.json"
local run = require "support.run"

local has_patterns = pcall(require, "weir.pattern")

-- Specs that need the matcher itself.
local function matching(title, test)
  it(title, function()
    if not has_patterns then return pending("weir.pattern is not in this build") end
    test()
  end)
end

local PATTERN = '{"source": ["aws.s3"], "detail": {"size": [{"numeric": [">", 3]}]}}'
local HIT, MISS = '{"source":"aws.s3","detail":{"size":5}}',
  '{"source":"aws.s3","detail":{"size":2}}'

local function match(events, ...) return run { "match", PATTERN, stdin = events, ... } end

local function decoded(text)
  local objects = {}
  for line in text:gmatch("[^\n]+") do objects[#objects + 1] = json.decode(line) end
  return objects
end

describe("weir match", function()
  matching("answers with its status", function()
    assert.equal(0, match(HIT).status)
    assert.equal(1, match(MISS).status)
    local one_of_two = match(HIT .. "\n" .. MISS .. "\n")
    assert.equal(1, one_of_two.status)
    assert.matches("1 of 2 events matched\n", one_of_two.stderr, 1, true)
    assert.equal(0, match(HIT .. "\n" .. HIT .. "\n").status)
  end)

  matching("numbers the lines that match among all others", function()
    local text = table.concat({ HIT, HIT .. "\r", "", MISS, HIT, "nonsense", HIT }, "\n")
    local numbers = {}
    for _, object in ipairs(decoded(match(text, "--json").stdout)) do
      numbers[#numbers + 1] = ("%d %s"):format(object.line, object.match == nil and object.code
        or object.match)
    end

    assert.same({ "1 true", "2 true", "4 false", "5 true", "6 InvalidEvent", "7 true" }, numbers)

    local result = match(text)
    assert.matches("^match  standard input:1\nmatch  standard input:2\nmiss   standard input:4\n",
      result.stdout)
    assert.matches("\nmatch  standard input:5\nmatch  standard input:7\n$", result.stdout)
    assert.matches("4 of 6 events matched, 1 bad one", result.stderr, 1, true)
  end)

  matching("prints one JSON object per event", function()
    local objects = decoded(match(HIT .. "\n\n" .. MISS, "--json").stdout)
    assert.same({ match = true, file = "standard input", line = 1 }, objects[1])
    assert.is_false(objects[2].match)
    assert.equal(3, objects[2].line)
    assert.equal("detail.size", objects[2].misses[1].path)
  end)

  matching("says which key failed", function()
    local result = match(MISS)
    assert.matches("^miss   standard input:1\n    detail%.size: wanted %[.-%]; the event has 2",
      result.stdout)
    assert.matches("detail.size: wanted %b[]; there is no such field",
      match('{"source":"aws.s3"}').stdout)
  end)

  matching("keeps the event's secrets: says only that there is another value", function()
    for path, field in pairs { task_token = '{"task_token":%s}',
      ["Tags.TaskToken"] = '{"Tags":{"TaskToken":%s}}',
      ["tokens.a"] = '{"tokens":{"a":%s}}' } do
      local function explain(...)
        return run {
          "match",
          field:format('["x"]'),
          stdin = field:format('"AQCEAAAAKgAAAAMAAAAA"'),
          ...
        }.stdout
      end

      local text, object = explain(), explain("--json")
      assert.is_nil((text .. object):find("AQCE", 1, true), text)
      assert.matches(path .. ": wanted %b[]; the event has %[redacted%]", text)
      assert.equal("[redacted]", decoded(object)[1].misses[1].found)
    end

    local harmless = '{"tokenizer":"bpe"}'
    assert.matches('the event has "bpe"', run { "match", '{"tokenizer":["x"]}',
      stdin = harmless }.stdout, 1, true)
  end)

  matching("names and counts bad lines among good ones", function()
    local result = match(HIT .. "\nnonsense\n" .. HIT:sub(1, -2) .. "\n[\n" .. HIT .. "\n")
    assert.equal(1, result.status)
    for _, line in ipairs { 2, 3, 4 } do
      assert.matches(("standard input:%d: bad event: "):format(line), result.stderr)
    end

    assert.matches("\n2 of 5 events matched, 3 bad ones\n$", result.stderr)
    local _, matches = result.stdout:gsub("match  ", "")
    assert.equal(2, matches)
    assert.matches("standard input:1: bad event", match("nonsense\n" .. HIT).stderr)
  end)

  matching("reads whole documents and arrays", function()
    local pretty = '{\n  "source": "aws.s3",\n  "detail": {\n    "size": 5\n  }\n}\n'
    assert.equal(0, match(pretty).status)
    local result = match("[\n" .. HIT .. ",\n" .. MISS .. "\n]", "--json")
    assert.same({ 0, 1 }, { decoded(result.stdout)[1].item, decoded(result.stdout)[2].item })
    assert.equal(0, match("[" .. HIT .. "]").status)
    assert.equal(0, match(HIT .. "\r\n" .. HIT .. "\r\n").status)
  end)

  matching("reports a broken document once", function()
    local result = match('{\n  "source": "aws.s3",\n  "detail": {\n')
    assert.equal(1, result.status)
    assert.matches(
      "^standard input: bad event: line 3, column 14: [^\n]+\n0 of 1 event matched, 1 bad one\n$",
      result.stderr)
  end)

  matching("takes pattern and events from files", function()
    local directory = run.directory { ["p.json"] = PATTERN, ["a.jsonl"] = HIT, ["b.jsonl"] = MISS }
    assert.equal(0, run({ "match", "p.json", "a.jsonl", directory = directory }).status)
    local result = run { "match", "p.json", "a.jsonl", "b.jsonl", directory = directory }
    assert.equal(1, result.status)
    assert.matches("match  a.jsonl:1\nmiss   b.jsonl:1\n", result.stdout)
    assert.equal(0, run({ "match", "-", "a.jsonl", directory = directory, stdin = PATTERN }).status)
    local partly = run { "match", "p.json", "a.jsonl", "none.jsonl", directory = directory }
    assert.equal(6, partly.status)
    assert.matches("match  a.jsonl:1", partly.stdout)
    run.remove(directory)
  end)

  matching("refuses an invalid pattern, status 2, in EventBridge's words", function()
    local result = run { "match", '{"source": "aws.s3"}', stdin = HIT }
    assert.equal(2, result.status)
    assert.matches("Event pattern is not valid%. Reason: ", result.stderr)
  end)

  matching("refuses JSON that is not an object as a pattern, not as a file's name", function()
    for _, pattern in ipairs { "[]", '["x"]', ' "x"' } do
      local result = run { "match", pattern, stdin = HIT }
      assert.equal(2, result.status)
      assert.matches("Reason: Filter is not an object", result.stderr)
    end
  end)

  matching("tells misses that are alike as it tells each alone", function()
    local events = {
      MISS, '{"source":"aws.ec2"}', MISS, HIT, '{"source":"aws.ec2"}', MISS .. "\r", '{"Source":1}',
      '{"source":"aws.ec2","password":"aws.ec2"}', '{"source":"aws.ec2"}',
      '{"source":"aws.ec\\u0032"}',
    }
    for _, form in ipairs { "--no-color", "--json", "--color=always" } do
      local alone = {}
      for i, event in ipairs(events) do
        alone[i] = match(("\n"):rep(i - 1) .. event .. "\n", form).stdout
      end

      assert.equal(table.concat(alone), match(table.concat(events, "\n") .. "\n", form).stdout)
    end
  end)

  matching("tells no secret, although events before it missed alike", function()
    local secret = '{"source":"aws.ec2","password":"aws.ec2"}'
    local told = match('{"source":"aws.ec2"}\n{"source":"aws.ec2"}\n' .. secret .. "\n").stdout
    local _, shown = told:gsub('the event has "aws.ec2"', "")
    assert.equal(2, shown)
    assert.matches("the event has \"[redacted]\"", told, 1, true)
  end)

  it("cannot read pattern and events from one standard input", function()
    local result = run { "match", "-", stdin = PATTERN }
    assert.equal(2, result.status)
    assert.matches("standard input cannot be both PATTERN and EVENT", result.stderr)
  end)

  it("ends with 6 when the pattern's file cannot be read", function()
    assert.equal(6, run({ "match", "/nowhere.json", stdin = HIT }).status)
    assert.equal(6, run({ "match", "/", stdin = HIT }).status)
  end)

  matching("takes no event as a miss", function()
    local result = match("")
    assert.equal(1, result.status)
    assert.matches("there is no event in %-", result.stderr)
  end)

  matching("does not let events steer the terminal", function()
    local result = match('{"source":"\\u001b[2J\\u202e","detail":{}}\n\27[2J\n')
    assert.is_nil((result.stdout .. result.stderr):find("\27", 1, true))
    result = match('{"source":"\\u009b2J"}', "--json")
    assert.is_nil(result.stdout:find("[\x80-\xff]"))
  end)

  matching("survives hostile events", function()
    for _, event in ipairs {
      "\0", "\xff\xfe", ("["):rep(100000), '{"a":' .. ("["):rep(10000), '"\\ud800"', '{"a":1e999}',
        ("x"):rep(1000000),
      '{"source":"aws.s3","source":"x"}', "\xef\xbb\xbf{}", "null", "3",
    } do
      assert.equal(1, match(event).status)
    end
  end)
end)
