-- What carries out the calls of effects in memory, for thousands of cases a second.
--
--   calls_in_memory.executor(operations) → class; its objects are executors: operations[name](self,
--       input) answers each call. An object counts its `calls`, and has fail(n, operation) →
--       "before" | "after" | nil: the nth call fails before the service acts, or its reply is lost.
local calls_in_memory = {}

function calls_in_memory.executor(operations)
  local class = {}
  class.__index = class

  function class:perform(request)
    self.calls = self.calls + 1
    local how = self.fail and self.fail(self.calls, request.operation)
    local results
    if how ~= "before" then
      results = table.pack(operations[request.operation](self, request.input))
    end

    if how then
      return nil, "the service is in trouble", "ServiceUnavailable", { status = 503, fields = {} }
    end

    return table.unpack(results, 1, results.n)
  end

  return class
end

return calls_in_memory
