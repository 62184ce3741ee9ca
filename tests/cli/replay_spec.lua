local json = require "weir.json"
local run = require "support.run"

local POLICY = [[
return policy {
  kind = "routing",
  params = { threshold = integer { 10, min = 1, doc = "files" } },
  decide = function(facts, params)
    %s
    if facts.file_count < params.threshold then return realtime { because = "few" } end
    return batch { because = "many" }
  end,
  examples = { { given = { file_count = 0 }, expect = "realtime" } },
}
]]

local function count(text, pattern) return select(2, text:gsub(pattern, "")) end

describe("weir replay", function()
  local folder, recording, failing

  setup(function()
    folder = run.directory()
    os.execute(("mkdir %s/policies %s/failing"):format(folder, folder))
    run.write(folder .. "/policies/routing.lua", POLICY:format(""))
    failing = folder .. "/failing"
    run.write(failing .. "/routing.lua", POLICY:format(
      'if facts.file_count > 0 then error("no luck") end'))
    local set = assert(require("weir.policy_set").load(folder .. "/policies"))
    local lines = {}
    for i = 1, 60 do
      lines[i] = set:record("routing", ('{"file_count":%d}'):format(i % 20 + 1), {
        id = "id-" .. i,
        time = "t",
      })
    end

    recording = run.write(folder .. "/day.jsonl", table.concat(lines, "\n") .. "\n")
    run.write(folder .. "/bad.jsonl", table.concat(lines, "\n"):gsub('"because":"few"',
      '"why":"few"') .. "\n")
  end)

  teardown(function() run.remove(folder) end)

  local function replay(given)
    table.insert(given, 1, "replay")
    table.insert(given, "-p")
    table.insert(given, given.policies or folder .. "/policies")

    return run(given)
  end

  local function objects(result)
    local list = {}
    for line in result.stdout:gmatch("[^\n]+") do list[#list + 1] = assert(json.decode(line)) end
    return list
  end

  it("prints what differs, where and why, then the summary", function()
    local result = replay { recording, "--set", "threshold=20", "--limit", "1" }
    assert.equal(1, result.status)
    local digest = result.stdout:match("digest (sha256:%x+)\n$")
    assert.equal(([[
  DAY:9  id-9  routing  batch -> realtime  first difference: decision.action
      recorded  many
      replayed  few  DIR/routing.lua:6
  … and 29 more differences

DIR  SET
  routing  realtime 57 · batch 3
  60  decisions
  30  identical to what was recorded
  30  decide otherwise
digest DIGEST
]]):gsub("%u+", { DAY = recording, DIR = folder .. "/policies", DIGEST = digest,
      SET = result.stdout:match("policies  (sha256:%x+)\n") }), result.stdout)
    assert.equal(("Next: weir diff OLD %s/policies %s\n"):format(folder, recording), result.stderr)
  end)

  it("shows at most --limit differences, failures and bad lines", function()
    local result = replay { recording, "-q", "--limit", "1", policies = failing }
    assert.equal(4, result.status)
    assert.equal(1, count(result.stderr, "failed%[PolicyError%]"))
    assert.matches("… and 59 more failures\n", result.stderr)
    result = replay { folder .. "/bad.jsonl", "--limit", "2" }
    assert.equal(1, result.status)
    assert.equal(2, count(result.stderr, "bad line: "))
    assert.matches("… and 25 more bad lines\n", result.stderr)
    assert.is_nil(replay({ recording, "--limit", "0" }).stderr:find("more", 1, true))
  end)

  it("shows at most 20 failures and bad lines without --limit", function()
    local result = replay { recording, policies = failing }
    assert.equal(20, count(result.stderr, "failed%[PolicyError%]"))
    assert.matches("… and 40 more failures\n", result.stderr)
    assert.equal(20, count(replay({ folder .. "/bad.jsonl" }).stderr, "bad line: "))
  end)

  it("limits the objects of --json, too, but not what the summary counts", function()
    local result = replay { recording, "--json", "--limit", "3", "--set", "threshold=20" }
    local list = objects(result)
    assert.same({ 4, "difference", "summary", 30 }, {
      #list,
      list[3].type,
      list[4].type,
      list[4].changed,
    })

    list = objects(replay { recording, "--json", "--limit", "2", policies = failing })
    assert.same({ 3, "failure", 60 }, { #list, list[2].type, list[3].failed })
    assert.equal(28, #objects(replay { folder .. "/bad.jsonl", "--json" }))
    assert.equal("", replay({ folder .. "/bad.jsonl", "--json" }).stderr)
    assert.equal(1, #objects(replay { recording, "--json", "-q", policies = failing }))
  end)

  it("lists each file's digest with --json", function()
    local copy = run.write(folder .. "/copy.jsonl", run.read(recording))
    local summary = objects(replay { recording, copy, "--json" })[1]
    assert.same({ "copy.jsonl", "day.jsonl" }, { summary.files[1].name, summary.files[2].name })
    assert.same({ copy, recording }, { summary.files[1].recording, summary.files[2].recording })
    assert.equal(summary.files[1].digest, summary.files[2].digest)
    assert.equal(summary.digest, require("weir.replay").combine(summary.files))
  end)

  it("gives no digest when a recording is not read to its end", function()
    local result = replay { recording, folder .. "/nowhere" }
    assert.equal(6, result.status)
    assert.matches("\nno digest: 1 recording was not read to the end\n$", result.stdout)
    assert.is_nil(objects(replay { recording, folder .. "/nowhere", "--json" })[1].digest)
  end)

  it("counts log lines, and finds nothing in a log without decisions", function()
    local result = replay { "-", stdin = "START RequestId: 1\n" .. run.read(recording) }
    assert.equal(0, result.status)
    assert.matches("\n +1  log line that is not a decision\n", result.stdout)
    result = replay { "-", stdin = "START RequestId: 1\n" }
    assert.equal(5, result.status)
    assert.matches("there is no decision in these recordings", result.stderr)
  end)

  it("refuses what cannot be meant", function()
    assert.matches("standard input is given twice; write '%-' once", replay({ "-", "-" }).stderr)
    assert.equal(2, replay({ "-", "-" }).status)
    assert.matches("%-%-limit '%-1' is not a count; write %-%-limit 20",
      replay({ recording, "--limit", "-1" }).stderr)
    assert.matches("%-%-jobs '0' is not a number of threads",
      replay({ recording, "-j", "0" }).stderr)
  end)
end)
