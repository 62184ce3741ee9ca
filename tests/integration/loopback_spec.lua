-- The guard of the tests themselves: nothing here may reach another machine, whatever a test
-- forgets.
local aws = require("weir.aws")
local http = require("weir.http")
local run = require("support.run")
local servers = require("support.servers")
local sorted_pairs = require("weir.sorted_pairs")

describe("a test", function()
  local function refuses(url, more)
    local request = { url = url, timeout_ms = 5000 }
    for name, value in pairs(more or {}) do request[name] = value end
    local response, message, code = http.request(request)
    assert.is_nil(response)
    assert.equal("NotLoopback", code, message)
    assert.matches("WEIR_LOOPBACK_ONLY=1 is set, and this is another machine", message)

    return message
  end

  it("runs under the guard", function()
    assert.equal("1", os.getenv("WEIR_LOOPBACK_ONLY"))
    assert.matches("loopback_only%.cjs", os.getenv("NODE_OPTIONS"))
  end)

  it("cannot send a request to another machine, by name or by address", function()
    for _, url in ipairs({ "https://sts.eu-west-1.amazonaws.com/", "http://192.0.2.1/",
      "http://[2001:db8::1]:80/",
      "http://169.254.170.2/x", "http://10.0.0.1:8080", "http://localhost.example.com/",
        "http://127.0.0.1.example.com/",
      "http://0.0.0.0/", "http://3221225985/", "https://example.com:443/?token=hush" }) do
      local message = refuses(url)
      assert.not_matches("hush", message)
      refuses(url, { direct = true })
    end
  end)

  it("reaches its own servers by every name of this machine", function()
    local peer = servers.start("http_peer")
    for _, host in ipairs({ "127.0.0.1", "localhost", "bucket.localhost" }) do
      assert(http.request({ url = ("http://%s:%d/echo"):format(host, peer.port),
        timeout_ms = 5000 }))
    end
  end)

  it("cannot reach a proxy elsewhere", function()
    local script = run.write(os.tmpname(), [[
      print(select(3, require("weir.http").request { url = "http://127.0.0.1:1/",
      timeout_ms = 5000 }))
    ]])
    local result = run({ "lua", script, env = { http_proxy = "http://192.0.2.1:3128",
      no_proxy = "none" } })
    assert.equal("NotLoopback\n", result.stdout, result.stderr)
    os.remove(script)
  end)

  it("that lost its endpoint fails at once, instead of asking the real AWS", function()
    local function getenv(name) return ({ HOME = "/nowhere", AWS_REGION = "eu-west-1" })[name] end
    for _, service in ipairs(aws.services) do
      local client = aws.client(service, { getenv = getenv,
        credentials = { access_key_id = "A", secret_access_key = "s" } })
      local name, operation = sorted_pairs(client.service.operations)()
      local input = {}
      for _, member in ipairs(operation.required) do
        input[member] = member == "Bucket" and "bucket" or "x"
      end

      if service == "dynamodb" then name, input = "DescribeTable", { TableName = "t" } end
      if service == "s3" then name, input = "ListObjectsV2", { Bucket = "bucket" } end
      local output, message, code, details = client:call(name, input)
      assert.is_nil(output)
      assert.equal("NotLoopback", code, message)
      assert.equal(1, details.attempts)
    end
  end)

  it("cannot leave by way of Node", function()
    local script = run.write(os.tmpname() .. ".cjs", [[
      const net = require("node:net"), https = require("node:https");
      const report = (name) => (error) => console.log(name, error.code);
      net.connect(80, "192.0.2.1").on("error", report("net"));
      https.get("https://sts.eu-west-1.amazonaws.com/").on("error", report("https"));
      fetch("http://192.0.2.1/").catch((error) => report("fetch")(error.cause));
    ]])
    local pipe = assert(io.popen("node " .. run.quote(script) .. " 2>&1 | sort"))
    assert.equal("fetch NotLoopback\nhttps NotLoopback\nnet NotLoopback\n", pipe:read("a"))
    pipe:close()
    os.remove(script)
  end)
end)
