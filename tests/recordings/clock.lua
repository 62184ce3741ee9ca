-- The day of the recording: milliseconds since midnight, and tasks that run when their time comes.
local clock = {}

clock.MINUTE = 60000
clock.HOUR = 60 * clock.MINUTE
clock.DAY = 24 * clock.HOUR
clock.MIDNIGHT = 1795132800 -- 2026-11-20T00:00:00Z in epoch seconds

-- "2026-11-20T09:00:01.123Z"
function clock.text(ms)
  local seconds = ms // 1000
  return ("2026-11-20T%02d:%02d:%02d.%03dZ"):format(
    seconds // 3600, seconds // 60 % 60, seconds % 60, ms % 1000)
end

local Agenda = {}
Agenda.__index = Agenda

function clock.agenda()
  return setmetatable({ heap = {}, count = 0, now = 0 }, Agenda)
end

-- Tasks of one time run in the order in which they were noted.
local function before(a, b)
  if a.ms ~= b.ms then return a.ms < b.ms end
  return a.order < b.order
end

-- Runs the task at that time, or next when it has passed, and not at all after midnight.
function Agenda:at(ms, task)
  ms = math.max(ms, self.now)
  if ms >= clock.DAY then return end
  self.count = self.count + 1
  local heap, entry = self.heap, { ms = ms, order = self.count, task = task }
  local at = #heap + 1
  while at > 1 and before(entry, heap[at // 2]) do
    heap[at] = heap[at // 2]
    at = at // 2
  end
  heap[at] = entry
end

function Agenda:every(from, to, step, task)
  for ms = from, to - 1, step do self:at(ms, task) end
end

local function take_first(heap)
  local first, last = heap[1], table.remove(heap)
  local size, at = #heap, 1
  if size == 0 then return first end
  while true do
    local child = 2 * at
    if child < size and before(heap[child + 1], heap[child]) then child = child + 1 end
    if child > size or before(last, heap[child]) then break end
    heap[at] = heap[child]
    at = child
  end
  heap[at] = last
  return first
end

function Agenda:run()
  while #self.heap > 0 do
    local entry = take_first(self.heap)
    self.now = entry.ms
    entry.task(entry.ms)
  end
end

return clock
