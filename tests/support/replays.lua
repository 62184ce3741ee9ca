-- What the specs of replay share: a directory of their own, policy sets with one routing policy,
-- recordings of them, and replaying with the events collected.
local files = require("support.files")
local policy_set = require("weir.policy_set")
local replay = require("weir.replay")

-- Every file a spec writes is in one directory.
local directory = os.tmpname()
os.remove(directory)

local function path(name) return directory .. "/" .. name end

local function write(name, text) return files.write(path(name), text) end

-- A set with one routing policy: batch from the threshold on.
local function routing(name, threshold, decide)
  write(name .. "/routing.lua", ([[
return policy {
  kind = "routing",
  params = { threshold = integer { %d, min = 1, doc = "files" } },
  decide = function(facts, params)
    %s
    if facts.file_count < params.threshold then
      return realtime { because = "%%d files", facts.file_count }
    end
    return batch { because = "%%d files", facts.file_count }
  end,
  examples = { { given = { file_count = 0 }, expect = "realtime" } },
}
]]):format(threshold, decide or ""))
  return assert(policy_set.load(path(name)))
end

local function lines_of(set, counts)
  local lines = {}
  for i, count in ipairs(counts) do
    lines[i] = assert(set:record("routing", ('{"file_count":%d}'):format(count),
      { id = "line-" .. i, time = "2026-11-22T03:04:05.678Z" }))
  end

  return lines
end

-- The summary, and the events as they came.
local function replayed(options)
  local events = {}
  options.on_event = options.on_event or function(file, event)
    event.recording = file
    events[#events + 1] = event
  end

  return assert(replay.run(options)), events
end

local function replay_text(set, name, text)
  return replayed { set = set, recordings = { write(name, text) }, jobs = 1 }
end

return {
  directory = directory, path = path, write = write, read = files.read, run = files.shell,
  routing = routing,
  lines_of = lines_of, replayed = replayed, replay_text = replay_text,
}
