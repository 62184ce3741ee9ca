-- Policies that change while the function runs: from S3 (s3rver behind the signing front), from
-- AppConfig (the model-checked server).
local cloud = require "support.aws"
local json = require "weir.json"
local lambda = require "support.lambda"
local policy_world = require "support.policy_world"
local process = require "weir.process"
local run = require "support.run"

local policy = policy_world.policy
local bundle = policy_world.bundle
local start = policy_world.start
local decide = policy_world.decide
local stop = policy_world.stop
local write_policies = policy_world.write

describe("the runtime's policies", function()
  before_each(policy_world.open)
  after_each(policy_world.close)

  describe("from S3", function()
    local s3 = cloud.client("s3")
    local key

    before_each(function() key = "policies/" .. process.new_id() .. ".bundle" end)

    local function put(text) assert(s3:put_object { Bucket = "bucket", Key = key, Body = text }) end
    local function source() return "s3://bucket/" .. key end

    it("are fetched, swapped when the ETag changes, and refused when damaged", function()
      local first = bundle(10)
      put(first)
      start { WEIR_POLICY_SOURCE = source() }
      assert.equal("below 10", decide(5))
      assert.equal("below 10", decide(5))
      put((bundle(5)))
      assert.equal("at or above 5", decide(5))
      put((first:gsub("below 10", "below 11")))
      assert.equal("at or above 5", decide(5))
      put(first:sub(1, 200))
      assert.equal("at or above 5", decide(5))
      assert(s3:delete_object { Bucket = "bucket", Key = key })
      assert.equal("at or above 5", decide(5))
      put(first)
      assert.equal("below 10", decide(5))
      local log = stop().stdout
      assert.matches(
        "is refused: [^\n]*W013[^\n]*its file 'routing.lua' is not what its digest says", log)
      assert.matches("NoSuchKey", log)
      assert.matches('"PolicyFetchFailed":1', log, 1, true)
      assert.matches('"policy_version":"\\"%x+\\""', log)
    end)

    -- The metrics lines of the invocation: its properties.
    local function properties(log, id)
      for line in log:gmatch("[^\n]+") do
        local record = json.decode(line)
        if record and record._aws and record.request_id == id and record.Duration then
          return record
        end
      end

      error("no metrics of " .. id)
    end

    it("stay refused while the refused version is the newest, whatever fails in between", function()
      put((bundle(10)))
      start { WEIR_POLICY_SOURCE = source() }
      assert.equal("below 10", decide(5)) -- r1
      put("{}")
      assert.equal("below 10", decide(5)) -- r2: refused
      cloud.faults({ kind = "status", status = 403 })
      assert.equal("below 10", decide(5)) -- r3: the fetch fails
      process.sleep(1100)
      assert.equal("below 10", decide(5)) -- r4: nothing new, and what is newest is refused
      put((bundle(3)))
      assert.equal("at or above 3", decide(5)) -- r5: good again
      local log = stop().stdout

      local good, refused, failed = properties(log, "r1"), properties(log, "r2"),
        properties(log, "r3")
      local still, mended = properties(log, "r4"), properties(log, "r5")
      assert.is_nil(good.policy_problem)
      for _, seen in ipairs { refused, failed, still } do
        assert.equal("PolicySetRefused", seen.policy_problem)
        assert.equal("PolicySetRefused", seen.policy_refused)
        assert.equal(refused.policy_refused_version, seen.policy_refused_version)
        assert.equal(refused.policy_refused_at, seen.policy_refused_at)
        assert.equal(good.policy_version, seen.policy_version)
        assert.equal(good.policy_loaded_at, seen.policy_loaded_at)
      end

      assert.not_equal(good.policy_version, refused.policy_refused_version)
      assert.is_nil(refused.policy_fetch_failed)
      assert.is_string(failed.policy_fetch_failed)
      assert.equal(refused.policy_fetched_at, failed.policy_fetched_at)
      assert.is_true(failed.policy_fetch_failed_at >= failed.policy_fetched_at)
      assert.is_nil(still.policy_fetch_failed)
      assert.is_true(still.policy_fetched_at > failed.policy_fetched_at)
      assert.equal(0, good.PolicyAge)
      assert.is_true(still.PolicyAge >= 1)
      for _, name in ipairs { "policy_problem", "policy_refused", "policy_refused_version",
        "policy_refused_at" } do
        assert.is_nil(mended[name], name)
      end

      assert.equal(0, mended.PolicyAge)
      assert.matches(
        "INFO the policy source answers again {[^\n]*\"policy_refused\":\"PolicySetRefused\"", log)
      assert.equal(1, select(2, log:gsub('"PolicyRefused":1', "")))
    end)

    it("stay refused, and are not refused once more, where a proxy answers 200", function()
      put((bundle(10)))
      start { WEIR_POLICY_SOURCE = source() }
      assert.equal("below 10", decide(5)) -- r1
      put("{}")
      assert.equal("below 10", decide(5)) -- r2: refused
      for _, body in ipairs { "<html>login</html>", "" } do
        cloud.faults({ kind = "status", status = 200, headers = {}, body = body })
        assert.equal("below 10", decide(5)) -- r3, r4: the fetch fails
      end

      assert.equal("below 10", decide(5)) -- r5: nothing new
      local log = stop().stdout

      local refused, failed = properties(log, "r2"), properties(log, "r4")
      assert.equal("MalformedResponse", failed.policy_fetch_failed)
      assert.is_nil(properties(log, "r5").policy_fetch_failed)
      for _, seen in ipairs { failed, properties(log, "r5") } do
        for _, name in ipairs { "policy_problem", "policy_refused_version", "policy_refused_at",
          "policy_version" } do
          assert.equal(refused[name], seen[name])
        end
      end

      assert.equal(1, select(2, log:gsub('"PolicyRefused":1', "")))
    end)

    it("ask with the ETag, so that nothing is sent twice", function()
      put((bundle(10)))
      start { WEIR_POLICY_SOURCE = source() }
      decide(5)
      decide(5)
      stop()
      local asked = cloud.requests()
      assert.matches('^"%x+"$', asked[#asked].headers["if-none-match"])
    end)

    it("give way to the function's own at a cold start, and come back when they are good",
      function()
      write_policies(policy(7), policy_world.root .. "/policies")
      start { WEIR_POLICY_SOURCE = source() }
      assert.equal("below 7", decide(6))
      put((bundle(3)))
      assert.equal("at or above 3", decide(6))
      local log = stop().stdout
      assert.matches("WARN the policy set of [^\n]*/policies goes on instead: [^\n]*NoSuchKey", log)
    end)

    it("give way to the function's own when the bundle is bad at a cold start", function()
      write_policies(policy(7), policy_world.root .. "/policies")
      put("{}")
      start { WEIR_POLICY_SOURCE = source() }
      assert.equal("below 7", decide(6))
      assert.equal("below 7", decide(6))
      put((bundle(3)))
      assert.equal("at or above 3", decide(6))
    end)

    it("give way to the function's own when the bundle has no policy of the handler's kind",
      function()
      write_policies(policy(7), policy_world.root .. "/policies")
      put((bundle()))
      start { WEIR_POLICY_SOURCE = source() }
      assert.equal("below 7", decide(6))
      assert.matches("goes on instead: version [^\n]* has no policy of kind 'routing'",
        stop().stdout)
    end)

    it("keep a handler of the package from starting when there is nothing to give way to",
      function()
      run.write(policy_world.root .. "/function.lua", "return { handle = function() return 1 end }")
      -- no policies beside it
      os.execute(("cp %s %s/bootstrap"):format(run.quote(lambda.bootstrap), policy_world.root))
      local result = lambda.start(cloud.variables {
        _HANDLER = "function.handle",
        LAMBDA_TASK_ROOT = policy_world.root,
        WEIR_POLICY_SOURCE = source(),
      }, { command = { policy_world.root .. "/bootstrap" } }):wait()
      assert.equal(1, result.status)
      assert.matches("FATAL Runtime.NoPolicySet: [^\n]*NoSuchKey", result.stdout)
    end)

    it("do not fail or delay an invocation when S3 does not answer", function()
      put((bundle(10)))
      start { WEIR_POLICY_SOURCE = source() }
      assert.equal("below 10", decide(5))
      cloud.faults({ kind = "stall" }, { kind = "stall" })
      assert.equal("below 10", decide(5))
      assert.matches("WARN the last good policy set goes on", stop().stdout)
    end)
  end)

  describe("from AppConfig", function()
    local function configuration(token, body)
      return { headers = { ["Next-Poll-Configuration-Token"] = token,
        ["Next-Poll-Interval-In-Seconds"] = "0",
        ["Version-Label"] = body ~= "" and "label-" .. token or nil,
          ["Content-Type"] = "application/json" },
        body = body }
    end

    it("are fetched by session and token, and swapped when there is a new version", function()
      cloud.answers { ["appconfigdata.GetLatestConfiguration"] = json.array {
        configuration("two", (bundle(10))), configuration("three", ""),
          configuration("four", (bundle(4))),
        configuration("five", "nonsense"), configuration("six", "") } }
      start { WEIR_POLICY_SOURCE = "appconfig:app/env/profile" }
      assert.equal("below 10", decide(5))
      assert.equal("at or above 4", decide(5))
      assert.equal("at or above 4", decide(5))
      assert.equal("at or above 4", decide(5))
      local log = stop().stdout
      assert.matches("version label%-five of appconfig:app/env/profile is refused", log)
      local tokens = {}
      for _, request in ipairs(cloud.requests()) do
        if request.operation == "GetLatestConfiguration" then
          tokens[#tokens + 1] = request.input.ConfigurationToken
        end
      end

      assert.same({ "token+1/=", "two", "three", "four", "five" }, tokens)
    end)

    it("begin a new session when the token is no longer good", function()
      cloud.answers { ["appconfigdata.GetLatestConfiguration"] = json.array {
        configuration("used", (bundle(10))),
        {
          status = 400,
          headers = { ["x-amzn-ErrorType"] = "BadRequestException" },
          body = '{"message":"expired"}',
        },
        configuration("fresh", (bundle(4))) } }
      start { WEIR_POLICY_SOURCE = "appconfig:app/env/profile" }
      assert.equal("at or above 4", decide(5))
    end)

    it("begin a new session after an answer that is not AppConfig's, and refuse nothing", function()
      cloud.answers { ["appconfigdata.GetLatestConfiguration"] = json.array {
        configuration("two", (bundle(10))),
        { headers = { ["Content-Type"] = "text/html" }, body = "<html>login</html>" },
        configuration("four", (bundle(4))) } }
      start { WEIR_POLICY_SOURCE = "appconfig:app/env/profile" }
      assert.equal("below 10", decide(5))
      assert.equal("at or above 4", decide(5))
      local log = stop().stdout
      assert.matches("no Next-Poll-Configuration-Token", log, 1, true)
      assert.is_nil(log:find('"PolicyRefused":1', 1, true))
    end)

    it("go on with the session when AppConfig is busy", function()
      local busy = {
        status = 429,
        headers = { ["x-amzn-ErrorType"] = "ThrottlingException" },
        body = "{}",
      }

      cloud.answers { ["appconfigdata.GetLatestConfiguration"] = json.array {
        configuration("two", (bundle(10))), busy, busy, configuration("three", (bundle(4))) } }
      start { WEIR_POLICY_SOURCE = "appconfig:app/env/profile" }
      assert.equal("below 10", decide(5))
      assert.equal("at or above 4", decide(5))
      local sessions = 0
      for _, request in ipairs(cloud.requests()) do
        if request.operation == "StartConfigurationSession" then sessions = sessions + 1 end
      end

      assert.equal(1, sessions)
    end)

    it("wait as long as AppConfig asks", function()
      local answer = configuration("two", (bundle(10)))
      answer.headers["Next-Poll-Interval-In-Seconds"] = "600"
      cloud.answers { ["appconfigdata.GetLatestConfiguration"] = json.array { answer } }
      start { WEIR_POLICY_SOURCE = "appconfig:app/env/profile" }
      decide(5)
      decide(5)
      stop()
      assert.equal(2, #cloud.requests())
    end)
  end)
end)
