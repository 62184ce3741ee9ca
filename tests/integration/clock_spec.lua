-- The clock of a service against ours, where the answer says nothing of it.
local clock = require("weir.aws.clock")
local servers = require("support.servers")

describe("the clock of a service", function()
  local root = "http://127.0.0.1:" .. servers.start("http_peer").port

  it("is unknown when the answer has no date", function()
    local ahead, message, code = clock.ahead { url = root .. "/bytes?size=2&path=" }
    assert.is_nil(ahead)
    assert.equal("the service's answer has no date", message)
    assert.equal("MalformedResponse", code)
  end)

  it("is unknown when there is no answer", function()
    local ahead, message, code = clock.ahead { url = "http://127.0.0.1:1" }
    assert.same({ nil, "ConnectFailed" }, { ahead, code })
    assert.truthy(message:find("127.0.0.1:1", 1, true), message)
  end)
end)
