-- Endpoints at the model-checked server whose variants differ, on a clock of the test's own
-- (tests/servers/aws_endpoints.mjs says what each control takes).
--
--   endpoints.make { name = { seed =, update_seconds =,
--                             variants = { a = { weight =, median_ms =, … } } } }
--   endpoints.now(epoch seconds)
--   endpoints.traffic(name, from, to, per_minute)
--                                        → list of what each variant answered in a minute
--   endpoints.cloudwatch { late_seconds =, unordered =, missing =, status =, results_a_page = }
--   endpoints.updates(), endpoints.events()         → what SageMaker and EventBridge took
local cloud = require "support.aws"
local http = require "weir.http"
local json = require "weir.json"

local endpoints = {}

local function control(method, path, value)
  local response = assert(http.request {
    method = method,
    url = cloud.front.url .. "/__test/" .. path,
    body = value and json.encode(value),
    timeout_ms = 60000,
  })

  assert(response.status == 200, response.body)

  return assert(json.decode(response.body))
end

function endpoints.make(given) control("POST", "endpoints", given) end
function endpoints.now(at) control("POST", "now", { now = at }) end
function endpoints.cloudwatch(how) control("POST", "cloudwatch", how) end
function endpoints.updates() return control("GET", "updates") end
function endpoints.events() return control("GET", "events") end

function endpoints.traffic(name, from, to, per_minute)
  return control("POST", "traffic", {
    endpoint = name,
    from = from,
    to = to,
    per_minute = per_minute,
  })
end

return endpoints
