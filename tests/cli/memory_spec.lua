-- The machine runs out of memory: every verb gives what it gives with enough of it, or ends with
-- status 6 and says so. A replay then has no digest. Memory is refused by a library that is
-- preloaded, once or from some request on, and by the limit of the address space.
local files = require("support.files")
local Random = require "support.random"
local run = require "support.run"

local LIBRARY = run.program:match("^(.*)/[^/]*$") .. "/tests/failing_malloc.so"

local VERBS = {
  { "replay", "day.jsonl", "-p", "policies", "-j", "1" },
  { "replay", "day.jsonl", "-p", "policies", "-j", "1", "--json" },
  { "replay", "export.json", "-p", "policies", "-j", "1" },
  { "replay", "day.jsonl.gz", "-p", "policies", "-j", "3" },
  { "diff", "policies", "policies", "day.jsonl", "-j", "1" },
  { "decide", "routing", "-p", "policies", "-e", "event.json", "--json" },
  { "run", "routing", "-p", "policies", "-e", "event.json", "--json" },
  { "check", "policies", "--json" },
  { "bundle", "policies" },
  { "capsule", "day.jsonl", "-p", "policies", "-o", "capsule.json", "--json" },
  { "example", "day.jsonl:5", "-p", "policies" },
  { "explain", "routing", "-p", "policies", "-e", "event.json", "--json" },
  { "simulate", "-p", "policies", "--runs", "2", "--json" },
  { "test", "policies" },
  { "match", '{"source": ["a"]}', "event.json" },
}

describe("a lack of memory", function()
  local folder

  setup(function()
    folder = run.directory()
    os.execute("cp -r policies " .. folder)
    local lines = {}
    for line in io.lines("tests/recordings/lunch-hour.jsonl") do
      lines[#lines + 1] = line
      if #lines == 12 then break end
    end

    lines[3] = lines[3]:gsub('"action":"%l+"', '"action":"other"')
    run.write(folder .. "/day.jsonl", table.concat(lines, "\n") .. "\n")
    os.execute("gzip -k " .. folder .. "/day.jsonl")
    local events = {}
    for i, line in ipairs(lines) do events[i] = { timestamp = i, message = line } end
    run.write(folder .. "/export.json", require("weir.json").encode { events = events })
    run.write(folder .. "/event.json", '{"file_count": 3, "source": "a"}')
    -- The loader takes a space in a path for the end of it.
    if files.exists(LIBRARY) then
      files.shell(("cp %s %s/failing_malloc.so"):format(run.quote(LIBRARY), folder))
    end
  end)

  teardown(function() run.remove(folder) end)

  -- Runs the program after `prefix` in a shell; its status and both outputs.
  local function shell(prefix, words)
    local out, err = folder .. "/out", folder .. "/err"
    local quoted = { run.quote(run.program) }
    for _, word in ipairs(words) do quoted[#quoted + 1] = run.quote(word) end
    local script = ("cd %s; %s %s >%s 2>%s </dev/null"):format(folder, prefix,
      table.concat(quoted, " "), out, err)
    -- The shell's own words about a program that could not even be loaded are of no interest.
    local _, how, status = os.execute(("bash -c %s 2>/dev/null"):format(run.quote(script)))

    return how == "exit" and status or 128 + status, run.read(out), run.read(err)
  end

  -- Times differ from run to run.
  local function comparable(text) return (text:gsub('"eval_us":%d+', '"eval_us":0')) end

  -- The line that made a decision is a courtesy, which a shortage that passes may take: nowhere
  -- else may it be missing, and the decision and its reason may not differ.
  local function without_place(text)
    return (text:gsub('"file":"[^"]*"', '"file":""'):gsub('"line":%d+', '"line":0'))
  end

  local function check(words, prefix, expected)
    local status, out, err = shell(prefix, words)
    local where = ("%s weir %s\n%s%s"):format(prefix, table.concat(words, " "), out, err)
    if status == 6 then
      assert.is_nil(out:find("sha256:%x+\n?$") and out:find("digest sha256", 1, true), where)
      assert.is_nil(out:find('"type":"summary"', 1, true), where)
      assert.is_truthy(err:find("not enough memory", 1, true), where)
    else
      assert.equal(expected.status, status, where)
      local wanted = comparable(expected.out)
      if out:find('"file":"","kind"', 1, true) then wanted = without_place(wanted) end
      assert.equal(wanted, comparable(out), where)
    end

    return status
  end

  local function reference(words)
    local status, out = shell("", words)
    return { status = status, out = out }
  end

  -- A sanitizer reserves terabytes of addresses and has an allocator of its own: neither limit can
  -- be set for it.
  local it = run.is_sanitized() and pending or it
  local has_library = files.exists(LIBRARY)
  for _, words in ipairs(has_library and VERBS or {}) do
    it("at any request is told by weir " .. table.concat(words, " "), function()
      local expected, random = reference(words), Random.new(10)
      local preload = "LD_PRELOAD=" .. folder .. "/failing_malloc.so "
      local seen = {}

      for i = 1, 25 do
        local once = check(words, ("%sWEIR_FAIL_ONCE=%d"):format(preload,
          random:integer(1, 80 * i)), expected)
        local after = check(words, ("%sWEIR_FAIL_AFTER=%d"):format(preload,
          random:integer(1, 80 * i)), expected)
        seen[once], seen[after] = true, true
      end

      assert.is_true(seen[6])
    end)
  end

  -- Of KiB with which the program starts at all.
  local function least_memory()
    local least = 8192
    while select(2, shell(("ulimit -v %d; exec"):format(least), { "--version" })) == ""
      and least < 2 ^ 20 do
      least = least + 1024
    end

    return least
  end

  local least
  for _, words in ipairs(VERBS) do
    it("of the address space is told by weir " .. table.concat(words, " "), function()
      least = least or least_memory()
      local expected = reference(words)
      for i = 0, 10 do
        check(words, ("ulimit -v %d; exec"):format(least + i * 384), expected)
      end

      for i = 2, 9 do -- the memory that threads need
        check(words, ("ulimit -v %d; exec"):format(least + i * 2000), expected)
      end
    end)
  end
end)
