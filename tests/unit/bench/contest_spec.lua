local json = require "weir.json"
local run = require "support.run"

-- What a benchmark prints that consists of this row.
local function bench(row)
  local folder = run.directory { ["one_bench.lua"] = ([[
    package.path = "tests/?.lua;tests/bench/?.lua;" .. package.path
    local contest = require "contest"
    contest.row { name = "a", unit = "x/s", equal_work = "both", peer = "b", %s }]]):format(row) }
  local result = run { "lua", folder .. "/one_bench.lua", env = { WEIR_BENCH_ROUNDS = "3" } }
  run.remove(folder)

  return result
end

describe("a row of a benchmark", function()
  it("has the two sides in turn, and who begins changes", function()
    local result = bench [[
      ours = function() io.stderr:write("o") return 2, "same" end,
      theirs = function() io.stderr:write("t") return 1, "same" end]]
    assert.equal("ottoot", result.stderr)
    local row = json.decode(result.stdout)
    assert.same({ { 2, 2, 2 }, { 1, 1, 1 } }, { row.ours, row.theirs })
  end)

  it("is not believed when the sides made different things", function()
    local result = bench [[
      ours = function() return 2, "this" end, theirs = function() return 1, "that" end]]
    assert.equal("", result.stdout)
    assert.is_true(result.status ~= 0)
    assert.is_truthy(result.stderr:find("a: ours made\nthis\nb made\nthat", 1, true))
  end)

  it("is not believed when neither says what it made", function()
    local result = bench "ours = function() return 2 end, theirs = function() return 1 end"
    assert.equal("", result.stdout)
    assert.is_true(result.status ~= 0)
  end)
end)
