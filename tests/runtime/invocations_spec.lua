-- The runtime's loop: what comes in is answered, and what fails fails the invocation.
local json = require "weir.json"
local lambda = require "support.lambda"
local process = require "weir.process"
local run = require "support.run"
local servers = require "support.servers"

describe("the runtime", function()
  local root

  -- A handler of the function's package.
  local function package(text)
    root = run.directory { ["function.lua"] = text }
    return { _HANDLER = "function.handle", LAMBDA_TASK_ROOT = root, WEIR_POLICY_SOURCE = false }
  end

  after_each(function()
    if root then run.remove(root) end
    root = nil
  end)

  local function failure_of(post) return assert(json.decode(post.body)) end

  it("answers each event with the handler's result, and logs the decision before it", function()
    local posts, result = lambda.run({ _HANDLER = "routing" }, '{"file_count": 3}',
      '{"file_count": 30}')
    assert.equal("/invocation/request-1/response", posts[1].path)
    assert.same({ action = "realtime", because = "3 files, below 10", file_count = 3 },
      json.decode(posts[1].body))
    assert.equal("batch", json.decode(posts[2].body).action)
    assert.equal(0, result.status, result.stderr)
    assert.equal("", result.stderr)
    local decision = json.decode(result.stdout:match("[^\n]+"))
    assert.equal("weir.decision/1", decision.schema)
    assert.equal("request-1", decision.request_id)
  end)

  it("logs decisions that replay", function()
    local _, result = lambda.run({ _HANDLER = "routing" }, '{"file_count": 3}',
      '{"file_count": 30}')
    local replay = run {
      "replay",
      "-",
      "-p",
      "policies",
      stdin = result.stdout:gsub('{"_aws"[^\n]*\n', "")
    }

    assert.equal(0, replay.status, replay.stdout .. replay.stderr)
    assert.matches("2  identical to what was recorded", replay.stdout, 1, true)
  end)

  it("reads whatever encoding the event comes in", function()
    local event = '{"file_count": 12' .. (" "):rep(20000) .. "}"
    local posts = lambda.run({ _HANDLER = "routing" }, { body = event, chunked = 1 },
      { body = event, chunked = 4096 },
      { body = event })
    for _, post in ipairs(posts) do assert.equal("batch", json.decode(post.body).action) end
  end)

  it("fails the invocation when the event is not JSON, or not what the handler takes", function()
    local posts, result = lambda.run({ _HANDLER = "routing" }, "{", "", "[1]", '{"file_count": -1}',
      '{"file_count": 1}')
    local types = { "InvalidJson", "InvalidJson", "InvalidEvent", "InvalidFacts" }
    for i, expected in ipairs(types) do
      assert.equal("/invocation/request-" .. i .. "/error", posts[i].path)
      assert.equal(expected, posts[i].headers["lambda-runtime-function-error-type"])
      assert.equal(expected, failure_of(posts[i]).errorType)
    end

    assert.equal("/invocation/request-5/response", posts[5].path)
    assert.matches("request%-1 ERROR InvalidJson: the event is not JSON: line 1, column 2",
      result.stdout)
  end)

  it("takes NAME.handler for the function's own file before it takes it for one of weir's",
    function()
    local posts = lambda.run({ _HANDLER = "routing.handler" }, '{"file_count": 3}')
    assert.equal("realtime", json.decode(posts[1].body).action)
    root = run.directory {
      ["routing.lua"] = "return { handler = function() return 'the function' end }",
    }

    posts = lambda.run({ _HANDLER = "routing.handler", LAMBDA_TASK_ROOT = root },
      '{"file_count": 3}')
    assert.equal('"the function"', posts[1].body)
  end)

  it("reports what a handler raises, with file, line and stack", function()
    local posts, result = lambda.run(package [[
local function deeper() error("it broke") end
return { handle = function(event)
  if event.table then error({}) end
  deeper()
end }]], "{}", '{"table": true}')
    local failure = failure_of(posts[1])
    assert.equal("LuaError", failure.errorType)
    assert.matches("function%.lua:1: it broke$", failure.errorMessage)
    assert.matches("function.lua:1: in .*deeper", failure.stackTrace[2], 1)
    assert.matches("function.lua:4: in ", failure.stackTrace[3], 1, true)
    assert.equal("an error value of type table was raised", failure_of(posts[2]).errorMessage)
    assert.matches("request%-1 ERROR LuaError: .*it broke {\"stackTrace\":", result.stdout)
  end)

  it("fails the invocation when the handler answers nil, and names a reason that has none",
    function()
    local posts = lambda.run(package [[
return { handle = function(event)
  if event.silent then return nil end
  return nil, "the table is gone", "ResourceNotFoundException"
end }]], "{}", '{"silent": true}')
    assert.same({ errorType = "ResourceNotFoundException", errorMessage = "the table is gone",
      stackTrace = json.array {} }, failure_of(posts[1]))
    assert.equal("Unknown", failure_of(posts[2]).errorType)
  end)

  it("fails the invocation when the result cannot be JSON", function()
    local posts = lambda.run(package "return { handle = function() return { f = print } end }",
      "{}")
    assert.equal("/invocation/request-1/error", posts[1].path)
  end)

  -- As when memory runs out: Lua then asks no message handler, or the handler itself fails.
  it("fails the invocation when nobody could tell where it failed", function()
    local posts, result = lambda.run(package [[
return { handle = function(event)
  if event.quick then return "done" end
  debug.traceback = error
  error("first")
end }]], "{}", '{"quick": true}')
    assert.equal("LuaError", failure_of(posts[1]).errorType)
    assert.same(json.array {}, failure_of(posts[1]).stackTrace)
    assert.matches("request%-1 ERROR LuaError: ", result.stdout)
    assert.matches('"Success":0,"Error":1', result.stdout, 1, true)
    assert.equal('"done"', posts[2].body)
    assert.equal("", result.stderr)
  end)

  it("reports the beginning of a failure that is too long for Lambda and the log", function()
    local posts, result = lambda.run(package [[
return { handle = function(event) error(event.letter:rep(400000), 0) end }]], '{"letter": "é"}')
    local message = failure_of(posts[1]).errorMessage
    assert.equal(("é"):rep(16 * 1024) .. "… (800000 bytes)", message)
    assert.is_true(#result.stdout < 40000)
  end)

  it("keeps line breaks and odd letters of a failure's code out of the header", function()
    local posts =
      lambda.run(package [[return { handle = function() return nil, "x", "A\r\nB: c\xff" end }]],
      "{}")
    assert.equal("A__B__c_", posts[1].headers["lambda-runtime-function-error-type"])
  end)

  it("stops a handler before its deadline, whatever it catches", function()
    local posts, result = lambda.run(package [[
return { handle = function(event)
  if event.quick then return "done" end
  while true do pcall(function() while true do end end) end
end }]], { body = "{}", deadline_in_ms = 300 }, '{"quick": true}')
    assert.equal("/invocation/request-1/error", posts[1].path)
    assert.equal("DeadlineExceeded", failure_of(posts[1]).errorType)
    assert.matches("function.lua:3: the handler was stopped %d+ ms before its deadline",
      failure_of(posts[1]).errorMessage)
    assert.equal('"done"', posts[2].body)
    assert.matches('"Error":1', result.stdout, 1, true)
  end)

  it("stops a handler in whatever coroutine it is", function()
    local posts, result = lambda.run(package [[
local function spin() while true do pcall(function() while true do end end) end end
local resume, wrap, create = coroutine.resume, coroutine.wrap, coroutine.create
local generator = wrap(function() for i = 1, 100 do coroutine.yield(i) end end)
local ways = {
  wrapped = function() wrap(spin)() end,
  resumed = function() while true do resume(create(spin)) end end,
  nested = function()
    wrap(function() while true do resume(create(function() wrap(spin)() end)) end end)()
  end,
  after_one = function() generator() wrap(generator)() spin() end,
}
return { handle = function(event)
  if ways[event.way] then return ways[event.way]() end
  local _, given = resume(create(function(...) coroutine.yield(...) end), "given")
  return { generator(), given }
end }]], { body = '{"way": "wrapped"}', deadline_in_ms = 300 },
      { body = '{"way": "resumed"}', deadline_in_ms = 300 },
      { body = '{"way": "nested"}', deadline_in_ms = 300 }, {
        body = '{"way": "after_one"}',
        deadline_in_ms = 300,
      },
      "{}")
    for i = 1, 4 do
      assert.equal("/invocation/request-" .. i .. "/error", posts[i].path)
      assert.equal("DeadlineExceeded", failure_of(posts[i]).errorType)
    end

    -- What a coroutine is in the middle of goes on in the next invocation.
    assert.equal('[3,"given"]', posts[5].body)
    assert.equal("", result.stderr)
  end)

  it("lets a coroutine go on in the next invocation that yielded just when the handler was stopped",
    function()
    local events = {}
    -- the timer rings now in the handler, now in the coroutine, now while it yields
    for i = 1, 12 do
      events[2 * i - 1] = { body = "{}", deadline_in_ms = 50 }
      events[2 * i] = '{"quick": true}'
    end

    local posts = lambda.run(package [[
local function yields() while true do coroutine.yield() end end
local generator = coroutine.create(yields)
return { handle = function(event)
  if coroutine.status(generator) == "dead" then generator = coroutine.create(yields) end
  if event.quick then return (coroutine.resume(generator)) end
  while true do coroutine.resume(generator) end
end }]], table.unpack(events))
    for i = 1, 12 do
      assert.equal("DeadlineExceeded", failure_of(posts[2 * i - 1]).errorType)
      assert.equal("true", posts[2 * i].body)
    end
  end)

  it("has coroutines that fail as Lua's own", function()
    local code = [[
local function try(f, ...) return { pcall(f, ...) } end
local fails = function() error("oops", 0) end
local closed = {}
local results = {
  try(coroutine.wrap(fails)),
  try(coroutine.wrap(function() error({ code = 7 }) end)),
  try(coroutine.resume, 1),
  try(coroutine.wrap, 1), { coroutine.resume(coroutine.create(fails)) },
  (function() local f = coroutine.wrap(fails) pcall(f) return try(f) end)(),
  (function()
    local c = coroutine.create(fails)
    coroutine.resume(c)
    return { coroutine.resume(c) }
  end)(),
  try(coroutine.wrap(function()
    local x <close> = setmetatable({}, { __close = function() closed[1] = "closed" end })
    error("late", 0)
  end)),
  closed,
  { coroutine.resume(coroutine.running()) },
  { coroutine.resume(coroutine.create(function(...) return select("#", ...), ... end), 1, 2, nil) },
}
]]
    local posts = lambda.run(package(code .. "return { handle = function() return results end }"),
      "{}")
    local own = assert(load(code .. "return results", "=" .. "handler.lua"))()
    local function plain(text) return (text:gsub("[%w_/%.]*%.lua:", "handler.lua:")) end
    assert.equal(plain(json.encode(own)), plain(posts[1].body))
  end)

  it("fails an invocation whose deadline has passed, and stops the next one in time", function()
    local posts, result = lambda.run(package [[
return { handle = function(event)
  if event.quick then return "done" end
  while true do end
end }]], { body = '{"quick": true}', deadline_in_ms = -1000 },
      { body = '{"quick": true}', headers = { ["Lambda-Runtime-Deadline-Ms"] = "1" } },
      { body = "{}", deadline_in_ms = 300 }, '{"quick": true}')
    for i = 1, 3 do
      assert.equal("/invocation/request-" .. i .. "/error", posts[i].path)
      assert.equal("DeadlineExceeded", failure_of(posts[i]).errorType)
      assert.matches(("request-%d ERROR DeadlineExceeded"):format(i), result.stdout, 1, true)
      assert.matches(('"request_id":"request-%d"'):format(i), result.stdout, 1, true)
    end

    assert.equal('"done"', posts[4].body)
    assert.equal("", result.stderr)
  end)

  it("stops a handler that sleeps", function()
    local posts = lambda.run(package [[
return { handle = function() require("weir.process").sleep(60000) return "slept" end }]],
      { body = "{}", deadline_in_ms = 300 })
    assert.equal("DeadlineExceeded", failure_of(posts[1]).errorType)
  end)

  it("stops a handler that waits for a server or a program", function()
    local silent = servers.start("http_peer")
    local begin = process.clock()
    local posts = lambda.run(package(([[
return { handle = function(event)
  if event.command then return require("weir.command").run { argv = { "sleep", "20" } } end
  return require("weir.http").request { url = "%s/stall", timeout_ms = 20000 }
end }]]):format(silent.url)), { body = "{}", deadline_in_ms = 500 },
      { body = '{"command": 1}', deadline_in_ms = 500 })
    for _, post in ipairs(posts) do assert.equal("DeadlineExceeded", failure_of(post).errorType) end
    assert.is_true(process.clock() - begin < 15000)
  end)

  it("stops what a handler does at its end, too", function()
    local posts = lambda.run(package [[
return { handle = function(event)
  local _ <close> = setmetatable({}, { __close = function() while true do end end })
  if event.raise then error("raised") end
  while true do end
end }]], { body = "{}", deadline_in_ms = 300 }, { body = '{"raise": true}', deadline_in_ms = 300 })
    for _, post in ipairs(posts) do assert.equal("DeadlineExceeded", failure_of(post).errorType) end
  end)

  it("does without a deadline when Lambda sends none that is a time", function()
    for _, value in ipairs { json.null, "soon", "-5", "99999999999999999999999" } do
      local posts = lambda.run({ _HANDLER = "routing" },
        { body = '{"file_count": 3}', headers = { ["Lambda-Runtime-Deadline-Ms"] = value } })
      assert.equal("/invocation/request-1/response", posts[1].path)
    end
  end)

  it("streams what a handler writes, and says when it broke off", function()
    local posts = lambda.run(package [[
return { handle = function(event)
  return function(write)
    write("one,")
    write("")
    write("two")
    if event.fail then error("mid-stream") end
  end
end }]], "{}", '{"fail": true}')
    assert.equal("one,two", posts[1].body)
    assert.equal("streaming", posts[1].headers["lambda-runtime-function-response-mode"])
    assert.same({}, posts[1].trailers)
    assert.equal("one,two", posts[2].body)
    assert.equal("LuaError", posts[2].trailers["lambda-runtime-function-error-type"])
    local encoded = posts[2].trailers["lambda-runtime-function-error-body"]
    assert.matches("^[%w+/]+=*$", encoded)
  end)

  it("lets no stream write into the response of a later invocation", function()
    local posts = lambda.run(package [[
local write
return { handle = function(event)
  if event.late then write("of the first") return "of the second" end
  return function(to) write = to to("one") end
end }]], "{}", '{"late": true}')
    assert.equal("one", posts[1].body)
    assert.equal("/invocation/request-2/error", posts[2].path)
    assert.matches("the response that this writes to has ended", failure_of(posts[2]).errorMessage)
  end)

  it("stops a stream that nobody reads before the deadline, and says so in the log", function()
    lambda.reset()
    local runtime = lambda.start(package [[
return { handle = function() return function(write)
  while true do write(("x"):rep(1 << 20)) end
end end }]])
    lambda.replies({ kind = "ignore" })
    lambda.script({ kind = "event", id = "r1", body = "{}", deadline_in_ms = 1000 },
      { kind = "event", id = "r2", body = "[", deadline_in_ms = 1000 })
    local begin = process.clock()
    assert.equal("/invocation/r2/error", lambda.posts(1)[1].path)
    assert.is_true(process.clock() - begin < 25000) -- the time limit of an answer has no part in it
    assert.matches("r1 ERROR DeadlineExceeded", runtime:stop().stdout, 1, true)
  end)

  it("streams a large result, and reports one that is refused", function()
    lambda.reset()
    lambda.replies({ status = 202 }, { status = 413 })
    local runtime =
      lambda.start(package [[return { handle = function() return ("x"):rep(7 * 1024 * 1024) end }]])
    lambda.script({ kind = "event" }, { kind = "event", id = "request-2" })
    local posts = lambda.posts(3)
    local result = runtime:stop()
    assert.equal("streaming", posts[1].headers["lambda-runtime-function-response-mode"])
    assert.equal((7 * 1024 * 1024 + 2) .. " bytes", posts[1].body)
    assert.equal("/invocation/request-2/error", posts[3].path)
    assert.equal("Function.ResponseSizeTooLarge", failure_of(posts[3]).errorType)
    assert.matches("7340034 bytes", failure_of(posts[3]).errorMessage)
    assert.matches("request%-2 ERROR Runtime.ResponseNotSent: [^\n]*7340034 bytes", result.stdout)
    assert.equal("", result.stderr)
  end)

  it("reports a stream of the handler's that is refused, and one that failed besides", function()
    lambda.reset()
    lambda.replies({ status = 413 }, { status = 202 }, { status = 413 })
    local runtime = lambda.start(package [[
return { handle = function(event) return function(write)
  write("a part")
  if event.fail then error("mid-stream") end
end end }]])
    lambda.script({ kind = "event" }, { kind = "event", id = "request-2", body = '{"fail": true}' },
      { kind = "event", id = "request-3" })
    local posts = lambda.posts(5)
    local result = runtime:stop()
    assert.equal("/invocation/request-1/error", posts[2].path)
    assert.equal("Function.ResponseSizeTooLarge", failure_of(posts[2]).errorType)
    assert.equal("/invocation/request-2/error", posts[4].path)
    assert.matches("mid%-stream", failure_of(posts[4]).errorMessage)
    assert.equal("/invocation/request-3/response", posts[5].path)
    assert.matches("request%-1 ERROR Runtime.ResponseNotSent: [^\n]*more only as a stream of",
      result.stdout)
  end)

  it("passes on what Lambda says of the invocation", function()
    local posts = lambda.run(package [[
return { handle = function()
  local context = require("weir.invocation").context()
  context.deadline_ms, context.stop_at_ms = nil, nil
  context.environment = os.getenv("_X_AMZN_TRACE_ID")
  return context
end }]], { body = "{}", headers = { ["lambda-runtime-trace-id"] = "Root=1-2-3;Sampled=0",
      ["Lambda-Runtime-Client-Context"] = "{}", ["Lambda-Runtime-Cognito-Identity"] = "c",
      ["LAMBDA-RUNTIME-AWS-TENANT-ID"] = "t" } })
    assert.same({ request_id = "request-1", trace_id = "Root=1-2-3;Sampled=0",
      client_context = "{}",
      function_arn = "arn:aws:lambda:eu-west-1:111122223333:function:f",
      cognito_identity = "c", tenant_id = "t", environment = "Root=1-2-3;Sampled=0" },
        json.decode(posts[1].body))
  end)

  it("tells Lambda why it cannot start, and ends", function()
    local function start(environment)
      lambda.reset()
      local result = lambda.start(environment):wait()
      return failure_of(lambda.posts(1)[1]), result, lambda.posts(1)[1]
    end

    local failure, result, post = start { _HANDLER = "routin" }
    assert.equal("/init/error", post.path)
    assert.equal("Runtime.NoSuchHandler", failure.errorType)
    assert.matches("did you mean 'routing'", failure.errorMessage)
    assert.equal(1, result.status)
    assert.matches("FATAL Runtime.NoSuchHandler", result.stdout)
    assert.equal("Runtime.NoSuchHandler", start { _HANDLER = false }.errorType)
    failure = start { _HANDLER = "missing.handle", LAMBDA_TASK_ROOT = "/nowhere" }
    assert.equal("Runtime.NoSuchHandler", failure.errorType)
    failure = start(package "return {")
    assert.equal("Runtime.NoSuchHandler", failure.errorType)
    assert.matches("function.lua:1: unexpected symbol", failure.errorMessage, 1, true)
    run.remove(root)
    assert.equal("Runtime.LuaError", start(package "error('at load')").errorType)
    assert.equal("Runtime.PolicySetRefused",
      start { _HANDLER = "routing", WEIR_POLICY_SOURCE = "/nowhere" }.errorType)
    assert.equal("Runtime.InvalidSetting",
      start { _HANDLER = "routing", WEIR_POLICY_SOURCE = "ftp://x" }.errorType)
    assert.equal("Runtime.InvalidSetting",
      start { _HANDLER = "routing", WEIR_PARAMS = "[]" }.errorType)
    assert.equal("Runtime.PolicySetRefused",
      start { _HANDLER = "routing", WEIR_PARAMS = '{"thresh": 1}' }.errorType)
    assert.equal("Runtime.InvalidSetting",
      start { _HANDLER = "routing", WEIR_POLICY_POLL_SECONDS = "often" }.errorType)
  end)

  it("takes parameters from WEIR_PARAMS", function()
    local posts = lambda.run({ _HANDLER = "routing", WEIR_PARAMS = '{"routing.threshold": 2}' },
      '{"file_count": 3}')
    assert.equal("batch", json.decode(posts[1].body).action)
  end)

  it("says what to do when it is started by hand", function()
    local result = lambda.start({ AWS_LAMBDA_RUNTIME_API = "" }):wait()
    assert.equal(2, result.status)
    assert.matches("AWS_LAMBDA_RUNTIME_API is not set", result.stderr)
  end)
end)
