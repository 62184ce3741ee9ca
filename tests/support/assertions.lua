-- Busted's helper (tests/run_busted.lua loads it): an `it` that makes no assertion fails. Any of
-- luassert's counts, and assert(…) itself; a helper that raises when something is wrong says so
-- with assertions.made().
local busted = require("busted")

local assertions = {}

local count = 0

function assertions.made() count = count + 1 end

local function counted(metatable, name)
  local original = metatable[name]
  metatable[name] = function(...)
    assertions.made()
    return original(...)
  end
end

-- Fails a test whose function returns without an assertion.
local function demand(element)
  local run = element.run
  element.run = function(...)
    count = 0
    run(...)
    if count == 0 then error("this test made no assertion", 0) end
  end
end

counted(getmetatable(require("luassert")), "__call")
counted(getmetatable(require("luassert")), "__index")
busted.subscribe({ "test", "start" }, demand)

return assertions
