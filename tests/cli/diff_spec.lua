local json = require "weir.json"
local run = require "support.run"

local POLICY = [[
return policy {
  kind = "routing",
  params = { threshold = integer { %d, min = 1, doc = "files" }%s },
  decide = function(facts, params)
    %s
    if facts.file_count < params.threshold then return realtime { because = "%s" } end
    return batch { because = "%%d files", facts.file_count }
  end,
  examples = { { given = { file_count = 0 }, expect = "realtime" } },
}
]]

describe("weir diff", function()
  local folder

  -- A set in the folder; what is left out is as in the old one.
  local function set(name, given)
    os.execute("mkdir " .. folder .. "/" .. name)
    run.write(folder .. "/" .. name .. "/routing.lua",
      POLICY:format(given.threshold or 10, given.params or "",
      given.code or "", given.few or "few"))
  end

  setup(function()
    folder = run.directory()
    set("old", {})
    set("same", {})
    set("twenty", { threshold = 20, params = ', most = integer { 500, doc = "files" }' })
    set("reworded", { few = "not many" })
    set("failing", { code = 'if facts.file_count > 17 then error("too\\nmany") end' })
    local policies = assert(require("weir.policy_set").load(folder .. "/old"))
    local lines = {}
    for i = 1, 24 do
      lines[i] = policies:record("routing", ('{"file_count":%d}'):format(i), {
        id = "id-" .. i,
        time = "t",
      })
    end

    lines[25] = '{"schema":"weir.decision/1"}'
    run.write(folder .. "/day.jsonl", table.concat(lines, "\n") .. "\n")
    run.write(folder .. "/good.jsonl", table.concat(lines, "\n", 1, 24) .. "\n")
  end)

  teardown(function() run.remove(folder) end)

  local function diff(old, new, ...)
    local given = { "diff", old, new, ... }
    given.directory = folder
    return run(given)
  end

  -- The output with its digest left out.
  local function text(result)
    return (result.stdout:gsub("\ndigest sha256:%x+\n$", "\ndigest\n"))
  end

  it("groups what changes, with an example of each group, and totals", function()
    local result = diff("old", "twenty", "good.jsonl")
    assert.equal(1, result.status)
    assert.equal([[
old -> twenty
  routing  most is new: 500, threshold 10 -> 20

10 of 24 decisions change (41.7 %)
  ~ 10  routing  batch -> realtime  twenty/routing.lua:6
        e.g. good.jsonl:10  id-10
          was  10 files
          is   few
  routing  batch     15  ->   5  -10
  routing  realtime   9  ->  19  +10
digest
]], text(result))
    assert.equal("Next: weir diff old twenty good.jsonl --json --all   lists every one\n",
      result.stderr)
  end)

  it("names a parameter that is gone", function()
    assert.matches("\n  routing  threshold 20 %-> 10, most is gone\n",
      diff("twenty", "old", "good.jsonl").stdout)
  end)

  it("counts decisions that only give another reason, and shows no group of them", function()
    local result = diff("old", "reworded", "good.jsonl")
    assert.equal(1, result.status)
    assert.equal([[
old -> reworded
  routing  its code changed

0 of 24 decisions change (0.0 %)
9 decisions keep their action and give another reason
digest
]], text(result))
    assert.equal("", result.stderr)
    run.write(folder .. "/one.jsonl", run.read(folder .. "/good.jsonl"):match("^[^\n]+\n"))
    assert.matches("\n1 decision keeps its action and gives another reason\n",
      diff("old", "reworded", "one.jsonl").stdout)
  end)

  it("shows what fails with NEW apart, and what failed with OLD as its message", function()
    local result = diff("old", "failing", "good.jsonl")
    assert.equal(4, result.status)
    assert.equal([[
old -> failing
  routing  its code changed

0 of 24 decisions change (0.0 %)
  routing  batch   15  ->  8  -7
  routing  failed   0  ->  7  +7
7 decisions fail with NEW
  ! 7  routing  failed[PolicyError]
        e.g. good.jsonl:18  id-18
          was  18 files
          is   PLACE: too\nmany
digest
]], (text(result):gsub("is   [^\n]*routing.lua:5", "is   PLACE")))
    result = diff("failing", "old", "good.jsonl")
    assert.equal(1, result.status)
    assert.matches("\n7 of 24 decisions change %(29.2 %%%)\n  ~ 7  routing  failed %-> batch  "
      .. "old/routing.lua:7\n",
      result.stdout)
    assert.matches("\n          was  [^\n]*too\\nmany\n          is   18 files\n", result.stdout)
  end)

  it("says when the policies are the same, and names bad lines", function()
    local result = diff("old", "same", "day.jsonl")
    assert.equal(1, result.status)
    assert.equal([[
old -> same
  the policies are the same

0 of 24 decisions change (0.0 %)
digest
]], text(result))
    assert.equal('day.jsonl:25:1: bad line: "kind" is missing\n', result.stderr)
    assert.equal(0, diff("old", "same", "good.jsonl").status)
  end)

  it("rounds shares as a reader would", function()
    local many = run.read(folder .. "/good.jsonl"):rep(80)
    local one = run.read(folder .. "/good.jsonl"):gsub('"file_count":%d+', '"file_count":1')
    run.write(folder .. "/rare.jsonl", one:rep(80) .. many:match("[^\n]*id%-12[^\n]*\n"))
    assert.matches("\n1 of 1,921 decisions change %(less than 0.1 %%%)\n",
      diff("old", "twenty", "rare.jsonl").stdout)
  end)

  it("lists groups, and with --all every change, as JSON", function()
    local result = diff("old", "twenty", "good.jsonl", "--json", "--all")
    local list = {}
    for line in result.stdout:gmatch("[^\n]+") do list[#list + 1] = json.decode(line) end
    assert.equal(11, #list)
    assert.same({ "difference", 10, "batch" }, { list[1].type, list[1].line, list[1].was.action })
    local summary = list[11]
    assert.same({ "old", "twenty", 10, 1 }, {
      summary.old,
      summary.new,
      summary.changed,
      #summary.changes,
    })

    assert.same({ "routing", "batch -> realtime", 10, "twenty/routing.lua:6" },
      { summary.changes[1].kind,
      summary.changes[1].change, summary.changes[1].count, summary.changes[1].rule })
    assert.equal(1, select(2, diff("old", "twenty", "good.jsonl", "--json").stdout:gsub("\n", "")))
  end)
end)
