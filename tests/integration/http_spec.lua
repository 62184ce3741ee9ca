-- weir.http against a peer that answers byte by byte (tests/servers/http_peer.mjs).
local files = require("support.files")
local cjson = require("cjson")
local http = require("weir.http")
local servers = require("support.servers")
local process = require("weir.process")

describe("weir.http", function()
  local peer = servers.start("http_peer")

  local function get(path, more)
    local request = { url = peer.url .. path, timeout_ms = 5000 }
    for key, value in pairs(more or {}) do request[key] = value end
    return http.request(request)
  end

  local function echo(path, more)
    local response = assert(get(path, more))
    local seen = cjson.decode(response.body)
    local headers = {}
    for _, pair in ipairs(seen.headers) do headers[pair[1]:lower()] = pair[2] end

    return seen, headers, response
  end

  local function fails_with(code, path, more)
    local response, message, actual = get(path, more)
    assert.is_nil(response)
    assert.equal(code, actual, message)

    return message
  end

  local function with_file(text, run)
    local path = files.write(os.tmpname(), text)
    local ok, problem = pcall(run, path)
    os.remove(path)
    if not ok then error(problem, 0) end
  end

  local function read_file(path)
    if files.exists(path) then return files.read(path) end
  end

  describe("what it sends", function()
    it("sends method, headers and body as given, and nothing of its own", function()
      local seen, headers = echo("/echo?a=b%20c", {
        method = "POST",
        headers = { ["X-One"] = "1", ["x-list"] = { "a", "b" }, ["x-empty"] = "" },
        body = "\0binary\255",
      })

      assert.equal("POST", seen.method)
      assert.equal("/echo?a=b%20c", seen.target)
      assert.equal("\0binary\195\191", seen.body) -- latin-1 read back as UTF-8
      assert.equal("1", headers["x-one"])
      assert.equal("", headers["x-empty"])
      assert.equal("8", headers["content-length"])
      for _, name in ipairs({ "expect", "accept", "content-type", "user-agent",
        "accept-encoding" }) do
        assert.is_nil(headers[name], name)
      end

      local lists = 0
      for _, pair in ipairs(seen.headers) do if pair[1] == "x-list" then lists = lists + 1 end end
      assert.equal(2, lists)
    end)

    it("never waits for 100-continue, however large the body", function()
      local response = assert(get("/digest", { method = "PUT", body = ("y"):rep(3000000) }))
      assert.matches("^3000000 ", response.body)
      assert.not_matches("expect", response.body)
    end)

    it("keeps dots and double slashes of the path: S3 keys are signed as they are", function()
      assert.equal("/a/../b//./c", (echo("/a/../b//./c")).target)
    end)

    it("gives PUT and POST without a body a length, and GET and DELETE none", function()
      for method, length in pairs({ PUT = "0", POST = "0" }) do
        local _, headers = echo("/echo", { method = method })
        assert.equal(length, headers["content-length"])
      end

      for _, method in ipairs({ "GET", "DELETE" }) do
        local seen, headers = echo("/echo", { method = method })
        assert.equal(method, seen.method)
        assert.is_nil(headers["content-length"])
      end
    end)

    it("streams a body from a file, or a part of it", function()
      with_file(("0123456789"):rep(200000), function(path)
        local whole = assert(get("/digest", { method = "PUT", body_file = path }))
        assert.matches("^2000000 ", whole.body)
        local part = echo("/echo", {
          method = "PUT",
          body_file = path,
          body_offset = 5,
          body_length = 7,
        })

        assert.equal("5678901", part.body)
      end)
    end)
  end)

  describe("what it refuses to send", function()
    it("refuses header injection and names the header, never the value", function()
      for _, value in ipairs({ "a\r\nX-Evil: 1", "a\nb", "a\0b", "a\127" }) do
        local message = fails_with("InvalidHeader", "/echo", {
          headers = { ["x-token"] = "hush" .. value },
        })

        assert.matches("'x%-token'", message)
        assert.not_matches("hush", message)
      end

      fails_with("InvalidHeader", "/echo", { headers = { ["x\r\ny"] = "1" } })
      fails_with("InvalidHeader", "/echo", { headers = { [""] = "1" } })
      fails_with("InvalidHeader", "/echo", { headers = { ["Content-Length"] = "5" } })
      fails_with("InvalidHeader", "/echo", { headers = { ["transfer-encoding"] = "chunked" } })
    end)

    it("refuses other schemes, user names, spaces and odd methods", function()
      for _, url in ipairs({ "file:///etc/passwd", "ftp://h/x", "", "127.0.0.1/x",
        "http://u:p@127.0.0.1/",
        "http://127.0.0.1/a b", "http://127.0.0.1/\r\nX: y", "http://127.0.0.1/\0" }) do
        local response, message, code = http.request({ url = url })
        assert.is_nil(response)
        assert.equal("InvalidRequest", code, message)
      end

      fails_with("InvalidRequest", "/echo", { method = "GET / HTTP/1.1\r\nX: y" })
      fails_with("InvalidRequest", "/echo", { method = "CONNECT" })
    end)

    it("refuses a URL without a host", function()
      for _, url in ipairs({ "http:///127.0.0.1/x", "http://:80/", "https://?x", "http://#" }) do
        local _, message, code = http.request({ url = url })
        assert.equal("InvalidRequest", code)
        assert.matches("the URL has no host", message)
      end
    end)

    it("shows no secret of a URL, and takes none where messages would show it", function()
      local secret = require("weir.secret")
      for _, url in ipairs({ secret.wrap(peer.url .. "/reset/hush"), secret.wrap("hush"),
        "http://u:hush@127.0.0.1/",
        "http://u:hush" .. ("x"):rep(300) .. "@127.0.0.1/", "http://127.0.0.1:1/?hush" }) do
        local response, message = http.request({
          url = url,
          timeout_ms = 2000,
          max_response_bytes = 0,
        })

        assert.is_nil(response)
        assert.not_matches("hush", message)
      end

      for _, name in ipairs({ "method", "body_file", "output_file", "ca_bundle" }) do
        local ok, message = pcall(http.request, { url = peer.url, [name] = secret.wrap("hush") })
        assert.is_false(ok)
        assert.not_matches("hush", message)
      end
    end)

    it("raises on a caller's mistake and quotes the call", function()
      for _, request in ipairs({ { url = "http://127.0.0.1/", methd = "GET" }, {}, { url = 5 },
        { url = "http://127.0.0.1/", timeout_ms = "5" }, {
          url = "http://127.0.0.1/",
          headers = { 5 },
        },
        { url = "http://127.0.0.1/", headers = { x = 5 } }, {
          url = "http://127.0.0.1/",
          timeout_ms = -1,
        },
        { url = "http://127.0.0.1/", output_file = "" } }) do
        assert.is_false((pcall(http.request, request)))
      end

      assert.error_matches(function() http.request({ url = "http://x/", insecure = true }) end,
        "unknown key 'insecure'.*expected weir%.http%.request{url=text")
      assert.error_matches(function() http.all({ "x" }) end, "http%.all")
    end)

    it("sends nothing after the deadline", function()
      local message = fails_with("DeadlineExceeded", "/echo", { deadline_ms = process.time() - 5 })
      assert.matches("not sent", message)
    end)
  end)

  describe("what it receives", function()
    it("lowers header names, joins repeats and keeps empty values", function()
      local response = assert(get("/headers"))
      assert.equal("One, two", response.headers["x-mixed"])
      assert.equal("", response.headers["x-empty"])
      assert.equal("", response.body)
    end)

    it("reads chunked bodies, bodies without a length, and skips interim answers", function()
      assert.equal("hello world", assert(get("/chunked")).body)
      assert.equal("until the end", assert(get("/no-length")).body)
      local response = assert(get("/interim"))
      assert.equal(200, response.status)
      assert.is_nil(response.headers["x-early"])
      assert.equal("yes", response.headers["x-late"])
    end)

    it("returns every status as a response and follows no redirect", function()
      for _, status in ipairs({ 204, 304, 400, 404, 500, 503 }) do
        assert.equal(status, assert(get("/status?code=" .. status, { method = "HEAD" })).status)
      end

      local response = assert(get("/redirect"))
      assert.equal(302, response.status)
      assert.equal("/echo", response.headers.location)
    end)

    it("answers HEAD at once, whatever length it announces", function()
      local response = assert(get("/head", { method = "HEAD" }))
      assert.equal("5368709120", response.headers["content-length"])
      assert.equal("", response.body)
    end)

    it("puts a successful body in the file in one step, and an error's body in memory", function()
      with_file("old", function(path)
        local response = assert(get("/bytes?size=3000000", { output_file = path }))
        assert.is_nil(response.body)
        assert.equal(3000000, response.body_bytes)
        assert.equal(("x"):rep(3000000), read_file(path))
        response = assert(get("/status?code=404", { output_file = path }))
        assert.equal("why", response.body)
        fails_with("ConnectionLost", "/half", { output_file = path })
        assert.equal(3000000, #read_file(path))
        assert.equal(0, assert(get("/bytes?size=0", { output_file = path })).body_bytes)
        assert.equal("", read_file(path))
        local leftovers = io.popen("ls " .. path .. ".part-* 2>/dev/null")
        assert.equal("", leftovers:read("a"))
        leftovers:close()
      end)
    end)

    it("names a file it cannot write or read", function()
      local message = fails_with("FileFailed", "/bytes?size=5", { output_file = "/nowhere/x" })
      assert.matches("/nowhere/x", message)
      message = fails_with("FileFailed", "/echo", { method = "PUT", body_file = "/nowhere/y" })
      assert.matches("/nowhere/y", message)
      fails_with("FileFailed", "/echo", { method = "PUT", body_file = "/" })
      with_file("short", function(path)
        fails_with("FileFailed", "/echo",
          { method = "PUT", body_file = path, body_offset = 3, body_length = 3 })
      end)
    end)
  end)

  describe("faults", function()
    for path, code in pairs({
      ["/reset"] = "ConnectionLost", ["/close"] = "ConnectionLost", ["/half"] = "ConnectionLost",
      ["/half-chunked"] = "ConnectionLost", ["/bad-chunk"] = "ConnectionLost",
      ["/garbage"] = "MalformedResponse", ["/bad-header"] = "MalformedResponse",
      ["/nul-header"] = "MalformedResponse", ["/many-headers"] = "ResponseTooLarge",
      ["/tiny-headers"] = "ResponseTooLarge", ["/folded"] = "MalformedResponse",
    }) do
      it("calls " .. path .. " " .. code .. " and survives it", function()
        local message = fails_with(code, path .. "?token=hush")
        assert.matches("^GET http://127%.0%.0%.1:%d+" .. path:gsub("%-", "%%-") .. ": ", message)
        assert.not_matches("hush", message)
        assert.equal(200, assert(get("/echo")).status)
      end)
    end

    it("stops a body that announces or sends more than the limit", function()
      local started = process.clock()
      fails_with("ResponseTooLarge", "/five-gigabytes")
      fails_with("ResponseTooLarge", "/endless", { max_response_bytes = 1000000 })
      fails_with("ResponseTooLarge", "/bytes?size=11", { max_response_bytes = 10 })
      assert.equal(10, #assert(get("/bytes?size=10", { max_response_bytes = 10 })).body)
      assert.is_true(process.clock() - started < 2000)
    end)

    it("tells its own time limit from the caller's deadline", function()
      fails_with("Timeout", "/stall", { timeout_ms = 60 })
      fails_with("Timeout", "/slow-body", { timeout_ms = 120 })
      fails_with("DeadlineExceeded", "/stall", {
        timeout_ms = 60000,
        deadline_ms = process.time() + 80,
      })
    end)

    it("names a refused connection", function()
      local message = select(2, http.request({ url = "http://127.0.0.1:1/" }))
      assert.matches("^GET http://127%.0%.0%.1:1/: .*[Cc]onnect", message)
      assert.equal("ConnectFailed", select(3, http.request({ url = "http://127.0.0.1:1/" })))
    end)

    it("takes an early refusal of a large body as the answer", function()
      local response, _, code = get("/early", { method = "POST", body = ("z"):rep(8000000) })
      assert.is_true(response and response.status == 413 or code == "ConnectionLost")
    end)
  end)

  describe("connections", function()
    it("keeps them open between requests", function()
      local first = echo("/echo")
      local second, _, response = echo("/echo")
      assert.equal(first.connection, second.connection)
      assert.is_true(response.reused)
    end)

    it("goes over a stale one to a fresh one, bodies included", function()
      assert(get("/then-close"))
      assert.equal("GET", (echo("/echo")).method)
      assert(get("/then-close"))
      assert.equal("text", (echo("/echo", { method = "POST", body = "text" })).body)
      assert(get("/then-close"))
      with_file("from a file", function(path)
        assert.equal("from a file", (echo("/echo", { method = "PUT", body_file = path })).body)
      end)
    end)

    it("runs many at once and answers in order, each with its own result", function()
      local requests = {}
      for i = 1, 100 do
        requests[i] = { url = peer.url .. "/bytes?size=" .. i, timeout_ms = 5000 }
      end

      requests[50] = { url = peer.url .. "/half" }
      requests[51] = { url = "nonsense" }
      local results = http.all(requests)
      assert.equal(100, #results)
      for i, result in ipairs(results) do
        if i == 50 then
          assert.equal("ConnectionLost", result.code)
        elseif i == 51 then
          assert.equal("InvalidRequest", result.code)
        else
          assert.equal(i, #result.body)
        end
      end

      assert.same({}, http.all({}))
    end)

    it("waits for slow ones together, not one after another", function()
      local requests = {}
      for i = 1, 20 do requests[i] = { url = peer.url .. "/stall", timeout_ms = 150 } end
      local started = process.clock()
      local results = http.all(requests)
      for _, result in ipairs(results) do assert.equal("Timeout", result.code) end
      assert.is_true(process.clock() - started < 1000)
    end)
  end)

  describe("TLS", function()
    local url = "https://127.0.0.1:" .. peer.tls_port .. "/echo"

    it("verifies the certificate, always", function()
      local response, _, code = http.request({ url = url })
      assert.is_nil(response)
      assert.equal("TlsFailed", code)
    end)

    it("verifies the name", function()
      local response, _, code = http.request({
        url = "https://localhost:" .. peer.tls_port .. "/echo", ca_bundle = peer.bundle })
      assert.is_nil(response)
      assert.equal("TlsFailed", code)
    end)

    it("trusts the bundle it is given", function()
      assert.equal(200, assert(http.request({ url = url, ca_bundle = peer.bundle })).status)
    end)

    it("does not speak TLS to a plain server", function()
      local plain = "https://127.0.0.1:" .. peer.port .. "/"
      assert.equal("TlsFailed", select(3, http.request({ url = plain })))
    end)
  end)

  describe("proxy variables", function()
    local function through_proxy(request, proxy)
      local text = "local r, m = require('weir.http').request(%s) io.write(r and r.body or m)"
      local script = files.write(os.tmpname(), text:format(request))
      local pipe = assert(io.popen(("http_proxy=%s no_proxy= /proc/%s/exe lua %s"):format(
        proxy or peer.url, io.open("/proc/self/stat"):read("n"), script)))
      local output = pipe:read("a")
      pipe:close()
      os.remove(script)

      return output
    end

    it("are honoured, unless the request is direct", function()
      local seen = cjson.decode(through_proxy("{ url = 'http://weir.invalid/echo' }"))
      assert.equal("http://weir.invalid/echo", seen.target)
      local direct =
        cjson.decode(through_proxy(("{ url = '%s/echo', direct = true }"):format(peer.url)))
      assert.equal("/echo", direct.target)
    end)

    it("that are not URLs are not quoted: they may hold a password", function()
      local output = through_proxy("{ url = 'http://weir.invalid/' }",
        "'http://u:hush hush@127.0.0.1:1'")
      assert.matches("the proxy variable of the environment is not a URL", output)
      assert.not_matches("hush", output)
      output = through_proxy("{ url = 'http://weir.invalid/' }", "'hush://u:hush@127.0.0.1:1'")
      assert.not_matches("hush", output)
    end)
  end)
end)
