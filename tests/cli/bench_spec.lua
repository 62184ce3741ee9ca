local json = require "weir.json"
local json_schema = require "support.json_schema"
local run = require "support.run"

-- Costs more with each file.
local POLICY = [[
return policy {
  kind = "routing",
  decide = function(facts)
    local made = {}
    for i = 1, facts.file_count do made[i] = i end
    if facts.file_count == 7 then error("seven") end
    return batch { because = "%d files", #made }
  end,
  examples = { { given = { file_count = 3 }, expect = "batch" } },
}
]]

local RECORDED = os.getenv("PWD") .. "/tests/recordings/lunch-hour.jsonl"

describe("weir bench", function()
  local folder

  setup(function()
    folder = run.directory { ["set/routing.lua"] = POLICY }
    local set = assert(require("weir.policy_set").load(folder .. "/set"))
    local lines = {}
    for i, count in ipairs { 1000, 10, 5000, 2000 } do
      lines[i] =
        assert(set:record("routing", ('{"file_count":%d}'):format(count), { id = "id-" .. i }))
    end

    run.write(folder .. "/day.jsonl", table.concat(lines, "\n") .. "\n")
  end)
  teardown(function() run.remove(folder) end)

  local function bench(...)
    local words = { "bench", ... }
    words.directory = folder
    return run(words)
  end

  local function figures(...)
    return json.decode(bench("set", "day.jsonl", "--json", ...).stdout)
  end

  it("shows each kind, the most expensive decisions and the share of the budget", function()
    local result = bench("set", "day.jsonl")
    assert.equal(0, result.status)
    local text = result.stdout
    assert.matches("^set: 4 decisions in [%d.]+ ms", text)
    assert.matches("\n  routing +4  instructions +[%d,]+ +[%d,]+ +[%d,]+\n", text)
    assert.matches(
      "\nthe most expensive\n  [%d,]+ instructions, [%d.]+ KiB, [%d,]+ µs  routing batch\n"
      .. "      day%.jsonl:3  id%-3  set/routing%.lua:7\n", text)
    assert.matches(
      "\nof a decision's budget: [%d.]+ %% of the instructions, [%d.]+ %% of the memory\n$", text)
  end)

  it("names the worst first, as many as --limit says, and counts the same each time", function()
    local found = figures("--limit", "3")
    local lines = {}
    for i, one in ipairs(found.worst) do lines[i] = one.line end
    assert.same({ 3, 4, 1 }, lines)
    local kind = found.kinds[1]
    assert.equal(4, kind.decisions)
    assert.equal(found.worst[1].instructions, kind.instructions.most)
    assert.equal(found.worst[3].instructions, kind.instructions.median)
    assert.is_true(kind.bytes.most > 5000 * 8)
    local again = figures("--limit", "3")
    assert.same(kind.instructions, again.kinds[1].instructions)
    assert.same(kind.bytes, again.kinds[1].bytes)
  end)

  it("holds decisions to a contract: status 1, and the ones above it", function()
    local worst = figures().worst
    local fine = bench("set", "day.jsonl", "--max-instructions", tostring(worst[1].instructions))
    assert.equal(0, fine.status)
    assert.matches("\n0 decisions above the limit\n$", fine.stdout)

    local above = bench("set", "day.jsonl", "--max-instructions", tostring(worst[2].instructions))
    assert.equal(1, above.status)
    assert.matches("\nabove the limit, the worst first\n", above.stdout)
    assert.matches("\n1 decision above the limit\n$", above.stdout)
    assert.matches("day%.jsonl:3", above.stdout)
    assert.is_nil(above.stdout:find("day.jsonl:4", 1, true))
  end)

  it("takes the limit of memory in bytes or with a unit", function()
    assert.equal(1, bench("set", "day.jsonl", "--max-memory", "64K").status)
    assert.equal(1, bench("set", "day.jsonl", "--max-memory", "65536").status)
    assert.equal(0, bench("set", "day.jsonl", "--max-memory", "4MiB").status)
    assert.equal(64 * 1024, figures("--max-memory", "64KiB").max_memory)
  end)

  it("reads standard input, and takes -p", function()
    local input = run.read(folder .. "/day.jsonl")
    assert.matches("^set: 4 decisions",
      run({ "bench", "-p", "set", stdin = input, directory = folder }).stdout)
    assert.matches("^set: 4 decisions",
      run({ "bench", "set", "-", stdin = input, directory = folder }).stdout)
    assert.matches("^set: 8 decisions", bench("-p", "set", "day.jsonl", "day.jsonl").stdout)
  end)

  it("takes a bundle with -p", function()
    assert.equal(0, run({ "bundle", "set", "-o", "set.bundle", directory = folder }).status)
    assert.matches("^set%.bundle: 4 decisions", bench("-p", "set.bundle", "day.jsonl").stdout)
  end)

  it("ends with 4 when a policy fails, and with 1 for a line that is bad", function()
    local line = run.read(folder .. "/day.jsonl"):match("^[^\n]+\n")
    run.write(folder .. "/seven.jsonl", (line:gsub('"file_count":1000', '"file_count":7')))
    local failed = bench("set", "seven.jsonl")
    assert.equal(4, failed.status)
    assert.matches("seven%.jsonl:1: failed%[PolicyError%] routing: [^\n]*seven", failed.stderr)
    run.write(folder .. "/bad.jsonl", line .. '{"schema":"weir.decision/1"}\n')
    local bad = bench("set", "bad.jsonl")
    assert.equal(1, bad.status)
    assert.matches("bad%.jsonl:2:1: bad line: ", bad.stderr)
  end)

  it("leaves out kinds that the set has no policy of, and says so", function()
    local result = bench("set", RECORDED)
    assert.equal(0, result.status)
    assert.equal("", result.stderr)
    assert.matches("^set: %d+ decisions in ", result.stdout)
    assert.matches("\nleft out, because the set has no policy of the kind: %d+ mapping, "
      .. "%d+ promotion, %d+ weights\n", result.stdout)
    local object = json.decode(bench("set", RECORDED, "--json").stdout)
    assert.equal(0, object.failed)
    local left_out = 0
    for _, one in ipairs(object.left_out) do left_out = left_out + one.decisions end
    assert.equal(406, object.decisions + left_out)
  end)

  it("says when there is nothing to measure", function()
    run.write(folder .. "/empty.jsonl", "")
    assert.equal(5, bench("set", "empty.jsonl").status)
    assert.equal(6, bench("set", "none.jsonl").status)
    assert.equal(3, bench("-p", "none", "day.jsonl").status)
  end)

  for name, words in pairs {
    ["two sets"] = { "set", "day.jsonl", "-p", "set" },
    ["standard input twice"] = { "set", "-", "-" },
    ["a limit that is not a number"] = { "set", "day.jsonl", "--max-instructions", "64K" },
    ["a limit of nothing"] = { "set", "day.jsonl", "--max-memory", "0" },
    ["a limit of another unit"] = { "set", "day.jsonl", "--max-memory", "1G" },
  } do
    it("refuses " .. name, function()
      local result = bench(table.unpack(words))
      assert.equal(2, result.status)
      assert.matches("^weir: bench: [^\n]+\nNext: weir help bench\n$", result.stderr)
    end)
  end

  it("prints one object with --json, which fits its schema", function()
    local result = bench("set", "day.jsonl", "--json", "--max-memory", "64K", "--max-instructions",
      "5")
    assert.equal(1, result.status)
    assert.equal(4, json.decode(result.stdout).exceeding)
    assert(json_schema.check("docs/json/bench.schema.json", result.stdout))
  end)

  it("takes recorded overrides of parameters that the policy no longer has for gone", function()
    local line = run.read(folder .. "/day.jsonl"):match("^[^\n]+\n")
    run.write(folder .. "/older.jsonl",
      (line:gsub('"params":{},"overrides":%[%]', '"params":{"gone":1},"overrides":["gone"]')))
    assert.matches('"gone"', run.read(folder .. "/older.jsonl"))
    assert.equal(0, bench("set", "older.jsonl").status)
  end)
end)
