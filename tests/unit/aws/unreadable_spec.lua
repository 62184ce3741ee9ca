-- What each protocol says of an answer that is not the service's: a proxy's page, a load balancer's
-- text, an answer to something else.
local PROTOCOLS = { "ec2", "json", "query", "rest_json", "rest_xml" }

local OPERATION = { name = "Do", xml_answer = true }

describe("an answer that cannot be read", function()
  local function parse(name, body)
    local protocol = require("weir.aws.protocols." .. name)
    return protocol.parse({ protocol = name }, OPERATION, {
      status = 200,
      headers = { ["content-type"] = "text/plain", ["x-amzn-requestid"] = "r-1" },
      body = body,
      body_bytes = #body,
    })
  end

  for _, name in ipairs(PROTOCOLS) do
    it("is a failure of " .. name .. " that says what came", function()
      local output, failed = parse(name, "Service Unavailable")
      assert.is_nil(output)
      assert.equal("MalformedResponse", failed.code)
      assert.matches("^the answer is not %u+: ", failed.message)
      assert.matches("(19 bytes, text/plain)", failed.message, 1, true)
      assert.same({ "r-1", 200 }, { failed.request_id, failed.status })
    end)
  end

  it("may be JSON that is not an object", function()
    for _, name in ipairs { "json", "rest_json" } do
      for _, body in ipairs { "[1]", "[]", "null", '"text"', "7" } do
        local output, failed = parse(name, body)
        assert.is_nil(output)
        assert.equal("MalformedResponse", failed.code)
        assert.matches("^the answer is not JSON: not an object ", failed.message)
      end
    end
  end)

  it("may be XML of something else", function()
    for name, message in pairs {
      ec2 = "the answer is not a DoResponse (7 bytes, text/plain)",
      query = "the answer has no DoResult (7 bytes, text/plain)",
    } do
      local output, failed = parse(name, "<html/>")
      assert.is_nil(output)
      assert.same({ "MalformedResponse", message }, { failed.code, failed.message })
    end

    local output, failed = parse("rest_xml", "<html/>")
    assert.is_nil(output)
    assert.equal("the answer is a page of HTML (7 bytes, text/plain)", failed.message)
  end)
end)
