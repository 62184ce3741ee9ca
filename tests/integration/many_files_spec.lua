-- The state machine with 100,000 files for the endpoint: every file is sent, and the history stays
-- short.
-- WEIR_MANY_FILES gives another number.
local http = require "weir.http"
local json = require "weir.json"
local servers = require "support.servers"
local state_machine = require "support.state_machine"

local FILES = tonumber(os.getenv("WEIR_MANY_FILES") or "100000")

-- What Step Functions notes: a state is entered and left; a task is scheduled, started and ends as
-- well; a Map and each of its iterations begin and end. Five for every state is more than that.
local EVENTS_OF_A_STATE, MOST_EVENTS = 5, 25000

describe("the state machine, with a hundred thousand files", function()
  it("sends each to the endpoint in a history that is allowed", function()
    local server = servers.start("many_objects", FILES)
    local stage <close> = state_machine.stage({ ["weir-routing"] = "routing",
      ["weir-realtime"] = "realtime_inference",
      ["weir-discovery"] = "discovery" }, { AWS_ENDPOINT_URL = server.url, CONCURRENCY = "32" })
    local result, execution = stage:run {
      input = { bucket = "bucket", prefix = "in/", inference_type = "serverless" },
    }

    assert.equal("SUCCEEDED", result.status, json.encode(result))
    assert.same({ "serverless", "policy", FILES },
      { result.output.branch, result.output.decided_by, result.output.file_count })
    local sent = 0
    for _, lane in ipairs(result.output.result) do sent = sent + lane.files end
    assert.equal(FILES, sent)
    local kept = assert(http.request { url = server.url .. "/__test/results" }).body
    assert.is_true(tonumber(kept) >= FILES)
    assert.is_true(#execution.states * EVENTS_OF_A_STATE < MOST_EVENTS, "states: "
      .. #execution.states)
  end)
end)
