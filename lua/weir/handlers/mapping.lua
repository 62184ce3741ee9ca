-- Handler `mapping`: one event, or a batch of them, each to the work it stands for. Each job is
-- started as one execution of the state machine of the setting `state_machine`, under a name that
-- follows from its idempotency key: the same work twice is one execution.
--
-- Batches are taken apart first: a JSON array, S3 notifications ("Records"), SQS messages (the
-- event is in each record's "body"), and listings ("Contents" of a "bucket").
local events = require "weir.events"
local json = require "weir.json"
local redact = require "weir.redact"
local settings = require "weir.settings"
local sha256 = require "weir.sha256"
local try = require "weir.try"

-- S3 in SNS in SQS is three. No service nests events deeper than that.
local MAX_NESTING = 4

local split

local function split_each(list, unwrap, depth, into)
  for i, item in ipairs(list) do split(unwrap(item, i), depth + 1, into) end
end

local function from_record(record, i)
  if type(record) ~= "table" then events.invalid("Records[%d] is not an object", i - 1) end
  if record.eventSource ~= "aws:sqs" then return record end

  if type(record.body) ~= "string" then events.invalid("Records[%d] of SQS has no body", i - 1) end
  local event, message = json.decode(record.body, { secrets = true })
  if event == nil then events.invalid("the body of Records[%d] is not JSON: %s", i - 1, message) end
  return event
end

local function from_listing(listing)
  return function(object, i)
    if type(object) ~= "table" then events.invalid("Contents[%d] is not an object", i - 1) end
    return {
      source = "weir.listing",
      bucket = listing.bucket or listing.Name,
      volume = listing.volume,
      encoding = listing.EncodingType,
      object = object,
    }
  end
end

local function itself(event) return event end

function split(event, depth, into)
  if depth > MAX_NESTING then events.invalid("events are nested more than %d deep", MAX_NESTING) end
  if events.is_list(event) then return split_each(event, itself, depth, into) end

  if type(event) ~= "table" then events.invalid("an event must be a JSON object") end
  if events.is_list(event.Records) then
    return split_each(event.Records, from_record, depth, into)
  end
  if events.is_list(event.Contents) then
    return split_each(event.Contents, from_listing(event), depth, into)
  end
  into[#into + 1] = event
end

-- 80 characters at most, of the ones Step Functions allows; readable in front, unique behind.
local function execution_name(job)
  return ("%s-%s"):format(job.work, sha256.hex(job.idempotency_key):sub(1, 40))
end

-- The policy saw the event without its secrets. Where one of them was a part of what the job needs,
-- the job would be another one: it is refused.
local function check_whole(decision, i, count)
  if #decision.redacted == 0 then return end

  local names = {}
  for name, value in pairs(decision.fields) do -- any order: sorted below
    if type(value) == "string" and value:find(redact.MARK, 1, true) then
      names[#names + 1] = name
    end
  end
  if #names == 0 then return end

  table.sort(names)
  events.invalid("event %d of %d: %s of the job looks like a task token, or repeats a secret of "
    .. "the event; a job must not carry one", i, count, table.concat(names, ", "))
end

-- Every event is decided before anything is started: a batch whose third event fails is retried
-- as a whole, and must not have half happened.
local function decide_all(list, ask)
  local decided, seen = { jobs = {}, ignored = 0, duplicates = 0 }, {}
  for i, event in ipairs(list) do
    local volume = type(event.volume) == "string" and event.volume or nil
    local decision, message, code = ask("mapping", { event = event, volume = volume })
    if not decision then try.fail(("event %d of %d: %s"):format(i, #list, message), code) end

    local job = decision.fields
    if decision.action ~= "job" then
      decided.ignored = decided.ignored + 1
    elseif seen[job.idempotency_key] then
      decided.duplicates = decided.duplicates + 1
    else
      check_whole(decision, i, #list)
      seen[job.idempotency_key] = true
      decided.jobs[#decided.jobs + 1] = job
    end
  end
  return decided
end

local function start(job, state_machine, effects)
  local input = {}
  for name, value in pairs(job) do -- any order: copies one key at a time
    if name ~= "action" then input[name] = value end
  end

  local name = execution_name(job)
  local answer = try.except("ExecutionAlreadyExists", effects:call {
    service = "stepfunctions",
    operation = "StartExecution",
    target = state_machine,
    input = { stateMachineArn = state_machine, name = name, input = json.encode(input) },
  })
  -- The same job was started before: that is what the name is for.
  if not answer then return { name = name, already_started = true } end
  return { name = name, execution = answer.executionArn, idempotency_key = job.idempotency_key }
end

local function start_all(jobs, effects)
  local started = json.array({})
  if #jobs == 0 then return started end

  local state_machine = try(settings.needed(effects, "state_machine"))
  for i, job in ipairs(jobs) do started[i] = start(job, state_machine, effects) end
  return started
end

local function run(event, ask, effects)
  local list = {}
  split(event, 1, list)
  local decided = decide_all(list, ask)
  local started = start_all(decided.jobs, effects)

  effects:metric("EventsMapped", #decided.jobs, "Count", { Action = "job" })
  effects:metric("EventsMapped", decided.ignored, "Count", { Action = "ignore" })
  return { started = started, ignored = decided.ignored, duplicates = decided.duplicates }
end

return {
  name = "mapping",
  asks = "mapping",
  summary = "which jobs one event, or a batch of events, stands for",
  run = run,
}
