-- Handler `mapping`: one event, or a batch of them, each to the work it stands for. Each job is
-- started as one execution of the state machine of the setting `state_machine`, under a name that
-- follows from its idempotency key: the same work twice is one execution.
--
-- Batches are taken apart first: a JSON array, S3 notifications ("Records"), SQS messages (the
-- event is in each record's "body"), and listings ("Contents" of a "bucket").
local json = require "weir.json"
local redact = require "weir.redact"
local sha256 = require "weir.sha256"

-- SQS in SNS in S3 is three; an event that holds more is none of ours.
local MAX_NESTING = 4

local function invalid(message, ...) return nil, message:format(...), "InvalidEvent" end

local split

local function split_each(list, wrap, depth, into)
  for i, item in ipairs(list) do
    local event, message, code = wrap(item, i)
    if event == nil then return nil, message, code end
    local ok
    ok, message, code = split(event, depth + 1, into)
    if not ok then return nil, message, code end
  end
  return true
end

local function from_record(record, i)
  if type(record) ~= "table" then return invalid("Records[%d] is not an object", i - 1) end
  if record.eventSource == "aws:sqs" then
    if type(record.body) ~= "string" then return invalid("Records[%d] of SQS has no body", i - 1) end
    local event, message = json.decode(record.body, { secrets = true })
    if event == nil then return invalid("the body of Records[%d] is no JSON: %s", i - 1, message) end
    return event
  end
  return record
end

local function from_listing(listing)
  return function(object, i)
    if type(object) ~= "table" then return invalid("Contents[%d] is not an object", i - 1) end
    return {
      source = "weir.listing", bucket = listing.bucket or listing.Name, volume = listing.volume,
      encoding = listing.EncodingType, object = object,
    }
  end
end

local function is_list(value) return type(value) == "table" and json.is_array(value) end

function split(event, depth, into)
  if depth > MAX_NESTING then return invalid("events are nested more than %d deep", MAX_NESTING) end
  if is_list(event) then return split_each(event, function(item) return item end, depth, into) end
  if type(event) ~= "table" then return invalid("an event must be a JSON object") end
  if is_list(event.Records) then return split_each(event.Records, from_record, depth, into) end
  if is_list(event.Contents) then return split_each(event.Contents, from_listing(event), depth, into) end
  into[#into + 1] = event
  return true
end

-- 80 characters at most, of the ones Step Functions allows; readable in front, unique behind.
local function execution_name(job)
  return ("%s-%s"):format(job.work, sha256.hex(job.idempotency_key):sub(1, 40))
end

-- Every event is decided before anything is started: a batch whose third event fails is retried
-- as a whole, and must not have half happened.
local function decide_all(events, ask)
  local decided, seen = { jobs = {}, ignored = 0, duplicates = 0 }, {}
  for i, event in ipairs(events) do
    local volume = type(event.volume) == "string" and event.volume or nil
    -- Facts are logged: a task token that came with the event must not be among them.
    local decision, message, code = ask("mapping", { event = redact.members(event), volume = volume })
    if not decision then return nil, ("event %d of %d: %s"):format(i, #events, message), code end
    local job = decision.fields
    if decision.action ~= "job" then
      decided.ignored = decided.ignored + 1
    elseif seen[job.idempotency_key] then
      decided.duplicates = decided.duplicates + 1
    else
      seen[job.idempotency_key] = true
      decided.jobs[#decided.jobs + 1] = job
    end
  end
  return decided
end

local function start(job, state_machine, effects)
  local input = {}
  for name, value in pairs(job) do
    if name ~= "action" then input[name] = value end
  end
  local name = execution_name(job)
  local answer, message, code = effects:call {
    service = "stepfunctions", operation = "StartExecution", target = state_machine,
    input = { stateMachineArn = state_machine, name = name, input = json.encode(input) },
  }
  -- The same job was started before: that is what the name is for.
  if not answer and code == "ExecutionAlreadyExists" then return { name = name, already_started = true } end
  if not answer then return nil, message, code end
  return { name = name, execution = answer.executionArn, idempotency_key = job.idempotency_key }
end

local function start_all(jobs, effects)
  local started = json.array({})
  if #jobs == 0 then return started end
  local state_machine, message, code = effects:setting("state_machine")
  if not state_machine then
    if not effects.dry then return nil, message, code end
    state_machine = "(state_machine is not set)"
  end
  for i, job in ipairs(jobs) do
    local execution, why, problem = start(job, state_machine, effects)
    if not execution then return nil, why, problem end
    started[i] = execution
  end
  return started
end

local function run(event, ask, effects)
  local events = {}
  local ok, message, code = split(event, 1, events)
  if not ok then return nil, message, code end
  local decided
  decided, message, code = decide_all(events, ask)
  if not decided then return nil, message, code end
  local started
  started, message, code = start_all(decided.jobs, effects)
  if not started then return nil, message, code end
  effects:metric("EventsMapped", #decided.jobs, "Count", { Action = "job" })
  effects:metric("EventsMapped", decided.ignored, "Count", { Action = "ignore" })
  return { started = started, ignored = decided.ignored, duplicates = decided.duplicates }
end

return { name = "mapping", asks = "mapping", run = run,
  summary = "which jobs one event, or a batch of events, stands for" }
