-- Errors of a file whose path is longer than what Lua shows of one.
local nested = { fails = function(t) return t.a.b.c end }

function nested.raises(level) error("raised at level " .. tostring(level), level) end

return nested
