local policy_set = require("weir.policy_set")
local replay = require("weir.replay")
local replays = require("support.replays")
local support_run = require("support.run")

local directory, path, write, read = replays.directory, replays.path, replays.write, replays.read
local run, routing, lines_of, replayed = replays.run, replays.routing, replays.lines_of,
  replays.replayed
local replay_text = replays.replay_text

local DAY = "tests/recordings/working-day.jsonl.gz"

describe("replay", function()
  local ten, lines

  setup(function()
    run("mkdir -p " .. directory)
    ten = routing("ten", 10)
    lines = lines_of(ten, { 1, 9, 10, 11, 400 })
  end)

  teardown(function() run("rm -rf " .. directory) end)

  it("that a caller's error ends stops its threads at once", function()
    local function threads()
      local status = read("/proc/self/status")
      return tonumber(status:match("\nThreads:%s*(%d+)"))
    end

    collectgarbage()
    collectgarbage("stop")
    local before = threads()
    local shipped = assert(policy_set.load("policies"))
    local ok, message = pcall(replay.run, {
      set = shipped,
      recordings = { DAY },
      jobs = 4,
      on_progress = function() error("enough", 0) end,
    })
    local after = threads()
    collectgarbage("restart")
    assert.same({ false, "enough" }, { ok, message })
    assert.equal(before, after)
  end)

  describe("of a working day", function()
    local shipped, once

    setup(function()
      shipped = assert(policy_set.load("policies"))
      once = replayed { set = shipped, recordings = { DAY }, jobs = 1 }
    end)

    it("decides as recorded", function()
      assert.is_true(once.decisions > 5000)
      assert.are.equal(once.decisions, once.identical)
      assert.are.equal(0, once.bad_lines + once.failed + once.other_lines)
    end)

    it("gives the same summary twice, and with any number of jobs", function()
      for _, jobs in ipairs { 1, 2, 3, 64 } do
        assert.are.same(once, replayed { set = shipped, recordings = { DAY }, jobs = jobs })
      end
    end)

    it("gives the digest of the plain file for the packed one", function()
      run(("gzip -dc %s > %s"):format(DAY, path("day.jsonl")))
      assert.are.equal(once.digest, replayed({ set = shipped, recordings = { path("day.jsonl") },
        jobs = 2 }).digest)
    end)

    it("counts both sides by kind and action", function()
      local sum = 0
      for _, kind in pairs(once.kinds) do
        assert.are.same(kind.was, kind.is)
        for _, count in pairs(kind.is) do sum = sum + count end
      end

      assert.are.equal(once.decisions, sum)
    end)
  end)

  it("tells another digest when one decision is another", function()
    local changed = table.concat(lines, "\n"):gsub('"file_count":11', '"file_count":3')
    local summary, events = replay_text(ten, "changed.jsonl", changed)
    assert.are_not.equal(replay_text(ten, "plain.jsonl", table.concat(lines, "\n")).digest,
      summary.digest)
    assert.are.equal(1, summary.changed)
    assert.are.equal("decision.action", events[1].field)
    assert.are.equal(4, events[1].line)
    assert.are.equal("line-4", events[1].id)
    assert.are.equal('{"action":"batch"}', events[1].was)
    assert.are.equal('{"action":"realtime"}', events[1].is)
  end)

  it("gives the facts of what differs, and with details every decision and its time", function()
    local text = table.concat(lines, "\n"):gsub('"file_count":11', '"file_count":3')
    run("mkdir -p " .. directory)
    write("details.jsonl", text)
    local events = {}
    replay.run { set = ten, recordings = { path("details.jsonl") }, details = true,
      on_event = function(_, event) events[#events + 1] = event end }
    assert.are.equal(5, #events)
    assert.are.same({ "same", "same", "same", "difference", "same" },
      { events[1].type, events[2].type, events[3].type, events[4].type, events[5].type })
    assert.are.same({ "routing", "realtime" }, { events[1].kind, events[1].is_action })
    assert.are.equal(lines[1]:match('"time":"([^"]*)"'), events[1].time)
    assert.are.same({ nil, '{"file_count":3}' }, { events[1].facts, events[4].facts })
    local plain = select(2, replay_text(ten, "plain.jsonl", text))[1]
    assert.are.same({ nil, '{"file_count":3}' }, { plain.time, plain.facts })
  end)

  it("tells the same decision for another reason apart", function()
    local summary, events = replay_text(ten, "reworded.jsonl",
      (lines[1]:gsub("1 files", "one file")))
    assert.are.same({ 0, 1, 0 }, { summary.changed, summary.reworded, summary.identical })
    assert.are.equal("because", events[1].field)
  end)

  it("reports events in the order of the lines, whatever the jobs", function()
    local wrong = {}
    for i = 1, 20000 do wrong[i] = lines[i % 4 + 1]:gsub("line%-%d", "line-" .. i) end
    for i = 100, 20000, 100 do
      wrong[i] = i % 200 == 0 and "{broken" or wrong[i]:gsub('"file_count":%d+', '"file_count":777')
    end

    local recording = write("wrong.jsonl", table.concat(wrong, "\n"))
    local first, events = replayed { set = ten, recordings = { recording }, jobs = 1 }
    assert.are.equal(20000, first.lines)
    assert.are.equal(100, first.bad_lines)
    for i, event in ipairs(events) do
      if i > 1 then assert.is_true(events[i - 1].line < event.line) end
    end

    for jobs = 2, 4 do
      local summary, again = replayed { set = ten, recordings = { recording }, jobs = jobs }
      assert.are.same(first, summary)
      assert.are.same(events, again)
    end
  end)

  it("names bad lines, counts them, and decides the rest", function()
    local text = table.concat({
      lines[1], '{"schema":"weir.decision/1","kind":', lines[2], '{"schema":"weir.decision/2"}', "",
      '{"schema":"weir.decision/1","kind":"routing","facts":{},"decision":{}}', lines[3], "{broken",
      (lines[4]:gsub('"schema":"[^"]*",', "")), (lines[4]:gsub('"kind":"routing"', '"kind":7')),
      (lines[4]:gsub('"kind":"routing"', '"kind":"routing","kind":"x"')),
      lines[5]:match('"decision".*$'), lines[5], lines[5]:sub(1, 12),
    }, "\n")
    local summary, events = replay_text(ten, "bad.jsonl", text)
    assert.are.same({ 4, 9, 0, 13 },
      { summary.identical, summary.bad_lines, summary.other_lines, summary.lines })
    local told = {}
    for i, event in ipairs(events) do
      told[i] = ("%d:%d %s"):format(event.line, event.column, event.message)
    end

    assert.are.same({
      "2:36 the text ends where a value is expected",
      "4:28 schema weir.decision/2 is not one this program knows (weir.decision/1)",
      '6:1 "because" is missing',
      "8:2 a member's name in double quotes is expected",
      ('9:%d no "schema":"weir.decision/1": not a decision line'):format(#lines[4] - 26),
      '10:1 "kind" has the wrong type',
      ('11:%d "kind" is given twice'):format(
        #lines[4]:match('^(.-"kind":"routing")') + #',"kind":"x"' + 1),
      "12:11 something follows the value",
      "14:13 the text ends inside a string",
    }, told)
  end)

  it("passes over a line that is too long, and decides the rest", function()
    local most = 16 * 1024 * 1024
    for _, more in ipairs { 1, 300000 } do
      local long = lines[2]:gsub('"host":"[^"]*"', function(host)
        return '"host":"' .. ("x"):rep(most + more - #lines[2] + #host - #'"host":""') .. '"'
      end)

      assert.are.equal(most + more, #long)
      local text = table.concat({ lines[1], long, lines[3], long }, "\n")
      for _, ended in ipairs { text, text .. "\n", text .. "\n" .. lines[4] } do
        local recording = write("long.jsonl", ended)
        for jobs = 1, 2 do
          local summary, events = replayed { set = ten, recordings = { recording }, jobs = jobs }
          assert.are.same({ ended:sub(-1) == "}" and ended ~= text and 3 or 2, 2, 0 },
            { summary.identical, summary.bad_lines, #summary.unreadable })
          assert.are.same({ 2, "longer than 16777216 bytes" }, {
            events[1].line,
            events[1].message,
          })

          assert.are.equal(4, events[2].line)
        end
      end
    end

    local fits = lines[2]:gsub("$", (" "):rep(most - #lines[2]))
    assert.are.equal(2, (replay_text(ten, "fits.jsonl", fits .. "\n" .. lines[1])).identical)
  end)

  it("takes facts that do not fit their kind for a bad line, and goes on", function()
    local summary, events = replay_text(ten, "facts.jsonl", table.concat({
      (lines[1]:gsub('"file_count":1', '"file_count":-1')), (lines[2]:gsub("file_count", "files")),
      (lines[3]:gsub('"file_count":10', '"file_count":10,"file_count":10')),
        (lines[4]:gsub('"routing"', '"mapping"')),
      lines[5],
    }, "\n"))
    assert.are.same({ 1, 1, 3 }, { summary.failed, summary.identical, summary.bad_lines })
    local told = {}
    for i, event in ipairs(events) do
      told[i] = (event.code or event.type) .. ": " .. event.message
    end

    assert.are.same({
      'bad line: facts of routing: file_count: expected an integer of at least 0, got -1',
      'bad line: facts of routing: unknown field "files"',
      'bad line: facts of routing: field "file_count" is given twice',
      'UnknownKind: the policy set has no policy of kind "mapping"',
    }, told)
  end)

  it("refuses more members in facts than any kind has fields", function()
    local members = {}
    for i = 1, 70 do members[i] = ('"file_count":%d'):format(i) end
    local _, events = replay_text(ten, "many.jsonl",
      (lines[1]:gsub('"file_count":1', table.concat(members, ","))))
    assert.are.equal('facts of routing: field "file_count" is given twice', events[1].message)
    local broken = (lines[1]:gsub('"file_count":1', table.concat(members, ",")
      .. ',"file_count":01'))
    _, events = replay_text(ten, "many.jsonl", broken)
    assert.are.equal("a number cannot start with 0", events[1].message)
  end)

  it("does not mind blank lines, Windows line ends, or a last line without an end", function()
    local summary = replay_text(ten, "ends.jsonl", "\n\r\n" .. table.concat(lines, "\r\n\n"))
    assert.are.same({ 5, 5, 0 }, { summary.lines, summary.identical, summary.bad_lines })
  end)
end)

describe("replay of files", function()
  local set, text, plain

  setup(function()
    run("mkdir -p " .. directory)
    set = routing("ten", 10)
    text = table.concat(lines_of(set, { 1, 9, 10, 11 }), "\n") .. "\n"
    plain = replay_text(set, "plain.jsonl", text)
  end)

  teardown(function() run("rm -rf " .. directory) end)

  local function unreadable(file, jobs)
    local summary = replayed { set = set, recordings = { file }, jobs = jobs or 1 }
    assert.are.equal(1, #summary.unreadable)
    assert.are.equal(file, summary.unreadable[1].file)

    return summary.unreadable[1].message, summary
  end

  it("reads gzip", function()
    write("a.jsonl", text)
    run("gzip -k " .. path("a.jsonl"))
    local packed = replayed { set = set, recordings = { path("a.jsonl.gz") }, jobs = 1 }
    assert.are.equal(plain.digest, packed.digest)
    plain.files, packed.files = nil, nil
    assert.are.same(plain, packed)
  end)

  it("decides what a cut gzip file still holds, and says that it is cut", function()
    write("long.jsonl", text:rep(5000))
    run("gzip -k " .. path("long.jsonl"))
    local packed = read(path("long.jsonl.gz"))
    for jobs = 1, 2 do
      local message, summary = unreadable(write("cut.jsonl.gz", packed:sub(1, #packed // 2)), jobs)
      assert.matches("^after line %d+: the compressed data ends early$", message)
      assert.is_true(summary.identical > 1000)
      assert.are.same({ 0, summary.lines }, { summary.bad_lines, summary.identical })
    end
  end)

  it("says that gzip data is damaged", function()
    local packed = read(path("long.jsonl.gz"))
    local damaged = packed:sub(1, -9) .. "\0\0\0\0" .. packed:sub(-4)
    assert.matches("the compressed data is damaged$",
      unreadable(write("damaged.jsonl.gz", damaged)))
  end)

  it("finds no line in an empty file", function()
    local summary, events = replay_text(set, "empty.jsonl", "")
    assert.are.same({ 0, 0, 0 }, { summary.lines, #events, #summary.unreadable })
  end)

  it("takes binary data for bad lines", function()
    local summary, events = replay_text(set, "binary.jsonl",
      "\0\1\2\255\254\n{\"\0\":1}\n\127ELF\n" .. text)
    assert.are.same({ 3, 4 }, { summary.bad_lines, summary.identical })
    assert.are.same({ 1, 2, 3 }, { events[1].line, events[2].line, events[3].line })
  end)

  it("says why a directory or a missing file cannot be read, and reads the others", function()
    assert.are.equal("cannot be read: Is a directory", unreadable(directory))
    assert.are.equal("cannot be read: No such file or directory", unreadable(path("missing")))
    local summary = replayed {
      set = set,
      recordings = { path("missing"), path("plain.jsonl") },
      jobs = 2,
    }

    assert.are.same({ 1, 4 }, { #summary.unreadable, summary.identical })
  end)

  it("numbers the lines of every file from 1", function()
    local bad = write("bad.jsonl", '{"schema":"weir.decision/1"}\n')
    local _, events = replayed {
      set = set,
      recordings = { path("plain.jsonl"), bad, bad },
      jobs = 2,
    }

    assert.are.same({ 1, 1 }, { events[1].line, events[2].line })
    assert.are.equal(bad, events[1].recording)
  end)

  it("reads standard input", function()
    write("script.lua", ([[
      local set = assert(require("weir.policy_set").load(%q))
      local replay = require "weir.replay"
      io.write(assert(replay.run { set = set, recordings = { "-" }, jobs = 2 }).digest)
    ]]):format(path("ten")))
    local pipe = assert(io.popen(("cat %s | %s lua %s"):format(path("plain.jsonl"),
      support_run.quote(support_run.program), path("script.lua"))))
    assert.are.equal(plain.digest, pipe:read("a"))
    assert(pipe:close())
  end)
end)

describe("replay's callbacks", function()
  local ten, recording

  setup(function()
    run("mkdir -p " .. directory)
    ten = routing("ten", 10)
    recording = write("callbacks.jsonl", (table.concat(lines_of(ten, { 1, 2, 3 }), "\n")
      .. '\n{"schema":"weir.decision/1"}\n'):rep(3000))
  end)

  teardown(function() run("rm -rf " .. directory) end)

  it("that raise end the replay with their error", function()
    for _, name in ipairs { "on_event", "on_progress" } do
      for jobs = 1, 3 do
        local calls = 0
        local ok, message = pcall(replay.run, {
          set = ten, recordings = { recording, recording }, jobs = jobs,
          [name] = function()
            calls = calls + 1
            error("enough of " .. name, 0)
          end,
        })

        assert.are.same({ false, "enough of " .. name, 1 }, { ok, message, calls })
      end
    end

    assert.are.equal(3000, (replayed { set = ten, recordings = { recording }, jobs = 2 }).bad_lines)
  end)

  it("tell progress up to the end of the file", function()
    local last
    replayed {
      set = ten,
      recordings = { recording },
      jobs = 2,
      on_progress = function(...) last = { ... } end,
    }

    local size = #read(recording)
    assert.are.same({ recording, size, size, 9000 }, last)
  end)

  it("and options are checked", function()
    for text, options in pairs {
      ["unknown key 'job'"] = { set = ten, recordings = {}, job = 1 },
      ["'jobs' must be an integer of at least 1"] = { set = ten, recordings = {}, jobs = 0 },
      ["'set' is missing"] = { recordings = {} },
      ["'recordings' is missing"] = { set = ten },
    } do
      assert.error_matches(function() replay.run(options) end, text)
    end
  end)
end)
