-- What `weir emulate` makes of runtimes and callers that fail, and how it ends.
local emulators = require "support.emulator"
local json = require "weir.json"
local json_schema = require "support.json_schema"
local run = require "support.run"
local uuid = require "support.uuid"

local function lives(pid) return os.execute(("kill -0 %d 2>/dev/null"):format(pid)) == true end

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

  describe("reports", function()
    it("a time-out, and goes on with a new environment", function()
      start { "--timeout", "1" }
      local pid = decoded(emulator:invoke({ ["do"] = "environment" })).pid
      local response = emulator:invoke({ ["do"] = "hang" })
      local id = response.headers["x-amzn-requestid"]
      assert.same({ errorType = "Sandbox.Timedout",
        errorMessage = "RequestId: " .. id .. " Error: Task timed out after 1.00 seconds" },
          error_of(response))
      local log = emulator:wait_for("Status: timeout")
      assert.matches("%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ " .. uuid
        .. " Task timed out after 1%.00 seconds\n\n", log)
      assert.matches("REPORT RequestId: " .. uuid
        .. "\tDuration: 1000%.00 ms\tBilled Duration: 1000 ms\t", log)
      assert.not_equal(pid, decoded(emulator:invoke({ ["do"] = "environment" })).pid)
      assert.is_false(lives(pid))
    end)

    it("a runtime that exits or crashes", function()
      start()
      for event, said in pairs {
        ['{"do":"exit"}'] = "Runtime exited with error: exit status 1",
        ['{"do":"exit","status":42}'] = "Runtime exited with error: exit status 42",
        ['{"do":"exit","status":0}'] = "Runtime exited without providing a reason",
      } do
        local response = emulator:invoke(event)
        local message = "RequestId: " .. response.headers["x-amzn-requestid"] .. " Error: " .. said
        assert.same({ errorType = "Runtime.ExitError", errorMessage = message }, error_of(response))
        emulator:wait_for(message:gsub("%-", "%%-") .. "\nRuntime.ExitError\nEND")
      end

      local failure = error_of(emulator:invoke({ ["do"] = "crash" }))
      assert.matches(" Error: Runtime exited with error: signal: segmentation fault$",
        failure.errorMessage)
      assert.same({ a = 1 }, decoded(emulator:invoke({ a = 1 })))
    end)

    it("an exit after the answer without taking the answer back", function()
      start()
      assert.equal("answered", decoded(emulator:invoke({ ["do"] = "answer_and_exit" })))
      assert.equal("answered", decoded(emulator:invoke({ ["do"] = "answer_and_exit" },
        { ["X-Amz-Log-Type"] = "Tail" })))
      assert.same({ a = 1 }, decoded(emulator:invoke({ a = 1 })))
    end)

    it("errors of the init phase, once for each invocation", function()
      start { "--env", "WEIR_TEST_INIT=error" }
      for _ = 1, 2 do
        local failure = error_of(emulator:invoke({}))
        assert.equal("Demo.InitFailed", failure.errorType)
        assert.equal("no policy loads", failure.errorMessage)
      end

      local log = emulator:wait_for("REPORT.*REPORT")
      local starts = 0
      for _ in log:gmatch("init error\n") do starts = starts + 1 end
      assert.equal(2, starts)
      assert.matches("INIT_REPORT Init Duration: %d+%.%d%d ms\tPhase: init\tStatus: error\t"
        .. "Error Type: Demo%.InitFailed\n", log)
    end)

    it("an exit in the init phase", function()
      start { "--env", "WEIR_TEST_INIT=exit" }
      local failure = error_of(emulator:invoke({}))
      assert.equal("Runtime.ExitError", failure.errorType)
      assert.matches("Runtime exited with error: exit status 7", failure.errorMessage, 1, true)
    end)

    it("an init phase without end, after trying it once more in the invocation's time", function()
      start { "--env", "WEIR_TEST_INIT=hang", "--timeout", "1" }
      local failure = error_of(emulator:invoke({}))
      assert.equal("Sandbox.Timedout", failure.errorType)
      local log = emulator:wait_for("REPORT RequestId")
      assert.matches("INIT_REPORT Init Duration: 10%d%d%d%.%d%d ms\tPhase: init\tStatus: timeout",
        log)
      assert.matches("INIT_REPORT Init Duration: 1%d%d%d%.%d%d ms\tPhase: invoke\tStatus: timeout",
        log)
    end)

    it("what happens as JSON lines", function()
      start { "--json", "--log-format", "JSON" }
      emulator:invoke({ ["do"] = "log", lines = 1 })
      emulator:invoke({ ["do"] = "error" })
      local log = emulator:wait_for('"error_type"[^\n]*\n')
      assert(json_schema.check("docs/json/emulate.schema.json", log, { lines = true }))
      local events, platform = {}, {}
      for line in log:gmatch("[^\n]+") do
        local event = json.decode(line)
        local key = event.event .. (event.source and "/" .. event.source or "")
        events[key] = events[key] or event
        if event.event == "invocation" then events[event.status] = event end
        if event.source == "platform" then
          local record = json.decode(event.message)
          platform[record.type] = record.record
        end
      end

      assert.equal(emulator.port, events.ready.port)
      assert.equal("line 0", events["log/function"].message)
      for _, figure in ipairs { "duration_ms", "init_ms", "max_memory_mb" } do
        assert.is_true(events.success[figure] > 0, figure)
      end

      assert.equal("Demo.Failed", events.error.error_type)
      assert.is_nil(events.error.init_ms)
      assert.equal("error", platform["platform.report"].status)
      assert.equal(128, platform["platform.report"].metrics.memorySizeMB)
      for _, name in ipairs { "initStart", "start", "runtimeDone" } do
        assert.is_table(platform["platform." .. name])
      end
    end)
  end)

  describe("refuses", function()
    it("what Lambda refuses, in its words", function()
      start()
      local path = "/2015-03-31/functions/%s/invocations"
      for _, case in ipairs {
        { 404, "ResourceNotFoundException", "{}", nil, path:format("other") },
        { 404, "UnknownOperationException", "{}", nil, path:format("function%00") },
        { 400, "InvalidRequestContentException", '{"a":' },
        { 400, "InvalidRequestContentException", "{}", { ["X-Amz-Client-Context"] = "no base64" } },
        {
          400,
          "InvalidParameterValueException",
          "{}",
          { ["X-Amz-Invocation-Type"] = "Sometimes" },
        },
        { 400, "InvalidParameterValueException", "{}", { ["X-Amz-Invocation-Type"] = "Event" },
          "/2021-11-15/functions/function/response-streaming-invocations" },
        { 400, "InvalidParameterValueException", "{}", nil,
          path:format("function") .. "?Qualifier=%24LATEST%00x" },
        { 413, "RequestTooLargeException", '"' .. ("x"):rep(6 * 1024 * 1024) .. '"' },
        { 413, "RequestTooLargeException", '"' .. ("x"):rep(1024 * 1024) .. '"',
          { ["X-Amz-Invocation-Type"] = "Event" } },
        { 404, "UnknownOperationException", "{}", nil, "/2015-03-31/functions" },
        { 400, "InvalidParameterValueException", "{}", nil, path:format("function:a%0d%0ab") },
        {
          400,
          "InvalidParameterValueException",
          "{}",
          nil,
          path:format("function") .. "?Qualifier=a+b",
        },
      } do
        local response = emulator:invoke(case[3], case[4], case[5])
        assert.equal(case[1], response.status, response.body)
        assert.equal(case[2], response.headers["x-amzn-errortype"])
        assert.matches("^" .. uuid .. "$", response.headers["x-amzn-requestid"])
        assert.is_string(json.decode(response.body).message)
      end

      assert.equal("", emulator:log())
      local largest = '"' .. ("x"):rep(6 * 1024 * 1024 - 2) .. '"'
      assert.equal(largest, emulator:invoke(largest:sub(1, -1)).body)
    end)

    it("a response that is too large", function()
      start { "--timeout", "60" }
      assert.equal(6291556, #emulator:invoke({ ["do"] = "large", size = 6291556 }).body)
      local failure = error_of(emulator:invoke({ ["do"] = "large", size = 6291557 }))
      assert.same({ errorType = "Function.ResponseSizeTooLarge",
        errorMessage =
          "Response payload size exceeded maximum allowed payload size (6291556 bytes)." }, failure)
      emulator:wait_for(
        'large: 413 {"errorMessage":"Exceeded maximum allowed payload size %(6291556 bytes%)%.",'
        .. '"errorType":"RequestEntityTooLarge"}')
    end)

    it("second answers, foreign ids and a /next before the answer", function()
      start()
      assert.equal("first", decoded(emulator:invoke({ ["do"] = "twice" })))
      emulator:wait_for('again: 403 {"errorMessage":"[^\n]*"InvalidStateTransition"} wrong: 400 '
        .. '{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}')
      local early = decoded(emulator:invoke({ ["do"] = "next_too_early" }))
      assert.equal(403, early.status)
      assert.equal("InvalidStateTransition", early.error.errorType)
    end)

    it("answers of an earlier invocation, by the invocation's id", function()
      start { "--timeout", "60" }
      local first = decoded(emulator:invoke({ ["do"] = "invocation_ids",
        ids = { "00000000-0000-4000-8000-000000000000", "x" } }))
      local refused = { "response 410 InvokeTimeout", "error 410 InvokeTimeout", "stream 410" }
      assert.same({ refused[1], refused[2], refused[3], refused[1], refused[2], refused[3] },
        first.answers)
      assert.matches("^" .. uuid .. "$", first.right)
      local second = decoded(emulator:invoke({ ["do"] = "invocation_ids", ids = { first.right } }))
      assert.same(refused, second.answers)
      assert.not_equal(first.right, second.right)
      assert.not_equal(second.right,
        decoded(emulator:invoke({ ["do"] = "headers" }))["lambda-runtime-aws-request-id"])
    end)

    it("answers that come after the time-out of a managed environment", function()
      start { "--timeout", "1", "--managed", "2" }
      assert.equal("Sandbox.Timedout", error_of(emulator:invoke({ ["do"] = "too_late",
        ms = 1500 })).errorType)
      emulator:wait_for('late: 410 {"errorMessage":"Invoke timeout","errorType":"InvokeTimeout"}')
      assert.same({ a = 1 }, decoded(emulator:invoke({ a = 1 })))
    end)

    it("nothing because of callers or polls that went away", function()
      start { "--timeout", "60" }
      local function give_up(event, path)
        os.execute(("curl -s -m 0.3 -o /dev/null -d %s %s"):format(run.quote(event), emulator.url
          .. (path
          or "/2015-03-31/functions/function/invocations")))
      end

      emulator:invoke({ ["do"] = "abandon_poll" })
      emulator:wait_for("\nabandoned\n")
      assert.same({ a = 1 }, decoded(emulator:invoke({ a = 1 })))
      give_up('{"do":"sleep","ms":800}')
      give_up('{"do":"slow_stream"}',
        "/2021-11-15/functions/function/response-streaming-invocations")
      give_up('{"do":"slow_stream"}',
        "/2021-11-15/functions/function/response-streaming-invocations")
      assert.same({ a = 1 }, decoded(emulator:invoke({ a = 1 })))
      assert.equal(0, (emulator:stop()))
    end)

    it("rubbish, and goes on", function()
      start { "--timeout", "60" }
      assert.equal("still here", decoded(emulator:invoke({ ["do"] = "hostile" })))
      local junk = [[
        post='POST /2015-03-31/functions/function/invocations HTTP/1.1\r\nHost: x\r\n'
        get='GET / HTTP/1.1\r\nHost: x\r\n\r\n'
        for bytes in 'GET' '\r\n\r\n' "${post}Content-Length: 50\r\n\r\n{" \
          'POST / HTTP/9.9\r\n\r\n' "${post}Content-Length: -1\r\n\r\n" \
          "${post}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\n" \
          "${post}Content-Length: 2\r\n\r\n{}${get}${post}Content-Length: 2\r\n\r\n{}${get}" \
          "DELETE /%%2e%%2e/%%00 HTTP/1.1\r\nHost: x\r\n\r\n${get}"; do
          (exec 3<>/dev/tcp/127.0.0.1/PORT && printf "$bytes" >&3; exec 3>&-) 2>/dev/null
        done]]
      os.execute("bash -c " .. run.quote((junk:gsub("PORT", emulator.port))))
      assert.same({ a = 1 }, decoded(emulator:invoke({ a = 1 })))
    end)
  end)

  describe("ends", function()
    it("with a signal, and every environment with it", function()
      for _, signal in ipairs { "TERM", "INT" } do
        start()
        local pid = decoded(emulator:invoke({ ["do"] = "environment" })).pid
        assert.equal(0, (emulator:stop(signal)))
        assert.is_false(lives(pid))
        assert.matches("\ngoing\n", emulator:log())
        emulator:close()
      end
    end)

    it("environments that ignore SIGTERM, and those that are busy", function()
      start { "--env", "WEIR_TEST_STUBBORN=1", "--timeout", "60" }
      local pid = decoded(emulator:invoke({ ["do"] = "environment" })).pid
      emulator:invoke({ ["do"] = "hang" }, { ["X-Amz-Invocation-Type"] = "Event" })
      emulator:wait_for("START RequestId.*START RequestId")
      local status, seconds = emulator:stop()
      assert.equal(0, status)
      assert.is_true(seconds >= 0.5, "it did not wait for 500 ms")
      assert.is_false(lives(pid))
      assert.matches("Runtime exited with error: signal: killed", emulator:log(), 1, true)
    end)

    it("leaving nothing behind when it is killed", function()
      start()
      local pid = decoded(emulator:invoke({ ["do"] = "environment" })).pid
      assert.is_true(lives(pid))
      emulator:stop("KILL")
      emulators.wait("the end of the environment", function() return not lives(pid) end)
    end)
  end)
end)
