-- What a caller of the invoke API and an operator at the terminal see of `weir emulate`, with a
-- runtime that does what each event tells it to.
local emulators = require "support.emulator"
local json = require "weir.json"
local run = require "support.run"
local uuid = require "support.uuid"

local decoded, error_of = emulators.decoded, emulators.error_of

describe("weir emulate", function()
  local world, emulator = emulators.scripted(), nil
  setup(world.open)
  teardown(world.close)
  after_each(world.stop)

  local function start(given)
    emulator = world.start(given)
    return emulator
  end

  it("leaves no core dump of what passes through it, nor do its functions", function()
    start()
    assert.matches("Max core file size +0 +0 ", run.read(("/proc/%d/limits"):format(emulator.pid)))
  end)

  describe("answers", function()
    it("with what the runtime answered, from a warm environment", function()
      start()
      local response = emulator:invoke({ file_count = 12 })
      assert.same({ file_count = 12 }, decoded(response))
      assert.is_nil(response.headers["x-amz-function-error"])
      assert.equal("$LATEST", response.headers["x-amz-executed-version"])
      assert.matches("^" .. uuid .. "$", response.headers["x-amzn-requestid"])
      local first = decoded(emulator:invoke({ ["do"] = "environment" }))
      assert.equal(first.pid, decoded(emulator:invoke({ ["do"] = "environment" })).pid)
      assert.same({}, decoded(emulator:invoke("")))
    end)

    it("errors of the function as such", function()
      start()
      local failure = error_of(emulator:invoke({ ["do"] = "error" }))
      assert.equal("Demo.Failed", failure.errorType)
      assert.equal("it is broken", failure.errorMessage)
      failure = error_of(emulator:invoke({ ["do"] = "text_error" }))
      assert.equal("no JSON at all", failure.errorMessage)
      assert.same({ fine = true }, decoded(emulator:invoke({ fine = true })))
    end)

    it("several at a time, one in each environment", function()
      start { "--concurrency", "3", "--timeout", "60" }
      emulator:all {
        { ["do"] = "sleep", ms = 50 },
        { ["do"] = "sleep", ms = 50 },
        { ["do"] = "sleep", ms = 50 },
      }

      local edges, pids, most, count, now = {}, {}, 0, 0, 0
      for _, response in ipairs(emulator:all { { ["do"] = "sleep", ms = 800 },
        { ["do"] = "sleep", ms = 800 },
        { ["do"] = "sleep", ms = 800 }, { ["do"] = "sleep", ms = 800 } }) do
        local answer = decoded(response)
        count = count + (pids[answer.pid] and 0 or 1)
        pids[answer.pid] = true
        table.move({ { answer.from, 1 }, { answer.to, -1 } }, 1, 2, #edges + 1, edges)
      end

      table.sort(edges, function(a, b) return a[1] < b[1] or a[1] == b[1] and a[2] < b[2] end)
      for _, edge in ipairs(edges) do
        now = now + edge[2]
        most = math.max(most, now)
      end

      assert.equal(3, count)
      assert.equal(3, most) -- the fourth waited for one of them
    end)

    it("several at a time in one managed environment", function()
      start { "--managed", "3", "--timeout", "60" }
      local answers = emulator:all { { ["do"] = "sleep", ms = 800 }, { ["do"] = "sleep", ms = 800 },
        { ["do"] = "sleep", ms = 800 } }
      local one, two, three = decoded(answers[1]), decoded(answers[2]), decoded(answers[3])
      assert.equal(one.pid, two.pid)
      assert.equal(one.pid, three.pid)
      assert.is_true(math.max(one.from, two.from, three.from) < math.min(one.to, two.to, three.to))
      local environment = decoded(emulator:invoke({ ["do"] = "environment" }))
      assert.equal("3", environment.AWS_LAMBDA_MAX_CONCURRENCY)
    end)

    it("events of type Event at once, and runs them", function()
      start()
      local response = emulator:invoke({ ["do"] = "log", lines = 1 }, {
        ["X-Amz-Invocation-Type"] = "Event",
      })

      assert.equal(202, response.status)
      assert.equal("", response.body)
      local log = emulator:wait_for("REPORT RequestId")
      assert.matches("line 0\n", log)
      assert.matches("START RequestId: " .. response.headers["x-amzn-requestid"], log, 1, true)
    end)

    it("dry runs without running anything", function()
      start()
      local response = emulator:invoke({ a = 1 }, { ["X-Amz-Invocation-Type"] = "DryRun" })
      assert.equal(204, response.status)
      assert.matches("^" .. uuid .. "$", response.headers["x-amzn-requestid"])
      assert.equal(404, emulator:invoke({}, { ["X-Amz-Invocation-Type"] = "DryRun" },
        "/2015-03-31/functions/other/invocations").status)
      assert.equal("", emulator:log())
    end)

    it("with the end of the log, report included, when it is asked for", function()
      start()
      local response = emulator:invoke({ ["do"] = "log", lines = 3 }, {
        ["X-Amz-Log-Type"] = "Tail",
      })

      local log = emulators.base64(response.headers["x-amz-log-result"])
      local id = response.headers["x-amzn-requestid"]
      assert.equal("START RequestId: " .. id .. " Version: $LATEST", log:match("^[^\n]*"))
      assert.matches("\nline 0\nline 1\nline 2\nfrom stderr\nEND RequestId: ", log, 1, true)
      assert.matches("\nREPORT RequestId: " .. uuid
        .. "\tDuration: %d+%.%d%d ms\tBilled Duration: %d+ ms\t"
        .. "Memory Size: 128 MB\tMax Memory Used: %d+ MB\tInit Duration: %d+%.%d%d ms\t\n$", log)
      log = emulators.base64(emulator:invoke({ ["do"] = "log", lines = 9000 },
        { ["X-Amz-Log-Type"] = "Tail" }).headers["x-amz-log-result"])
      assert.equal(4096, #log)
      assert.matches("line 8999\nfrom stderr\nEND", log, 1, true)
      assert.is_nil(log:find("Init Duration", 1, true))
    end)
  end)

  it("runs this very program where no layer is named", function()
    emulator = emulators.start { "--handler", "routing", "--concurrency", "2", "--timeout", "60" }
    for i, response in ipairs(emulator:all { { file_count = 1 }, { file_count = 12 },
      { file_count = 5000 } }) do
      assert.equal(({ "realtime", "batch", "batch" })[i], decoded(response).action)
    end

    assert.equal("InvalidEvent", error_of(emulator:invoke({ colour = "blue" })).errorType)
    assert.equal(0, (emulator:stop()))
  end)

  it("prints lines that are too long, or have no end, in pieces", function()
    start()
    decoded(emulator:invoke({ ["do"] = "long_line", size = 600000 }))
    emulator:stop()
    local total, most = 0, 0
    for line in emulator:log():gmatch("[^\n]+") do
      local size = #(line:match("^x+") or "")
      total, most = total + size, math.max(most, size)
    end

    assert.equal(600000, total)
    assert.is_true(most <= 256 * 1024 + 16 * 1024, most)
  end)

  describe("gives the runtime", function()
    it("the headers of an invocation", function()
      start { "--timeout", "60", "--qualifier", "live" }
      local context = { client = { app_title = "ü\n" }, custom = {} }
      local before = os.time()
      local headers = decoded(emulator:invoke({ ["do"] = "headers" }, {
        ["X-Amzn-Trace-Id"] =
          "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1",
        ["X-Amz-Client-Context"] = emulators.to_base64(json.encode(context)),
      }, "/2015-03-31/functions/"
        .. "arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Afunction%3Alive"
        .. "/invocations"))
      assert.equal("arn:aws:lambda:us-east-1:123456789012:function:function:live",
        headers["lambda-runtime-invoked-function-arn"])
      assert.equal("Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1",
        headers["lambda-runtime-trace-id"])
      assert.same(context, json.decode(headers["lambda-runtime-client-context"]))
      local deadline = tonumber(headers["lambda-runtime-deadline-ms"])
      assert.is_true(deadline >= (before + 60) * 1000 and deadline <= (os.time() + 61) * 1000)
      headers = decoded(emulator:invoke({ ["do"] = "headers" }))
      assert.matches("^Root=1%-%x%x%x%x%x%x%x%x%-" .. ("%x"):rep(24) .. ";Parent=" .. ("%x"):rep(16)
        .. ";Sampled=0$", headers["lambda-runtime-trace-id"])
      assert.is_nil(headers["lambda-runtime-client-context"])
    end)

    it("as many files as it would have without the emulator", function()
      start()
      local pid = decoded(emulator:invoke({ ["do"] = "environment" })).pid
      local function most(of)
        return run.read(("/proc/%s/limits"):format(of)):match("Max open files +(%d+)")
      end

      assert.equal(most("self"), most(pid))
    end)

    it("Lambda's variables, AWS's and weir's of the caller, and no others", function()
      local root = run.directory {}
      start { "--memory", "256", "--function", "route-it", "--task-root", root, "--env",
        "PLACE=here",
        "--log-level", "WARN", env = { AWS_ACCESS_KEY_ID = "AKIDEXAMPLE", WEIR_PARAMS = "{}",
          AWS_REGION = "eu-west-1",
          AWS_LAMBDA_RUNTIME_API = "elsewhere:1", HOME = "/root", PRIVATE = "no" } }
      local seen = decoded(emulator:invoke({ ["do"] = "environment" }, nil,
        "/2015-03-31/functions/route-it/invocations"))
      assert.same({
        handler = "demo.handler", root = root, cwd = root, runtime = world.layer, name = "route-it",
          version = "$LATEST",
        memory = "256", group = "/aws/lambda/route-it", format = "Text", level = "WARN",
        how = "on-demand", zone = ":UTC",
        region = "eu-west-1", key = "AKIDEXAMPLE", params = "{}", place = "here",
      }, {
        handler = seen._HANDLER, root = seen.LAMBDA_TASK_ROOT, cwd = seen.cwd,
          runtime = seen.LAMBDA_RUNTIME_DIR,
        name = seen.AWS_LAMBDA_FUNCTION_NAME, version = seen.AWS_LAMBDA_FUNCTION_VERSION,
        memory = seen.AWS_LAMBDA_FUNCTION_MEMORY_SIZE, group = seen.AWS_LAMBDA_LOG_GROUP_NAME,
        format = seen.AWS_LAMBDA_LOG_FORMAT, level = seen.AWS_LAMBDA_LOG_LEVEL,
        how = seen.AWS_LAMBDA_INITIALIZATION_TYPE, zone = seen.TZ,
        region = seen.AWS_REGION, key = seen.AWS_ACCESS_KEY_ID, params = seen.WEIR_PARAMS,
          place = seen.PLACE,
      })

      assert.matches("^%d%d%d%d/%d%d/%d%d/%[%$LATEST%]%x+$", seen.AWS_LAMBDA_LOG_STREAM_NAME)
      assert.matches("^127%.0%.0%.1:%d+$", seen.AWS_LAMBDA_RUNTIME_API)
      assert.not_equal("127.0.0.1:" .. emulator.port, seen.AWS_LAMBDA_RUNTIME_API)
      assert.matches(world.layer .. "/lib", seen.LD_LIBRARY_PATH, 1, true)
      assert.is_nil(seen.HOME)
      assert.is_nil(seen.PRIVATE)
      run.remove(root)
    end)
  end)
end)
