local json = require("weir.json")
local exports = require("support.log_exports")
local replays = require("support.replays")

local directory, run, routing, lines_of = replays.directory, replays.run, replays.routing,
  replays.lines_of
local replay_text = replays.replay_text

describe("replay of CloudWatch Logs exports", function()
  local set, lines, plain

  setup(function()
    run("mkdir -p " .. directory)
    set = routing("ten", 10)
    lines = lines_of(set, { 1, 9, 10 })
    plain = replay_text(set, "plain.jsonl", table.concat(lines, "\n"))
  end)

  teardown(function() run("rm -rf " .. directory) end)

  local function expect_same(name, text, others)
    local summary, events = replay_text(set, name, text)
    assert.are.same({}, events)
    assert.are.equal(plain.digest, summary.digest)
    assert.are.equal(#lines, summary.identical)
    assert.are.equal(others, summary.other_lines)
  end

  local function each(wrap)
    local wrapped = {}
    for i, line in ipairs(lines) do wrapped[i] = wrap(line) end
    return table.concat(wrapped, "\n")
  end

  it("to S3: a time before each message", function()
    expect_same("s3.jsonl", "2026-11-22T03:04:05.678Z START RequestId: 1 Version: $LATEST\n"
      .. each(function(line) return "2026-11-22T03:04:05.678Z " .. line end)
      .. "\n2026-11-22T03:04:05.999Z {like JSON=but not}\n2026-11-22T03:04:05.999Z REPORT "
      .. "RequestId: 1", 3)
  end)

  it("by `aws logs tail`: time and stream before each message", function()
    expect_same("tail.jsonl", each(function(line)
      return "2026-11-22T03:04:05.678000+00:00 2026/11/22/[$LATEST]0123456789abcdef " .. line
    end), 0)
  end)

  it("from Logs Insights: @message beside @timestamp", function()
    expect_same("insights.jsonl", each(function(line)
      return json.encode({ ["@timestamp"] = "2026-11-22 03:04:05.678", ["@message"] = line })
    end), 0)
    expect_same("insights.jsonl", each(function(line)
      return '{"@timestamp":"2026-11-22 03:04:05.678","@message":' .. line .. "}"
    end), 0)
  end)

  it("wrapped in messages up to three times, and no more", function()
    local function wrapped(times)
      return each(function(line)
        for _ = 1, times do line = json.encode { timestamp = 1, message = line } end
        return line
      end)
    end

    for times = 1, 3 do expect_same("wrapped.jsonl", wrapped(times), 0) end

    local summary = replay_text(set, "wrapped.jsonl", wrapped(4))
    assert.are.same({ 0, #lines }, { summary.identical, summary.other_lines })
  end)

  it("as log events: the line is a text in message", function()
    expect_same("events.jsonl", each(function(line)
      return json.encode({ timestamp = 1795316645678, message = line .. "\n" })
    end) .. '\n{"timestamp":1,"message":"END RequestId: 1"}\n{"timestamp":1,"message":5}', 2)
  end)

  it("of a runtime that quotes the line once more", function()
    expect_same("twice.jsonl", each(function(line)
      return json.encode({ message = json.encode({ level = "INFO", message = line }) })
    end), 0)
  end)

  local function document(newline, indent, name)
    local events = {}
    for i, line in ipairs(lines) do
      events[i] = table.concat({ indent .. "{", indent .. '"logStreamName": "a",',
        indent .. '"message": ' .. json.encode(line), indent .. "}" }, newline)
    end

    table.insert(events, 2, indent .. '{"message": "START RequestId: 1"}')

    return table.concat({ "{", indent .. ('"%s": ['):format(name),
      table.concat(events, "," .. newline),
      indent .. "],", indent .. '"searchedLogStreams": []', "}", "" }, newline)
  end

  it("pretty-printed, as it stands in the documentation of `aws logs tail`", function()
    local decision = json.decode(lines[2])
    local text =
      "2026-11-22T03:04:05.123000+00:00 2026/11/22/[$LATEST]ffd2 START RequestId: 1 Version: 1\n"
      .. "2026-11-22T03:04:05+00:00 2026/11/22/[$LATEST]ffd2 \n" .. exports.pretty(decision, "")
        .. "\n"
      .. "2026-11-22T03:04:06+00:00 2026/11/22/[$LATEST]ffd2 END RequestId: 1\n"
    local summary, events = replay_text(set, "tail.txt", text)
    assert.are.same({}, events)
    assert.are.same({ 1, 2 }, { summary.identical, summary.other_lines })
  end)

  it("pretty-printed over the ends of blocks, with the numbers of their lines", function()
    local texts = {}
    for i = 1, 3000 do
      local value = json.decode(lines[i % #lines + 1])
      if i == 2999 then value.kind = 5 end
      texts[i] = "2026-11-22T03:04:05+00:00 stream \n" .. exports.pretty(value, "") .. "\n"
    end

    local text = table.concat(texts)
    local before = select(2, table.concat(texts, "", 1, 2998):gsub("\n", "\n"))
    for _, wanted in ipairs { text, "{\n{\n" .. text .. "{\n" } do
      local summary, events = replay_text(set, "pretty.txt", wanted)
      local extra = wanted == text and 0 or 2
      assert.are.same({ 2999, 0 }, { summary.identical, summary.other_lines })
      assert.are.equal(extra == 0 and 1 or 4, summary.bad_lines)
      assert.are.equal(before + 1 + extra, events[extra + 1].line)
    end
  end)

  it("leaves lines alone that only begin like a printed object", function()
    local summary = replay_text(set, "open.txt", "{\n" .. table.concat(lines, "\n") .. "\n}\n")
    assert.are.same({ 3, 1, 1 }, { summary.identical, summary.bad_lines, summary.other_lines })
  end)

  it("as CSV, with line breaks inside a row", function()
    local rows = { 'time,"message"' }
    for i, line in ipairs(lines) do
      rows[#rows + 1] = i .. ',"' .. line:gsub('"', '""') .. '\n"'
    end

    table.insert(rows, 3, '9,"a traceback\n\n  with ""lines"""')
    expect_same("rows.csv", table.concat(rows, "\r\n"), 1)
    rows[4] = rows[4]:gsub('""because""', '""why""')
    local _, events = replay_text(set, "rows.csv", table.concat(rows, "\r\n"))
    assert.are.same({ 7, '"because" is missing' }, { events[1].line, events[1].message })
  end)

  it("as CSV whose rows may be empty, or have no message", function()
    local rows = { "message,time" }
    for i, line in ipairs(lines) do
      rows[#rows + 1] = '"' .. line:gsub('"', '""') .. '",' .. i
      rows[#rows + 1] = i == 1 and "," or ""
    end

    expect_same("empty.csv", table.concat(rows, "\n"), 0)
  end)

  it("as one document over many lines", function()
    expect_same("document.json", document("\n", "    ", "events"), 1)
    expect_same("document.json", "\n\n" .. document("\r\n", "\t", "logEvents"), 1)
  end)

  it("as one document on one line, and as documents one after another", function()
    expect_same("document.json", document("", "", "events"), 1)
    local half = {}
    for i, line in ipairs(lines) do
      half[i] = json.encode({ logEvents = json.array({ { message = line } }) })
    end

    expect_same("documents.json", table.concat(half), 0)
    expect_same("documents.json", table.concat(half, "\n"), 0)
  end)

  it("names the line of the document where a bad event begins", function()
    local text = document("\n", "  ", "events")
    local _, events = replay_text(set, "document.json",
      (text:gsub('\\"threshold\\":10', '\\"threshold\\":oops')))
    local found = {}
    for i, event in ipairs(events) do found[i] = ("%s %d"):format(event.type, event.line) end
    assert.are.same({ "bad line 3", "bad line 8", "bad line 12" }, found)
  end)

  it("decides nothing in a document without events, and refuses one that is cut off", function()
    assert.are.equal(0, (replay_text(set, "none.json", '{\n "events": []\n}\n')).lines)
    local text = document("\n", "  ", "events")
    local summary = replay_text(set, "cut.json", text:sub(1, #text // 2))
    assert.are.equal(0, summary.decisions)
    assert.are.equal(summary.lines, summary.bad_lines + summary.other_lines)
    assert.is_true(summary.bad_lines > 0)
  end)

  it("reads a first line that is broken as what it is, a bad line", function()
    local summary, events = replay_text(set, "first.jsonl", "{\n" .. table.concat(lines, "\n"))
    assert.are.same({ 1, 3 }, { summary.bad_lines, summary.identical })
    assert.are.equal(1, events[1].line)
  end)
end)
