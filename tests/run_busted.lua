-- Runs Busted inside weir, so that specs see the very modules that ship:
--   weir lua tests/run_busted.lua [BUSTED OPTION…] PATH…
--
-- With options, or for one file, Busted runs in this process. Otherwise support.spec_runner gives
-- each file a process of its own.
--
-- No test may leave the machine: a lost setting would reach the real AWS. The run begins again with
-- WEIR_LOOPBACK_ONLY=1, which weir honours, and with the same guard for Node.
package.path = "tests/?.lua;" .. package.path

local files = require("support.files")

local function program() return assert(require("weir.process").executable()) end

local function run_guarded()
  local words = {
    "WEIR_LOOPBACK_ONLY=1",
    [[NODE_OPTIONS="--require=\"$PWD/tests/support/loopback_only.cjs\" ${NODE_OPTIONS:-}"]],
    "exec",
    files.quote(program()),
    "lua",
    files.quote(arg[0]),
  }

  for _, argument in ipairs(arg) do words[#words + 1] = files.quote(argument) end
  local _, _, status = os.execute(table.concat(words, " "))
  os.exit(status)
end

if os.getenv("WEIR_LOOPBACK_ONLY") ~= "1" then run_guarded() end

if #arg == 0 then
  io.stderr:write("run_busted: expected weir lua tests/run_busted.lua [BUSTED OPTION…] PATH…\n")
  os.exit(2)
end

local function has_options()
  for _, argument in ipairs(arg) do
    if argument:sub(1, 1) == "-" then return true end
  end
end

local is_one_file = #arg == 1 and arg[1]:match("%.lua$")
if not is_one_file and not has_options() then
  os.exit(require("support.spec_runner").run(arg, program()))
end

-- Lua's own puts every temporary file into /tmp.
local TMPDIR = os.getenv("TMPDIR")
if TMPDIR then
  rawset(os, "tmpname", function()
    return files.write(TMPDIR .. "/lua_" .. require("weir.process").new_id():sub(1, 12), "")
  end)
end

-- A test that makes no assertion fails.
table.insert(arg, 1, "--helper=support.assertions")
require("busted.runner")({ standalone = false })
