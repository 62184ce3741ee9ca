-- Task tokens in the built runtime: what it prints, measures, traces and answers never shows one,
-- and a process that is killed in the middle of an invocation loses none.
local cloud = require "support.aws"
local crash_matrix = require "support.crash_matrix"
local emulators = require "support.emulator"
local http = require "weir.http"
local json = require "weir.json"
local lambda = require "support.lambda"
local process = require "weir.process"
local run = require "support.run"
local servers = require "support.servers"
local token_search = require "support.token_search"
local workflow = require "support.workflow"

local MODES = require("weir.callback.token_carrier").MODES
local TOKEN = "AQCEAAAAKgAAAAMAAAAAAAAAAYJ5kWq3T+first/token+9xVt2=="
local SECOND = "AQCEAAAAKgAAAAMAAAAAAAAAAbN7second/token/Zq+pL0sD4w=="

local function variables(mode)
  return cloud.variables {
    AWS_MAX_ATTEMPTS = "1",
    TOKEN_TABLE = workflow.TABLE,
    TOKEN_STORAGE_MODE = mode,
    MODEL_NAME = "model-1",
    OUTPUT_PATH = "s3://bucket/out",
  }
end

describe("the runtime keeps task tokens out of", function()
  local daemon = servers.start("xray_daemon")
  local TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"

  -- What the daemon was sent until nothing more comes.
  local function datagrams()
    local list, quiet = {}, 0
    while quiet < 10 do
      local more = json.decode(assert(http.request { url = daemon.url, timeout_ms = 60000 }).body)
      table.move(more, 1, #more, #list + 1, list)
      quiet = #more == 0 and quiet + 1 or 0
      process.sleep(5)
    end

    return list
  end

  local Watched = {}
  Watched.__index = Watched

  local function watch(handler, mode, format)
    lambda.reset()
    local environment = variables(mode)
    environment._HANDLER, environment.AWS_LAMBDA_LOG_FORMAT,
      environment.AWS_LAMBDA_LOG_LEVEL = handler, format, "TRACE"
    environment.AWS_XRAY_DAEMON_ADDRESS = "127.0.0.1:" .. daemon.udp

    return setmetatable({ runtime = lambda.start(environment), count = 0 }, Watched)
  end

  -- One invocation; → its post, and the operations it called.
  function Watched:invoke(event)
    local before = #cloud.requests()
    self.count = self.count + 1
    lambda.script { kind = "event", id = "request-" .. self.count, body = event,
      headers = { ["Lambda-Runtime-Trace-Id"] = TRACE } }
    self.posts = lambda.posts(self.count)
    local operations = {}
    for i, request in ipairs(cloud.requests()) do operations[i - before] = request.operation end

    return self.posts[self.count], operations
  end

  -- Ends the runtime: all that ever came out of it, as one text.
  function Watched:output()
    local result = self.runtime:stop()
    local traces = datagrams()
    assert.is_true(#traces > self.count // 2)
    assert.is_true(#result.stdout > 100)

    return table.concat {
      result.stdout,
      result.stderr,
      json.encode(self.posts),
      table.concat(traces)
    }
  end

  -- The event of a handler's invocation on a fresh world.
  local function event_for(handler, starter, status)
    workflow.reset()
    workflow.waiting(TOKEN)
    if handler == "sagemaker_invoke" then return workflow.task(TOKEN) end
    assert.matches("/response$", starter(workflow.task(TOKEN)).path)

    return workflow.finish(assert(next(workflow.jobs())), status, "because of " .. TOKEN)
  end

  -- The calls that carry the token; only who was sent it can quote it.
  local CARRIERS = { PutItem = true, DeleteItem = true, SendTaskSuccess = true,
    SendTaskFailure = true,
    CreateTransformJob = "direct" }

  local function SOMETHING() return "something" end

  local function carries(operation, mode)
    local carrier = CARRIERS[operation]
    return carrier == true or carrier == mode
  end

  -- A service that refuses a call, quoting the token as somebody may.
  local function refusal(quote)
    return { kind = "status", status = 400,
      headers = { ["Content-Type"] = "application/x-amz-json-1.0" },
      body = json.encode { __type = "x#AccessDeniedException",
        message = "will not have '" .. quote(TOKEN, 5) .. "' here", detail = { quote(TOKEN, 3) } } }
  end

  -- A started job for sagemaker_callback comes from a runtime of its own.
  local function with_starter(mode, body)
    local environment = variables(mode)
    local emulator <close> = emulators.start { "--handler", "sagemaker_invoke", "--timeout", "60",
      env = environment,
      "--env", "TOKEN_TABLE=" .. workflow.TABLE, "--env", "TOKEN_STORAGE_MODE=" .. mode,
      "--env", "MODEL_NAME=model-1", "--env", "OUTPUT_PATH=s3://bucket/out" }
    body(function(event)
      local response = emulator:invoke(event)
      return {
        path = response.headers["x-amz-function-error"] and "/error" or "/response",
        body = response.body,
      }
    end)

    token_search.check(emulator:log() .. emulator:messages(), TOKEN)
  end

  for _, handler in ipairs { "sagemaker_invoke", "sagemaker_callback" } do
    for _, mode in ipairs(MODES) do
      it(("logs, metrics, traces and answers of %s (%s), whichever call fails"):format(handler,
        mode), function()
        with_starter(mode, function(starter)
          local failures = 0
          for i, format in ipairs { "JSON", "Text" } do
            local watched = watch(handler, mode, format)
            for _, status in ipairs { "Completed", "Failed" } do
              local post, operations = watched:invoke(event_for(handler, starter, status))
              assert.matches("/response$", post.path)
              for call, operation in ipairs(operations) do
                for n = i, carries(operation, mode) and #token_search.QUOTES or i, 2 do
                  local event = event_for(handler, starter, status)
                  local faults = {}
                  for pass = 1, call - 1 do faults[pass] = { kind = "pass" } end
                  faults[call] = refusal(carries(operation, mode) and token_search.QUOTES[n]
                    or SOMETHING)
                  cloud.faults(table.unpack(faults))
                  local answer = watched:invoke(event)
                  failures = failures + (answer.path:find("/error$") and 1 or 0)
                end
              end
            end

            token_search.check(watched:output(), TOKEN)
          end

          assert.is_true(failures >= (mode == "dynamodb" and 20 or 10), failures)
        end)
      end)
    end
  end
end)

describe("a runtime that is killed", function()
  local folder, functions

  setup(function() folder = run.directory() end)
  teardown(function()
    for _, each in pairs(functions) do each:close() end
    run.remove(folder)
  end)

  -- The built runtime behind `weir emulate`, in a layer that notes the process.
  local function serve(handler, mode)
    local layer = ("%s/%s-%s"):format(folder, handler, mode)
    assert(os.execute("mkdir " .. run.quote(layer)))
    run.write(layer .. "/bootstrap", ("#!/bin/sh\necho $$ >%s/pid\nexec %s\n"):format(layer,
      run.quote(lambda.bootstrap)))
    os.execute("chmod 755 " .. run.quote(layer .. "/bootstrap"))
    local options = { "--handler", handler, "--timeout", "60", layer = layer, env = {} }
    for name, value in pairs(variables(mode)) do
      if name:find("^AWS") then options.env[name] = value
      elseif name ~= "HOME" then table.insert(options, "--env") table.insert(options, name .. "="
        .. value) end
    end

    local emulator = emulators.start(options)
    emulator.pid_file = layer .. "/pid"

    return emulator
  end

  functions = setmetatable({}, { __index = function(all, key)
    all[key] = serve(key:match("^(%S+) (%S+)$"))
    return all[key]
  end })

  -- Delivers an event: true, or false when the process was killed. Any other failure is the test's.
  local function deliver(handler, event, mode)
    local response = functions[handler .. " " .. mode]:invoke(event)
    assert.equal(200, response.status)
    if not response.headers["x-amz-function-error"] then return true end
    assert.equal("Runtime.ExitError", json.decode(response.body).errorType, response.body)

    return false
  end

  for name, case in pairs(crash_matrix.cases { tokens = { TOKEN, SECOND }, deliver = deliver,
    pid_file = function(handler, mode) return functions[handler .. " " .. mode].pid_file end,
    afterwards = function()
      for _, each in pairs(functions) do
        token_search.check(each:log() .. each:messages(), TOKEN)
      end
    end }) do it(name, case) end
end)
