-- Adding up the files of a replay: the same whatever comes first, twice, or not at all.
local json = require "weir.json"
local random = require "support.random"
local replay = require "weir.replay"
local total = require "weir.fleet.total"

local function digest(letter) return "sha256:" .. letter:rep(64) end

local function group(name, line, count)
  return { kind = "routing", change = "realtime -> batch", rule = "routing.lua:5", count = count,
    example = { recording = name, line = line } }
end

local function entry(name, letter, count)
  return {
    name = name,
    digest = digest(letter),
    counts = { lines = count, decisions = count, identical = 0, changed = count, reworded = 0,
      failed = 0, bad_lines = 0, other_lines = 0 },
    kinds = { routing = { was = { realtime = count }, is = { batch = count } } },
    changes = json.array { group(name, 7, count) },
    failures = json.array {},
  }
end

local function sum(...)
  local all = total.new()
  for _, each in ipairs { ... } do
    if each.lost then all:lose(each.lost, "it is gone") else all:add(each) end
  end

  return all:finish()
end

describe("the total of a fleet's replay", function()
  local A, B, C = entry("x/a", "a", 1), entry("x/b", "b", 10), entry("y/c", "c", 100)

  it("adds counts, kinds and groups, and takes the digest in the order of names", function()
    local summary = sum(C, A, B)
    assert.same({ 111, 111, 0 }, { summary.decisions, summary.changed, summary.repeated })
    assert.same({ routing = { was = { realtime = 111 }, is = { batch = 111 } } }, summary.kinds)
    assert.same({ 1, 111, "x/a" }, { #summary.changes, summary.changes[1].count,
      summary.changes[1].example.recording })
    assert.equal(replay.combine { { name = "x/a", digest = digest "a" },
      { name = "x/b", digest = digest "b" }, { name = "y/c", digest = digest "c" } },
      summary.digest)
  end)

  it("is the same in every order, with entries that come again", function()
    local expected = json.encode(sum(A, B, C), { sort = true })
    local draw = random.new(7)
    for _ = 1, 50 do
      local list = { A, B, C, A, C }
      for i = #list, 2, -1 do
        local j = draw:integer(1, i)
        list[i], list[j] = list[j], list[i]
      end

      local summary = sum(table.unpack(list))
      assert.equal(2, summary.repeated)
      summary.repeated = 0
      assert.equal(expected, json.encode(summary, { sort = true }))
    end
  end)

  it("has no digest where a file is lost, unreadable, or was decided in two ways", function()
    for _, case in ipairs {
      { { lost = "x/b" }, "it is gone" },
      { { name = "x/b", unreadable = "the compressed data ends early" },
        "the compressed data ends early" },
    } do
      local summary = sum(A, case[1])
      assert.is_nil(summary.digest)
      assert.same({ { file = "x/b", message = case[2] } }, summary.unreadable)
      assert.equal(1, summary.decisions)
    end

    local summary = sum(A, B, entry("x/b", "d", 10))
    assert.is_nil(summary.digest)
    assert.equal("x/b", summary.unreadable[1].file)
    assert.equal(11, summary.decisions)
  end)

  it("forgets that a file was lost when another shard has it, whichever comes first", function()
    local expected = sum(A, B).digest
    assert.equal(expected, sum({ lost = "x/b" }, A, B).digest)
    assert.equal(expected, sum({ name = "x/b", unreadable = "m" }, A, B).digest)
    assert.equal(expected, sum(A, B, { name = "x/b", unreadable = "m" }).digest)
  end)

  it("has no digest of nothing", function()
    local summary = sum()
    assert.is_nil(summary.digest)
    assert.same({ 0, 0 }, { summary.decisions, #summary.unreadable })
  end)
end)
