-- Starts `weir emulate` for a spec and ends it: start{option…, layer=DIR, env={}} → emulator.
--   command={word…} starts another program than the one under test.
--   emulator:invoke(event or text, headers, path) → response     emulator:log() → its stdout so far
--   emulator:stop(signal) → exit status, seconds
-- scripted_layer() → a layer's directory, whose runtime is a script; the caller removes it.
-- scripted() → world: an emulator whose runtime is a script (tests/servers/scripted_runtime.mjs).
--   world.open(), world.close()          for setup and teardown; world.stop() for after_each
--   world.start(options) → emulator      of the handler demo.handler
--   emulators.decoded(response) → its JSON; emulators.error_of(response) → that of a failure
local assert = require "luassert"
local http = require "weir.http"
local json = require "weir.json"
local process = require "weir.process"
local run = require "support.run"

local M = {}
local Emulator = {}
Emulator.__index = Emulator

-- A layer whose runtime is the script of tests/servers.
local function scripted_layer()
  local pwd = io.popen("pwd"):read("l")
  local directory = run.directory {
    bootstrap = "#!/bin/sh\nexec node " .. run.quote(pwd .. "/tests/servers/scripted_runtime.mjs")
      .. "\n",
  }

  os.execute("chmod 755 " .. run.quote(directory .. "/bootstrap"))

  return directory
end

-- Waits until look() answers; after two minutes it raises and says what it waited for.
local function wait(what, look)
  local started = process.clock()
  while true do
    local found = look()
    if found then return found end
    if process.clock() - started > 120000 then error("waited in vain for " .. what, 3) end
    process.sleep(5)
  end
end
M.wait = wait

-- Whether the process is a zombie, which waits to be reaped: what it says before may be a warning.
local function has_ended(pid)
  local file = io.open(("/proc/%d/stat"):format(pid))
  local state = file and file:read("a"):match("^.*%) (%u)")
  if file then file:close() end

  return state == nil or state == "Z"
end

function M.start(given)
  local self = setmetatable({ out = os.tmpname(), err = os.tmpname() }, Emulator)
  local words = { "exec", "env", "PATH=" .. run.quote(os.getenv("PATH")) }
  for name, value in pairs(given.env or {}) do
    words[#words + 1] = run.quote(name .. "=" .. value)
  end

  for _, word in ipairs(given.command or { run.program }) do words[#words + 1] = run.quote(word) end
  words[#words + 1] = "emulate"
  if given.layer then words[#words + 1] = run.quote(given.layer) end
  for _, argument in ipairs(given) do words[#words + 1] = run.quote(argument) end
  -- The scripted runtime is started by name, wherever node is.
  words[#words + 1] = "--env PATH=" .. run.quote(os.getenv("PATH"))
  local command = ("echo $$; %s >%s 2>%s"):format(table.concat(words, " "), self.out, self.err)
  self.pipe = assert(io.popen(command, "r"))
  self.pid = tonumber(self.pipe:read("l"))
  local ready, port = pcall(wait, "the emulator's port", function()
    local text = run.read(self.err)
    local found = tonumber(text:match("ready at http://127%.0%.0%.1:(%d+).*\nNext: curl [^\n]*\n"))
    if not found and has_ended(self.pid) then error(run.read(self.err), 0) end

    return found
  end)

  if not ready then
    self:stop "KILL" -- the pipe's collector would wait for its end
    error(port, 0)
  end

  self.port = port
  self.url = "http://127.0.0.1:" .. self.port

  return self
end

function Emulator:request(event, headers, path)
  return {
    method = "POST", url = self.url .. (path or "/2015-03-31/functions/function/invocations"),
    headers = headers,
    body = type(event) == "table" and json.encode(event) or event or "", direct = true,
    timeout_ms = 120000,
  }
end

function Emulator:invoke(...) return assert(http.request(self:request(...))) end

function Emulator:all(events)
  local requests = {}
  for i, event in ipairs(events) do requests[i] = self:request(event) end
  return http.all(requests)
end

function Emulator:log() return run.read(self.out) end
function Emulator:messages() return run.read(self.err) end

-- The log once it holds the pattern.
function Emulator:wait_for(pattern)
  return wait(pattern, function()
    local text = self:log()
    return text:find(pattern) and text
  end)
end

local function through(program, text)
  local path = run.write(os.tmpname(), text)
  local pipe = io.popen(program .. " <" .. path)
  local output = pipe:read("a")
  pipe:close()
  os.remove(path)

  return output
end

function M.base64(text) return through("base64 -d", text) end
function M.to_base64(text) return through("base64 -w0", text) end

function Emulator:stop(signal)
  if not self.pipe then return end
  local started = process.clock()
  os.execute(("kill -%s %d"):format(signal or "TERM", self.pid))
  local _, how, status = self.pipe:close()
  self.pipe = nil

  return how == "exit" and status or 128 + status, (process.clock() - started) / 1000
end

function Emulator:close()
  self:stop()
  os.remove(self.out)
  os.remove(self.err)
end

Emulator.__close = Emulator.close

M.scripted_layer = scripted_layer

function M.scripted()
  local world = {}
  function world.open() world.layer = scripted_layer() end
  function world.close() run.remove(world.layer) end

  function world.start(given)
    given = given or {}
    given.layer = world.layer
    table.insert(given, 1, "--handler")
    table.insert(given, 2, "demo.handler")
    world.emulator = M.start(given)

    return world.emulator
  end

  function world.stop()
    if world.emulator then world.emulator:close() end
    world.emulator = nil
  end

  return world
end

function M.decoded(response)
  assert.equal(200, response.status, response.body)
  return json.decode(response.body)
end

function M.error_of(response)
  assert.equal("Unhandled", response.headers["x-amz-function-error"])
  return M.decoded(response)
end

return M
