-- The clock of a service against ours. Only the command-line program has it.
--
--   clock.ahead(client) → milliseconds by which the service's clock is ahead | nil, message, code
--
-- client: one that was called before, and so knows where its service is. Any answer has a date, a
-- refusal of a request without a signature too.
local http = require "weir.http"
local process = require "weir.process"
local time = require "weir.aws.time"

local clock = {}

function clock.ahead(client)
  local response, message, code = http.request {
    method = "GET",
    url = client.url .. "/",
    timeout_ms = 10000,
  }
  if not response then return nil, message, code end

  local theirs = time.parse_http_date(response.headers.date)
  if not theirs then return nil, "the service's answer has no date", "MalformedResponse" end

  return theirs - process.time()
end

return clock
