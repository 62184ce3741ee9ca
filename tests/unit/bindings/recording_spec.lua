local files = require "support.files"
local json = require "weir.json"
local recording = require "weir.recording"

local DAY = "tests/recordings/working-day.jsonl.gz"

-- Every decision of the file, of one kind where one is given.
local function all(path, kind)
  local source <close> = assert(recording.open(path))
  local list = {}
  while true do
    local entry, message, code = source:next(kind)
    if not entry then return list, source:counts(), message, code end
    list[#list + 1] = entry
  end
end

describe("weir.recording", function()
  local folder

  setup(function() folder = files.directory() end)
  teardown(files.remove_all)

  it("gives every decision of a packed file, in order, with its texts", function()
    local list, counts = all(DAY)
    local lines = files.lines_of("gzip -dc " .. DAY)
    assert.equal(#lines, #list)
    assert.same({ lines = #lines, decisions = #lines, bad_lines = 0, other_lines = 0 }, counts)
    for i, entry in ipairs(list) do assert.equal(i, entry.line) end
    for _, at in ipairs { 1, 38, #lines } do
      local line, entry = lines[at], list[at]
      assert.truthy(line:find('"id":"' .. entry.id .. '","time":"' .. entry.time .. '"', 1, true))
      assert.truthy(line:find('"kind":"' .. entry.kind .. '"', 1, true))
      assert.truthy(line:find('"params":' .. entry.params .. ',"overrides"', 1, true))
      assert.truthy(line:find('"facts":' .. entry.facts .. ',"decision":' .. entry.decision
        .. ',"because":', 1, true))
    end
  end)

  it("passes over other kinds, and counts them", function()
    local list, counts = all(DAY, "promotion")
    local wanted = files.lines_of("gzip -dc " .. DAY .. " | grep -c '\"kind\":\"promotion\"'")
    assert.equal(tonumber(wanted[1]), #list)
    assert.is_true(counts.decisions > 7000)
    for _, entry in ipairs(list) do assert.equal("promotion", entry.kind) end
  end)

  it("knows a kind and a text that are spelled with escapes", function()
    local line = files.lines_of("gzip -dc " .. DAY)[1]
    local escaped = line:gsub('"kind":"(%l)', function(letter)
      return ('"kind":"\\u%04x'):format(letter:byte())
    end)
      :gsub('"because":"[^"]*"', '"because":"\\u2028 \\"x\\""')
    assert.is_true(escaped ~= line)
    local path = files.write(folder .. "/escaped.jsonl", "\n  \n" .. escaped .. "\n")
    local list = all(path, line:match('"kind":"(%l+)"'))
    assert.equal(1, #list)
    assert.same({ 3, "\u{2028} \"x\"" }, { list[1].line, list[1].because })
  end)

  it("gives bad lines with what is wrong, whatever kind is asked for, and counts other lines",
    function()
    local path = files.write(folder .. "/bad.jsonl", 'START\n{"schema":"weir.decision/1"}\nEND')
    local list, counts = all(path, "promotion")
    assert.same({ { line = 2, column = 1, message = '"kind" is missing' } }, list)
    assert.same({ lines = 3, decisions = 0, bad_lines = 1, other_lines = 2 }, counts)
  end)

  it("says why it cannot open or read on", function()
    local source, message, code = recording.open("/nonexistent")
    assert.is_nil(source)
    assert.equal("/nonexistent: cannot be read: No such file or directory", message)
    assert.equal("NotFound", code)
    local packed = files.read(DAY)
    local path = files.write(folder .. "/short.gz", packed:sub(1, #packed // 2))
    local list, _, why
    list, _, why, code = all(path)
    assert.is_true(#list > 1000)
    assert.matches("^after line %d+: the compressed data ends early", why)
    assert.equal("IoError", code)
  end)

  it("reads nothing once it is closed", function()
    local source = assert(recording.open(DAY))
    source:close()
    source:close()
    assert.error_matches(function()
      source:next()
    end, "expected recording:next%(%[kind%]%) on an open recording")
  end)

  describe("next_record", function()
    local SHADOW = '{"schema":"weir.shadow/1","id":"a","kind":"routing","facts":{"file_count":3},'
      .. '"decision":{"action":"batch"},"because":"x","shadow":{}}'

    local function records(schema, ...)
      local path = files.write(folder .. "/records.jsonl", table.concat({ ... }, "\n"))
      local source <close> = assert(recording.open(path))
      local list = {}
      while true do
        local found = source:next_record(schema)
        if not found then return list, source:counts() end
        list[#list + 1] = found
      end
    end

    it("gives each object whose schema begins so, freed of its log, and its line", function()
      local list = records("weir.shadow", "START", SHADOW, '{"schema":"weir.decided/1"}',
        json.encode { message = SHADOW }, "2026-11-22T03:04:05.678Z stream " .. SHADOW,
        '{"_aws":{},"schema":"weir.shadow-counts/1"}')
      assert.same({
        { line = 2, text = SHADOW },
        { line = 4, text = SHADOW },
        { line = 5, text = SHADOW },
        { line = 6, text = '{"_aws":{},"schema":"weir.shadow-counts/1"}' },
      }, list)
    end)

    it("gives bad lines, which may be such an object", function()
      local list = records("weir.shadow", SHADOW, '{"schema":"weir.shadow/1",')
      assert.equal(2, list[2].line)
      assert.is_string(list[2].message)
    end)

    it("counts a shadow's line as a decision only where no decision line is before it", function()
      local decision = SHADOW:gsub("shadow/1", "decision/1")
      local _, counts = records("weir.shadow", SHADOW, SHADOW)
      assert.same({ 2, 0 }, { counts.decisions, counts.other_lines })
      _, counts = records("weir.shadow", decision, SHADOW, SHADOW)
      assert.same({ 1, 2 }, { counts.decisions, counts.other_lines })
      _, counts = records("weir.shadow", json.encode { message = decision }, SHADOW)
      assert.same({ 1, 1 }, { counts.decisions, counts.other_lines })
    end)

    -- Blocks of 256 KiB are judged by several threads, which know of no earlier block.
    it("does so in a replay as well, however far the decision line is before it", function()
      local replay = require "weir.replay"
      local decision = SHADOW:gsub("shadow/1", "decision/1")
      local path = files.write(folder .. "/far.jsonl", decision .. "\n"
        .. ("REPORT\n"):rep(100000) .. SHADOW)
      local set = assert(require("weir.policy_set").load("policies"))
      for _, jobs in ipairs { 1, 4 } do
        local summary = replay.run { set = set, recordings = { path, path }, jobs = jobs }
        assert.same({ 2, 200002 }, { summary.decisions, summary.other_lines }, jobs)
      end
    end)
  end)
end)
