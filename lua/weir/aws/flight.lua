-- Several calls in flight at a time. A task is a function; where it waits for an answer of HTTP, or
-- for its next attempt, the others go on. Requests of tasks that wait together are sent together.
--
--   flight.run(next_task, width)   runs what next_task() gives, `width` tasks at a time, until it
--                                  gives nil and all have ended; raises what a task raises
--
-- For whoever waits (weir.aws.send, weir.aws.retry), inside of a task or not:
--   flight.request(request)        as weir.http.request
--   flight.sleep(ms)
local http = require "weir.http"
local process = require "weir.process"

local flight = {}

local tasks = setmetatable({}, { __mode = "k" })

local function is_task() return tasks[coroutine.running()] end

function flight.request(request)
  if not is_task() then return http.request(request) end
  local response = coroutine.yield { request = request }
  if response.code then return nil, response.error, response.code end

  return response
end

function flight.sleep(ms)
  if not is_task() then return process.sleep(math.ceil(ms)) end
  coroutine.yield { until_ms = process.clock() + math.ceil(ms) }
end

-- Goes on with a task: what it waits for is noted in its entry. → whether it waits
local function resume(entry, ...)
  local ok, waits = coroutine.resume(entry.task, ...)
  if not ok then error(debug.traceback(entry.task, tostring(waits)), 0) end
  entry.request, entry.until_ms = waits and waits.request, waits and waits.until_ms

  return coroutine.status(entry.task) ~= "dead"
end

local function start(run, list)
  local entry = { task = coroutine.create(run) }
  tasks[entry.task] = true
  if resume(entry) then list[#list + 1] = entry end
end

-- → those that wait for an answer and their requests, those whose pause is over, the earliest end
-- of the others' pauses
local function sort_out(list)
  local asking, requests, due, earliest, now = {}, {}, {}, math.huge, process.clock()
  for _, entry in ipairs(list) do
    if entry.request then
      asking[#asking + 1], requests[#requests + 1] = entry, entry.request
    elseif entry.until_ms <= now then
      due[#due + 1] = entry
    else
      earliest = math.min(earliest, entry.until_ms)
    end
  end

  return asking, requests, due, earliest
end

-- One round: all requests that wait are sent, or the first pause is waited for.
local function advance(list)
  local asking, requests, due, earliest = sort_out(list)
  if #asking > 0 then
    for i, response in ipairs(http.all(requests)) do
      asking[i].ended = not resume(asking[i], response)
    end
  elseif #due == 0 then
    process.sleep(math.max(0, math.min(earliest - process.clock(), 60000)))
  end

  for _, entry in ipairs(due) do entry.ended = not resume(entry) end

  local left = {}
  for _, entry in ipairs(list) do
    if not entry.ended then left[#left + 1] = entry end
  end

  return left
end

function flight.run(next_task, width)
  local list, more = {}, true
  while more or #list > 0 do
    while more and #list < width do
      local task = next_task()
      if task then start(task, list) else more = false end
    end

    if #list > 0 then list = advance(list) end
  end
end

return flight
