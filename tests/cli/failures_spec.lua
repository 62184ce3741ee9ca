-- How every verb ends when something is wrong: the documented status, a message with what to do,
-- and with --json an object for it.
local json = require "weir.json"
local run = require "support.run"

local GOOD = [[
return policy {
  kind = "routing",
  decide = function(facts)
    if facts.file_count == 7 then error("no luck") end
    return batch { because = "one", }
  end,
  examples = { { given = { file_count = 0 }, expect = "batch" } },
}
]]

-- Loads, and its example holds; but check sees a decision that does not say why.
local WRONG = GOOD:gsub("return batch",
  "if facts.file_count == 9 then return batch {} end\n    return batch")

describe("a failure", function()
  local folder

  setup(function()
    folder = run.directory {
      ["day.jsonl"] = "",
      ["events.json"] = '{"file_count": 3}',
      ["seven.json"] = '{"file_count": 7}',
      ["broken.json"] = "{",
    }

    for name, text in pairs {
      good = GOOD,
      broken = "return policy {",
      wrong = WRONG,
    } do
      os.execute("mkdir " .. folder .. "/" .. name)
      run.write(folder .. "/" .. name .. "/routing.lua", text)
    end

    local bundle = run({ "bundle", "good", directory = folder }).stdout
    run.write(folder .. "/bundle", bundle)
    run.write(folder .. "/edited", (bundle:gsub("no luck", "bad luck")))
    run.write(folder .. "/cut", bundle:sub(1, -20))
    local set = assert(require("weir.policy_set").load(folder .. "/good"))
    run.write(folder .. "/day.jsonl", set:record("routing", '{"file_count":3}',
      { id = "a", time = "t" }) .. "\n")
  end)

  teardown(function() run.remove(folder) end)

  local function weir(...)
    local given = { ... }
    given.directory, given.stdin = folder, ""
    given.env = { HOME = "/nowhere", AWS_REGION = "eu-west-1", AWS_EC2_METADATA_DISABLED = "true" }

    return run(given)
  end

  local CASES = {
    { 2, "check", "--frobnicate" },
    { 3, "check", "broken" },
    { 3, "check", "nowhere" },
    { 3, "check", "cut" },
    { 7, "check", "edited" },
    { 2, "decide", "ruting", "-p", "good" },
    { 2, "decide", "routing", "-p", "good", "--set", "a=1" },
    { 2, "decide", "routing", "-p", "good", "-e", "broken.json" },
    { 3, "decide", "routing", "-p", "broken", "-e", "events.json" },
    { 3, "decide", "routing", "-p", "nowhere", "-e", "events.json" },
    { 4, "decide", "routing", "-p", "good", "-e", "seven.json" },
    { 6, "decide", "routing", "-p", "good", "-e", "nowhere.json" },
    { 7, "decide", "routing", "-p", "edited", "-e", "events.json" },
    { 2, "run", "ruting", "-e", "events.json" },
    { 2, "run", "routing", "-p", "good", "-e", "broken.json" },
    { 2, "run", "routing", "-p", "good", "-e", "-" },
    { 3, "run", "routing", "-p", "broken", "-e", "events.json" },
    { 4, "run", "routing", "-p", "good", "-e", "seven.json" },
    { 6, "run", "routing", "-p", "good", "-e", "nowhere.json" },
    { 7, "run", "routing", "-p", "edited", "-e", "events.json" },
    { 2, "replay", "day.jsonl", "-p", "good", "-j", "x" },
    { 2, "replay" },
    { 3, "replay", "day.jsonl", "-p", "broken" },
    { 5, "replay", "/dev/null", "-p", "good" },
    { 6, "replay", "nowhere.jsonl", "-p", "good" },
    { 7, "replay", "day.jsonl", "-p", "edited" },
    { 2, "diff", "good", "good" },
    { 3, "diff", "good", "broken", "day.jsonl" },
    { 5, "diff", "good", "good", "/dev/null" },
    { 6, "diff", "good", "good", "nowhere.jsonl" },
    { 7, "diff", "edited", "good", "day.jsonl" },
    { 2, "match", "{\"source\": 1}", "events.json" },
    { 1, "match", "{\"source\": [\"a\"]}", "-" },
    { 1, "match", "{\"source\": [\"a\"]}", "broken.json" },
    { 6, "match", "nowhere.json", "events.json" },
    { 6, "match", "{\"source\": [\"a\"]}", "nowhere.json" },
    { 2, "chekc" },
  }

  for _, case in ipairs(CASES) do
    local status, words = case[1], table.move(case, 2, #case, 1, {})
    it(("of weir %s has status %d, and is an object with --json"):format(table.concat(words, " "),
      status), function()
      local plain = weir(table.unpack(words))
      assert.equal(status, plain.status, plain.stderr)
      assert.is_true(#plain.stderr + #plain.stdout > 0)

      words[#words + 1] = "--json"
      local result = weir(table.unpack(words))
      assert.equal(status, result.status, result.stderr)
      local last
      for line in result.stdout:gmatch("[^\n]+") do
        last = json.decode(line)
        assert.equal("table", type(last), line)
      end

      assert.is_table(last, "nothing is printed")
      assert.is_truthy(last.error or last.type == "summary" or last.code, result.stdout)
      if last.exit then assert.equal(status, last.exit) end
    end)
  end

  it("of a load names the findings first, each an object", function()
    local lines = {}
    for line in weir("decide", "routing", "-p", "broken", "--json").stdout:gmatch("[^\n]+") do
      lines[#lines + 1] = json.decode(line)
    end

    assert.same({ "W003", "PolicySetRefused", 3 }, { lines[1].code, lines[2].code, lines[2].exit })
    assert.equal("the policy set broken does not load", lines[2].error)
  end)

  it("of a bundle that was edited is told as such, by every verb that takes one", function()
    for _, words in ipairs {
      { "check", "edited" }, { "decide", "routing", "-p", "edited", "-e", "events.json" },
      { "bundle", "edited" }, { "watch", "edited", "--once" }, {
        "diff",
        "good",
        "edited",
        "day.jsonl",
      },
    } do
      local result = weir(table.unpack(words))
      assert.equal(7, result.status, words[1])
      assert.matches("its file 'routing.lua' is not what its digest says", result.stdout
        .. result.stderr)
    end
  end)

  it("of AWS while a dry run reads is status 6", function()
    run.write(folder .. "/endpoint.json", '{"file_count": 3, "endpoint_name": "e"}')
    local result = weir("run", "routing", "-p", "good", "-e", "endpoint.json", "--live-reads")
    assert.equal(6, result.status, result.stderr)
    assert.matches("NoCredentials", result.stderr)
  end)

  it("names remedies that exist", function()
    run.write(folder .. "/none.json", "")
    for verb, words in pairs {
      decide = {
        "decide",
        "routing",
        "-e",
        "events.json",
      }, check = { "check" }, bundle = { "bundle" },
      replay = { "replay", "day.jsonl" }, watch = { "watch" },
    } do
      local copy = folder .. "/bin/weir"
      os.execute(("mkdir -p %s/bin && cp %s %s"):format(folder, run.quote(run.program), copy))
      local pipe = io.popen(("cd %s && %s %s 2>&1 </dev/null"):format(folder, copy,
        table.concat(words, " ")))
      local text = pipe:read("a")
      pipe:close()
      local has_option = run({ "help", verb }).stdout:find("--policies DIR", 1, true)
      assert.matches(has_option and "Next: weir " .. verb .. " %-p DIR\n" or "Next: weir " .. verb
        .. " DIR\n", text)
    end
  end)

  it("names the worst finding, not the first", function()
    local warns = GOOD:gsub("examples = .-\n", "")
    os.execute("mkdir " .. folder .. "/two")
    run.write(folder .. "/two/a.lua", (warns:gsub("error%(.-%)", "x = 1")))
    local result = weir("check", "two")
    local first_error = result.stdout:match("error%[(W%d+)%]")
    assert.is_true(result.stdout:find("warning[W201]", 1, true) < result.stdout:find("error[", 1,
      true))
    assert.matches("Next: weir help " .. first_error, result.stdout)
  end)
end)

describe("a set that check finds errors in", function()
  local folder

  before_each(function()
    folder = run.directory { ["routing.lua"] = WRONG }
  end)

  after_each(function() run.remove(folder) end)

  it("is not bundled, and the errors are shown", function()
    assert.equal(1, run({ "check", folder }).status)
    local result = run { "bundle", folder, "-o", folder .. "/out" }
    assert.equal(3, result.status)
    assert.matches("error%[W107%]", result.stderr)
    assert.matches("has 1 error; nothing was written\nNext: weir check ", result.stderr)
    assert.is_nil(io.open(folder .. "/out"))
    assert.equal("", run({ "bundle", folder }).stdout)
  end)

  it("is an error for watch, which replays nothing with it", function()
    local log = run.write(folder .. "/empty.jsonl", "")
    assert.equal(1, run({ "watch", folder, "--once" }).status)
    run.write(folder .. "/routing.lua", GOOD)
    local set = assert(require("weir.policy_set").load(folder))
    run.write(log, set:record("routing", '{"file_count":3}', { id = "a", time = "t" }) .. "\n")
    assert.equal(0, run({ "watch", folder, log, "--once" }).status)
    run.write(folder .. "/routing.lua", WRONG)
    assert.equal(1, run({ "check", folder }).status)
    local result = run { "watch", folder, log, "--once" }
    assert.equal(1, result.status)
    assert.is_nil(result.stdout:find("digest", 1, true))
  end)

  it("is bundled when there are only warnings, which are shown", function()
    run.write(folder .. "/routing.lua", (GOOD:gsub("  examples = .-\n", "")))
    local result = run { "bundle", folder, "-o", folder .. "/out" }
    assert.equal(0, result.status)
    assert.matches("warning%[W201%]", result.stderr)
    assert.is_truthy(io.open(folder .. "/out"))
  end)
end)
