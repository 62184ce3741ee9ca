-- Handler `event_map`: what arrives becomes jobs. EventBridge events, S3 notifications, SQS batches
-- (with SNS inside, too), lists from Pipes, the input of a schedule and listings are taken apart,
-- and the mapping policy is asked about each event by itself.
--
-- Settings: state_machine (each job starts an execution of it; without it the jobs are only the
-- answer, for a state machine or a pipe that goes on with them), dead_letter_bucket and
-- dead_letter_prefix (dead-letters/), bucket (the one that events may be of, and FPolicy's files
-- are in), volume.
--
-- The answer: { jobs =, started =, already_started =, ignored =, duplicates =,
-- dead_letters = list of { key =, reason = },
-- batchItemFailures = list of { itemIdentifier = },
-- failures = list of { message = its id, reason =, code = }, absent where none failed }.
-- Jobs of one object are in the order in which it was written. What no job can be made of becomes a
-- dead letter. Where there is no place for those, a message of SQS is answered as failed, with the
-- rest of its group where the queue is FIFO, and anything else fails the run: no event is dropped.
--
-- The event { "redrive": true } maps all dead letters again, and takes away those that became jobs,
-- or are ignored by now; { "redrive": true, "after": key } goes on where an answer had `next`. Its
-- answer: { redriven =, remaining =, failures = list of { key =, reason =, code = } of the first
-- that remain, next = (absent at the end) }.
local arrivals = require "weir.events.arrivals"
local dead_letters = require "weir.events.dead_letters"
local events = require "weir.events"
local executions = require "weir.events.executions"
local failed_messages = require "weir.events.failed_messages"
local job_decision = require "weir.events.job_decision"
local json = require "weir.json"
local order = require "weir.events.order"
local process = require "weir.process"
local settings = require "weir.settings"
local sorted_pairs = require "weir.sorted_pairs"
local try = require "weir.try"

-- Left for an answer before the deadline, in milliseconds.
local MARGIN_MS = 3000

-- Letters that remain, told with their reasons.
local SHOWN_FAILURES = 20

-- Mapping -------------------------------------------------------------------------------------

-- → job | nil (ignored) | nil, reason, code
local function map(unit, ask, known)
  if unit.problem then return nil, unit.problem, "InvalidEvent" end

  local event = unit.event
  local volume = type(event.volume) == "string" and event.volume or known.volume
  local job, message, code = job_decision.job(ask,
    { event = event, bucket = known.bucket, volume = volume })
  if job then return job end
  if job == false then return nil end
  if not job_decision.of_the_event[code] then try.fail(message, code) end

  return nil, message, code
end

local function setting(effects, name)
  local value = effects:setting(name, "")
  if value ~= "" then return value end
end

-- What the function works for. Neither has to be said.
local function what_is_known(effects)
  return { bucket = setting(effects, "bucket"), volume = setting(effects, "volume") }
end

-- `units` of what is mapped: a job's idempotency key → the unit that it was made of.
local function map_all(units, ask, known)
  local mapped = { jobs = json.array({}), units = {}, broken = {}, ignored = 0, duplicates = 0 }
  for _, unit in ipairs(units) do
    local job, reason, code = map(unit, ask, known)
    if reason then
      mapped.broken[#mapped.broken + 1] = { unit = unit, reason = reason, code = code }
    elseif not job then
      mapped.ignored = mapped.ignored + 1
    elseif mapped.units[job.idempotency_key] then
      mapped.duplicates = mapped.duplicates + 1
    else
      mapped.units[job.idempotency_key] = unit
      mapped.jobs[#mapped.jobs + 1] = job
    end
  end

  order.sort(mapped.jobs)

  return mapped
end

-- Effects -------------------------------------------------------------------------------------

local REMEDY = "; DEAD_LETTER_BUCKET says where such events are kept, so that the others go on"

-- → the key of its letter, or nil: its message comes again
local function keep_one(each, place, failed, effects)
  if failed:is_behind(each.unit) then return nil end

  local key, message, code = nil, each.reason .. REMEDY, each.code
  if place then
    key, message, code = dead_letters.keep(effects, place,
      { reason = each.reason, code = each.code, event = each.unit.event })
  end

  if not key then failed:add(each.unit, message, code) end

  return key
end

local NONE = json.array({})

local function keep_broken(broken, failed, effects)
  if #broken == 0 then return NONE end

  local place, kept = dead_letters.place(effects), json.array({})
  for _, each in ipairs(broken) do
    local key = keep_one(each, place, failed, effects)
    if key then kept[#kept + 1] = { key = key, reason = each.reason, code = each.code } end
  end

  return kept
end

-- Whether the job was "started", "already_started", or neither: then its message comes again.
local function start_one(job, unit, state_machine, failed, effects)
  if failed:is_behind(unit) then return nil end

  local execution, message, code = executions.start(job, state_machine, effects)
  if not execution then return failed:add(unit, message, code) end

  return execution.already_started and "already_started" or "started"
end

-- A job that could not be started is its message's failure; the others go on.
local function start_all(mapped, state_machine, failed, effects)
  local counts = { started = 0, already_started = 0 }
  for _, job in ipairs(mapped.jobs) do
    local word = start_one(job, mapped.units[job.idempotency_key], state_machine, failed, effects)
    if word then counts[word] = counts[word] + 1 end
  end

  return counts
end

local NOT_STARTED = { started = 0, already_started = 0 }

local MEASURED = {
  { name = "EventsMapped", unit = "Count", dimensions = { Action = "job" } },
  { name = "EventsMapped", unit = "Count", dimensions = { Action = "ignore" } },
  { name = "DuplicateEvents", unit = "Count", dimensions = {} },
  { name = "DeadLetters", unit = "Count", dimensions = {} },
}

local function measure_failures(reasons, effects)
  local counts = {}
  for _, each in ipairs(reasons) do counts[each.code] = (counts[each.code] or 0) + 1 end
  for code, count in sorted_pairs(counts) do
    effects:metric("FailedMessages", count, "Count", { Code = code })
  end
end

-- The messages of a queue are the function's own: what it does not name is deleted.
local function has_messages(units)
  for _, unit in ipairs(units) do
    if unit.message_id then return true end
  end

  return false
end

-- A queue's messages must go somewhere: with nothing started they would be gone.
local function find_state_machine(event, units, effects)
  local state_machine = effects:setting("state_machine", "none")
  if state_machine ~= "none" then return state_machine end
  if has_messages(units) and events.is_object(event) then
    return try(settings.needed(effects, "state_machine"))
  end
end

local function map_event(event, ask, effects)
  local units = arrivals.split(event)
  local state_machine = find_state_machine(event, units, effects)
  local mapped = map_all(units, ask, what_is_known(effects))
  local failed = failed_messages.of(units, state_machine ~= nil)
  local kept = keep_broken(mapped.broken, failed, effects)
  local counts = state_machine and start_all(mapped, state_machine, failed, effects)
    or NOT_STARTED
  local reasons = failed:reasons()
  effects:measure(MEASURED, #mapped.jobs, mapped.ignored, mapped.duplicates, #kept)
  if reasons then measure_failures(reasons, effects) end

  return {
    jobs = mapped.jobs,
    started = counts.started,
    already_started = counts.already_started,
    ignored = mapped.ignored,
    duplicates = mapped.duplicates,
    dead_letters = kept,
    batchItemFailures = failed:list(),
    failures = reasons,
  }
end

-- Redriving -----------------------------------------------------------------------------------

local function out_of_time()
  local deadline = process.deadline()
  return deadline and process.time() > deadline - MARGIN_MS
end

-- Whether all of the letter became jobs, which were started, or is no work; else why it stays.
local function redrive_one(letter, ask, known, state_machine, effects)
  if not letter then return false, "the object is no dead letter", "InvalidLetter" end

  local units = arrivals.split(letter.event)
  local mapped = map_all(units, ask, known)
  local broken = mapped.broken[1]
  if broken then return false, broken.reason, broken.code end
  start_all(mapped, state_machine, failed_messages.of(units, false), effects)

  return true
end

local function note_remaining(answer, key, reason, code)
  answer.remaining = answer.remaining + 1
  if answer.remaining > SHOWN_FAILURES then return end
  table.insert(answer.failures, { key = key, reason = reason, code = code })
end

local function redrive(event, ask, effects)
  local place = dead_letters.place(effects)
  if not place then try(effects:setting("dead_letter_bucket")) end
  local state_machine = try(settings.needed(effects, "state_machine"))
  local known = what_is_known(effects)
  local answer = { redriven = 0, remaining = 0, failures = json.array({}) }

  for key, letter in dead_letters.each(effects, place, events.text(event, "after")) do
    local is_done, reason, code = redrive_one(letter, ask, known, state_machine, effects)
    if is_done then
      try(dead_letters.drop(effects, place, key))
      answer.redriven = answer.redriven + 1
    else
      note_remaining(answer, key, reason, code)
    end

    if out_of_time() then
      answer.next = key
      return answer
    end
  end

  return answer
end

local function run(event, ask, effects)
  if events.is_object(event) and event.redrive == true then return redrive(event, ask, effects) end
  return map_event(event, ask, effects)
end

return {
  name = "event_map",
  asks = "mapping",
  summary = "what arrives becomes jobs; what is broken is kept apart, and can be mapped again",
  run = run,
}
