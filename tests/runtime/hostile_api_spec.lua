-- A Runtime API that is broken, slow or gone: nothing is answered twice, and the process ends when
-- there is nobody to serve.
local json = require "weir.json"
local lambda = require "support.lambda"
local process = require "weir.process"
local run = require "support.run"

describe("the runtime, when its API misbehaves,", function()
  local EVENT = { kind = "event", body = '{"file_count": 3}' }
  local environment = { _HANDLER = "routing" }

  before_each(lambda.reset)

  -- Plays a script to its end, the last event being a good one; → the posts, and how the process
  -- ended.
  local function play(...)
    local runtime = lambda.start(environment)
    lambda.script(...)
    local posts = lambda.posts(1)

    return posts, runtime:stop()
  end

  it("asks again after an error, a lost connection, or an answer that is none", function()
    for _, step in ipairs {
      { kind = "status", status = 500 }, {
        kind = "status",
        status = 403,
      }, { kind = "hangup" }, { kind = "half" },
      { kind = "raw", text = "" }, { kind = "raw", text = "garbage\r\n\r\n" },
      { kind = "raw", text = "HTTP/1.1 200 OK\r\nContent-Length: nine\r\n\r\n{}" },
      {
        kind = "raw",
        text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
      },
      {
        kind = "raw",
        text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
      },
      {
        kind = "raw",
        text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
      },
      {
        kind = "raw",
        text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}0\r\n\r\n",
      },
      { kind = "raw", text = "HTTP/1.1 200 OK\r\n folded: yes\r\nContent-Length: 2\r\n\r\n{}" },
      { kind = "raw",
        text = "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: a/../b\r\nContent-Length: 2\r\n"
          .. "\r\n{}" },
      { kind = "raw", text = "HTTP/1.1 101 Switching Protocols\r\n\r\n" },
      { kind = "raw", text = "HTTP/1.1 200 OK\r\nX: " .. ("y"):rep(300000) },
      { kind = "event", body = "{}", headers = { ["Lambda-Runtime-Aws-Request-Id"] = json.null } },
    } do
      lambda.reset()
      local posts, result = play(step, EVENT)
      assert.equal("/invocation/request-1/response", posts[1].path, json.encode(step))
      assert.equal(0, result.status)
    end
  end)

  it("takes interim answers and headers in any case for what they are", function()
    local posts = play({ kind = "raw", text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"
      .. "LAMBDA-RUNTIME-AWS-REQUEST-ID:   odd-1  \r\nConnection: close\r\n\r\n{\"file_count\": "
      .. "30}" })
    assert.equal("/invocation/odd-1/response", posts[1].path)
    assert.equal("batch", json.decode(posts[1].body).action)
  end)

  it("gives up after three failures in a row", function()
    local runtime = lambda.start(environment)
    lambda.script({ kind = "status", status = 500 }, { kind = "hangup" }, { kind = "hangup" },
      { kind = "status", status = 500 })
    local result = runtime:wait()
    assert.equal(1, result.status)
    assert.matches("answered 500 when asked for the next event", result.stderr)
    assert.matches("gave no answer", result.stderr)
    assert.matches("FATAL weir: the Runtime API failed three times in a row; giving up\n$",
      result.stderr)
  end)

  it("ends when nobody listens", function()
    local result = lambda.start(environment, { api = "127.0.0.1:1" }):wait()
    assert.equal(1, result.status)
    assert.matches("cannot connect to the Runtime API at 127.0.0.1:1: Connection refused",
      result.stderr, 1, true)
    assert.equal(1, lambda.start(environment, { api = "no-such-host.invalid:80" }):wait().status)
  end)

  it("says in JSON what it says when the logs are JSON", function()
    local logging = { _HANDLER = "routing", AWS_LAMBDA_LOG_FORMAT = "JSON" }
    local result = lambda.start(logging, { api = "127.0.0.1:1" }):wait()
    assert.matches("Connection refused", result.stderr, 1, true)
    for line in result.stderr:gmatch("[^\n]+") do assert.is_table(json.decode(line), line) end
  end)

  it("keeps to one JSON record when what it quotes is not UTF-8 or has line breaks", function()
    local result = lambda.start { _HANDLER = "routing", AWS_LAMBDA_LOG_FORMAT = "JSON",
      AWS_LAMBDA_MAX_CONCURRENCY = "a\nb\xff" }:wait()
    assert.equal(2, result.status)
    local record = assert(json.decode((result.stderr:gsub("\n$", ""))))
    assert.matches("AWS_LAMBDA_MAX_CONCURRENCY is 'a b", record.message, 1, true)
    local post = lambda.posts(1)[1]
    assert.equal("/init/error", post.path)
    assert.equal("Runtime.InvalidSetting", post.headers["lambda-runtime-function-error-type"])
    assert.equal("AWS_LAMBDA_MAX_CONCURRENCY is not a number of at least 1",
      json.decode(post.body).errorMessage)
  end)

  -- What an invocation's metrics say of it: "10" a success, "01" an error; and each is there once.
  local function outcomes(stdout, id)
    local found, decisions = "", 0
    for line in stdout:gmatch("[^\n]+") do
      local record = json.decode(line)
      if record and record.request_id == id and record._aws then
        if record.Duration then found = found .. record.Success .. record.Error end
        if record.RoutingDecisions then decisions = decisions + record.RoutingDecisions end
      end
    end

    assert.equal(1, decisions)

    return found
  end

  it("logs and counts a response that nobody takes, and goes on", function()
    lambda.replies({ status = 500 }, { status = 202 })
    local runtime = lambda.start(environment)
    lambda.script(EVENT, { kind = "event", id = "request-2", body = '{"file_count": 3}' })
    local posts = lambda.posts(2)
    local result = runtime:stop()
    assert.equal("/invocation/request-2/response", posts[2].path)
    assert.matches(
      "request%-1 ERROR Runtime.ResponseNotSent: the Runtime API answered 500 to a response",
      result.stdout)
    -- The metrics are made while the answer is on its way: they must not tell of a success that was
    -- none.
    assert.equal("01", outcomes(result.stdout, "request-1"))
    assert.equal("10", outcomes(result.stdout, "request-2"))
  end)

  it("goes on when Lambda had ended the invocation before the answer came", function()
    lambda.replies({ status = 410 }, { status = 410 }, { status = 202 })
    local runtime = lambda.start(environment)
    lambda.script(EVENT, { kind = "event", id = "request-2", body = "[" },
      { kind = "event", id = "request-3", body = '{"file_count": 3}' })
    local posts = lambda.posts(3)
    local result = runtime:stop()
    assert.equal(0, result.status)
    assert.equal("/invocation/request-3/response", posts[3].path)
    assert.matches("request%-1 ERROR Runtime.StaleAnswer: the Runtime API answered 410 to a "
      .. "response: it is stale",
      result.stdout)
    assert.matches(
      "request%-2 ERROR the failure was not taken: the Runtime API answered 410 to an error",
      result.stdout)
    assert.equal("01", outcomes(result.stdout, "request-1"))
    assert.equal("10", outcomes(result.stdout, "request-3"))
  end)

  describe("sends the invocation's id back", function()
    local HEADER = "lambda-runtime-invocation-id"
    local function event(id, invocation_id, body)
      return { kind = "event", id = id, body = body or '{"file_count": 3}',
        headers = { ["Lambda-Runtime-Invocation-Id"] = invocation_id } }
    end

    it("with a response and an error, and sends none where Lambda sent none", function()
      local runtime = lambda.start(environment)
      lambda.script(event("r-1", "one"), event("r-2", "two/+= 2", "["), event("r-3"),
        event("r-1", "four"),
        { kind = "raw", text =
          "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: r-5\r\nConnection: close\r\n"
          .. "Lambda-Runtime-Invocation-Id: a\1b\r\n\r\n{\"file_count\": 3}" },
        { kind = "raw", text =
          "HTTP/1.1 200 OK\r\nlambda-runtime-aws-request-id: r-6\r\nConnection: close\r\n"
          .. "LAMBDA-RUNTIME-INVOCATION-ID: \t a\tb ~é \r\n\r\n{\"file_count\": 3}" },
        event("r-7", ("x"):rep(7000)))
      local posts = lambda.posts(7)
      assert.equal(0, runtime:stop().status)
      assert.equal("one", posts[1].headers[HEADER])
      assert.equal("/invocation/r-2/error", posts[2].path)
      assert.equal("two/+= 2", posts[2].headers[HEADER])
      assert.is_nil(posts[3].headers[HEADER])
      assert.equal("four", posts[4].headers[HEADER])
      assert.is_nil(posts[5].headers[HEADER]) -- a header cannot hold it
      assert.matches("^a\tb ~[^\1-\127]+$", posts[6].headers[HEADER])
      assert.equal(("x"):rep(7000), posts[7].headers[HEADER])
    end)

    it("with a stream, and with the error that follows a refused one", function()
      local root = run.directory { ["function.lua"] =
        "return { handle = function() return function(write) "
        .. "write('a part') end end }" }
      lambda.replies({ status = 413 })
      local runtime = lambda.start { _HANDLER = "function.handle", LAMBDA_TASK_ROOT = root }
      lambda.script(event("r-1", "one"), event("r-2", "two"))
      local posts = lambda.posts(3)
      runtime:stop()
      run.remove(root)
      assert.same({ "/invocation/r-1/response", "/invocation/r-1/error",
        "/invocation/r-2/response" },
        { posts[1].path, posts[2].path, posts[3].path })
      assert.same({ "one", "one", "two" },
        { posts[1].headers[HEADER], posts[2].headers[HEADER], posts[3].headers[HEADER] })
    end)

    it("with every poller, each its own", function()
      local runtime = lambda.start { _HANDLER = "routing", AWS_LAMBDA_MAX_CONCURRENCY = "4" }
      local events = {}
      for i = 1, 40 do
        events[i] = event("r-" .. i, i % 5 ~= 0 and "id-" .. i or nil, i % 7 == 0 and "[" or nil)
      end

      lambda.script(table.unpack(events))
      local posts = lambda.posts(40)
      runtime:stop()
      for _, post in ipairs(posts) do
        local i = tonumber(post.path:match("^/invocation/r%-(%d+)/"))
        assert.equal(i % 5 ~= 0 and "id-" .. i or nil, post.headers[HEADER])
      end
    end)
  end)

  it("logs a failure that nobody takes with its request, once", function()
    lambda.replies({ status = 500 }, { status = 202 })
    local runtime = lambda.start(environment)
    lambda.script({ kind = "event", body = "[" }, {
      kind = "event",
      id = "request-2",
      body = '{"file_count": 3}',
    })

    lambda.posts(2)
    local result = runtime:stop()
    assert.matches("request%-1 ERROR InvalidJson: ", result.stdout)
    assert.matches(
      "request%-1 ERROR the failure was not taken: the Runtime API answered 500 to an error",
      result.stdout)
    assert.equal("", result.stderr)
  end)

  it("sends a response again when the kept connection was closed", function()
    lambda.replies({ kind = "hangup" })
    local runtime = lambda.start(environment)
    lambda.script(EVENT)
    local posts = lambda.posts(2)
    assert.equal(posts[1].body, posts[2].body)
    local result = runtime:stop()
    assert.equal(0, result.status)
    assert.equal("10", outcomes(result.stdout, "request-1"))
  end)

  it("streams on a new connection when the kept one was closed", function()
    local root = run.directory { ["function.lua"] = [[
return { handle = function(event)
  require("weir.process").sleep(100) -- until the connection is closed
  if event.large then return ("x"):rep(7 << 20) end
  return function(write) write("streamed") end
end }]] }
    lambda.reset()
    local runtime = lambda.start {
      _HANDLER = "function.handle",
      LAMBDA_TASK_ROOT = root,
      WEIR_POLICY_SOURCE = false,
    }

    local function event(id, body)
      return { kind = "raw", text = ("HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: %s\r\n"
        .. "Content-Length: %d\r\n\r\n%s"):format(id, #body, body) }
    end

    lambda.script(event("a", "{}"), event("b", '{"large": true}'))
    local posts = lambda.posts(2)
    run.remove(root)
    assert.equal("streamed", posts[1].body)
    assert.equal("/invocation/b/response", posts[2].path)
    assert.equal("", runtime:stop().stderr)
  end)

  it("ends at once and cleanly on SIGTERM while it waits", function()
    local runtime = lambda.start(environment)
    lambda.script(EVENT)
    lambda.posts(1)
    assert.equal(0, runtime:stop().status)
  end)

  it("starts no further poller after SIGTERM", function()
    local root = run.directory { ["function.lua"] =
      'require("weir.process").sleep(1000) return { handle = function() return 1 end }' }
    local runtime = lambda.start { _HANDLER = "function.handle", LAMBDA_TASK_ROOT = root,
      WEIR_POLICY_SOURCE = false, AWS_LAMBDA_MAX_CONCURRENCY = "10" }
    process.sleep(300)
    local begin = process.clock()
    assert.equal(0, runtime:stop().status)
    run.remove(root)
    assert.is_true(process.clock() - begin < 5000)
  end)

  it("can be killed at any moment, and the next process serves", function()
    for _ = 1, 10 do
      lambda.reset()
      local runtime = lambda.start(environment)
      lambda.script(EVENT)
      runtime:signal("KILL")
      assert.equal(137, runtime:wait().status)
    end

    lambda.reset()
    assert.equal("/invocation/request-1/response", play(EVENT)[1].path)
  end)

  it("serves with as many pollers as Lambda asks for", function()
    local runtime = lambda.start { _HANDLER = "routing", AWS_LAMBDA_MAX_CONCURRENCY = "4" }
    local events = {}
    for i = 1, 40 do
      events[i] = { kind = "event", id = "r" .. i, body = ('{"file_count": %d}'):format(i) }
    end

    lambda.script(table.unpack(events))
    local posts, seen = lambda.posts(40), {}
    for _, post in ipairs(posts) do seen[post.path] = true end
    for i = 1, 40 do assert.is_true(seen["/invocation/r" .. i .. "/response"], i) end
    local result = runtime:stop()
    assert.equal(0, result.status, result.stderr)
    assert.not_equal("", result.stdout)
    for line in result.stdout:gmatch("[^\n]+") do assert.is_table(json.decode(line), line) end
  end)

  it("refuses a number of pollers that is none", function()
    local result = lambda.start({
      _HANDLER = "routing",
      AWS_LAMBDA_MAX_CONCURRENCY = "many",
    }):wait()
    assert.equal(2, result.status)
    assert.matches("AWS_LAMBDA_MAX_CONCURRENCY is 'many'", result.stderr)
  end)
end)
