-- What to do when credentials ended, or are not enough.
local sign_in = require "weir.deploy.sign_in"

describe("the advice on credentials", function()
  it("is to sign in again where they ended, whatever the verb", function()
    for _, code in ipairs { "ExpiredToken", "ExpiredTokenException", "ExpiredCredentials",
      "RequestExpired", "InvalidClientTokenId", "UnrecognizedClientException" } do
      for _, verb in ipairs { false, "deploy" } do
        assert.equal("the credentials have ended; sign in again and run the same command, it goes "
          .. "on where it was", sign_in.advice(code, verb or nil), code)
      end
    end
  end)

  it("is to grant what the verb needs where AWS refuses", function()
    for _, code in ipairs { "AccessDenied", "AccessDeniedException", "UnauthorizedOperation",
      "Forbidden" } do
      assert.equal("grant it: weir permissions deploy prints what is needed",
        sign_in.advice(code, "deploy"), code)
      assert.is_nil(sign_in.advice(code), code)
    end
  end)

  it("is none for anything else", function()
    for _, code in ipairs { "Throttling", "NotYet", "expiredtoken", "" } do
      assert.is_nil(sign_in.advice(code, "deploy"), code)
    end
  end)
end)
