-- weir capsule, and weir replay of what it packed.
local files = require "support.files"
local json = require "weir.json"
local json_schema = require "support.json_schema"
local policy_set = require "weir.policy_set"
local run = require "support.run"
local sha256 = require "weir.sha256"

-- Decides by the number of files, says the endpoint's name, and sends those of one name elsewhere.
local POLICY = [[return policy {
  kind = "routing",
  params = { least = integer { 10, min = 1, max = 100, doc = "files" } },
  decide = function(facts, params)
    if facts.volume == "urgent" then return realtime { because = "urgent" } end
    if facts.file_count < params.least then
      return realtime { because = "%d files for %s", facts.file_count, facts.volume }
    end
    return batch { because = "many files" }
  end,
  examples = { { given = { file_count = 100, volume = "e" }, expect = "batch" } },
}
]]

local folder, policies, set

local function line(at, facts, more)
  local options = { id = "d" .. at, time = ("2026-11-23T12:%02d:00.000Z"):format(at),
    eval_us = 9 }
  local text = assert(set:record("routing", json.encode(facts), options))
  return more and more(text) or text
end

-- Decisions of an hour, one every ten minutes; that of :30 is urgent.
local function hour()
  local names = { [0] = "camera-12", [10] = "camera-12", [20] = "camera-7", [30] = "urgent",
    [40] = "camera-7", [50] = "camera-7" }
  local lines = { "START RequestId: 1" }
  for at = 0, 50, 10 do
    lines[#lines + 1] = line(at, { file_count = at + 1, volume = names[at] })
  end

  return lines
end

local function recording(name, lines)
  return files.write(folder .. "/" .. name, table.concat(lines, "\n") .. "\n")
end

-- Packs with these arguments: → the text, the result
local function pack(arguments)
  local path = folder .. "/packed.capsule"
  os.remove(path)
  local words = { "capsule", "-p", policies, "-o", path }
  table.move(arguments, 1, #arguments, #words + 1, words)
  local result = run(words)
  return result.status < 2 and files.read(path) or nil, result, path
end

local function ids(text)
  local list = {}
  for id in text:gmatch('"id":"(d%d+)"') do list[#list + 1] = id end
  return table.concat(list, " ")
end

local function replayed(path, more)
  local words = { "replay", path, "--json" }
  table.move(more or {}, 1, #(more or {}), #words + 1, words)
  local result = run(words)
  return json.decode(result.stdout:match("[^\n]+\n$") or "null"), result.status, result
end

describe("weir capsule", function()
  local source

  setup(function()
    folder = files.directory()
    policies = files.directory { ["routing.lua"] = POLICY }
    set = assert(policy_set.load(policies))
    source = recording("hour.log", hour())
  end)

  teardown(files.remove_all)

  it("takes the decisions of the span, its first moment included and its last not", function()
    for _, case in ipairs {
      { { source }, "d0 d10 d20 d30 d40 d50" },
      { { source, "--from", "2026-11-23T12:20:00Z" }, "d20 d30 d40 d50" },
      { { source, "--to", "2026-11-23T12:20:00Z" }, "d0 d10" },
      { { source, "--from", "2026-11-23T12:10:00Z", "--to", "2026-11-23T14:30:00+02:00" },
        "d10 d20" },
    } do
      assert.equal(case[2], ids((pack(case[1]))))
    end
  end)

  it("holds policies, parameters, versions and counts, and is decided again anywhere", function()
    local text, _, path = pack { source }
    local header = json.decode(text:match("[^\n]+"))
    assert.same({ 6, set:digest(), "weir.capsule/1" },
      { header.decisions, header.policies, header.schema })
    assert.same({ { kind = "routing", params = { least = 10 }, decisions = 6 } }, header.params)
    assert.same({ { host = require("weir.process").version, decisions = 6 } }, header.hosts)
    assert.equal(json.decode(run({ "version", "--json" }).stdout).id, header.packed_by.build)
    assert.same({ identical = 6, changed = 0, reworded = 0, failed = 0, bad_lines = 0,
      digest = header.replay.digest }, header.replay)

    local elsewhere = files.directory()
    local summary, status = replayed(path)
    assert.same({ 0, 6, 6 }, { status, summary.decisions, summary.identical })
    local result = run { "replay", path, directory = elsewhere }
    assert.equal(0, result.status)
    assert.truthy(result.stdout:find("\ndecided as when it was packed\n", 1, true), result.stdout)
  end)

  it("has the same bytes whatever the order of the recordings, and each decision once", function()
    local lines = hour()
    local back = {}
    for i = #lines, 1, -1 do back[#back + 1] = lines[i] end
    local first = pack { source }
    assert.equal(first, (pack { recording("back.log", back), source }))
    assert.is_true(#first > 1000)
  end)

  it("is a recording as well", function()
    local _, _, path = pack { source }
    local summary = replayed(path, { "-p", policies })
    assert.same({ 6, 6 }, { summary.decisions, summary.identical })
    local diff = run { "diff", policies, policies, path }
    assert.equal(0, diff.status)
  end)

  describe("that masks", function()
    it("leaves no trace of a fact, in the reason neither, and says what uses it", function()
      local text, result, path = pack { source, "--mask", "volume" }
      local decisions = text:match('\n{"schema":"weir.capsule%-policies.-\n(.*)')
      assert.falsy(decisions:find("camera", 1, true))
      assert.truthy(decisions:find("1 files for [redacted]", 1, true))
      assert.truthy(result.stderr:find(
        "volume is masked in 6 decisions; 1 uses it, and cannot be decided again", 1, true),
        result.stderr)

      local summary, status, shown = replayed(path)
      assert.same({ 5, 5, 1, 0 }, { status, summary.identical, summary.unreproducible,
        summary.changed })
      assert.same({ ["/volume"] = 1 }, summary.capsule.masked_facts)
      assert.falsy(shown.stdout:find('"difference"', 1, true))
      local told = run { "replay", path }.stdout
      assert.truthy(told:find("1 decision used /volume, which is masked", 1, true), told)
    end)

    it("takes a number away, which may leave nothing to decide on", function()
      local text, _, path = pack { source, "--mask", "file_count" }
      assert.falsy(text:match('\n{"schema":"weir.capsule%-policies.-\n(.*)'):find('"file_count"', 1,
        true))
      assert.falsy(text:find("11 files", 1, true))
      local summary, status = replayed(path)
      assert.same({ 5, 6, 0 }, { status, summary.unreproducible, summary.bad_lines })
      assert.equal("", run({ "replay", path }).stderr)
    end)

    it("tells apart which of several facts was used", function()
      local _, _, path = pack { source, "--mask", "volume", "--mask", "/deadline_seconds",
        recording("more.log", { line(55, { file_count = 3, volume = "urgent",
          deadline_seconds = 5 }) }) }
      local summary = replayed(path)
      assert.same({ ["/volume"] = 2 }, summary.capsule.masked_facts)
    end)

    it("a fact that no decision has is refused", function()
      local text, result = pack { source, "--mask", "volum" }
      assert.is_nil(text)
      assert.equal(2, result.status)
      assert.truthy(result.stderr:find("no decision of the span has the fact 'volum'; did you"
        .. " mean 'volume'?", 1, true), result.stderr)
    end)

    it("masks secrets in any case", function()
      local token = "AAAAKgAAAAIAAAAA" .. ("Ab3"):rep(80)
      local text = pack { recording("token.log", { line(5, { file_count = 3,
        volume = token }) }) }
      assert.falsy(text:find("Ab3Ab3", 1, true))
    end)
  end)

  it("says which decisions another policy made", function()
    local other = line(5, { file_count = 3, volume = "e" }, function(text)
      return (text:gsub('"digest":"sha256:%x+"', '"digest":"sha256:' .. ("0"):rep(64) .. '"'))
    end)
    local _, result, path = pack { source, recording("other.log", { other }) }
    assert.truthy(result.stderr:find(
      "1 decision was made by another policy of kind routing, sha256:0",
      1, true))
    local summary = replayed(path)
    assert.equal(1, #summary.capsule.other_policies)
  end)

  it("says that another build decided or packed", function()
    local text, _, path = pack { source }
    local lines = text:gsub('"host":"[^"]+"', '"host":"0.0.9"')
      :gsub('"build":"sha256:%x+"', '"build":"sha256:' .. ("1"):rep(64) .. '"')
    local body = lines:sub(1, -(#'{"schema":"weir.capsule-end/1","digest":"sha256:"}' + 64 + 2))
    files.write(path, body .. ('{"schema":"weir.capsule-end/1","digest":"sha256:%s"}\n'):format(
      sha256.hex(body)))
    local summary, status = replayed(path)
    assert.equal(0, status)
    assert.same({ "6 decisions were made by weir 0.0.9; this is weir "
      .. require("weir.process").version, "the capsule was packed by another build, weir "
      .. require("weir.process").version }, summary.capsule.other_builds)
  end)

  it("differs from what was recorded where its decisions do", function()
    local changed = line(5, { file_count = 30, volume = "e" }, function(text)
      return (text:gsub('"action":"batch"', '"action":"realtime"'))
    end)
    local _, _, path = pack { recording("changed.log", { changed }) }
    local summary, status = replayed(path)
    assert.same({ 1, 1, true }, { status, summary.changed, summary.capsule.as_packed })
  end)

  it("is refused with status 7 when any byte of it was changed, or its end is missing", function()
    local text, _, path = pack { source }
    local damaged = { text:sub(1, -2), text:sub(1, #text // 2), text .. "\n", text:sub(2),
      (text:gsub("\n[^\n]+\n$", "\n")) }
    for at = 1, #text, #text // 60 do
      damaged[#damaged + 1] = text:sub(1, at - 1) .. string.char(text:byte(at) ~ 1)
        .. text:sub(at + 1)
    end

    for i, bytes in ipairs(damaged) do
      files.write(path, bytes)
      local result = run { "replay", path }
      assert.equal(7, result.status, i)
      assert.truthy(result.stderr:find("is not what its digest says", 1, true), result.stderr)
    end

    files.write(path, damaged[2])
    assert.equal(7, run({ "diff", policies, policies, path }).status)
  end)

  it("prints what it packed as JSON that fits its schema", function()
    local path = folder .. "/json.capsule"
    local result = run { "capsule", "-p", policies, source, "--mask", "volume", "-o", path,
      "--json" }
    assert.equal(0, result.status)
    assert(json_schema.check("docs/json/capsule.schema.json", result.stdout))
  end)

  it("packs what it can of a recording with bad lines, with status 1", function()
    local lines = hour()
    lines[#lines + 1] = '{"schema":"weir.decision/1","id":"x"'
    local text, result = pack { recording("bad.log", lines) }
    assert.equal(1, result.status)
    assert.equal("d0 d10 d20 d30 d40 d50", ids(text))
  end)

  it("refuses what it cannot use", function()
    for _, case in ipairs {
      { {}, 2, "RECORDING is missing" },
      { { source, "--from", "noon" }, 2, "--from 'noon' is not a time" },
      { { source, "--from", "2026-11-23T13:00:00Z", "--to", "2026-11-23T12:00:00Z" }, 2,
        "--from is not before --to" },
      { { source, "--mask", "/" }, 2, "--mask '/' names no fact" },
      { { source, "--from", "2027-01-01T00:00:00Z" }, 5, "there is no decision in this span" },
      { { "/nowhere" }, 6, "/nowhere: " },
    } do
      local _, result = pack(case[1])
      assert.equal(case[2], result.status, case[3])
      assert.truthy(result.stderr:find("weir: capsule: " .. case[3], 1, true), result.stderr)
    end
  end)
end)
