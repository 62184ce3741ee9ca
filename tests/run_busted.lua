-- Runs Busted inside weir, so that specs see the very modules that ship:
--   weir lua tests/run_busted.lua [BUSTED OPTION…] DIR…
--
-- No test may leave the machine: a lost setting would reach the real AWS. The run begins again with
-- WEIR_LOOPBACK_ONLY=1, which weir honours, and with the same guard for Node.
package.path = "tests/?.lua;" .. package.path

local files = require("support.files")

local function run_guarded()
  local words = {
    "WEIR_LOOPBACK_ONLY=1",
    [[NODE_OPTIONS="--require=\"$PWD/tests/support/loopback_only.cjs\" ${NODE_OPTIONS:-}"]],
    "exec",
    files.quote(assert(require("weir.process").executable())),
    "lua",
    files.quote(arg[0]),
  }

  for _, argument in ipairs(arg) do words[#words + 1] = files.quote(argument) end
  local _, _, status = os.execute(table.concat(words, " "))
  os.exit(status)
end

if os.getenv("WEIR_LOOPBACK_ONLY") ~= "1" then run_guarded() end
-- A test that makes no assertion fails.
table.insert(arg, 1, "--helper=support.assertions")
require("busted.runner")({ standalone = false })
