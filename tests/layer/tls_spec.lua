-- Whom the layer's program trusts: only a peer with a certificate for its name, signed by an
-- authority of the file in force. That file is looked for in one order, and there is no way
-- without.
local layer_root = require "support.layer_root"
local servers = require "support.servers"

local peer = servers.start("tls_peer")
local GOOD = "https://127.0.0.1:" .. peer.tls13 .. "/"

-- Each argument is "URL" or "URL BUNDLE"; a line for each: what came of it.
local SCRIPT = [[
local http = require "weir.http"
for _, word in ipairs(arg) do
  local url, bundle = word:match("^(%S+) ?(%S*)$")
  local response, message, code = http.request {
    url = url,
    ca_bundle = bundle ~= "" and bundle or nil,
  }
  print(response and response.status .. (response.reused and " reused" or " new")
    or code .. " " .. message)
end
]]

for _, architecture in ipairs { "x86_64", "arm64" } do
  describe("TLS of the " .. architecture .. " layer", function()
    local missing, root = layer_root.missing(architecture), nil

    before_each(function()
      if missing then return end
      root = layer_root.new(architecture)
      root:write("/etc/resolv.conf", "nameserver 127.0.0.1\n")
      root:write("/https.lua", SCRIPT)
      root:copy(peer.authority, "/authority.pem")
      root:copy(peer.stranger, "/stranger.pem")
    end)

    after_each(function() if root then root:remove() end end)

    local function does(what, body)
      if missing then pending(what .. ": " .. missing) else it(what, body) end
    end

    -- One line for each request, as SCRIPT prints them.
    local function request(environment, ...)
      local result = root:run { "lua", "/https.lua", env = environment, ... }
      assert.equal("", result.stderr)
      local lines = {}
      for line in result.stdout:gmatch("[^\n]+") do lines[#lines + 1] = line end

      return table.unpack(lines)
    end

    local TRUSTING = { SSL_CERT_FILE = "/authority.pem" }

    does("is made with the authority that is trusted, TLS 1.3 and 1.2, RSA and ECDSA", function()
      assert.equal("200 new", request(TRUSTING, GOOD))
      assert.equal("200 new", request(TRUSTING, "https://127.0.0.1:" .. peer.tls12 .. "/"))
    end)

    does("keeps its connection for the next request", function()
      for _, port in ipairs { peer.tls13, peer.tls12 } do
        local url = "https://127.0.0.1:" .. port .. "/"
        assert.same({ "200 new", "200 reused", "200 reused" }, { request(TRUSTING, url, url, url) })
      end
    end)

    does("refuses an unknown authority, a wrong name and an expired certificate", function()
      assert.matches("^TlsFailed .*not correctly signed",
        (request({ SSL_CERT_FILE = "/stranger.pem" }, GOOD)))
      local name = request(TRUSTING, "https://127.0.0.1:" .. peer.wrong_name .. "/")
      assert.matches("^TlsFailed .*[Cc]ommon [Nn]ame", name)
      local expired = request(TRUSTING, "https://127.0.0.1:" .. peer.expired .. "/")
      assert.matches("^TlsFailed .*expired", expired)
    end)

    does("takes a request's own authority instead of the system's", function()
      local stranger = { SSL_CERT_FILE = "/stranger.pem" }
      assert.equal("200 new", request(stranger, GOOD .. " /authority.pem"))
      assert.matches("^TlsFailed ", (request(TRUSTING, GOOD .. " /stranger.pem")))
    end)

    does("does not lend a connection or a session to a request with another authority", function()
      for _, port in ipairs { peer.tls13, peer.tls12 } do
        local url = "https://127.0.0.1:" .. port .. "/"
        local first, second, third, fourth =
          request(TRUSTING, url .. " /authority.pem", url .. " /stranger.pem", url, url
            .. " /authority.pem")
        assert.equal("200 new", first)
        assert.matches("^TlsFailed ", second)
        assert.equal("200 new", third)
        assert.equal("200 reused", fourth)
      end
    end)

    does("looks for the system's file in Amazon Linux's place, then Debian's, then others",
      function()
      for _, place in ipairs { "/etc/ssl/cert.pem", "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt" } do
        root:copy(peer.authority, place)
        assert.equal("200 new", request({}, GOOD), place)
        root:copy(peer.stranger, place) -- the next place comes before this one
      end
    end)

    does("falls back on the layer's own file, which knows AWS's authorities only", function()
      assert.matches("^TlsFailed .*not correctly signed", (request({}, GOOD)))
      root:copy(peer.authority, "/opt/etc/ca-bundle.crt")
      assert.equal("200 new", request({}, GOOD))
    end)

    does("can use each of the layer's certificates", function()
      local names, number = {}, 0
      for text in root:read("/opt/etc/ca-bundle.crt"):gmatch(
        "%-%-%-%-%-BEGIN.-%-%-%-%-%-END[^\n]*\n") do
        number = number + 1
        root:write("/one/" .. number .. ".pem", text)
        names[number] = GOOD .. " /one/" .. number .. ".pem"
      end

      assert.is_true(number >= 11)
      for first = 1, number, 16 do -- as many as one process takes
        local lines = {
          request(TRUSTING, table.unpack(names, first, math.min(first + 15, number)))
        }

        assert.equal(math.min(16, number - first + 1), #lines)
        for i, line in ipairs(lines) do
          assert.matches("^TlsFailed .*not correctly signed", line, nil, nil, names[first + i - 1])
        end
      end
    end)

    does("takes no more files than one process may need, and says so", function()
      local words = {}
      for i = 1, 17 do
        root:copy(peer.authority, "/many/" .. i .. ".pem")
        words[i] = GOOD .. " /many/" .. i .. ".pem"
      end

      local lines = { request(TRUSTING, table.unpack(words)) }
      assert.equal("200 new", lines[16])
      assert.matches("^TlsFailed .*one process takes 16 CA files at most", lines[17])
    end)

    does("connects again after a peer has closed, with or without its session", function()
      for _, port in ipairs { peer.tls13, peer.tls12 } do
        local url = "https://127.0.0.1:" .. port .. "/close"
        assert.same({ "200 new", "200 new", "200 new" }, { request(TRUSTING, url, url, url) })
      end
    end)

    does("fails without certificates, and says what to set", function()
      root:delete("/opt/etc")
      local line = request({}, GOOD)
      assert.matches("^TlsFailed .*no CA certificates on this system; set SSL_CERT_FILE", line)
    end)

    does("names a file that cannot be used, and never goes on without it", function()
      root:copy(peer.authority, "/etc/ssl/cert.pem") -- not an alternative to what was asked for
      root:write("/garbage.pem",
        "-----BEGIN CERTIFICATE-----\nnot base64\n-----END CERTIFICATE-----\n")
      root:write("/empty.pem", "")
      for _, file in ipairs { "/missing.pem", "/garbage.pem", "/empty.pem" } do
        local named = "^TlsFailed .*cannot use the CA certificates of " .. file:gsub("%.", "%%.")
        assert.matches(named .. " %(SSL_CERT_FILE%): .", (request({ SSL_CERT_FILE = file }, GOOD)))
        assert.matches(named .. " %(ca_bundle%): .", (request(TRUSTING, GOOD .. " " .. file)))
      end
    end)
  end)
end
