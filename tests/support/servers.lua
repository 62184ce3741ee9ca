-- Starts the servers of tests/servers/, each once per run and on a free port, and ends them with
-- the run: by a signal when the state closes, by their own watch on the parent when it crashes.
local files = require("support.files")

local M = {}

local running = {}

-- The servers announce themselves in one flat JSON line.
local function parse_announcement(line)
  local facts = {}
  for key, value in line:gmatch('"([%w_]+)":"?([^",}]*)') do
    facts[key] = tonumber(value) or value
  end

  return facts
end

local function end_all()
  for _, server in pairs(running) do
    os.execute(("kill %d 2>/dev/null"):format(server.pid))
    server.pipe:close()
  end

  running = {}
end

-- start("http_peer", argument…) → { port, pid, … } as the server announced it.
function M.start(name, ...)
  -- s3rver hides its page tokens with DES, which OpenSSL 3 counts as legacy.
  local words = { "exec node --openssl-legacy-provider", "tests/servers/" .. name .. ".mjs" }
  for i = 1, select("#", ...) do words[#words + 1] = files.quote((select(i, ...))) end
  local command = table.concat(words, " ")
  if running[command] then return running[command] end
  local pipe = assert(io.popen(command, "r"))
  local line = pipe:read("l")
  if not line then
    pipe:close()
    error("the test server did not start: " .. command, 2)
  end

  local server = parse_announcement(line)
  server.pipe = pipe
  server.url = "http://127.0.0.1:" .. server.port
  running[command] = server

  return server
end

-- Finalizers run youngest first when the state closes: a sentinel made after each pipe comes before
-- the pipe's own, which would wait for a server that nobody ended.
M.sentinels = {}
local start = M.start
function M.start(...)
  local server = start(...)
  M.sentinels[#M.sentinels + 1] = setmetatable({}, { __gc = end_all })
  return server
end

return M
