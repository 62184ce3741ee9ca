-- weir explore: what it prints, adds and refuses.
local json = require "weir.json"
local json_schema = require "support.json_schema"
local run = require "support.run"

local BROKEN = [[
return policy {
  kind = "routing",
  params = { threshold = integer { 10, min = 1, max = 100, doc = "files" } },
  decide = function(facts, params)
    if facts.largest_bytes > 1000 then return batch { because = "large" } end
    if facts.endpoint_status or facts.inference_type then return batch { because = "x" } end
    if facts.file_count < params.threshold then return realtime { because = "few" } end
    return batch { because = "many" }
  end,
  examples = {
    { given = { file_count = 1, largest_bytes = 1 }, expect = "realtime" },
  },
}
]]

local MENDED = BROKEN:gsub("facts%.largest_bytes > 1000", "(facts.largest_bytes or 0) > 1000")

describe("weir explore", function()
  local folders = {}
  local function folder(text)
    folders[#folders + 1] = run.directory { ["routing.lua"] = text }
    return folders[#folders]
  end

  after_each(function()
    for _, path in ipairs(folders) do run.remove(path) end
    folders = {}
  end)

  it("shows the smallest facts with which a policy fails, and what was tried", function()
    local directory = folder(BROKEN)
    local result = run { "explore", "-p", directory, "--tries", "16384", "--seed", "4" }
    assert.equal(1, result.status, result.stderr)
    local text = result.stdout:gsub("in %d+%.%d s", "in N s")
    assert.matches("routing: 16,384 fact sets tried in N s, seed 4: ", text, 1, true)
    assert.matches("  fails  PolicyError: routing.lua:5: attempt to compare", text, 1, true)
    assert.matches('    facts   {"file_count":0}\n', text, 1, true)
    assert.matches("  reached  4 of 4 lines, 8 of 8 ways of conditions\n", text, 1, true)
    assert.matches("this is a search, and no proof.\n", text, 1, true)
  end)

  it("prints JSON of its schema, the same for the same seed", function()
    local directory = folder(BROKEN)
    local function explored(jobs)
      local result = run { "explore", "routing", "-p", directory, "--tries", "70000", "--json",
        "--jobs", jobs }
      assert.equal(1, result.status)
      assert(json_schema.check("docs/json/explore.schema.json", result.stdout))
      return (result.stdout:gsub('"milliseconds":%d+', ""))
    end

    local one = explored("1")
    for _, jobs in ipairs { "2", "3", "8", "16" } do
      assert.equal(one, explored(jobs), jobs .. " jobs")
    end
    local exploration = json.decode((one:gsub(",,", ","))).explorations[1]
    assert.same({ file_count = 0 }, exploration.findings[1].facts)
    assert.is_false(exploration.proof)
  end)

  it("keeps to the parameters that the operator sets", function()
    local directory = folder((MENDED:gsub('return batch { because = "many" }',
      "return facts.nothing")))
    local free = run { "explore", "-p", directory, "--tries", "4096" }
    assert.equal(1, free.status)
    local params = os.tmpname()
    run.write(params, '{"threshold": 1}')
    local result = run {
      "explore",
      "-p",
      directory,
      "--tries",
      "4096",
      "--json",
      "--params",
      params,
    }
    local found = json.decode(result.stdout).explorations[1].findings[1]
    assert.same({ {}, 1 }, { found.params, found.facts.file_count })
    os.remove(params)
  end)

  it("finds where two versions differ", function()
    local old, new = folder(MENDED), folder((MENDED:gsub("file_count <", "file_count <=")))
    local result = run { "explore", old, new, "--tries", "16384" }
    assert.equal(1, result.status, result.stderr)
    assert.matches("  differs  ", result.stdout, 1, true)
    assert.matches("    old     batch: many", result.stdout, 1, true)
    assert.matches("    new     realtime: few", result.stdout, 1, true)
    assert.matches('    facts   {"file_count":10}', result.stdout, 1, true)
    local same = run { "explore", old, old, "--tries", "4096" }
    assert.equal(0, same.status)
    assert.matches("none decided differently", same.stdout, 1, true)
  end)

  it("adds a difference to the new version's examples, which hold there", function()
    local old, new = folder(MENDED), folder((MENDED:gsub("file_count <", "file_count <=")))
    local result = run { "explore", old, new, "--tries", "16384", "--add-examples" }
    assert.equal(1, result.status, result.stderr)
    assert.matches("added an example to ", result.stderr, 1, true)
    assert.matches("found by weir explore, seed 1", run.read(new .. "/routing.lua"), 1, true)
    assert.equal(0, run { "test", new }.status)
    run.write(old .. "/routing.lua", (run.read(new .. "/routing.lua"):gsub("file_count <=",
      "file_count <")))
    assert.equal(3, run { "decide", "routing", "-p", old, stdin = '{"file_count":1}' }.status)
  end)

  it("adds a failure to an example file, which fails until the policy is mended", function()
    local directory = folder(BROKEN)
    local result = run { "explore", "routing", "-p", directory, "--tries", "8192", "--add-examples",
      "--expect", "realtime" }
    assert.equal(1, result.status, result.stderr)
    assert.matches("added an example to " .. directory .. "/examples/routing.jsonl:1",
      result.stderr,
      1, true)
    assert.equal(1, run { "test", directory }.status)
    run.write(directory .. "/routing.lua", MENDED)
    local tested = run { "test", directory }
    assert.equal(0, tested.status, tested.stdout .. tested.stderr)
  end)

  it("explores every kind of the shipped policies, from a recording on", function()
    local result = run { "explore", "-p", "policies", "--tries", "2000", "--json", "--recording",
      "tests/recordings/lunch-hour.jsonl" }
    assert.is_true(result.status == 0 or result.status == 1, result.stderr)
    assert(json_schema.check("docs/json/explore.schema.json", result.stdout))
    local recorded, names = 0, {}
    for i, each in ipairs(json.decode(result.stdout).explorations) do
      recorded, names[i] = recorded + each.recorded, each.kind
    end

    assert.same({ "routing", "weights", "promotion", "mapping", "review" }, names)
    assert.is_true(recorded > 0)
  end)

  it("refuses what it cannot explore, and says what to do", function()
    for _, case in ipairs {
      { { "explore", "rooting", "-p", "policies" }, 2, "did you mean 'routing'?" },
      { { "explore", "-p", "policies", "--tries", "x" }, 2, "write --tries 300000" },
      { { "explore", "-p", "policies", "--tries", "0" }, 2, "is not a whole number" },
      { { "explore", "-p", "policies", "--seed", "-1" }, 2, "is not a whole number" },
      { { "explore", "-p", "policies", "--jobs", "0" }, 2, "is not a number of threads" },
      { { "explore", "a", "b", "c" }, 2, "too many arguments" },
      { { "explore", "a", "b", "-p", "c" }, 2, "named twice" },
      { { "explore", "/nonexistent", "policies" }, 3, "/nonexistent" },
      { { "explore", "routing", "-p", "policies", "--add-examples" }, 2, "write --expect ACTION" },
      { { "explore", "routing", "-p", "policies", "--add-examples", "--expect", "x" }, 2,
        "actions are: realtime, batch, serverless, components" },
      {
        { "explore", "-p", "policies", "--add-examples", "--expect", "batch" },
        2,
        "name the KIND",
      },
      { { "explore", "routing", "-p", "policies", "--recording", "/nonexistent" }, 6,
        "/nonexistent" },
    } do
      local result = run(case[1])
      assert.equal(case[2], result.status, table.concat(case[1], " "))
      assert.matches(case[3], result.stderr, 1, true)
    end
  end)
end)
