-- A process that works through a queue of events and is killed, by SIGKILL, before or after calls
-- to AWS that are drawn; `weir lua` runs it, and a loop of the shell starts it again until it comes
-- to its end. Driven by support.killed_workers.
--
--   weir lua tests/support/mortal_worker.lua FOLDER NAME
--
-- FOLDER/NAME.queue: a line of JSON an event, { handler =, event = }. NAME.lives: how often it was
-- started, which is what its deaths are drawn from, too; FOLDER/odds: of a thousand calls, so many
-- are its last. NAME.answered: the number of each line that was answered, and how. FOLDER/claims:
-- what every worker wrote into the claims table, a line { object =, etag =, revision =, finished =
-- ways } each.
package.path = "tests/?.lua;" .. package.path
local effects = require "weir.effects"
local files = require "support.files"
local handlers = require "weir.handlers"
local http = require "weir.http"
local json = require "weir.json"
local policy_set = require "weir.policy_set"
local process = require "weir.process"
local random = require "support.random"

local folder, name = arg[1], arg[2]
local function path(kind) return ("%s/%s.%s"):format(folder, name, kind) end

-- One write, so that lines of several processes do not mix.
local function append(where, line)
  local file = assert(io.open(where, "a"))
  file:setvbuf("full", 65536)
  file:write(line, "\n")
  file:close()
end

local function lines_of(where)
  local list, file = {}, io.open(where)
  if not file then return list end
  for line in file:lines() do list[#list + 1] = line end
  file:close()

  return list
end

-- Dying ------------------------------------------------------------------------------------------

local life = #lines_of(path "lives") + 1
append(path "lives", tostring(life))
local source = random.new(life * 1000003 + tonumber(name:match("%d+")))
local odds = tonumber(files.read(folder .. "/odds"))

local function die_perhaps()
  if source:integer(1, 1000000) > odds * 1000 then return end
  local own = files.read("/proc/self/stat"):match("^%d+")
  os.execute("kill -9 " .. own)
  error("it is still alive")
end

-- What becomes of the claims.
local function note_claim(request, response)
  local target = request.headers and request.headers["x-amz-target"]
  if target ~= "DynamoDB_20120810.PutItem" or not response or response.status ~= 200 then return end
  local item, finished = json.decode(request.body).Item, json.array {}
  if not item.ways then return end -- how far reconciling came
  for _, way in ipairs { "events", "polling" } do
    local part = item.ways.M[way]
    if part and part.M.status.S == "finished" then finished[#finished + 1] = way end
  end

  append(folder .. "/claims", json.encode {
    object = item.object.S,
    etag = item.etag.S,
    revision = tonumber(item.revision.N),
    finished = finished,
  })
end

local request = http.request
function http.request(given)
  die_perhaps()
  local response, message, code = request(given)
  note_claim(given, response)
  die_perhaps()

  return response, message, code
end

local all = http.all
function http.all(list)
  die_perhaps()
  local responses = all(list)
  for i, response in ipairs(responses) do note_claim(list[i], response) end
  die_perhaps()

  return responses
end

-- Working ----------------------------------------------------------------------------------------

local set = assert(policy_set.load "policies")
local live = effects.live()

-- The answer's word; "busy" where it is to be delivered again.
local function deliver(line)
  local given = json.decode(line)
  live.plan, live.metrics, live.failures = {}, {}, {}
  local report = handlers.run(handlers.find(given.handler), given.event, set, live)
  if report.error then
    if report.error.code == "ClaimBusy" then return "busy" end
    error(report.error.message, 0)
  end

  local result = report.result
  if (result.busy or 0) > 0 then return "busy" end -- reconciling, while a dead one held a claim
  return result.duplicate and "duplicate" or result.status or "done"
end

local answered = {}
for _, line in ipairs(lines_of(path "answered")) do answered[line:match("^%d+")] = true end

local queue, waiting = lines_of(path "queue"), true
while waiting do
  waiting = false
  for i, line in ipairs(queue) do
    if not answered[tostring(i)] then
      local word = deliver(line)
      if word == "busy" then
        waiting = true
      else
        answered[tostring(i)] = true
        append(path "answered", ("%d %s"):format(i, word))
      end
    end
  end

  if waiting then process.sleep(200) end
end
