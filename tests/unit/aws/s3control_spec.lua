local s3control = require "weir.aws.s3control"

describe("weir.aws.s3control", function()
  local function locate(account, values)
    local client = s3control.new {
      region = "eu-west-1",
      getenv = function(name) return (values or {})[name] end,
    }
    return client.service.locate(client, nil, { AccountId = account }, "eu-west-1")
  end

  it("is at a host that begins with the account", function()
    assert.equal("https://111122223333.s3-control.eu-west-1.amazonaws.com",
      locate("111122223333").url)
  end)

  it("is where it is configured to be", function()
    assert.equal("http://127.0.0.1:1",
      locate("111122223333", { AWS_ENDPOINT_URL_S3_CONTROL = "http://127.0.0.1:1" }).url)
  end)

  it("puts nothing but an account into the host", function()
    local place, message, code = locate "evil.example/"
    assert.is_nil(place)
    assert.equal("InvalidAccount", code)
    assert.matches("12 digits", message, 1, true)
  end)
end)
