-- Who may call `weir emulate`, and what slow or idle callers can do to the others. Raw sockets, as
-- no HTTP client sends what a browser or an attacker does.
local emulators = require "support.emulator"
local json = require "weir.json"
local run = require "support.run"

local PATH = "/2015-03-31/functions/function/invocations"

describe("weir emulate", function()
  local world, emulator = emulators.scripted(), nil
  setup(world.open)
  teardown(world.close)
  before_each(function() emulator = world.start { "--timeout", "60" } end)
  after_each(world.stop)

  -- Sends bytes to a port of this machine; → the answer's status, and all of it. address:
  -- "127.0.0.1".
  local function send(port, bytes, address)
    local script = run.write(os.tmpname(), [[
import net from "node:net";
const [port, host, bytes] = JSON.parse(process.argv[2]);
const socket = net.connect(port, host, () => socket.write(bytes));
let answer = "";
socket.on("data", (data) => { answer += data; });
socket.on("error", () => {}).on("close", () => process.stdout.write(answer));
setTimeout(() => socket.destroy(), 60000).unref();
]])
    local pipe = io.popen(("node --input-type=module - %s <%s"):format(
      run.quote(json.encode(json.array { port, address or "127.0.0.1", bytes })), script))
    local answer = pipe:read("a")
    pipe:close()
    os.remove(script)

    return tonumber(answer:match("^HTTP/1%.1 (%d+)")), answer
  end

  local function head(method, path, headers)
    local lines = { method .. " " .. path .. " HTTP/1.1", "Connection: close" }
    table.move(headers, 1, #headers, #lines + 1, lines)
    return table.concat(lines, "\r\n") .. "\r\n"
  end

  local function post(headers, body)
    body = body or '{"a":1}'
    return head("POST", PATH, headers) .. ("Content-Length: %d\r\n\r\n%s"):format(#body, body)
  end

  it("answers programs, under every name of this machine", function()
    local port = emulator.port
    for _, host in ipairs { "127.0.0.1:" .. port, "localhost:" .. port, "localhost", "LOCALHOST:80",
      "localhost:",
      "localhost.:8080", "[::1]:" .. port, "[::1]", "127.1.2.3:9", "lambda.localhost:1",
        "[::ffff:127.0.0.1]:1" } do
      local status, answer = send(port, post { "Host: " .. host })
      assert.equal(200, status, host .. ": " .. answer)
    end

    assert.equal(200, (send(port, post({ "Host: localhost", "Sec-Fetch-Site: none" }))))
    assert.equal(200, (send(port, post({ "Host: localhost:" .. port, "Origin: http://localhost:"
      .. port,
      "Referer: http://localhost:" .. port .. "/page", "Sec-Fetch-Site: same-origin" }))))
    local old = ("POST %s HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}"):format(PATH)
    assert.equal(200, (send(port, old)))
  end)

  it("answers at ::1 where the machine has one", function()
    if not os.execute("test -s /proc/net/if_inet6") then pending("this machine has no IPv6") end
    assert.equal(200, (send(emulator.port, post { "Host: [::1]:" .. emulator.port }, "::1")))
  end)

  local FOREIGN = {
    { "Host: evil.example" }, { "Host: localhost.evil.example:80" }, {
      "Host: 127.0.0.1.evil.example",
    },
    {
      "Host: evillocalhost",
    }, { "Host: 10.0.0.1" }, { "Host: 0.0.0.0" }, { "Host: [::2]" }, { "Host: [::1" },
    { "Host: [::1]evil.example" }, { "Host: 127.0.0.1:80:evil" }, {
      "Host: 127.0.0.1:80@evil.example",
    },
    { "Host: localhost", "Host: evil.example" }, { "Host: 128.0.0.1" }, {
      "Host: localhost/evil.example",
    },
    { "Host: localhost", "Origin: http://evil.example" }, { "Host: localhost", "Origin: null" },
    { "Host: localhost:1", "Origin: http://localhost:2" }, {
      "Host: localhost",
      "Origin: https://localhost",
    },
    { "Host: localhost", "Origin: http://localhost.evil.example" }, {
      "Host: localhost",
      "Origin:",
    },
    { "Host: localhost", "Origin: http://localhost", "Origin: http://evil.example" },
    { "Host: localhost", "Sec-Fetch-Site: cross-site" }, {
      "Host: localhost",
      "sec-fetch-site: same-site",
    },
    { "Host: localhost", "Sec-Fetch-Site: anything" }, {
      "Host: localhost",
      "Referer: http://evil.example/page",
    },
    { "Host: localhost", "Referer: http://localhost.evil.example/" },
    {}, { "Origin: http://evil.example" }, { "Host: localhost", "Origin : http://evil.example" },
    { "Host: localhost", "Origin\t: http://evil.example" },
  }

  it("refuses what a browser sends for a page from elsewhere, and runs nothing", function()
    for _, headers in ipairs(FOREIGN) do
      local status, answer = send(emulator.port, post(headers))
      local shown = table.concat(headers, "; ")
      assert.is_true(status == 403 or status == 400, shown .. ": " .. answer)
      if status == 403 then
        assert.matches("AccessDeniedException", answer, 1, true)
        assert.matches("comes from a web page", answer, 1, true)
      end

      assert.is_nil(answer:lower():find("access-control-allow", 1, true), shown)
    end

    local preflight = head("OPTIONS", PATH, { "Host: localhost", "Origin: http://evil.example",
      "Access-Control-Request-Method: POST" }) .. "\r\n"
    assert.equal(403, (send(emulator.port, preflight)))
    assert.equal("", emulator:log())
  end)

  it("refuses the same where the runtime is served", function()
    local seen = json.decode(emulator:invoke({ ["do"] = "environment" }).body)
    local port = tonumber(seen.AWS_LAMBDA_RUNTIME_API:match(":(%d+)$"))
    for _, headers in ipairs { { "Host: evil.example" },
      { "Host: localhost", "Origin: http://evil.example" },
      { "Host: localhost", "Sec-Fetch-Site: cross-site" } } do
      assert.equal(403, (send(port, head("GET", "/2018-06-01/runtime/invocation/next", headers)
        .. "\r\n")))
      assert.equal(403, (send(port, head("POST", "/2018-06-01/runtime/init/error", headers)
        .. "Content-Length: 2\r\n\r\n{}")))
    end

    assert.equal('{"a":1}', emulator:invoke({ a = 1 }).body)
  end)

  -- Runs the calls while so many connections are open, each of which has sent the bytes and goes on
  -- with one byte a second.
  local function in_crowd(port, count, bytes, calls, more)
    local said = os.tmpname()
    local crowd = assert(io.popen(("exec node tests/servers/crowd.mjs %d %d %s %d >%s"):format(port,
      count,
      run.quote(bytes), more or 0, said), "w"))
    finally(function()
      crowd:close() -- its stdin ends
      os.remove(said)
    end)

    emulators.wait("the crowd", function() return run.read(said):find("open", 1, true) end)
    calls()
  end

  local function call_often()
    for i = 1, 20 do assert.equal(('{"a":%d}'):format(i), emulator:invoke({ a = i }).body) end
  end

  describe("serves a caller at once beside a thousand", function()
    for _, case in ipairs {
      { "idle connections", "" },
      { "heads that never end", "POST " .. PATH .. " HTTP/1.1\r\nHost: localhost\r\nX-Slow: " },
      { "bodies that never end",
        "POST " .. PATH .. " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n{" },
    } do
      it(case[1], function() in_crowd(emulator.port, 1000, case[2], call_often) end)
    end

    it("connections to the runtime's port", function()
      local seen = json.decode(emulator:invoke({ ["do"] = "environment" }).body)
      local port = tonumber(seen.AWS_LAMBDA_RUNTIME_API:match(":(%d+)$"))
      in_crowd(port, 1000,
        "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ", call_often)
    end)
  end)

  it("gives up large events that never become whole for those that do", function()
    local function resident_kb()
      return tonumber(run.read(("/proc/%d/status"):format(emulator.pid)):match("VmHWM:%s+(%d+)"))
    end

    in_crowd(emulator.port, 100, "POST " .. PATH
      .. " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6000000\r\n\r\n",
      function()
        call_often()
        local largest = ('"%s"'):format(("x"):rep(6 * 1024 * 1024 - 2))
        assert.equal(largest, emulator:invoke(largest).body)
      end, 5000000)
    -- 500 MB came in; buffers grow by doubling. A sanitizer keeps 256 MiB of freed memory.
    local most_kb = (run.is_sanitized() and 420 + 256 or 420) * 1024
    assert.is_true(resident_kb() < most_kb, resident_kb())
  end)
end)
