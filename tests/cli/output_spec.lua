-- Output that cannot be written: a full disk, a file-size limit, nobody who reads. Every verb that
-- writes ends with status 6 and says why; none is ended by a signal.
local run = require "support.run"

local RECORDING = "tests/recordings/lunch-hour.jsonl"

-- What each verb is given to write something.
local VERBS = {
  { "check", "policies" },
  { "decide", "routing", "-p", "policies", stdin = '{"file_count": 3}' },
  { "decide", "routing", "-p", "policies", "--json", stdin = '{"file_count": 3}' },
  { "run", "routing", "-e", "-", "-p", "policies", stdin = '{"file_count": 3}' },
  { "replay", RECORDING, "-p", "policies" },
  { "replay", RECORDING, "-p", "policies", "--json" },
  { "diff", "policies", "policies", RECORDING },
  { "match", '{"source": ["a"]}', stdin = '{"source": "a"}' },
  { "shadow", RECORDING },
  { "watch", "policies", "--once" },
  { "test", "policies" },
  { "example", RECORDING .. ":189", "-p", "policies" },
  { "bench", "policies", RECORDING },
  { "bundle", "policies" },
  { "lua", "-", stdin = "print('a')" },
  { "lua", "-", stdin = "print('a'); os.exit(0)" },
  { "lua", "-", stdin = "io.stdout:setvbuf('no'); io.write('a'); io.write('b')" },
  { "completion", "bash" },
  { "help" },
}

-- Runs `script` in bash with WEIR replaced by the program and its words; the status of the script
-- and what was written to stderr.
local function shell(script, words)
  local input, err = os.tmpname(), os.tmpname()
  run.write(input, words.stdin or "")
  local quoted = { run.quote(run.program) }
  for _, word in ipairs(words) do quoted[#quoted + 1] = run.quote(word) end
  local program = table.concat(quoted, " ") .. " <" .. input

  script = script:gsub("WEIR", function() return program end)
  local _, how, status = os.execute(("bash -c %s 2>%s"):format(run.quote(script), err))
  local message = run.read(err)
  os.remove(input)
  os.remove(err)

  return how == "exit" and status or 128 + status, message
end

describe("an output that cannot be written", function()
  local folder

  setup(function() folder = run.directory() end)
  teardown(function() run.remove(folder) end)

  for _, words in ipairs(VERBS) do
    local name = table.concat(words, " ")
      .. (words.stdin and words[1] == "lua" and words.stdin or "")

    it("because the disk is full is told by weir " .. name, function()
      local status, message = shell("exec WEIR >/dev/full", words)
      assert.equal(6, status)
      assert.matches("weir: cannot write the output: [^\n]+\n$", message)
    end)

    it("because of a file-size limit is told by weir " .. name, function()
      -- What goes through cat is not limited.
      local script = ("{ (ulimit -f 0; exec WEIR >%s/out) 2>&3 | cat; } 3>&2; exit "
        .. "${PIPESTATUS[0]}"):format(folder)
      local status = shell("exec 3>/dev/null; " .. script, words)
      assert.equal(6, status)
      assert.equal("", run.read(folder .. "/out"))
    end)

    if words[1] ~= "lua" then
      it("because nobody reads it ends weir " .. name, function()
        local status, message = shell("{ sleep 0.3; exec WEIR; } | true; exit ${PIPESTATUS[0]}",
          words)
        assert.equal(6, status)
        assert.is_nil(message:find("cannot write", 1, true))
      end)
    end
  end

  it("ends a script as it ends lua: by the signal", function()
    local status = shell("WEIR | true; exit ${PIPESTATUS[0]}", {
      "lua",
      "-",
      stdin = "while true do print(1) end",
    })

    assert.equal(141, status)
  end)

  it("is told by bundle -o with the name of the file, which does not come to be", function()
    local path = folder .. "/x.bundle"
    local limited = "{ (ulimit -f 1; exec WEIR) 2>&1 | cat >&2; }; exit ${PIPESTATUS[0]}"
    local status, message = shell(limited, { "bundle", "policies", "-o", path })
    assert.equal(6, status)
    assert.matches("weir: bundle: " .. path:gsub("%p", "%%%0") .. ".part: File too large\n",
      message)
    assert.is_nil(io.open(path))
    assert.is_nil(io.open(path .. ".part"))

    status, message = shell("exec WEIR", { "bundle", "policies", "-o", "/dev/full" })
    assert.equal(6, status)
    assert.matches("weir: bundle: /dev/full: No space left on device\n", message)
  end)

  it("is told by capsule of the file that it replays", function()
    local limited = "{ (ulimit -f 1; exec WEIR) 2>&1 | cat >&2; }; exit ${PIPESTATUS[0]}"
    local status, message = shell(limited, { "capsule", "tests/recordings/lunch-hour.jsonl", "-p",
      "policies", "-o", folder .. "/x.capsule" })
    assert.equal(6, status)
    assert.matches("^weir: capsule: [^\n]+: File too large\n", message)
    assert.is_nil(io.open(folder .. "/x.capsule"))
  end)

  it("is told where it is a decision log", function()
    local words = { "run", "routing", "-e", "-", "-p", "policies", "--log", folder .. "/log" }
    words.stdin = '{"file_count": 3}'
    local status, message = shell(
      "{ (ulimit -f 0; exec WEIR) 2>&1 >/dev/null | cat >&2; }; exit ${PIPESTATUS[0]}",
      words)
    assert.equal(6, status)
    assert.matches("LogFailed: the decision log [^\n]+ cannot be written: File too large\n",
      message)
    words[8] = "/dev/full"
    assert.equal(6, (shell("exec WEIR >/dev/null", words)))
  end)
end)
