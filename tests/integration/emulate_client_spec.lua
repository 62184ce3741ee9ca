-- `weir emulate` as AWS's own client for Lambda sees it (@aws-sdk/client-lambda), streams included.
local emulators = require "support.emulator"
local json = require "weir.json"
local run = require "support.run"

describe("weir emulate and AWS's client", function()
  local layer, emulator
  setup(function()
    layer = emulators.scripted_layer()
    emulator = emulators.start { "--handler", "demo", "--timeout", "60", "--qualifier", "live",
      layer = layer }
  end)

  teardown(function()
    emulator:close()
    run.remove(layer)
  end)

  -- One process of the client for all calls of a test.
  local function client(calls)
    local lines = {}
    for i, call in ipairs(calls) do
      call[2].FunctionName = call[2].FunctionName or "function"
      lines[i] = json.encode({ command = call[1], input = call[2] })
    end

    local path = run.write(os.tmpname(), table.concat(lines, "\n") .. "\n")
    local pipe = io.popen(("node tests/oracles/lambda_client.mjs %s <%s"):format(emulator.url,
      path))
    local answers = {}
    for line in pipe:lines() do answers[#answers + 1] = json.decode(line) end
    pipe:close()
    os.remove(path)
    assert.equal(#calls, #answers)

    return table.unpack(answers)
  end

  local function event(value) return json.encode(value) end

  it("invokes", function()
    local echo, failed, queued, dry, missing, broken, byarn = client {
      { "invoke", { Payload = event({ file_count = 12 }), LogType = "Tail" } },
      { "invoke", { Payload = event({ ["do"] = "error" }) } },
      { "invoke", { Payload = event({}), InvocationType = "Event" } },
      { "invoke", { InvocationType = "DryRun" } },
      { "invoke", { FunctionName = "other" } },
      { "invoke", { Payload = '{"a":' } },
      { "invoke", { FunctionName = "arn:aws:lambda:us-east-1:123456789012:function:function",
        Qualifier = "live",
        Payload = event({ ["do"] = "headers" }) } },
    }

    assert.same({ 200, "$LATEST", '{"file_count":12}' }, {
      echo.StatusCode,
      echo.ExecutedVersion,
      echo.Payload,
    })

    assert.is_nil(echo.FunctionError)
    assert.matches("^START RequestId: .*\nREPORT RequestId: [^\n]*\n$",
      emulators.base64(echo.LogResult))
    assert.equal("Unhandled", failed.FunctionError)
    assert.equal("Demo.Failed", json.decode(failed.Payload).errorType)
    assert.equal(202, queued.StatusCode)
    assert.equal(204, dry.StatusCode)
    assert.same({ "ResourceNotFoundException", 404 }, { missing.error, missing.status })
    assert.matches("function:other", missing.message, 1, true)
    assert.same({ "InvalidRequestContentException", 400 }, { broken.error, broken.status })
    assert.equal("arn:aws:lambda:us-east-1:123456789012:function:function:live",
      json.decode(byarn.Payload)["lambda-runtime-invoked-function-arn"])
  end)

  it("reads streams as they are written", function()
    local parts, slow, plain, collected = client {
      {
        "stream",
        {
          Payload = event({ ["do"] = "stream", parts = { "one ", "two ", "drei ü" } }),
          LogType = "Tail",
        },
      },
      { "stream", { Payload = event({ ["do"] = "slow_stream" }) } },
      { "stream", { Payload = event({ buffered = true }) } },
      { "invoke", { Payload = event({ ["do"] = "stream", parts = { "one ", "two" } }) } },
    }

    assert.equal("one two drei ü", table.concat(parts.chunks))
    assert.matches("^START RequestId: .*\nREPORT RequestId: [^\n]*\n$",
      emulators.base64(parts.complete.LogResult))
    assert.is_nil(parts.complete.ErrorCode)
    assert.same({ "first", "second" }, slow.chunks)
    assert.is_true(slow.waited >= 200, "the first part did not come before the second was written")
    assert.equal('{"buffered":true}', table.concat(plain.chunks))
    assert.same({ 200, "one two" }, { collected.StatusCode, collected.Payload })
    assert.is_nil(collected.FunctionError)
  end)

  it("streams as the function was invoked, whatever the runtime says", function()
    local streamed, failed, buffered, buffered_failed = client {
      { "stream", { Payload = event({ ["do"] = "plain_stream" }) } },
      { "stream", { Payload = event({ ["do"] = "plain_stream", fail = true }) } },
      { "invoke", { Payload = event({ ["do"] = "plain_stream" }) } },
      { "invoke", { Payload = event({ ["do"] = "plain_stream", fail = true }) } },
    }

    assert.same({ "first", "second" }, streamed.chunks)
    assert.is_true(streamed.waited >= 200,
      "the first part did not come before the second was written")
    assert.is_nil(streamed.complete.ErrorCode)
    assert.same({ "first", "second" }, failed.chunks)
    assert.equal("Demo.Midway", failed.complete.ErrorCode)
    assert.equal("stopped midway", json.decode(failed.complete.ErrorDetails).errorMessage)
    assert.same({ 200, "firstsecond" }, { buffered.StatusCode, buffered.Payload })
    assert.is_nil(buffered.FunctionError)
    assert.equal("Unhandled", buffered_failed.FunctionError)
    assert.equal("Demo.Midway", json.decode(buffered_failed.Payload).errorType)
  end)

  it("is told of a wrong response mode, streamed or not", function()
    local streamed, buffered, capital = client {
      { "stream", { Payload = event({ ["do"] = "mode", mode = "buffered" }) } },
      { "invoke", { Payload = event({ ["do"] = "mode", mode = "sometimes" }) } },
      { "invoke", { Payload = event({ ["do"] = "mode", mode = "Streaming" }) } },
    }

    assert.equal("Runtime.InvalidResponseModeHeader", streamed.complete.ErrorCode)
    assert.same({}, streamed.chunks)
    for _, answer in ipairs { buffered, capital } do
      assert.equal("Unhandled", answer.FunctionError)
      assert.equal("Runtime.InvalidResponseModeHeader", json.decode(answer.Payload).errorType)
    end

    emulator:wait_for('mode: 400 {"errorMessage":"Invalid function response mode",'
      .. '"errorType":"InvalidFunctionResponseMode"}')
  end)

  it("is told that a version or an alias does not exist", function()
    local alias, version, latest, in_name, both = client {
      { "invoke", { Qualifier = "nobody", Payload = "{}" } },
      { "invoke", { Qualifier = "7", Payload = "{}" } },
      { "invoke", { Qualifier = "$LATEST", Payload = "{}" } },
      { "invoke", { FunctionName = "function:nobody", Payload = "{}" } },
      { "invoke", { FunctionName = "function:live", Qualifier = "$LATEST", Payload = "{}" } },
    }

    for _, answer in ipairs { alias, version, in_name } do
      assert.same({ "ResourceNotFoundException", 404 }, { answer.error, answer.status })
    end

    assert.matches(
      "Function not found: arn:aws:lambda:us-east-1:123456789012:function:function:nobody ",
      alias.message, 1, true)
    assert.equal(200, latest.StatusCode)
    assert.same({ "InvalidParameterValueException", 400 }, { both.error, both.status })
  end)

  it("is told of errors in the middle of a stream", function()
    local midway, truncated, buffered, buffered_truncated, at_once = client {
      { "stream", { Payload = event({ ["do"] = "stream_error" }) } },
      { "stream", { Payload = event({ ["do"] = "truncate" }) } },
      { "invoke", { Payload = event({ ["do"] = "stream_error" }) } },
      { "invoke", { Payload = event({ ["do"] = "truncate" }) } },
      { "stream", { Payload = event({ ["do"] = "error" }) } },
    }

    assert.same({ "half a " }, midway.chunks)
    assert.equal("Demo.Midway", midway.complete.ErrorCode)
    assert.equal("stopped midway", json.decode(midway.complete.ErrorDetails).errorMessage)
    assert.same({ "half" }, truncated.chunks)
    assert.equal("Runtime.TruncatedResponse", truncated.complete.ErrorCode)
    assert.equal("Unhandled", buffered.FunctionError)
    assert.same({ errorType = "Demo.Midway", errorMessage = "stopped midway",
      stackTrace = json.array({}) },
      json.decode(buffered.Payload))
    assert.equal("Unhandled", buffered_truncated.FunctionError)
    assert.equal("Runtime.TruncatedResponse", json.decode(buffered_truncated.Payload).errorType)
    assert.same({}, at_once.chunks)
    assert.equal("Demo.Failed", at_once.complete.ErrorCode)
  end)

  it("sees the death of a runtime in the middle of a stream", function()
    local cut = client { { "stream", { Payload = event({ ["do"] = "stream_and_exit" }) } } }
    assert.same({ "half" }, cut.chunks)
    assert.matches("^Runtime%.", cut.complete.ErrorCode)
  end)
end)
