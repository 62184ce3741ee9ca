local run = require "support.run"

local POLICY = [[
return policy {
  kind = "routing",
  params = { threshold = integer { 10, min = 1, doc = "files" } },
  decide = function(facts, params)
    if facts.file_count < params.threshold then return realtime { because = "few" } end
    return batch { because = "many" }
  end,
  examples = { { given = { file_count = 0 }, expect = "realtime" } },
}
]]

describe("weir watch", function()
  local directory, recording
  before_each(function()
    directory = run.directory { ["routing.lua"] = POLICY }
    local policy_set = require "weir.policy_set"
    local set = assert(policy_set.load(directory))
    recording = run.write(os.tmpname(), set:record("routing", '{"file_count":3}',
      { id = "a", time = "t" })
      .. "\n")
  end)

  after_each(function()
    run.remove(directory)
    os.remove(recording)
  end)

  it("--once checks", function()
    local result = run { "watch", directory, "--once" }
    assert.equal(0, result.status)
    assert.matches("1 policy, 1 example, 0 errors", result.stdout)
    run.write(directory .. "/routing.lua", "return policy {")
    assert.equal(3, run({ "watch", directory, "--once" }).status)
    run.write(directory .. "/routing.lua", (POLICY:gsub("params%.threshold", "10")))
    assert.equal(1, run({ "watch", directory, "--once" }).status)
  end)

  it("--once replays what it is given", function()
    assert.equal(0, run({ "watch", directory, recording, "--once" }).status)
    local result = run { "watch", directory, recording, "--once", "--set", "threshold=2" }
    assert.equal(1, result.status)
    assert.matches("realtime %-> batch", result.stdout)
    assert.equal(6, run({ "watch", directory, "/nowhere.jsonl", "--once" }).status)
  end)

  it("--once does not replay a set that has an error, and tells of warnings after a replay",
    function()
    local wrong = POLICY:gsub("facts.file_count < params",
      "(facts.file_count < 1000 or facts.fil_count) and facts.file_count < params")
    run.write(directory .. "/routing.lua", wrong)
    local result = run { "watch", directory, recording, "--once" }
    assert.equal(1, result.status)
    assert.matches("error[W101]", result.stdout, 1, true)
    assert.is_nil(result.stdout:find("decisions", 1, true))
    run.write(directory .. "/routing.lua", (POLICY:gsub("params%.threshold", "10")))
    result = run { "watch", directory, recording, "--once" }
    assert.equal(1, result.status)
    assert.matches("warning[W203]", result.stdout, 1, true)
    assert.matches("1  decision", result.stdout)
  end)

  it("says when there is nothing to watch", function()
    assert.equal(3, run({ "watch", "/nowhere", "--once" }).status)
  end)

  it("goes on through a half written and a broken policy", function()
    local script = ("sleep 0.8; printf 'return pol' >%s; sleep 1.2; printf '%%s' %s >%s; sleep "
      .. "1.2"):format(
      directory .. "/routing.lua", run.quote((POLICY:gsub("10, min", "20, min"))), directory
        .. "/routing.lua")
    local out = os.tmpname()
    local pipe = io.popen(
      ("%s watch %s %s >%s 2>&1 & pid=$!; %s; kill $pid; wait $pid 2>/dev/null"):format(
      run.quote(run.program), directory, recording, out, script))
    pipe:read("a")
    pipe:close()
    local file = io.open(out)
    local text = file:read("a")
    file:close()
    os.remove(out)
    local looks, broken, fine = 0, text:find("error[W", 1, true), nil
    for _ in text:gmatch("watching") do looks = looks + 1 end
    for position in text:gmatch("()0 errors") do fine = position end
    assert.equal(3, looks, text)
    assert.is_truthy(broken, text)
    assert.is_true(fine > broken, text)
  end)
end)
