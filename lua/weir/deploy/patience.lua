-- Waiting for something that AWS does.
--
--   patience.until_done(ask, late[, limit_ms]) → what ask gave | nil, message, code
--   ask(elapsed_ms) → a result | nil, moved: not yet, and whether something happened
--                   | false, message, code: it failed
--   late: what to say when nothing happened for limit_ms, or ten minutes
local process = require "weir.process"

local patience = {}

-- How long something that was just made may not be found.
patience.VISIBLE_MS = 30000

local FIRST_MS, LONGEST_MS, TEN_MINUTES_MS = 200, 5000, 600000

function patience.until_done(ask, late, limit_ms)
  local began, pause = process.clock(), FIRST_MS
  while true do
    local elapsed = process.clock() - began
    local result, message, code = ask(elapsed)
    if result then return result end
    if result == false then return nil, message, code end
    if elapsed > (limit_ms or TEN_MINUTES_MS) then return nil, late, "NotYet" end

    local moved = message
    if moved then began, pause = process.clock(), FIRST_MS end

    process.sleep(pause)
    pause = math.min(pause * 2, LONGEST_MS)
  end
end

return patience
