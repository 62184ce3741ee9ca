-- reconcile in the built runtime, on real parts: a schedule calls it again and again with the same
-- event, and each invocation has time for one object only.
local emulators = require "support.emulator"
local json = require "weir.json"
local pictures = require "support.pictures"

local OBJECTS = 4

-- The margin that it leaves before its deadline, in seconds.
local TIMEOUT = "20"

describe("reconcile, called by a schedule with too little time for all", function()
  local emulator

  setup(function()
    pictures.reset()
    local front = pictures.cloud.front
    local options = { "--handler", "reconcile", "--timeout", TIMEOUT, env = {
      AWS_ENDPOINT_URL = front.url,
      AWS_REGION = "eu-west-1",
      AWS_ACCESS_KEY_ID = front.key_id,
      AWS_SECRET_ACCESS_KEY = front.secret,
      HOME = "/nowhere",
      WEIR_POLICY_SOURCE = "policies",
    } }
    for name, value in require "weir.sorted_pairs"(pictures.settings) do
      table.move({ "--env", name:upper() .. "=" .. value }, 1, 2, #options + 1, options)
    end

    emulator = emulators.start(options)
  end)

  teardown(function() emulator:close() end)

  local function invoke()
    local response = emulator:invoke { prefix = "in/", grace_seconds = 0 }
    local answer = assert(json.decode(response.body))
    assert.equal("DONE", answer.status, response.body)
    return answer
  end

  it("comes to the end, an object at a time, and begins with the first after that", function()
    for i = 1, OBJECTS do pictures.put(("in/%d.png"):format(i)) end
    local before = nil
    for i = 1, OBJECTS do
      local answer = invoke()
      assert.same({ 1, 1, before, ("in/%d.png"):format(i) },
        { answer.listed, answer.processed, answer.after, answer.next })
      before = answer.next
    end

    local rest = invoke()
    assert.same({ 0, before, nil }, { rest.listed, rest.after, rest.next })
    local again = invoke()
    assert.same({ 1, 1, nil }, { again.listed, again.finished, again.after })
    for object, claim in pairs(pictures.claims()) do
      assert.same({ "finished", 1 },
        { claim.ways.events.status, claim.ways.events.attempts }, object)
    end
  end)
end)
