-- weir.sigv4: AWS's published examples, and each known pitfall by the name AWS's signing test suite
-- gives it.
local secret = require("weir.secret")
local sigv4 = require("weir.sigv4")

local credentials = {
  access_key_id = "AKIDEXAMPLE", secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
}

local function request(changes)
  local r = {
    method = "GET", url = "https://example.amazonaws.com/", service = "service",
    region = "us-east-1",
    time = "20150830T123600Z", credentials = credentials,
  }

  for key, value in pairs(changes or {}) do r[key] = value end

  return r
end

local function canonical(changes)
  local headers, details, code = sigv4.sign(request(changes))
  assert(headers, details)
  assert.is_nil(code)

  return details.canonical_request, headers, details
end

local function canonical_path(path, service)
  local url = "https://example.amazonaws.com" .. path
  return canonical({ url = url, service = service }):match("^GET\n([^\n]*)\n")
end

local function canonical_query(query)
  return canonical({
    url = "https://example.amazonaws.com/?" .. query,
  }):match("^GET\n/\n([^\n]*)\n")
end

local function canonical_header(name, value)
  local line = "\n(" .. name:lower():gsub("%-", "%%-") .. ":[^\n]*)\n"
  return canonical({ headers = { [name] = value } }):match(line)
end

describe("weir.sigv4.sign", function()
  it("answers the published example", function()
    local headers, details = sigv4.sign(request())
    assert.equal("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
      .. "SignedHeaders=host;x-amz-date, "
      .. "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        headers.authorization)
    assert.equal(
      "GET\n/\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n"
      .. "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        details.canonical_request)
    assert.equal("AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/service/aws4_request\n"
      .. "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63", details.string_to_sign)
    assert.equal("5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
      details.signature)
  end)

  it("takes the time as epoch seconds, with a fraction or not", function()
    local expected = sigv4.sign(request()).authorization
    assert.equal(expected, sigv4.sign(request({ time = 1440938160 })).authorization)
    assert.equal(expected, sigv4.sign(request({ time = 1440938160.75 })).authorization)
  end)

  it("takes the 29th of February of leap years, and the last second of a year", function()
    for _, time in ipairs { "20240229T000000Z", "20000229T000000Z", "20151231T235959Z" } do
      assert.equal(time, sigv4.sign(request({ time = time }))["x-amz-date"])
    end
  end)

  it("uses the clock when no time is given", function()
    local r = request()
    r.time = nil
    assert.equal(os.date("!%Y%m%d"), sigv4.sign(r)["x-amz-date"]:sub(1, 8))
  end)

  for _, case in ipairs({
    { "get-relative-normalized", "/example/..", "/" },
    { "get-relative-relative-normalized", "/example1/example2/../..", "/" },
    { "get-slash-normalized", "//", "/" },
    { "get-slashes-normalized", "//example//", "/example/" },
    { "get-slash-dot-slash-normalized", "/./", "/" },
    { "get-slash-pointless-dot-normalized", "/./example", "/example" },
    { "get-space-normalized", "/example%20space/", "/example%2520space/" },
    { "get-unreserved", "/-._~0123456789Azaz", "/-._~0123456789Azaz" },
    { "get-utf8", "/\u{1234}", "/%E1%88%B4" },
    { "an empty path", "", "/" },
    { "a model id of Bedrock", "/model/nova%3A0/invoke", "/model/nova%253A0/invoke" },
    { "more dots than segments", "/../../a", "/a" },
  }) do
    it(case[1] .. ": the path is resolved and encoded again", function()
      assert.equal(case[3], canonical_path(case[2]))
    end)
  end

  for _, case in ipairs({
    { "get-relative-unnormalized", "/example/..", "/example/.." },
    {
      "get-relative-relative-unnormalized",
      "/example1/example2/../..",
      "/example1/example2/../..",
    },
    { "get-slash-unnormalized", "//", "//" },
    { "get-slashes-unnormalized", "//example//", "//example//" },
    { "get-slash-dot-slash-unnormalized", "/./", "/./" },
    { "get-slash-pointless-dot-unnormalized", "/./example", "/./example" },
    { "get-space-unnormalized", "/example%20space/", "/example%20space/" },
    { "a raw space", "/example space", "/example%20space" },
  }) do
    it(case[1] .. ": S3 keys are what they are", function()
      assert.equal(case[3], canonical_path(case[2], "s3"))
    end)
  end

  for _, case in ipairs({
    {
      "get-vanilla-query-order-key-case",
      "Param2=value2&Param1=value1",
      "Param1=value1&Param2=value2",
    },
    {
      "get-vanilla-query-order-value",
      "Param1=value2&Param1=value1",
      "Param1=value1&Param1=value2",
    },
    { "get-vanilla-query-order-encoded", "Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
      "%E1%88%B4=Value1&Param=Value2&Param-3=Value3" },
    { "get-vanilla-empty-query-key", "Param1=value1&=x", "=x&Param1=value1" },
    { "get-vanilla-utf8-query", "\u{1234}=bar", "%E1%88%B4=bar" },
    { "a key without value", "acl", "acl=" },
    { "a value with =", "a=b=c", "a=b%3Dc" },
    { "escapes that need none", "a=%7E%41", "a=~A" },
    { "a plus, which is not a space", "a=b+c", "a=b%2Bc" },
    { "a percent sign that begins no escape", "a=100%", "a=100%25" },
    { "empty parts", "&&a=1&", "a=1" },
  }) do
    it(case[1] .. ": the query is sorted and encoded", function()
      assert.equal(case[3], canonical_query(case[2]))
    end)
  end

  it("get-header-key-duplicate: repeated values are joined in order", function()
    assert.equal("my-header1:value2,value2,value1",
      canonical_header("My-Header1", { "value2", "value2", "value1" }))
  end)

  it("get-header-value-multiline: folded lines are joined by a space", function()
    assert.equal("my-header1:value1 value2 value3",
      canonical_header("My-Header1", "value1\n  value2\r\n\tvalue3"))
    local _, headers = canonical({ headers = { ["My-Header1"] = "value1\n  value2" } })
    assert.equal("value1 value2", headers["my-header1"])
  end)

  it("get-header-value-trim: blanks are trimmed and runs collapse, inside quotes too", function()
    assert.equal('my-header1:"a b c"', canonical_header("My-Header1", '  "a   b \t c"  '))
  end)

  it("post-header-key-case and -sort: names are lower-case and sorted", function()
    local text = canonical({
      headers = { ["X-Zebra"] = "1", ["a-first"] = "2", ["My-Header1"] = "3" },
    })

    assert.truthy(text:find("\na-first:2\nhost:example.amazonaws.com\nmy-header1:3\nx-amz-date:"
      .. "20150830T123600Z\nx-zebra:1\n\na-first;host;my-header1;x-amz-date;x-zebra\n", 1, true))
  end)

  it("post-header-value-case: values keep their case", function()
    assert.equal("my-header1:VALUE1", canonical_header("My-Header1", "VALUE1"))
  end)

  it("post-x-www-form-urlencoded: the body is hashed and its type signed", function()
    local text = canonical({ method = "POST", body = "Param1=value1",
      headers = { ["Content-Type"] = "application/x-www-form-urlencoded; charset=utf8" } })
    assert.truthy(text:find("content-type:application/x-www-form-urlencoded; charset=utf8\n", 1,
      true))
    assert.equal("9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e",
      text:match("%x+$"))
  end)

  it("post-sts-header-before: the session token is added, then signed", function()
    local text, headers = canonical({ credentials = { access_key_id = "AKIDEXAMPLE",
      secret_access_key = "s",
      session_token = "AQoDYXdz" } })
    assert.truthy(text:find("\nx-amz-security-token:AQoDYXdz\n", 1, true))
    assert.equal("AQoDYXdz", headers["x-amz-security-token"])
  end)

  it("never signs what proxies and HTTP libraries change, but passes it on", function()
    local text, headers = canonical({ headers = { Connection = "close", ["User-Agent"] = "weir",
      Expect = "x",
      ["X-Amzn-Trace-Id"] = "Root=1", ["Proxy-Authorization"] = "p", TE = "t" } })
    assert.truthy(text:find("\n\nhost;x-amz-date\n", 1, true))
    assert.equal("weir", headers["user-agent"])
    assert.equal("Root=1", headers["X-Amzn-Trace-Id"])
  end)

  it("signs again over an earlier signature", function()
    local first = sigv4.sign(request({ time = "20150830T120000Z" }))
    assert.same(sigv4.sign(request()), (sigv4.sign(request({ headers = first }))))
  end)

  it("keeps a port that is not the scheme's own", function()
    local function host(url) return sigv4.sign(request({ url = url })).host end
    assert.equal("127.0.0.1:9000", host("http://127.0.0.1:9000/"))
    assert.equal("a.example", host("https://a.example:443/"))
    assert.equal("a.example", host("http://a.example:80"))
    assert.equal("a.example:443", host("http://a.example:443/"))
    assert.equal("[::1]:8000", host("http://[::1]:8000/"))
  end)

  it("sends x-amz-content-sha256 to S3, when asked, or when a word stands for the hash", function()
    assert.is_nil(sigv4.sign(request())["x-amz-content-sha256"])
    assert.equal(64, #sigv4.sign(request({ service = "s3" }))["x-amz-content-sha256"])
    assert.equal(64, #sigv4.sign(request({ content_sha256 = true }))["x-amz-content-sha256"])
    local text, headers = canonical({
      service = "s3",
      payload_hash = "UNSIGNED-PAYLOAD",
      body = "x",
    })

    assert.equal("UNSIGNED-PAYLOAD", headers["x-amz-content-sha256"])
    assert.equal("UNSIGNED-PAYLOAD", text:match("[^\n]+$"))
    headers = sigv4.sign(request({ payload_hash = "UNSIGNED-PAYLOAD" }))
    assert.equal("UNSIGNED-PAYLOAD", headers["x-amz-content-sha256"])
  end)

  it("signs a body again by its hash alone", function()
    local first, details = sigv4.sign(request({ body = "a body" }))
    local again = sigv4.sign(request({ payload_hash = details.payload_hash }))
    assert.equal(first.authorization, again.authorization)
  end)

  it("derives the key anew for another day, region, service or secret", function()
    local seen = {}
    local function signature(changes) return select(2, sigv4.sign(request(changes))).signature end
    local other = { access_key_id = "AKIDEXAMPLE", secret_access_key = "other" }

    for _ = 1, 2 do
      for i, changes in ipairs({
        {}, { time = "20150831T123600Z" }, { region = "us-west-2" }, { service = "sts" },
        { credentials = other },
      }) do
        local now = signature(changes)
        assert.is_true(seen[i] == nil or seen[i] == now)
        seen[i] = now
      end
    end

    for day = 1, 20 do signature({ time = ("201508%02dT000000Z"):format(day) }) end
    assert.equal(seen[1], signature({}))
  end)
end)

describe("weir.sigv4 and secrets", function()
  local plain = {
    access_key_id = "AKIDEXAMPLE",
    secret_access_key = "the key",
    session_token = "the-token",
  }

  local wrapped = {
    access_key_id = "AKIDEXAMPLE",
    secret_access_key = secret.wrap("the key"),
    session_token = secret.wrap("the-token"),
  }

  it("signs the same with secrets, and gives no token away", function()
    local expected = sigv4.sign(request({ credentials = plain, body = "b" }))
    local headers, details = sigv4.sign(request({ credentials = wrapped, body = secret.wrap("b") }))
    assert.equal(expected.authorization, headers.authorization)
    assert.equal("[redacted]", tostring(headers["x-amz-security-token"]))
    assert.is_true(secret.equal("the-token", headers["x-amz-security-token"]))
    assert.equal("[redacted]", tostring(details.canonical_request))
  end)

  it("passes the token on as it was given, whatever else is secret", function()
    local headers = sigv4.sign(request({
      credentials = wrapped, headers = { ["X-Amz-Security-Token"] = "an old token" },
    }))
    assert.is_true(secret.equal("the-token", headers["x-amz-security-token"]))

    headers = sigv4.sign(request({ credentials = plain, body = secret.wrap("b") }))
    assert.equal("the-token", headers["x-amz-security-token"])
  end)

  it("leaves secret headers secret, whatever their name", function()
    local headers, details = sigv4.sign(request({ headers = {
      Host = secret.wrap("h"), ["x-key"] = secret.wrap("k"), ["x-list"] = { "a", secret.wrap("b") },
    } }))
    for _, name in ipairs({ "host", "x-key", "x-list" }) do
      assert.equal("[redacted]", tostring(headers[name]))
    end

    assert.is_true(secret.equal("a,b", headers["x-list"]))
    assert.equal("[redacted]", tostring(details.canonical_request))
  end)

  it("presigns to a secret URL", function()
    local url = sigv4.presign(request({ credentials = wrapped, service = "s3" }))
    assert.equal("[redacted]", tostring(url))
    assert.is_true(secret.equal(sigv4.presign(request({ credentials = plain, service = "s3" })),
      url))
  end)
end)

describe("weir.sigv4.presign", function()
  it("answers the published example", function()
    local url = sigv4.presign({
      method = "GET", url = "https://examplebucket.s3.amazonaws.com/test.txt", service = "s3",
      region = "us-east-1", time = "20130524T000000Z", expires = 86400,
      credentials = {
        access_key_id = "AKIAIOSFODNN7EXAMPLE",
        secret_access_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
      },
    })

    assert.equal("https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
      .. "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
      .. "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
      .. "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404", url)
  end)

  it("presigns its own URL again to the same", function()
    local url = "https://b.s3.amazonaws.com/k?versionId=3"
    local first = sigv4.presign(request({ service = "s3", url = url }))
    assert.equal(first, (sigv4.presign(request({ service = "s3", url = first }))))
  end)

  for _, expires in ipairs({ 0, -1, 604801, 1.5 }) do
    it("refuses to expire after " .. expires .. " seconds", function()
      assert.same({ nil, "cannot presign: expires must be 1 to 604800 seconds (a week)",
        "InvalidExpires" },
        { sigv4.presign(request({ expires = expires })) })
    end)
  end
end)

local function keys(id, key, token)
  return { access_key_id = id, secret_access_key = key, session_token = token }
end

describe("weir.sigv4 refuses", function()
  for name, case in pairs({
    ["a header that smuggles another"] = { { headers = { a = "x\r\nEvil: 1" } }, "InvalidHeader" },
    ["a header with a NUL"] = { { headers = { a = "x\0" } }, "InvalidHeader" },
    ["a header name with a colon"] = { { headers = { ["a:b"] = "x" } }, "InvalidHeader" },
    ["a header name with a line break"] = { { headers = { ["a\n"] = "x" } }, "InvalidHeader" },
    ["names that differ in case only"] = { { headers = { a = "1", A = "2" } }, "InvalidHeader" },
    ["a smuggling list"] = { { headers = { a = { "1", "2\r\nb:c" } } }, "InvalidHeader" },
    ["a relative URL"] = { { url = "/path" }, "InvalidUrl" },
    ["a URL without host"] = { { url = "https:///path" }, "InvalidUrl" },
    ["a URL with a user"] = { { url = "https://u:p@host/" }, "InvalidUrl" },
    ["a URL with a fragment"] = { { url = "https://host/a#b" }, "InvalidUrl" },
    ["a path with a line break"] = { { url = "https://host/a\r\nEvil: 1" }, "InvalidUrl" },
    ["a query with a NUL"] = { { url = "https://host/?a\0" }, "InvalidUrl" },
    ["a host with a space"] = { { url = "https://ho st/" }, "InvalidUrl" },
    ["a host with a line break"] = { { url = "https://ho\r\nst/" }, "InvalidUrl" },
    ["a time that is none"] = { { time = "20150231T000000Z" }, "InvalidTime" },
    ["the 29th of February of no leap year"] = { { time = "21000229T000000Z" }, "InvalidTime" },
    ["a 13th month"] = { { time = "20151301T000000Z" }, "InvalidTime" },
    ["a day 0"] = { { time = "20150100T000000Z" }, "InvalidTime" },
    ["an hour 24"] = { { time = "20150101T240000Z" }, "InvalidTime" },
    ["a leap second"] = { { time = "20161231T235960Z" }, "InvalidTime" },
    ["letters in a time"] = { { time = "2016123aT235959Z" }, "InvalidTime" },
    ["a time before 1970"] = { { time = -1 }, "InvalidTime" },
    ["NaN as a time"] = { { time = 0 / 0 }, "InvalidTime" },
    ["a payload hash that is none"] = { { payload_hash = "abc" }, "InvalidPayloadHash" },
    ["a payload hash in upper case"] = { { payload_hash = ("A"):rep(64) }, "InvalidPayloadHash" },
    ["two payload hashes"] = {
      { payload_hash = ("a"):rep(64), headers = { ["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD" } },
      "InvalidPayloadHash",
    },
    ["a method with a space"] = { { method = "GET /" }, "InvalidMethod" },
    ["a region with a slash"] = { { region = "a/b" }, "InvalidRegion" },
    ["an empty service"] = { { service = "" }, "InvalidService" },
    ["a key id with a line break"] = { { credentials = keys("A\n", "s") }, "InvalidCredentials" },
    ["an empty secret key"] = { { credentials = keys("A", "") }, "InvalidCredentials" },
    ["a token with a line break"] = {
      { credentials = keys("A", "s", "t\r\n") },
      "InvalidCredentials",
    },
  }) do
    it(name, function()
      local nothing, message, code = sigv4.sign(request(case[1]))
      assert.is_nil(nothing)
      assert.equal(case[2], code)
      assert.is_string(message)
    end)
  end

  it("unknown keys, wrong types and missing parts, quoting the call", function()
    local function refuses(pattern, changes)
      assert.error_matches(function() sigv4.sign(request(changes)) end, pattern)
    end

    refuses("unknown key 'regoin'.*weir%.sigv4%.sign{", { regoin = "x" })
    refuses("'url' must be a string or a secret, not a number", { url = 1 })
    refuses("a header must be text", { headers = { a = true } })
    refuses("header's name must be a string", { headers = { "a" } })
    refuses("unknown key 'key'", { credentials = { key = 1 } })
    assert.error_matches(function() sigv4.sign({}) end, "expected weir%.sigv4%.sign{")
    assert.error_matches(function() sigv4.presign("x") end, "expected weir%.sigv4%.presign{")
  end)
end)

describe("weir.sigv4.skew", function()
  local date, server = "Sun, 22 Nov 2026 03:04:05 GMT", 1795316645

  local function skew(changes)
    local failure = {
      code = "RequestTimeTooSkewed", date = date, sent = server - 601, received = server - 600,
    }

    for key, value in pairs(changes) do failure[key] = value end

    return sigv4.skew(failure)
  end

  it("finds the offset of a wrong clock", function()
    assert.equal(600, skew({}))
    assert.equal(-1000, skew({ sent = server + 1000, received = server + 1000 }))
    assert.equal(600, skew({ code = "SignatureDoesNotMatch" }))
  end)

  it("finds the way back when the clock was set right", function()
    assert.equal(0, skew({ sent = server, received = server, offset = 600 }))
  end)

  for name, changes in pairs({
    ["for another error"] = { code = "ValidationException" },
    ["for a difference the services tolerate"] = { sent = server - 200, received = server - 200 },
    ["when the offset is already in use"] = { offset = 601 },
    ["for a cached answer"] = { age = "12" },
    ["when the request took too long"] = { sent = server - 600 - 901 },
    ["for a date that is none"] = { date = "yesterday" },
    ["for the 31st of November"] = { date = "Tue, 31 Nov 2026 03:04:05 GMT" },
  }) do
    it("corrects nothing " .. name, function() assert.is_nil(skew(changes)) end)
  end
end)

describe("weir.sigv4.encode", function()
  it("encodes names for a URL", function()
    assert.equal("a%2Fb%20~%C3%A9%2B", sigv4.encode("a/b ~\u{e9}+"))
    assert.equal("a/b%3A", sigv4.encode("a/b:", true))
  end)
end)
