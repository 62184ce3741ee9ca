-- ./dev demo-callback: what it prints is what deploy/README.md shows, it ends as it should or says
-- that it does not, and leaves no process behind.
local doc_commands = require "support.doc_commands"
local emulators = require "support.emulator"
local run = require "support.run"

local function lines_of(text)
  local lines = {}
  for line in text:gmatch("([^\n]*)\n") do lines[#lines + 1] = line end
  return lines
end

-- The processes of a session, as "pid name …", nothing when there is none.
local function session_members(id)
  local pipe = io.popen(
    "cat /proc/[0-9]*/stat 2>/dev/null | sed 's/^\\([0-9]* \\)(\\(.*\\))/\\1\\2)/'"
    .. " | awk -F') ' '{ split($2, f, \" \"); if (f[4] == " .. id .. ") print $1 }'")
  local text = pipe:read("a")
  pipe:close()

  return text
end

-- The demo in a session of its own: its output, exit status and session.
local function demo(weir, settings)
  local path = os.tmpname()
  local script = ("echo $$; exec env -u FORCE_COLOR %s node tests/workflow/demo.mjs %s >%s 2>&1")
    :format(settings, run.quote(weir), path)
  local pipe = io.popen(("setsid --wait sh -c %s; echo $?"):format(run.quote(script)))
  local session, status = pipe:read("n", "n")
  pipe:close()
  local output = run.read(path)
  os.remove(path)

  return output, status, session
end

local function is_gone(session)
  emulators.wait("the end of the demo's processes", function()
    return session_members(session) == ""
  end)
end

describe("the demo of the callback", function()
  it("prints what deploy/README.md shows, and leaves nothing running", function()
    local output, status, session = demo(run.program, "NO_COLOR=1")
    assert.equal(0, status, output)
    is_gone(session)
    local shown = lines_of(run.read "deploy/README.md")
    local block
    for _, command in ipairs(doc_commands.find(shown)) do
      if command.command == "./dev demo-callback" then block = command end
    end

    local printed = lines_of(output)
    assert.equal(#printed, block.last - block.first + 1, output)
    for i, line in ipairs(printed) do
      local wanted = shown[block.first + i - 1]
      assert(doc_commands.same_line(wanted, line),
        ("line %d\nshown   %s\nprinted %s"):format(i, wanted, line))
    end
  end)

  it("fails when the end is not as it should be", function()
    local folder = run.directory()
    -- No token of Step Functions fits a tag: no job can be started.
    run.write(folder .. "/weir", ("#!/bin/sh\n[ $1 = emulate ] && set -- \"$@\" --env "
      .. "TOKEN_STORAGE_MODE=direct\nexec %s \"$@\"\n"):format(run.quote(run.program)))
    os.execute("chmod 755 " .. folder .. "/weir")
    local output, status, session = demo(folder .. "/weir", "FORCE_COLOR=1")
    run.remove(folder)
    assert.equal(1, status, output)
    assert.matches("TokenDoesNotFit", output, 1, true)
    assert.matches("\27[31mdemo-callback failed\27[0m: ", output, 1, true)
    is_gone(session)
  end)
end)
