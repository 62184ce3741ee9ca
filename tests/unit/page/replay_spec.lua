-- The page of weir replay: what it was made from, out of a summary as weir.replay gives it.
local replay_page = require "weir.page.replay"

-- name → value of each source; the names in their order.
local function sources(changes, list)
  local summary = {
    files = { { recording = "a.jsonl" } },
    unreadable = {},
    other_lines = 0,
    digest = "sha256:1",
  }
  for key, value in pairs(changes) do summary[key] = value end -- any order: sets keys

  local values, names = {}, {}
  for i, fact in ipairs(replay_page.sources(list or {}, summary)) do
    values[fact[1]], names[i] = fact[2], fact[1]
  end

  return values, names
end

describe("the sources of a replay", function()
  local OTHER = "Log lines that are not decisions"

  it("count log lines that are not decisions, from one on", function()
    for count, shown in pairs { [1] = "1", [2] = "2", [12345] = "12,345" } do -- any order
      assert.equal(shown, sources { other_lines = count }[OTHER])
    end
  end)

  it("are silent of other lines where there are none", function()
    local values, names = sources { other_lines = 0 }
    assert.is_nil(values[OTHER])
    assert.same({ "Recordings", "Digest" }, names)
  end)

  it("list every recording, the first by its head", function()
    local files = { { recording = "-" }, { recording = "b.jsonl" }, { recording = "c.jsonl" } }
    local facts = replay_page.sources({ { "Policies", "p" } },
      { files = files, unreadable = {}, other_lines = 0, digest = "sha256:1" })
    assert.same({
      { "Policies", "p" },
      { "Recordings", "standard input" },
      { "", "b.jsonl" },
      { "", "c.jsonl" },
      { "Digest", "sha256:1", code = true },
    }, facts)
  end)

  it("say why there is no digest", function()
    local changes = { unreadable = { { file = "a.jsonl", message = "it is cut off" } } }
    local values = sources(changes)
    assert.equal("a.jsonl: it is cut off", values["Not read to its end"])
    assert.equal("sha256:1", values.Digest)
    local facts = replay_page.sources({}, {
      files = {},
      unreadable = changes.unreadable,
      other_lines = 0,
    })
    assert.same({ "Digest", "none: a recording was not read to its end", code = true },
      facts[#facts])
  end)
end)

describe("the name of a replay", function()
  it("is that of its recording without the folder, or their number", function()
    local function name(...)
      local files = {}
      for i, path in ipairs { ... } do files[i] = { recording = path } end
      return replay_page.name { files = files }
    end

    assert.equal("day.jsonl.gz", name("recordings/2026/day.jsonl.gz"))
    assert.equal("day.jsonl", name("day.jsonl"))
    assert.equal("standard input", name("-"))
    assert.equal("2 recordings", name("a.jsonl", "b.jsonl"))
  end)
end)
