-- The command line shows, logs and decides on no secret.
local files = require "support.files"
local json = require "weir.json"
local run = require "support.run"
local token_search = require "support.token_search"

local TOKEN = "AQCEAAAAKgAAAAMAAAAAAAAAAYJ5kWq3T+first/token+9xVt2=="
local HUSH = "hush-hush-42"

local function event(more)
  local given = { source = "aws.s3", ["detail-type"] = "Object Created", task_token = HUSH,
    note = "copy of " .. HUSH .. " and " .. TOKEN,
    detail = { bucket = { name = "b" }, object = { key = "k", size = 1, etag = "e" } } }
  for name, value in pairs(more or {}) do given[name] = value end
  return json.encode(given)
end

local function check(result)
  for _, secret in ipairs { TOKEN, HUSH } do
    token_search.check(result.stdout .. result.stderr, secret)
  end
end

describe("weir run", function()
  local folder
  setup(function() folder = run.directory() end)
  teardown(function() run.remove(folder) end)

  it("shows and logs no secret of the event, its config or its world, and the log replays",
    function()
    local log = folder .. "/decisions.jsonl"
    for _, format in ipairs { "--json", "--log" } do
      local given = event { config = { state_machine = "arn:aws:states:r:1:stateMachine:" .. TOKEN,
        api_token = HUSH }, world = { ["stepfunctions.StartExecution"] =
          { ["arn:x"] = { token = HUSH } } } }
      local result = run { "run", "mapping", "-e", "-", "-p", "policies", format, format == "--log"
        and log or nil,
        stdin = given }
      assert.equal(0, result.status, result.stderr)
      assert.matches("[redacted]", result.stdout, 1, true)
      check(result)
    end

    local text = run.read(log)
    check { stdout = text, stderr = "" }
    assert.same({ "/event/note", "/event/task_token" }, json.decode(text).redacted)
    assert.equal(0, run({ "replay", log, "-p", "policies" }).status)
  end)

  it("finds secrets in forms, in lines of JSON, and in base64 of several lines", function()
    local long = "AQCAAAAAKgAAAAMAAAAAAAAAA" .. ("xK3p"):rep(100)
    local wrapped = long:gsub(("."):rep(76), "%0\r\n")
    for place, text in pairs {
      form = "a=b&TaskToken=" .. HUSH,
      ["form's first"] = "TaskToken=" .. HUSH .. "&a=b",
      lines = '{"a":1}\n{"task_token":"' .. HUSH .. '"}\n',
      mail = "Content-Transfer-Encoding: base64\r\n\r\n" .. wrapped,
      ["mail in JSON"] = json.encode { body = wrapped },
    } do
      local result = run { "run", "mapping", "-e", "-", "-p", "policies", "--json",
        stdin = event { task_token = "another", note = json.array { text, "repeats " .. HUSH } } }
      assert.equal(0, result.status, result.stderr)
      assert.matches("[redacted]", result.stdout, 1, true)
      if place:find "mail" then
        assert.is_nil(result.stdout:find("xK3pxK3p", 1, true), place)
      else
        check(result)
      end
    end
  end)

  it("makes decision logs that nobody else can read", function()
    local log = folder .. "/new.jsonl"
    run { "run", "routing", "-e", "-", "-p", "policies", "--log", log, stdin = '{"file_count": 3}' }
    local mode = io.popen("stat -c %a " .. run.quote(log)):read "l"
    assert.equal("600", mode)
  end)

  it("shows what a dry run does not know without the secret in its name", function()
    local result = run { "run", "routing", "-e", "-", "-p", "policies",
      stdin = json.encode { file_count = 1, endpoint_name = TOKEN } }
    assert.equal(0, result.status, result.stderr)
    assert.matches("unknown", result.stdout)
    check(result)
  end)

  it("shows no secret in an error", function()
    local result = run { "run", "routing", "-e", "-", "-p", "policies",
      stdin = json.encode { token = HUSH,
      file_count = "no " .. HUSH, objects = json.array {} } }
    assert.equal(2, result.status)
    assert.matches("file_count is no [redacted], but objects give 0", result.stderr, 1, true)
    check(result)
  end)
end)

describe("weir decide", function()
  local function decide(facts, ...)
    return run { "decide", "mapping", "-p", "policies", stdin = json.encode(facts), ... }
  end

  it("decides without the facts' secrets", function()
    local facts = { event = json.decode(event()) }
    facts.event.detail.object.key = "in/" .. TOKEN
    for _, format in ipairs { "--json", "--set" } do
      local result = decide(facts, format == "--json" and format or nil)
      assert.equal(0, result.status, result.stderr)
      assert.matches("[redacted]", result.stdout, 1, true)
      check(result)
    end
  end)

  it("refuses facts that only became allowed by what was taken out", function()
    local result = run { "decide", "routing", "-p", "policies",
      stdin = json.encode { file_count = 1, volume = ("b7Xq"):rep(65) } }
    assert.equal(2, result.status)
    assert.matches("volume: expected a text of at most 256 bytes, got [redacted]", result.stderr, 1,
      true)
  end)
end)

describe("weir match", function()
  it("explains without the event's secrets, copies of them included", function()
    for _, more in ipairs { { note = HUSH }, { note = "see " .. TOKEN },
      { note = json.encode { x = HUSH } },
      { note = ("b7Xq"):rep(300) } } do
      for _, format in ipairs { "--json", "--" } do
        local result = run {
          "match",
          '{"note": ["x"]}',
          stdin = event(more),
          format == "--json" and format or nil,
        }

        assert.equal(1, result.status)
        assert.matches("[redacted]", result.stdout, 1, true)
        check(result)
        assert.is_nil(result.stdout:find(("b7Xq"):rep(3), 1, true))
      end
    end
  end)
end)

describe("a recording that something else wrote", function()
  local folder
  setup(function() folder = run.directory() end)
  teardown(function() run.remove(folder) end)

  local POLICY = [[
return policy {
  kind = "routing",
  decide = function(facts)
    if facts.note == "boom" then error("failed with " .. facts.api_key) end
    if facts.note == facts.api_key then error("the same") end
    return batch { because = "%s for %s", tostring(facts.note), tostring(facts.api_key) }
  end,
}
]]

  local function line(id, note)
    return json.encode {
      schema = "weir.decision/1", id = id, time = "2026-11-20T09:00:00.000Z", kind = "routing",
      facts = { file_count = 1, note = note, api_key = HUSH },
      decision = { action = "realtime" }, because = "asked with " .. HUSH,
    }
  end

  it("shows no secret of its facts, which reasons and errors repeat", function()
    local set = folder .. "/set"
    files.shell("mkdir -p " .. files.quote(set .. "/kinds"))
    files.write(set .. "/routing.lua", POLICY)
    files.write(set .. "/kinds/routing.lua", [[return { kind = "routing", facts = {
  { name = "api_key", type = "text", doc = "x" }, { name = "note", type = "text", doc = "x" },
} }
]])
    local recording, capsule = folder .. "/r.jsonl", folder .. "/r.capsule"
    files.write(recording, line("a", "copy of " .. HUSH) .. "\n" .. line("b", "boom") .. "\n")
    for _, command in ipairs {
      { "replay", recording, "-p", set },
      { "replay", recording, "-p", set, "--json" },
      { "diff", set, set, recording },
      { "diff", set, set, recording, "--json", "--all" },
      { "explain", recording .. ":1", "-p", set },
      { "explain", recording .. ":2", "-p", set, "--json" },
      { "example", recording .. ":1", "-p", set },
      { "explore", "-p", set, "--tries", "2048", "--recording", recording, "--limit", "99" },
      { "explore", "-p", set, "--tries", "2048", "--recording", recording, "--json" },
      { "bench", set, recording },
      { "capsule", recording, "-p", set, "-o", capsule },
      { "replay", capsule },
    } do
      local result = run(command)
      local refused = result.stderr:find("its facts hold a secret", 1, true)
      assert.is_true(result.status ~= 2 or refused ~= nil,
        table.concat(command, " ") .. result.stderr)
      assert.is_true(#result.stdout + #result.stderr > 0)
      check(result)
    end

    assert.is_nil(files.read(capsule):find(HUSH, 1, true))
  end)
end)

describe("weir replay and weir diff", function()
  it("show no token of a recording that something else wrote", function()
    local facts = { event = json.decode(event()) }
    facts.event.detail.object.key = "in/" .. TOKEN
    local line = { schema = "weir.decision/1", kind = "mapping", facts = facts, because = TOKEN,
      decision = { action = "ignore", key = TOKEN } }
    local text = json.encode(line) .. "\n"
    line.facts = { [TOKEN] = 1 }
    text = text .. json.encode(line) .. "\n"
    line.facts, line.kind = facts, TOKEN
    text = text .. json.encode(line) .. "\n"
    for _, given in ipairs { { "replay", "-", "-p", "policies" },
      { "diff", "policies", "policies", "-" } } do
      for _, format in ipairs { "--no-color", "--json" } do
        local result = run { given[1], given[2], given[3], given[4], format, stdin = text }
        assert.is_true(result.status == 1 or result.status == 4, result.stderr)
        token_search.check(result.stdout .. result.stderr, TOKEN)
      end
    end
  end)
end)
