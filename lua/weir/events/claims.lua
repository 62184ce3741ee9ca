-- Claims: each state of an object is processed once, whichever way it is heard of, however often
-- and in whatever order.
--
-- A state is bucket (or volume), key and ETag. The table (deploy/claims-table.json) has one item
-- for each object and pipeline: its newest state, and what each way has done about it.
--
--   { object = "bucket/key", etag =, sequencer =, last_modified =, revision =, ways = {
--       events = { mode =, status = "working" | "finished" | "released", owner =, lease_until =,
--                  attempts =, duplicates =, finished_at =, result = (JSON), gone = (true: the
--                  object is not there any more) }, polling = { the same } } }
--
-- Its object is "work:NAME/bucket/key" where the pipeline is not `object`.
-- Times are in epoch seconds, last_modified in milliseconds. Every write is conditional on the
-- revision that was read: whoever comes second reads again and decides again.
--
--   claims:take(job)    → claim { owner =, attempts =, … } | false, standing | nil, message, code
--                         job: bucket or volume, key, etag; work, sequencer, time where they are
--                         known
--                         standing: { status = "finished", result =, way = }
--                           | { status = "busy", lease_until = }
--                           | { status = "superseded", etag = (of the newer state) }
--   claims:holds(claim)  → whether it is still this owner's | nil, message, code
--   claims:finish(claim, result)   → true | false (another took it, or a newer state) | nil, …
--   claims:release(claim, is_gone)   the same; the next one need not wait for the lease.
--                         is_gone: it was released because there is no object any more
--
-- * States are ordered by their sequencers, else by their times where a listing told both. Two that
--   have no such order are settled by the object itself: the state it has now is the newer one.
-- * A newer state takes the item whoever works on the older one, whose finish is then refused.
-- * A lease that ran out is taken over. It ends with the invocation, so that a slow owner and the
--   next one are never at work together.
-- * What one way finished, or is at, while it ran alone counts for the other. What it does in the
--   mode `parallel` does not: there each way does everything once.
local claim_record = require "weir.events.claim_record"
local item_key = require "weir.events.item_key"
local json = require "weir.json"
local process = require "weir.process"
local settings = require "weir.settings"
local state_order = require "weir.events.state_order"
local try = require "weir.try"

local claims = {}

local Claims = {}
Claims.__index = Claims

local LEASE_SECONDS = 900

-- A record that changes so often between reading and writing is a failure of the table.
local ROUNDS = 20

-- new(effects, { table =, way = "events" | "polling", mode =, current =, lease_seconds =? })
-- current(job) → the ETag that the object has now, false where it is gone | nil, message, code
-- mode: see weir.events.trigger_mode
function claims.new(effects, given)
  return setmetatable({
    effects = effects,
    table = given.table,
    way = given.way,
    mode = given.mode,
    lease_seconds = given.lease_seconds,
    current = given.current,
    owner = effects:uuid(),
  }, Claims)
end

-- from_settings(effects, given) → claims, or raises a failure (weir.try). The table is the setting
-- `claims_table`.
function claims.from_settings(effects, given)
  local lease = try(settings.integer(effects, "claim_lease_seconds"))
  return claims.new(effects, {
    table = try(settings.needed(effects, "claims_table")),
    way = given.way,
    mode = given.mode,
    current = given.current,
    lease_seconds = lease > 0 and lease or nil,
  })
end

-- The key of an object's item: a pipeline of the organisation's own has items of its own, with a
-- name that no bucket has.
function claims.id(job)
  local is_own = job.work ~= nil and job.work ~= "object"
  return item_key(is_own and ("work:%s/"):format(job.work) or "",
    ("%s/%s"):format(job.bucket or "volume:" .. job.volume, job.key))
end

-- "free" | "same" | "newer" | "older": what the job's state is to the record | nil, message, code
local function relation(self, record, job)
  if not record then return "free" end
  if record.etag == job.etag then return "same" end

  local order = state_order.compare(state_order.of(job), record)
  if order and order ~= 0 then return order > 0 and "newer" or "older" end

  local etag, message, code = self.current(job)
  if etag == nil then return nil, message, code end
  return etag == job.etag and "newer" or "older"
end

-- The table -----------------------------------------------------------------------------------

local function request(self, operation, id, input)
  input.TableName = self.table
  return { service = "dynamodb", operation = operation, target = id, input = input }
end

-- The record, false where there is none | nil, message, code. A dry run knows of none.
local function read(self, id)
  local output, message, code = self.effects:read(request(self, "GetItem", id,
    { Key = { object = id }, ConsistentRead = true }))
  if output and output.Item == nil then return false end
  if output then return claim_record.check(output.Item) end
  if self.effects.dry and code == "Unknown" then return false end

  return nil, message, code
end

-- Writes a record over the revision before it: true | false, the record that is there instead |
-- nil, message, code
local function write(self, record)
  local seen = record.revision > 1 and record.revision - 1 or nil
  local output, message, code, details = self.effects:call(request(self, "PutItem", record.object, {
    Item = record,
    ConditionExpression = seen and "revision = :seen" or "attribute_not_exists(revision)",
    ExpressionAttributeValues = seen and { [":seen"] = seen } or nil,
    ReturnValuesOnConditionCheckFailure = "ALL_OLD",
  }))

  if output then return true end
  if code ~= "ConditionalCheckFailedException" then return nil, message, code end

  local held = details and details.fields and details.fields.Item
  if type(held) == "table" then
    held, message, code = claim_record.check(held)
  else
    held, message, code = read(self, record.object)
  end

  if held == nil then return nil, message, code end

  return false, held
end

local function copy(fields)
  local result = {}
  for name, value in pairs(fields) do -- any order: copies one key at a time
    result[name] = type(value) == "table" and copy(value) or value
  end

  return result
end

-- A copy of the record with the next revision: the record itself must not change before the write
-- succeeds.
local function next_of(record)
  local new = copy(record)
  new.revision = record.revision + 1
  return new
end

-- Decides and writes, again and again while somebody else is faster. record: the one that is
-- expected, false for none. Most objects are new, and need one write and no read. decide(record) →
-- record to write, or nil, and the answer
local function change(self, id, record, decide)
  local message, code
  for _ = 1, ROUNDS do
    local new, first, second, third = decide(record)
    if not new then return first, second, third end

    local written
    written, record, code = write(self, new)
    if written then return first, second, third end
    message = record
    if written == nil then return nil, message, code end
  end

  return nil, ("the claim of %s in table %s was changed by others %d times in a row"):format(id,
    self.table, ROUNDS), "ClaimContended"
end

-- Standings -----------------------------------------------------------------------------------

local OTHER = { events = "polling", polling = "events" }

-- The ways that count for this one: its own, and of the other one what it did while it ran alone.
local function counted(self, record)
  local other = OTHER[self.way]
  local part = record.ways[other]
  if part and part.mode ~= "parallel" then return { self.way, other } end

  return { self.way }
end

-- The standing of the state: finished, or busy with somebody else; nil where it is free.
local function standing_of(self, record, now)
  local ways = counted(self, record)
  for _, way in ipairs(ways) do
    local part = record.ways[way]
    if part and part.status == "finished" then
      return { status = "finished", result = json.decode(part.result), way = way }
    end
  end

  for _, way in ipairs(ways) do
    local part = record.ways[way]
    if part and part.status == "working" and part.lease_until > now then
      return { status = "busy", lease_until = part.lease_until, owner = part.owner }
    end
  end
end

local function lease_end(self, now)
  if self.lease_seconds then return now + self.lease_seconds end
  local deadline = process.deadline()
  return deadline and deadline // 1000 + 1 or now + LEASE_SECONDS
end

local function claim_of(record, part)
  return {
    object = record.object,
    etag = record.etag,
    owner = part.owner,
    attempts = part.attempts,
    lease_until = part.lease_until,
    record = record,
  }
end

local function begin(self, record, job, now)
  state_order.merge(record, state_order.of(job))
  local own = record.ways[self.way]
  record.ways[self.way] = {
    mode = self.mode,
    status = "working",
    owner = self.owner,
    lease_until = lease_end(self, now),
    attempts = (own and own.attempts or 0) + 1,
    duplicates = own and own.duplicates or 0,
  }

  return record, claim_of(record, record.ways[self.way])
end

-- Counts one more delivery of a state that is finished.
local function note_duplicate(record, job, standing)
  local new = next_of(record)
  local part = new.ways[standing.way]
  part.duplicates = (part.duplicates or 0) + 1
  state_order.merge(new, state_order.of(job))

  return new, false, standing
end

local function decide_take(self, job, id, record)
  local now = self.effects:now()
  local related, message, code = relation(self, record, job)
  if not related then return nil, nil, message, code end
  if related == "older" then
    return nil, false, { status = "superseded", etag = record.etag }
  end

  if related ~= "same" then
    local seen = record and record.revision or 0
    record = { object = id, etag = job.etag, revision = seen, ways = {} }
  end

  local standing = standing_of(self, record, now)
  if standing and standing.status == "finished" then
    return note_duplicate(record, job, standing)
  end

  -- The claim is its own already: the reply to its write was lost.
  if standing and standing.owner == self.owner then
    return nil, claim_of(record, record.ways[self.way])
  end

  if standing then return nil, false, standing end

  return begin(self, next_of(record), job, now)
end

function Claims:take(job)
  local id = claims.id(job)
  return change(self, id, false, function(record) return decide_take(self, job, id, record) end)
end

-- look(job) → the standing of the job's state, false where it is free | nil, message, code. Changes
-- nothing.
function Claims:look(job)
  local record, message, code = read(self, claims.id(job))
  if record == nil then return nil, message, code end

  local related
  related, message, code = relation(self, record, job)
  if not related then return nil, message, code end
  if related == "older" then return { status = "superseded", etag = record.etag } end
  if related ~= "same" then return false end

  return standing_of(self, record, self.effects:now()) or false
end

-- What the claim's owner has in the record; nil where another has it, or a newer state.
local function own_part(self, claim, record)
  local part = record and record.etag == claim.etag and record.ways[self.way]
  return part and part.owner == claim.owner and part or nil
end

-- A dry run has no claim in the table.
function Claims:holds(claim)
  if self.effects.dry then return true end
  local record, message, code = read(self, claim.object)
  if record == nil then return nil, message, code end

  return own_part(self, claim, record) ~= nil
end

-- Ends a claim. A record that this owner already ended is its own write, whose reply was lost.
local function settle(self, claim, status, update)
  return change(self, claim.object, claim.record, function(record)
    local own = own_part(self, claim, record)
    if not own then return nil, false end
    if own.status == status then return nil, true end

    local new = next_of(record)
    own = new.ways[self.way]
    own.status = status
    update(own)

    return new, true
  end)
end

function Claims:finish(claim, result)
  return settle(self, claim, "finished", function(own)
    own.finished_at, own.result = self.effects:now(), json.encode(result)
  end)
end

function Claims:release(claim, is_gone)
  return settle(self, claim, "released", function(own)
    own.lease_until, own.gone = 0, is_gone or nil
  end)
end

return claims
