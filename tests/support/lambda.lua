-- The built runtime against tests/servers/runtime_api.mjs: $WEIR_BOOTSTRAP, or `bootstrap` beside
-- the program under test.
--
--   local runtime = lambda.start { _HANDLER = "routing" }
--   lambda.script({ kind = "event", body = "{}" })
--   local posts = lambda.posts(1)
--   local result = runtime:stop()     -- SIGTERM: { status, stdout, stderr }
local http = require "weir.http"
local json = require "weir.json"
local process = require "weir.process"
local run = require "support.run"
local servers = require "support.servers"

local M = {}

M.server = servers.start("runtime_api")
M.bootstrap = os.getenv("WEIR_BOOTSTRAP") or run.program:match("^(.*/)[^/]*$") .. "bootstrap"

local function control(method, path, value)
  local response = assert(http.request { method = method, url = M.server.url .. "/__test/" .. path,
    body = value and json.encode(value), timeout_ms = 60000 })
  return assert(json.decode(response.body))
end

function M.script(...) control("POST", "script", json.array { ... }) end
function M.replies(...) control("POST", "replies", json.array { ... }) end
function M.posts(count) return control("GET", "posts?count=" .. count) end
function M.reset() control("POST", "reset") end

-- Waits until the runtime has asked for its count-th event, done with all that comes before.
function M.await_next(count)
  for _ = 1, 6000 do
    if control("GET", "nexts") >= count then return end
    process.sleep(10)
  end

  error("the runtime did not ask for an event", 2)
end

local Runtime = {}
Runtime.__index = Runtime

function Runtime:log() return run.read(self.out) end
function Runtime:messages() return run.read(self.err) end

function Runtime:has_ended() return run.read(self.done):find("%d") ~= nil end

-- Waits until the process has ended by itself. A hang ends after a minute, with status 137.
function Runtime:wait()
  for _ = 1, 6000 do
    local status = run.read(self.done):match("%d+")
    if status then
      local result = {
        status = tonumber(status),
        stdout = run.read(self.out),
        stderr = run.read(self.err)
      }

      for _, path in ipairs { self.out, self.err, self.done } do os.remove(path) end

      return result
    end

    process.sleep(10)
  end

  os.execute("kill -KILL " .. self.pid)
  error("the runtime did not end", 2)
end

function Runtime:signal(name) os.execute(("kill -%s %d"):format(name, self.pid)) end

function Runtime:stop()
  self:signal("TERM")
  return self:wait()
end

-- start(environment[, options{ api =, command = }]): the command, a list of words, runs another
-- bootstrap.
function M.start(environment, options)
  options = options or {}
  local self = setmetatable({ out = os.tmpname(), err = os.tmpname(), done = os.tmpname() },
    Runtime)
  local words = { "exec env -i", "PATH=/usr/bin:/bin", "TZ=:UTC", "WEIR_LOOPBACK_ONLY=1",
    "AWS_LAMBDA_RUNTIME_API=" .. (options.api or "127.0.0.1:" .. M.server.port) }
  local values = { AWS_LAMBDA_FUNCTION_NAME = "f", WEIR_POLICY_SOURCE = "policies" }
  for name, value in pairs(environment) do values[name] = value or nil end
  for name, value in pairs(values) do words[#words + 1] = run.quote(name .. "=" .. value) end
  for _, word in ipairs(options.command or { M.bootstrap }) do
    words[#words + 1] = run.quote(word)
  end

  local command = ("(%s >%s 2>%s & echo $!; wait $!; echo $? >%s) "):format(table.concat(words,
    " "),
    self.out, self.err, self.done)
  self.pipe = assert(io.popen(command .. "2>/dev/null", "r"))
  self.pid = assert(self.pipe:read("n"))

  return self
end

-- run(environment, event…) → posts, result: a whole run over events, each { body =, … } or a text.
function M.run(environment, ...) return M.run_with({}, environment, ...) end

-- The same with options of start.
function M.run_with(options, environment, ...)
  M.reset()
  local events = {}
  for i, event in ipairs { ... } do
    if type(event) == "string" then event = { body = event } end
    event.kind, event.id = event.kind or "event", event.id or "request-" .. i
    events[i] = event
  end

  local runtime = M.start(environment, options)
  M.script(table.unpack(events))
  local posts = M.posts(#events)

  return posts, runtime:stop()
end

return M
