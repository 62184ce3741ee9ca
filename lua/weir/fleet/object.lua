-- One file of a fleet's replay: decided again, to an entry that other entries can be added to
-- (weir.fleet.total). An entry is JSON:
--
--   { name =, digest =, counts = { lines =, decisions =, … }, kinds = { [kind] = { was =, is = } },
--     changes =, failures =, bad = }      of a file that was read to its end
--   { name =, unreadable = message }      of any other
--
-- changes and failures are groups as `weir diff --json` has them, with places inside the policy
-- set, the same wherever it lies; bad is a list of the first bad lines.
local differences = require "weir.cli.differences"
local json = require "weir.json"
local redact = require "weir.redact"
local replay = require "weir.replay"
local sorted_pairs = require "weir.sorted_pairs"

local object = {}

object.COUNTS = {
  "lines", "decisions", "identical", "changed", "reworded", "failed", "bad_lines", "other_lines",
}

-- Of one file; of more the first, by count, are kept.
local MOST_GROUPS, MOST_BAD = 20, 3

local function inside(path, set)
  local prefix = set:directory():gsub("/+$", "") .. "/"
  if path and path:sub(1, #prefix) == prefix then return path:sub(#prefix + 1) end
  return path
end

local function listener(name, set, found)
  return function(_, event)
    event.policy_file = inside(event.policy_file, set)
    if event.type == "bad line" then
      if #found.bad < MOST_BAD then
        found.bad[#found.bad + 1] = { line = event.line, message = event.message }
      end
    elseif event.type == "failure" then
      found.failed:add(name, event)
    elseif event.type == "difference" and event.field ~= "because" then
      found.changed:add(name, event)
    end
  end
end

local function groups_of(groups)
  local list = redact.value(differences.json(groups))
  for i = #list, MOST_GROUPS + 1, -1 do list[i] = nil end
  return list
end

-- Only kinds of which something was decided.
local function kinds_of(summary)
  local kinds = {}
  for kind, counts in sorted_pairs(summary.kinds) do
    if next(counts.is) or next(counts.was) then -- any order: asks only whether there is one
      kinds[kind] = counts
    end
  end

  return kinds
end

local function entry_of(name, summary, found)
  local entry = {
    name = name,
    digest = summary.files[1].digest,
    counts = {},
    kinds = kinds_of(summary),
    changes = groups_of(found.changed),
    failures = groups_of(found.failed),
    bad = redact.value(found.bad),
  }

  for _, word in ipairs(object.COUNTS) do entry.counts[word] = summary[word] end
  return entry
end

-- replay(path, name, job) → entry | nil, message, code. job: { set =, old =?, jobs =?, details =?,
-- on_event =? }; where on_event takes the events, the entry has counts only.
function object.replay(path, name, job)
  local found = { changed = differences.groups(), failed = differences.groups(),
    bad = json.array {} }
  local listen = listener(name, job.set, found)
  local summary, message, code = replay.run {
    set = job.set,
    old = job.old,
    recordings = { path },
    jobs = job.jobs,
    details = job.details,
    on_event = job.on_event or listen,
  }

  if not summary then return nil, message, code end
  local unreadable = summary.unreadable[1]
  if unreadable then return { name = name, unreadable = unreadable.message } end

  return entry_of(name, summary, found)
end

return object
