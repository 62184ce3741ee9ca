-- Masking facts of recorded decisions: at which places, and wherever their values come again.
local json = require "weir.json"
local mask = require "weir.cli.capsule_mask"

-- The record once these facts are masked, the pointers of them, and whether anything was.
local function masked(record, names, away)
  local places = {}
  for i, name in ipairs(names) do places[i] = assert(mask.place(name), name) end
  local removed = {}
  for i, place in ipairs(places) do removed[place] = away and away[i] end
  return mask.apply(record, places, removed)
end

local function facts_of(text) return json.decode(text) end

describe("the place of a fact", function()
  it("is its name, or a pointer to it", function()
    assert.same({ "owner" }, mask.place "owner")
    assert.same({ "a.b" }, mask.place "a.b")
    assert.same({ "event", "detail", "owner" }, mask.place "/event/detail/owner")
    assert.same({ "tags", "*", "x" }, mask.place "/tags/*/x")
    assert.same({ "a/b", "c~d", "~1" }, mask.place "/a~1b/c~0d/~01")
  end)

  it("is nothing where no fact is named", function()
    for _, name in ipairs { "", "/", "//", "/a/", "/a//b" } do
      assert.is_nil(mask.place(name), name)
    end
  end)
end)

describe("a masked fact", function()
  it("becomes [redacted], or goes where it is to", function()
    local record = { facts = facts_of '{"a":{"b":"seen","c":1},"d":true}' }
    local copy, found, touched = masked(record, { "/a/b", "d" })
    assert.same({ a = { b = "[redacted]", c = 1 }, d = "[redacted]" }, copy.facts)
    assert.same({ "/a/b", "/d" }, found)
    assert.is_true(touched)

    copy, found = masked(record, { "/a/b", "d" }, { true, false })
    assert.same({ a = { c = 1 }, d = "[redacted]" }, copy.facts)
    assert.same({ "/a/b", "/d" }, found)
    assert.equal("seen", record.facts.a.b)
  end)

  it("may be a whole object, a list, or an element of one by its number from 0", function()
    local record = { facts = facts_of '{"list":["zero","one","two"],"object":{"x":"inner"}}' }
    assert.same({ "zero", "[redacted]", "two" }, masked(record, { "/list/1" }).facts.list)
    assert.same({ "zero", "two" }, masked(record, { "/list/1" }, { true }).facts.list)
    assert.equal("[redacted]", masked(record, { "object" }).facts.object)
    assert.equal("[redacted]", masked(record, { "list" }).facts.list)
    assert.same({ list = { "zero", "one", "two" } },
      masked(record, { "object" }, { true }).facts)
  end)

  it("of * is every member or element there", function()
    local record = { facts = facts_of
      '{"rows":[{"x":"a1","y":1},{"y":2},{"x":"a3"}],"map":{"k":"v1","l":"v2"}}' }
    local copy, found = masked(record, { "/rows/*/x", "/map/*" })
    assert.same({ "/map/k", "/map/l", "/rows/0/x", "/rows/2/x" }, found)
    assert.same({ { x = "[redacted]", y = 1 }, { y = 2 }, { x = "[redacted]" } }, copy.facts.rows)
    copy, found = masked(record, { "/rows/*" }, { true })
    assert.same({}, copy.facts.rows)
    assert.same({ "/rows/0", "/rows/1", "/rows/2" }, found)
  end)

  it("is told by a pointer that is escaped", function()
    local _, found = masked({ facts = { ["a/b~c"] = 1 } }, { "a/b~c" })
    assert.same({ "/a~1b~0c" }, found)
  end)

  it("that is not there changes nothing", function()
    local record = { facts = facts_of '{"a":{"b":"x"},"list":[1]}', because = "x" }
    for _, name in ipairs { "z", "/a/z", "/a/b/c", "/list/1", "/list/x", "/z/*" } do
      local copy, found, touched = masked(record, { name })
      assert.same({ {}, false, "x" }, { found, touched, copy.because }, name)
      assert.same(record.facts, copy.facts, name)
    end
  end)
end)

describe("a secret", function()
  local record = { facts = { password = "correct-horse", n = 1 }, because = "with correct-horse",
    decision = { action = "batch", note = "correct-horse" } }

  it("is masked without being named, and wherever it comes again", function()
    local copy, found, touched = mask.apply(record, {})
    assert.same({ password = "[redacted]", n = 1 }, copy.facts)
    assert.same({ { "/password" }, true }, { found, touched })
    assert.same({ "with [redacted]", "[redacted]" }, { copy.because, copy.decision.note })
  end)

  it("of one record is not looked for in the next", function()
    mask.apply(record, {})
    local copy, found, touched = mask.apply({ facts = { n = 1 }, because = "with correct-horse" },
      {})
    assert.same({ "with correct-horse", {}, false }, { copy.because, found, touched })
  end)

  it("is told among the facts that were named, in their order", function()
    local _, found = mask.apply({ facts = { a = 1, password = "correct-horse", z = 2 } },
      { { "z" }, { "a" } })
    assert.same({ "/a", "/password", "/z" }, found)
  end)
end)

describe("the value of a masked fact", function()
  local function hidden(value, because, decision)
    local copy = masked({ facts = { f = value }, because = because, decision = decision }, { "f" })
    return copy.because, copy.decision
  end

  it("is hidden in the reason and everywhere in the decision", function()
    local because, decision = hidden("camera-7", "for camera-7, not camera-8: camera-7.",
      { action = "batch", items = json.array { "x/camera-7/y", 7 }, deep = { v = "camera-7" } })
    assert.equal("for [redacted], not camera-8: [redacted].", because)
    assert.same({ action = "batch", items = { "x/[redacted]/y", 7 }, deep = { v = "[redacted]" } },
      decision)
    assert.is_true(json.is_array(decision.items))
  end)

  it("is taken as it is, not as a pattern", function()
    assert.equal("a [redacted] b.c-d", (hidden("b%c-d", "a b%c-d b.c-d")))
    assert.equal("a.c [redacted]", (hidden("a*.?c", "a.c a*.?c")))
  end)

  it("that is short or a number is hidden only where it is a word by itself", function()
    assert.equal("[redacted], abcd, xabc", (hidden("abc", "abc, abcd, xabc")))
    assert.equal("x[redacted]y", (hidden("abcd", "xabcdy")))
    assert.equal("[redacted] files, 112, 121, [redacted].", (hidden(12, "12 files, 112, 121, 12.")))
    assert.equal("-[redacted] 1.55", (hidden(1.5, "-1.5 1.55")))
  end)

  it("that is a flag, or empty, hides nothing", function()
    for _, value in ipairs { true, false, "" } do
      assert.equal("true false ", (hidden(value, "true false ")))
    end
  end)

  it("inside of a masked object or list is hidden, the longest first", function()
    assert.equal("[redacted] and [redacted]",
      (hidden({ a = "volume", b = json.array { "volume-12" } }, "volume-12 and volume")))
  end)
end)
