-- Several processes that work through queues of events at the same time, each killed again and
-- again by SIGKILL between its calls to AWS (support.mortal_worker), against the servers of the
-- specs.
--
--   killed_workers.run { queues = { list of { handler =, event = }, … }, odds = of a thousand calls
--                        that many are the last, variables = environment of the handlers }
--     → { deaths =, answers = { word → count },
--         finished = { "way object etag" → how often a claim became finished } }
--
-- A process ends after its last event or by a kill. When one ends otherwise, this raises what it
-- said.
local cloud = require "support.aws"
local files = require "support.files"
local json = require "weir.json"
local run = require "support.run"
local sorted_pairs = require "weir.sorted_pairs"

local killed_workers = {}

-- Starts the process until it ends by itself; what else it ends by is an error.
local LOOP = [[while :; do env %s %s lua tests/support/mortal_worker.lua %s %s >>%s 2>&1; s=$?;
  [ $s = 0 ] && break; [ $s = 137 ] || { echo "status $s" >>%s; exit 1; }; done]]

local function loop_of(folder, name, variables)
  local words = { "-u AWS_PROFILE" }
  for key, value in sorted_pairs(cloud.variables(variables)) do
    words[#words + 1] = run.quote(key .. "=" .. value)
  end

  local said = run.quote(("%s/%s.said"):format(folder, name))
  return LOOP:format(table.concat(words, " "), run.quote(run.program), run.quote(folder), name,
    said, said)
end

local function lines_of(path)
  local list = {}
  if files.exists(path) then
    for line in io.lines(path) do list[#list + 1] = line end
  end

  return list
end

-- How often a claim of each object's state became finished, by the revisions in their order.
local function finished_of(folder)
  local by_object = {}
  for _, line in ipairs(lines_of(folder .. "/claims")) do
    local claim = json.decode(line)
    by_object[claim.object] = by_object[claim.object] or {}
    table.insert(by_object[claim.object], claim)
  end

  local finished = {}
  for object, claims in sorted_pairs(by_object) do
    table.sort(claims, function(a, b) return a.revision < b.revision end)
    local before = {}
    for _, claim in ipairs(claims) do
      local now = {}
      for _, way in ipairs(claim.finished) do
        local name = ("%s %s %s"):format(way, object, claim.etag)
        now[name] = true
        if not before[name] then finished[name] = (finished[name] or 0) + 1 end
      end

      before = now
    end
  end

  return finished
end

function killed_workers.run(given)
  local folder, loops = run.directory(), {}
  files.write(folder .. "/odds", tostring(given.odds))
  for i, queue in ipairs(given.queues) do
    local lines = {}
    for n, each in ipairs(queue) do lines[n] = json.encode(each) end
    files.write(("%s/w%d.queue"):format(folder, i), table.concat(lines, "\n") .. "\n")
    loops[i] = "(" .. loop_of(folder, "w" .. i, given.variables) .. ") &"
  end

  files.shell("exec 2>/dev/null; " .. table.concat(loops, "\n") .. " wait")
  local found = { deaths = 0, answers = {}, finished = finished_of(folder) }
  for i, queue in ipairs(given.queues) do
    local base = ("%s/w%d"):format(folder, i)
    local answered = lines_of(base .. ".answered")
    assert(#answered == #queue, files.exists(base .. ".said") and files.read(base .. ".said"))
    found.deaths = found.deaths + #lines_of(base .. ".lives") - 1
    for _, line in ipairs(answered) do
      local word = line:match("%S+$")
      found.answers[word] = (found.answers[word] or 0) + 1
    end
  end

  run.remove(folder)

  return found
end

return killed_workers
