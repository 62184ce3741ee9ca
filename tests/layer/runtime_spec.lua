-- The layer's bootstrap as Lambda's runtime, in a root with nothing but the layer and what each
-- test puts there: the function's code in /var/task, an authority to trust.
local cloud = require "support.aws"
local json = require "weir.json"
local lambda = require "support.lambda"
local layer_root = require "support.layer_root"
local policy_set = require "weir.policy_set"
local process = require "weir.process"
local run = require "support.run"
local servers = require "support.servers"

local tls = servers.start("tls_peer", cloud.front.port)
local EVENT = '{"file_count": 5}'
local LAYER_SAYS = "5 files, below 10"

-- A routing policy that answers batch, for a reason of its own.
local function policy(because)
  return ([[return policy {
  kind = "routing",
  decide = function() return batch { because = %q } end,
  examples = { { given = { file_count = 1 }, expect = "batch" } },
}
]]):format(because)
end

local function bundle(because)
  local directory = run.directory { ["routing.lua"] = policy(because) }
  local text = assert(assert(policy_set.load(directory)):bundle())
  run.remove(directory)

  return text
end

for _, architecture in ipairs { "x86_64", "arm64" } do
  describe("the runtime of the " .. architecture .. " layer", function()
    local missing, root, runtime, count = layer_root.missing(architecture), nil, nil, nil

    before_each(function()
      if missing then return end
      lambda.reset()
      cloud.reset()
      count, root = 0, layer_root.new(architecture)
      root:write("/etc/resolv.conf", "nameserver 127.0.0.1\n")
    end)

    after_each(function()
      if runtime then runtime:stop() end
      runtime = nil
      if root then root:remove() end
    end)

    local function does(what, body)
      if missing then pending(what .. ": " .. missing) else it(what, body) end
    end

    local function start(more)
      local environment = { _HANDLER = "routing", LAMBDA_TASK_ROOT = "/var/task",
        WEIR_POLICY_SOURCE = false,
        WEIR_POLICY_POLL_SECONDS = "0" }
      for name, value in pairs(more or {}) do environment[name] = value end
      runtime = lambda.start(environment, { command = root:command("/opt/bootstrap") })
    end

    -- → the body of the answer, decoded, and where it was sent: "response" or "error".
    local function invoke(event)
      count = count + 1
      lambda.script {
        kind = "event",
        id = "r" .. count,
        body = event or EVENT,
        deadline_in_ms = 60000,
      }

      local post = lambda.posts(count)[count]

      return json.decode(post.body), post.path:match("^/invocation/r" .. count .. "/(%l+)$")
    end

    local function stop()
      local result = runtime:stop()
      runtime = nil
      assert.equal(0, result.status, result.stderr)

      return result.stdout
    end

    does("decides by the layer's own policies, and ends on SIGTERM", function()
      start()
      assert.same({ action = "realtime", because = LAYER_SAYS, file_count = 5 }, (invoke()))
      assert.equal("batch", invoke('{"file_count": 12}').action)
      local log = stop()
      assert.matches('"schema":"weir.decision/1"', log, 1, true)
      assert.matches('"Success":1,"Error":0', log, 1, true)
    end)

    does("takes the function's own policies before the layer's", function()
      root:write("/var/task/policies/routing.lua", policy("the function says so"))
      start()
      assert.equal("the function says so", invoke().because)
    end)

    does("runs a handler of the function's package, and reports what it raises", function()
      root:write("/var/task/lib/words.lua", "return { greeting = 'hello' }")
      root:write("/var/task/app.lua", [[
local words = require("lib.words")
local function deeper() error("it broke") end
return { handle = function(event, ask)
  if event.fail then deeper() end
  return { said = words.greeting, decided = ask("routing", { file_count = event.files }).because }
end }]])
      start { _HANDLER = "app.handle" }
      assert.same({ said = "hello", decided = LAYER_SAYS }, (invoke('{"files": 5}')))
      local failure, to = invoke('{"fail": true}')
      assert.equal("error", to)
      assert.equal("LuaError", failure.errorType)
      assert.equal("/var/task/app.lua:2: it broke", failure.errorMessage)
      assert.matches("app.lua:4: in ", table.concat(failure.stackTrace, "\n"), 1, true)
      assert.equal("hello", invoke('{"files": 5}').said)
    end)

    does("stops a handler before its deadline", function()
      root:write("/var/task/app.lua", [[
return { handle = function(event)
  while event.hang do end
  return "done"
end }]])
      start { _HANDLER = "app.handle" }
      lambda.script { kind = "event", id = "r1", body = '{"hang": true}', deadline_in_ms = 1000 }
      count = 1
      local post = lambda.posts(1)[1]
      assert.equal("/invocation/r1/error", post.path)
      assert.equal("DeadlineExceeded", json.decode(post.body).errorType)
      assert.equal("done", (invoke("{}")))
    end)

    does("tells Lambda why it cannot start", function()
      root:write("/var/task/policies/routing.lua", "return policy {")
      start()
      assert.equal(1, runtime:wait().status)
      runtime = nil
      local post = lambda.posts(1)[1]
      assert.equal("/init/error", post.path)
      local failure = json.decode(post.body)
      assert.equal("Runtime.PolicySetRefused", failure.errorType)
      assert.matches("/var/task/policies/routing.lua:1: error[W003]", failure.errorMessage, 1, true)
    end)

    describe("with policies from S3", function()
      local s3 = cloud.client("s3")
      local key

      before_each(function() key = "layer/" .. process.new_id() .. ".bundle" end)

      local function put(text)
        assert(s3:put_object { Bucket = "bucket", Key = key, Body = text })
      end

      local function start_from_s3(more)
        local environment = { WEIR_POLICY_SOURCE = "s3://bucket/" .. key, AWS_REGION = "eu-west-1",
          AWS_ENDPOINT_URL = cloud.front.url, AWS_ACCESS_KEY_ID = cloud.front.key_id,
          AWS_SECRET_ACCESS_KEY = cloud.front.secret }
        for name, value in pairs(more or {}) do environment[name] = value end
        start(environment)
      end

      local function over_tls(port, authority)
        root:copy(authority, "/authority.pem")
        return { AWS_ENDPOINT_URL = "https://127.0.0.1:" .. port, SSL_CERT_FILE = "/authority.pem" }
      end

      does("swaps what is new and good, and refuses what is damaged", function()
        put(bundle("one"))
        start_from_s3()
        assert.equal("one", invoke().because)
        put(bundle("two"))
        assert.equal("two", invoke().because)
        put((bundle("one"):gsub("because = ", "because =  ")))
        assert.equal("two", invoke().because)
        put(bundle("three"):sub(1, -20))
        assert.equal("two", invoke().because)
        put(bundle("four"))
        assert.equal("four", invoke().because)
        local log = stop()
        assert.equal(2, select(2, log:gsub('"PolicyRefused":1', "")))
        assert.equal(2, select(2, log:gsub('"PolicySwapped":1', "")))
      end)

      does("fetches them from a peer that the authority in force vouches for", function()
        put(bundle("one"))
        for _, variable in ipairs { "SSL_CERT_FILE", "AWS_CA_BUNDLE" } do
          local trusting = over_tls(tls.tls13, tls.authority)
          trusting.SSL_CERT_FILE = nil
          trusting[variable] = "/authority.pem"
          start_from_s3(trusting)
          assert.equal("one", invoke().because, variable)
          stop()
          lambda.reset()
          count = 0
        end
      end)

      does("believes no peer of a wrong authority or a wrong name", function()
        put(bundle("one"))
        for _, distrusted in ipairs { over_tls(tls.tls13, tls.stranger),
          over_tls(tls.wrong_name, tls.authority),
          over_tls(tls.expired, tls.authority),
            { AWS_ENDPOINT_URL = "https://127.0.0.1:" .. tls.tls13 } } do
          lambda.reset()
          count = 0
          if distrusted.SSL_CERT_FILE then
            root:copy(distrusted.AWS_ENDPOINT_URL:find(tls.tls13, 1, true) and tls.stranger
              or tls.authority,
              "/authority.pem")
          end

          start_from_s3(distrusted)
          assert.equal(LAYER_SAYS, invoke().because) -- the layer's go on
          assert.equal(LAYER_SAYS, invoke().because)
          local failure, to = invoke('{"file_count": 5, "endpoint_name": "e"}')
          assert.same({ "error", "TlsFailed" }, { to, failure.errorType })
          local log = stop()
          assert.matches("WARN the policy set of /opt/policies goes on instead: [^\n]*TlsFailed",
            log)
          assert.matches('"PolicyFetchFailed":1', log, 1, true)
        end

        for _, request in ipairs(cloud.requests()) do
          assert.equal("PutObject", request.operation)
        end
      end)
    end)
  end)
end
