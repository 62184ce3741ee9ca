-- What weir capsule packs of each decision: which masked facts its policy used, and the header.
local files = require "support.files"
local json = require "weir.json"
local pack = require "weir.cli.capsule_pack"
local policy_set = require "weir.policy_set"
local process = require "weir.process"

-- Uses the volume alone; prefix and inference type only together; the deadline, which is a number;
-- and the length of a token.
local POLICY = [[return policy {
  kind = "routing",
  params = { least = integer { 10, min = 1, max = 100, doc = "files" } },
  decide = function(facts, params)
    if facts.volume == "urgent" then return realtime { because = "urgent" } end
    if facts.prefix == "raw" or facts.inference_type == "serverless" then
      return batch { because = "as it came" }
    end
    if #facts.volume > 200 then return realtime { because = "a token" } end
    if (facts.deadline_seconds or 900) < 60 then return realtime { because = "soon" } end
    return batch { because = "%d files of %s", facts.file_count, facts.volume }
  end,
  examples = { { given = { file_count = 1, volume = "e" }, expect = "batch" } },
}
]]

describe("weir.cli.capsule_pack", function()
  local set

  setup(function()
    set = assert(policy_set.load(files.directory { ["routing.lua"] = POLICY }))
  end)

  teardown(files.remove_all)

  local function entry(facts, change)
    facts.file_count = facts.file_count or 3
    facts.volume = facts.volume or "camera-7"
    local text = assert(set:record("routing", json.encode(facts),
      { id = "d", time = "2026-11-23T12:00:00.000Z", eval_us = 9 }))
    if change then text = change(text) end
    return { record = json.decode(text), text = text, time_ms = 0, id = "d" }
  end

  -- Packs with the facts of these names masked: → header, the packed decisions
  local function packed(entries, names)
    local masks = {}
    for i, name in ipairs(names) do masks[i] = { name = name, place = { name } } end
    local text, header = assert(pack(set, entries, { mask = masks }))

    local lines = {}
    for line in text:gmatch("[^\n]+") do lines[#lines + 1] = line end
    local decisions = {}
    for i = 1, #entries do decisions[i] = json.decode(lines[2 + i]) end
    return header, decisions, lines
  end

  local function used(facts, names)
    local _, decisions = packed({ entry(facts) }, names)
    return decisions[1].used
  end

  describe("names as used", function()
    it("the one of several masked facts that changes the decision by itself", function()
      local facts = { volume = "urgent", prefix = "a", inference_type = "serverless" }
      assert.same({ "/volume" }, used(facts, { "prefix", "volume", "inference_type" }))
    end)

    it("each of several that change it by themselves", function()
      local facts = { volume = "urgent", deadline_seconds = 5 }
      assert.same({ "/volume" }, used(facts, { "deadline_seconds", "volume" }))
      facts.volume = "camera-7"
      assert.same({ "/deadline_seconds" }, used(facts, { "deadline_seconds", "volume" }))
    end)

    it("all of them where they change it only together", function()
      assert.same({ "/inference_type", "/prefix" },
        used({ prefix = "raw", inference_type = "serverless" }, { "inference_type", "prefix" }))
    end)

    it("the secrets alone where masking them is enough", function()
      local token = "AAAAKgAAAAIAAAAA" .. ("Ab3"):rep(80)
      local facts = { volume = token, deadline_seconds = 5 }
      assert.same({ "/volume" }, used(facts, { "deadline_seconds" }))
    end)

    it("none where the policy only says a fact's value", function()
      assert.is_nil(used({ volume = "camera-7" }, { "volume" }))
    end)

    it("none where nothing is masked, whatever was recorded", function()
      local other = entry({ file_count = 4 }, function(text)
        return (text:gsub('"action":"batch"', '"action":"realtime"'))
      end)
      local header, decisions, lines = packed({ other }, { "prefix" })
      assert.is_nil(decisions[1].used)
      assert.equal(other.text, lines[3])
      assert.same({ 1, 0 }, { header.replay.changed, header.replay.identical })
    end)
  end)

  it("takes away a number that is masked, and marks a text", function()
    local _, decisions = packed({ entry { prefix = "a", deadline_seconds = 900 } },
      { "deadline_seconds", "prefix" })
    assert.same({ file_count = 3, volume = "camera-7", prefix = "[redacted]" }, decisions[1].facts)
    assert.same({ "/deadline_seconds", "/prefix" }, decisions[1].redacted)
  end)

  it("keeps the list of what was masked when it was recorded, and adds to it", function()
    local before = entry({ volume = "camera-7" }, function(text)
      return (text:gsub('"redacted":%[%]', '"redacted":["/detail/owner","/detail/token"]'))
    end)
    local _, decisions = packed({ before }, { "volume" })
    assert.same({ "/detail/owner", "/detail/token", "/volume" }, decisions[1].redacted)
  end)

  describe("with its temporary file", function()
    local tmpname = os.tmpname

    after_each(function() rawset(os, "tmpname", tmpname) end)

    it("leaves none behind", function()
      local names = {}
      rawset(os, "tmpname", function()
        names[#names + 1] = tmpname()
        return names[#names]
      end)
      packed({ entry {} }, { "volume" })
      assert.equal(1, #names)
      assert.is_nil((io.open(names[1])))
    end)

    it("packs nothing when it cannot be written", function()
      rawset(os, "tmpname", function() return "/nowhere/at/all" end)
      local text, message, code = pack(set, { entry {} }, { mask = {} })
      assert.same({ nil, "WriteFailed" }, { text, code })
      assert.truthy(message:find("No such file", 1, true), message)
    end)
  end)

  it("packs nothing of a set that no bundle can hold", function()
    local other = assert(policy_set.load(files.directory {
      ["routing.lua"] = POLICY .. "-- \xff\n",
    }))
    local text, _, code = pack(other, { entry {} }, { mask = {} })
    assert.same({ nil, "InvalidText" }, { text, code })
  end)

  it("counts for each mask the decisions that have the fact, and those that used it", function()
    local header = packed({
      entry { volume = "urgent", prefix = "a" },
      entry { volume = "urgent" },
      entry { volume = "camera-7", prefix = "a" },
    }, { "volume", "prefix", "label" })
    assert.same({
      { fact = "volume", decisions = 3, used = 2 },
      { fact = "prefix", decisions = 2, used = 0 },
      { fact = "label", decisions = 0, used = 0 },
    }, header.masked)
  end)

  describe("says in the header", function()
    it("the span, its decisions and the set, and nothing of an end that was open", function()
      local entries = { entry {}, entry { file_count = 4 } }
      local _, header = assert(pack(set, entries, { to = "2026-11-24T00:00:00Z", mask = {} }))
      assert.same({ nil, "2026-11-24T00:00:00Z", 2, set:digest() },
        { header.from, header.to, header.decisions, header.policies })
    end)

    it("the versions and parameters in order of appearance, with their decisions", function()
      local function by(host, least)
        return function(text)
          return (text:gsub('"host":"[^"]+"', ('"host":"%s"'):format(host))
            :gsub('"least":%d+', '"least":' .. least))
        end
      end

      local header = packed({
        entry({}, by("0.0.9", 20)),
        entry({}, by(process.version, 10)),
        entry({ file_count = 5 }, by("0.0.9", 20)),
      }, {})
      assert.same({
        { host = "0.0.9", decisions = 2 },
        { host = process.version, decisions = 1 },
      }, header.hosts)
      assert.same({
        { kind = "routing", params = { least = 20 }, decisions = 2 },
        { kind = "routing", params = { least = 10 }, decisions = 1 },
      }, header.params)
    end)

    it("which decisions other policies made", function()
      local digest = "sha256:" .. ("0"):rep(64)
      local header = packed({ entry {}, entry({ file_count = 4 }, function(text)
        return (text:gsub('"digest":"sha256:%x+"', ('"digest":"%s"'):format(digest)))
      end) }, {})
      assert.same({ { kind = "routing", digest = digest, decisions = 1 } }, header.others)
    end)
  end)
end)
