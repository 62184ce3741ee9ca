-- killed(number, before, act) → whether it died: calls act(), which dies at its nth request, before
-- or after the service saw it.
local http = require "weir.http"

return function(number, before, act)
  local request, count = http.request, 0
  local death = setmetatable({}, {}) -- an object: weir.try lets it pass
  http.request = function(given)
    count = count + 1
    if count == number and before then error(death, 0) end
    local response, message, code = request(given)
    if count == number then error(death, 0) end

    return response, message, code
  end

  local ok, problem = pcall(act)
  http.request = request
  if not ok and problem ~= death then error(problem, 0) end

  return not ok
end
