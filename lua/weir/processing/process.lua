-- One job of an object, once: claimed, read, given to its pipeline, its documents written, the
-- claim finished. Handlers event_processor and reconcile do it.
--
--   process.run(job, { ask =, effects =, mode =, delivered_ms =? }) → result; raises failures
--
-- job: bucket, key, work, and source, etag, size, sequencer, time where they are known.
-- The result's status is what the pipeline says (SUCCESS, MANUAL_REVIEW), or
--   IGNORED     it is a document that was written here
--   SKIPPED     the trigger mode does not act on jobs of this source
--   SUPERSEDED  the object has, or had, a newer state, which is another job
--   VANISHED    the object is gone
-- with duplicate = true where it was done before. `stages` says when, in epoch milliseconds, the
-- object was written, the job delivered, the work started, the decision made and the documents
-- written; what is not known is absent.
--
-- Codes: "ClaimBusy" (somebody is at it: try again), those of the pipeline, and those of the
-- services. A failure that the same bytes will always have is kept in the claim and answered again.
local claims = require "weir.events.claims"
local json = require "weir.json"
local output = require "weir.processing.output"
local pipelines = require "weir.processing.pipelines"
local python = require "weir.callback.python"
local runtime_process = require "weir.process"
local settings = require "weir.settings"
local source_object = require "weir.processing.source_object"
local trigger_mode = require "weir.events.trigger_mode"
local try = require "weir.try"

local process = {}

local function output_prefix(effects)
  return (effects:setting("output_prefix", "results/"):gsub("/*$", "/"):gsub("^/$", ""))
end

-- Of two pipelines' documents of one object none may have the key of another: a pipeline of the
-- organisation's own has its name before a dot, which no document's name has.
local function place_of(effects, way, work)
  local begin = work ~= "object" and work .. "." or ""
  return {
    bucket = try(settings.needed(effects, "output_bucket")),
    prefix = ("%s%s/%s"):format(output_prefix(effects), way, begin),
  }
end

-- What was written here must not come round as work, whatever the mapping policy says.
local function is_output(job, effects)
  local prefix = output_prefix(effects)
  if prefix == "" or effects:setting("output_bucket", "") ~= job.bucket then return false end
  for _, way in ipairs { "events", "polling" } do
    local place = ("%s%s/"):format(prefix, way)
    if job.key:sub(1, #place) == place then return true end
  end

  return false
end

-- The object's state, where the job does not tell it: job, or nil where it is gone. A size without
-- an ETag is of another time, as that of a file that is still being written.
local function with_state(job, effects)
  if job.etag then return job end

  local state, message, code = source_object.state(job, effects)
  if state == nil and effects.dry and code == "Unknown" then state = { etag = "unknown" } end
  if state == nil then try.fail(message, code) end
  if not state then return nil end

  local known = {}
  for name, value in pairs(job) do -- any order: copies one key at a time
    known[name] = value
  end

  known.etag, known.size = state.etag, state.size

  return known
end

-- The Python handler had no claims. Who changes nothing but the runtime has no table for them.
local function claims_for(context, way)
  local effects = context.effects
  if effects:setting("claims_table", "") == "" and python.is_wanted(effects) then return nil end
  return claims.from_settings(effects, {
    way = way,
    mode = context.mode,
    current = function(job) return source_object.current_etag(job, effects) end,
  })
end

local function text(value) return value and tostring(value) or nil end

-- What may differ between the ways is beside the content, not in it.
local function metadata_of(context, way, stages)
  return {
    ["trigger-mode"] = context.mode,
    way = way,
    ["written-ms"] = text(stages.written),
    ["delivered-ms"] = text(stages.delivered),
    ["started-ms"] = text(stages.started),
    ["decided-ms"] = text(stages.decided),
  }
end

-- Functions, numbers that JSON has not, tables in themselves: what cannot be written.
local function is_writable(value)
  return type(value) == "table" and (pcall(json.encode, value))
end

-- A result that says `error` would fail each further delivery.
local function is_result(result)
  local status = type(result) == "table" and result.status
  return type(status) == "string" and status ~= "" and status ~= "FAILED"
    and result.error == nil and is_writable(result)
end

local function is_made(made)
  if type(made) ~= "table" or type(made.documents) ~= "table" then return false end
  if not is_result(made.result) then return false end

  for name, content in pairs(made.documents) do -- any order: each is looked at by itself
    local is_word = type(name) == "string" and name:find("^%w[%w_%-]*$")
    if not is_word or type(content) ~= "string" and not is_writable(content) then return false end
  end

  return true
end

-- What the pipeline made of the object. Operators write pipelines: a mistake in one is a failure of
-- the object, which gives its claim back, and others go on.
local function run_pipeline(pipeline, job, object, context)
  local ok, made, message, code = pcall(try.call, pipeline.run, object, context.ask,
    context.effects)
  if not ok then
    try.fail(("the pipeline '%s' ended in an error: %s"):format(job.work, made), "PipelineError")
  end

  if made == nil and message then try.fail(message, code) end
  if is_made(made) then return made end
  try.fail(("the pipeline '%s' must return { documents = { word = table or text }, "
    .. "result = { status = text } }; a failure is raised with weir.try, not answered as the "
    .. "status FAILED or an error"):format(job.work), "PipelineError")
end

-- → the result | { gone = true, etag = that the object has instead }
--   | { lost = true }: the claim is another's. is_mine() says whether it is still this one's.
local function work(job, pipeline, context, way, stages, is_mine)
  local object, other, code = source_object.read(job, context.effects)
  if object == nil then try.fail(other, code) end
  if not object then return { gone = true, etag = other or nil } end
  stages.written = object.written_ms

  local made = run_pipeline(pipeline, job, object, context)
  if not is_mine() then return { lost = true } end
  stages.decided = math.tointeger(made.decided_ms)
  local result = made.result
  result.documents = try(output.write(context.effects, place_of(context.effects, way, job.work),
    object, made.documents, metadata_of(context, way, stages)))

  stages.processed = runtime_process.time()
  result.key, result.etag, result.size, result.way = job.key, job.etag, object.size, way
  result.trigger_mode, result.stages = context.mode, stages

  return result
end

local function gone(job, etag)
  if not etag then return { status = "VANISHED", key = job.key, etag = job.etag } end
  return { status = "SUPERSEDED", key = job.key, etag = job.etag, by = etag }
end

-- What to answer of a state that is not to be had.
local function answer(job, standing)
  if standing.status == "superseded" then return gone(job, standing.etag) end
  if standing.status == "busy" then
    try.fail(("%s is being processed, until %s at most; try again after that"):format(job.key,
      runtime_process.timestamp(standing.lease_until * 1000)), "ClaimBusy")
  end

  local result = standing.result
  if result.error then try.fail(result.message, result.error) end
  result.duplicate = true

  return result
end

local function finish(owner, claim, job, result)
  if not result.lost and try(owner:finish(claim, result)) then
    result.attempts = claim.attempts
    return result
  end

  local standing = try(owner:look(job))
  if standing then return answer(job, standing) end

  try.fail(("the claim of %s was taken over, and given back unfinished; try again"):format(job.key),
    "ClaimBusy")
end

local function settle_failure(owner, claim, pipeline, message, code)
  if (pipeline.FINAL or {})[code] then
    try(owner:finish(claim, { status = "FAILED", error = code, message = message }))
  else
    owner:release(claim)
  end

  try.fail(message, code)
end

local function run_once(owner, job, pipeline, context, way, stages)
  local claim, standing, code = owner:take(job)
  if claim == nil then try.fail(standing, code) end
  if not claim then return answer(job, standing) end

  local result, message
  result, message, code = try.call(work, job, pipeline, context, way, stages,
    function() return try(owner:holds(claim)) end)
  if not result then settle_failure(owner, claim, pipeline, message, code) end
  if not result.gone then return finish(owner, claim, job, result) end

  try(owner:release(claim, not result.etag))
  return gone(job, result.etag)
end

function process.run(job, context)
  local stages = { started = runtime_process.time(), delivered = context.delivered_ms }
  local way = trigger_mode.way(context.mode, job.source)
  if not way then
    return { status = "SKIPPED", key = job.key, because = "the trigger mode is " .. context.mode }
  end

  if is_output(job, context.effects) then
    return { status = "IGNORED", key = job.key, because = "it is a document of this function" }
  end

  local pipeline = try(pipelines.find(job.work))
  local known = with_state(job, context.effects)
  if not known then return gone(job) end

  local owner = claims_for(context, way)
  if owner then return run_once(owner, known, pipeline, context, way, stages) end
  local result = work(known, pipeline, context, way, stages, function() return true end)

  return result.gone and gone(known, result.etag) or result
end

return process
