local json = require "weir.json"
local json_schema = require "support.json_schema"
local run = require "support.run"

local POLICY = [[
return policy {
  kind = "routing",
  params = { threshold = integer { 10, min = 1, doc = "files" } },
  decide = function(facts, params)
    if facts.file_count < params.threshold then return realtime { because = "few" } end
    return batch { because = "%d files", facts.file_count }
  end,
  examples = {
    { given = { file_count = 9 }, expect = "realtime" },
    { given = { file_count = 20 }, params = { threshold = 30 }, expect = "realtime",
      doc = "a higher threshold" },
    { given = { file_count = 10 }, expect = { action = "batch" } },
  },
}
]]

local COVERED = "coverage of decide: 100.0 % (2 of 2) of lines, 100.0 % (2 of 2) of branches\n"

describe("weir test", function()
  local folder

  before_each(function()
    folder = run.directory { ["set/routing.lua"] = POLICY }
  end)
  after_each(function() run.remove(folder) end)

  -- The policy with one text of it replaced.
  local function change(from, to)
    local at, last = assert(POLICY:find(from, 1, true))
    run.write(folder .. "/set/routing.lua", POLICY:sub(1, at - 1) .. to .. POLICY:sub(last + 1))
  end

  -- Records decisions of the set as it is into an example file.
  local function record(name, counts)
    local set = assert(require("weir.policy_set").load(folder .. "/set"))
    local lines = {}
    for i, count in ipairs(counts) do
      lines[i] = set:record("routing", ('{"file_count":%d}'):format(count), { id = "id-" .. count })
    end

    run.write(folder .. "/set/examples/" .. name, table.concat(lines, "\n") .. "\n")
  end

  local function test(...)
    local words = { "test", ... }
    words.directory = folder
    return run(words)
  end

  it("counts what passes", function()
    local result = test("set")
    assert.equal(0, result.status)
    assert.equal("set: 3 tests pass, 0 fail\n" .. COVERED, result.stdout)
    assert.equal("", result.stderr)
  end)

  it("shows each failure with its line, what was decided and where; the others run too", function()
    change("facts.file_count < params", "facts.file_count <= params")
    local result = test("set")
    assert.equal(1, result.status)
    assert.equal([[
set/routing.lua:12: failed routing example 3: it is decided otherwise
      given     {"file_count":10}
      expected  {"action":"batch"}
      decided   {"action":"realtime"}
      because   few
      where     set/routing.lua:5
set: 2 tests pass, 1 fails
coverage of decide: 50.0 % (1 of 2) of lines, 50.0 % (1 of 2) of branches
]], result.stdout)
    assert.equal("Next: weir test set --filter set/routing.lua:12\n", result.stderr)
  end)

  it("shows a policy that fails as a failure", function()
    change('because = "few"', 'because = "few", facts.largest_bytes + 1')
    local result = test("set")
    assert.equal(1, result.status)
    assert.matches(
      "set/routing%.lua:9: failed routing example 1: [^\n]*attempt to perform arithmetic",
      result.stdout)
    assert.matches("\nset: 1 test passes, 2 fail\n", result.stdout)
  end)

  it("says of an example that cannot be asked what is wrong with it", function()
    change("{ file_count = 9 }", "{ file_cuont = 9 }")
    assert.matches("routing example 1: [^\n]*file_cuont", test("set").stdout)
  end)

  it("runs the recorded decisions of example files, and wants the same decision", function()
    record("a.jsonl", { 5, 15 })
    record("b.jsonl", { 10 })
    assert.equal("set: 6 tests pass, 0 fail\n" .. COVERED, test("set").stdout)
    change("< params.threshold", "< params.threshold + 2")
    local result = test("set")
    assert.matches(
      "\nset/examples/b%.jsonl:1: failed routing recorded id%-10: it is decided otherwise\n",
      result.stdout)
    assert.matches("\nset: 4 tests pass, 2 fail\n", result.stdout)
  end)

  it("asks recorded decisions with the parameters of then, so that a new default breaks none",
    function()
    record("a.jsonl", { 5, 15 })
    change("integer { 10, min = 1", "integer { 3, min = 1")
    local result = test("set", "--filter", "examples/")
    assert.equal(0, result.status, result.stdout)
    change("< params.threshold", "< params.threshold + 2")
    assert.equal(0, test("set", "--filter", "id-5").status)
  end)

  it("leaves out recorded parameters that the policy no longer has", function()
    record("a.jsonl", { 15 })
    local path = folder .. "/set/examples/a.jsonl"
    run.write(path, (run.read(path):gsub('"params":{', '"params":{"gone":1,')))
    assert.equal(0, test("set").status)
  end)

  it("tests a kind of the set's own, and facts that the set declares", function()
    run.write(folder .. "/set/kinds/price.lua", [[
return {
  kind = "price",
  doc = "What printing costs.",
  facts = { { name = "pages", type = "integer", min = 0, required = true, doc = "to print" } },
  decisions = { { action = "charge", doc = "what it costs", fields = {
    { name = "cents", type = "integer", min = 0, required = true, doc = "all pages together" },
  } } },
}
]])
    run.write(folder .. "/set/price.lua", [[
return policy {
  kind = "price",
  decide = function(facts)
    return charge { cents = facts.pages * 5, because = "5 cents a page" }
  end,
  examples = { { given = { pages = 2 }, expect = { action = "charge", cents = 10 } } },
}
]])
    local set = assert(require("weir.policy_set").load(folder .. "/set"))
    local day = folder .. "/day.jsonl"
    run.write(day, set:record("price", '{"pages":3}', { id = "p" }) .. "\n")
    assert.equal(0, run({ "example", day .. ":1", "-p", folder .. "/set", "--add" }).status)
    assert.equal(0, run({ "example", day .. ":1", "-p", folder .. "/set", "--add",
      "--recorded" }).status)
    local result = test("set", "--filter", "price")
    assert.matches("^set: 2 tests pass, 0 fail\n", result.stdout, result.stderr)
    assert.matches("cents = 15", run.read(folder .. "/set/price.lua"))
    assert.equal(0, run({ "bench", folder .. "/set", day }).status)
  end)

  it("takes a line of an example file that is not a decision for a failure", function()
    run.write(folder .. "/set/examples/a.jsonl", '{"schema":"weir.decision/1"}\n')
    local result = test("set")
    assert.equal(1, result.status)
    assert.matches("set/examples/a%.jsonl:1: failed", result.stdout)
  end)

  it("takes what recordings pass over for a failure, so that no example is lost", function()
    local path = folder .. "/set/examples/a.jsonl"
    run.write(path, "START RequestId\n{}\n")
    assert.matches("set/examples/a%.jsonl:1: failed example file: "
      .. "2 of its 2 lines are not recorded decisions; take them out\n", test("set").stdout)
    run.write(path, "\n\n")
    local result = test("set")
    assert.equal(1, result.status)
    assert.matches("example file: the file holds no recorded decision; remove it", result.stdout)
  end)

  it("filters by place and by name, and says when nothing is left", function()
    assert.matches("^set: 1 test passes, 0 fail\n",
      test("set", "--filter", "routing.lua:12").stdout)
    assert.matches("^set: 1 test passes, 0 fail\n", test("set", "--filter", "higher").stdout)
    local nothing = test("set", "--filter", "x.y")
    assert.equal(5, nothing.status)
    assert.equal("weir: test: no test's place or name has 'x.y' in it\n"
      .. "Next: weir test without --filter\n", nothing.stderr)
  end)

  it("says when a set has no examples at all", function()
    change(POLICY:match("  examples = .*"), "}\n")
    local result = test("set")
    assert.equal(5, result.status)
    assert.matches("the set has no examples", result.stderr)
  end)

  it("refuses a set that does not load for another reason", function()
    change("return policy", "return polcy")
    local result = test("set")
    assert.equal(3, result.status)
    assert.matches("error%[W004%]", result.stderr)
    assert.equal(3, test("none").status)
  end)

  it("leaves parameters from the environment out", function()
    local result = run { "test", "set", directory = folder, env = { WEIR_PARAMS =
      '{"threshold":1}' } }
    assert.equal("set: 3 tests pass, 0 fail\n" .. COVERED, result.stdout)
  end)

  it("takes -p as every verb does, and one of the two", function()
    assert.equal(0, test("-p", "set").status)
    assert.equal(2, test("set", "-p", "set").status)
  end)

  it("names lines and branches that no test reaches, and holds them to --min-coverage", function()
    change("    { given = { file_count = 10 }, expect = { action = \"batch\" } },\n", "")
    local text = "set: 2 tests pass, 0 fail\n"
    local missed = "set/routing.lua:5: always holds: facts.file_count < params.threshold\n"
      .. "set/routing.lua:6: never runs\n"
    local share = "coverage of decide: 50.0 % (1 of 2) of lines, 50.0 % (1 of 2) of branches"
    assert.equal(text .. share .. "\n", test("set").stdout)
    assert.equal(text .. missed .. share .. "\n", test("set", "--coverage").stdout)

    local below = test("set", "--min-coverage", "50.1")
    assert.equal(1, below.status)
    assert.equal(text .. missed .. share .. ", below 50.1 %\n", below.stdout)
    assert.equal(0, test("set", "--min-coverage", "50").status)
    assert.equal(2, test("set", "--min-coverage", "101").status)
    assert.equal(2, test("set", "--min-coverage", "most").status)
  end)

  it("counts a policy without any test as not covered", function()
    run.write(folder .. "/set/review.lua", [[
return policy {
  kind = "review",
  decide = function(facts) return manual_review { because = "always" } end,
}
]])
    local result = test("set", "--coverage")
    assert.matches("set/review%.lua:3: never runs\n", result.stdout)
    assert.matches("66%.7 %% %(2 of 3%) of lines", result.stdout)
  end)

  it("shows the coverage when a test fails, too", function()
    change("facts.file_count < params", "facts.file_count <= params")
    assert.matches("coverage of decide: 50%.0 %%", test("set").stdout)
  end)

  it("prints one object with --json, which fits its schema", function()
    change("facts.file_count < params", "facts.file_count <= params")
    local result = test("set", "--json")
    assert.equal(1, result.status)
    local found = json.decode(result.stdout)
    assert.equal(2, found.passed)
    assert.equal(1, found.failed)
    assert.same({ name = "routing example 2: a higher threshold", line = 10, passed = true }, {
      name = found.tests[2].name, line = found.tests[2].line, passed = found.tests[2].passed,
    })
    assert.same({ action = "realtime" }, found.tests[3].decision)
    assert.equal("OtherDecision", found.tests[3].code)
    assert(json_schema.check("docs/json/test.schema.json", result.stdout))
  end)

  it("writes JUnit XML that counts the same", function()
    record("odd.jsonl", { 40 })
    change("facts.file_count < params", "facts.file_count <= params")
    local path = folder .. "/results.xml"
    assert.equal(1, test("set", "--junit", path).status)
    local text = run.read(path)
    local document = assert(require("weir.xml").decode(text))
    assert.equal("testsuites", document.name)
    assert.equal("testsuite", document[1].name)
    assert.equal(4, #document[1])
    assert.equal("failure", document[1][3][1].name)
    assert.matches('<testsuites name="weir test" tests="4" failures="1" ', text)
    assert.matches(
      '<testcase name="routing example 3" classname="routing" file="set/routing%.lua" line="12"',
      text)
    assert.matches('<failure type="OtherDecision" message="it is decided otherwise">given ', text)
    local full = test("set", "--junit", "/dev/full")
    assert.equal(6, full.status)
  end)

  it("shows no secret of an example, also where an error repeats it", function()
    run.write(folder .. "/set/routing.lua", [[
return policy {
  kind = "routing",
  decide = function(facts) error("not " .. facts.volume) end,
  examples = {
    { given = { file_count = 9, volume = "password=hunter2hunter2" }, expect = "batch" },
    { given = { file_count = 9, volume = "other" }, expect = "batch" },
  },
}
]])
    local path = folder .. "/results.xml"
    local shown = test("set", "--junit", path).stdout .. test("set", "--json").stdout
      .. run.read(path)
    assert.matches("password=%[redacted%]", shown)
    assert.is_nil(shown:find("hunter2", 1, true))
    assert.matches('<failure type="PolicyError" message="[^"]*password=%[redacted%]"',
      run.read(path))
  end)

  it("shows no task token of a recording", function()
    local token = ("AQCEAAAAKgAAAAMAAAAAAAAAAQ"):rep(12)
    local line = ('{"schema":"weir.decision/1","id":"a","kind":"routing","params":{},'
      .. '"facts":{"file_count":1,"note":"%s"},"decision":{"action":"batch"},"because":"x"}')
      :format(token)
    run.write(folder .. "/set/examples/a.jsonl", line .. "\n")
    for _, result in ipairs { test("set"), test("set", "--json") } do
      assert.equal(1, result.status)
      assert.is_nil(result.stdout:find(token, 1, true))
    end
  end)
end)
