-- Faults for the next requests that reach a service, and another call between two of a handler's.
--
--   faults.PASS, faults.LOST            the request passes; its reply is lost
--   faults.refusal(code, message)       the service refuses
--   faults.after(count, fault, …)       faults for the requests after `count` that pass
--   faults.interleaved(operation, before, nth)
--       → members of effects: `before` runs once, just before the nth call of this operation; the
--       first without nth
local json = require "weir.json"
local workflow = require "support.workflow"

local faults = { PASS = { kind = "pass" }, LOST = { kind = "close" } }

function faults.refusal(code, message)
  local body = json.encode { __type = "x#" .. code, message = message }
  return { kind = "status", status = 400, headers = {}, body = body }
end

function faults.after(count, ...)
  local list = {}
  for i = 1, count do list[i] = faults.PASS end
  workflow.cloud.faults(table.unpack(table.move({ ... }, 1, select("#", ...), count + 1, list)))
end

function faults.interleaved(operation, before, nth)
  local live, seen = workflow.effects(), 0
  local function step(method)
    local original = live[method]
    return function(self, request)
      if request.operation == operation then
        seen = seen + 1
        if seen == (nth or 1) then before() end
      end

      return original(self, request)
    end
  end

  return { call = step("call"), read = step("read") }
end

return faults
