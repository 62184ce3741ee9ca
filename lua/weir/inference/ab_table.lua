-- The table of A/B tests: who answered each request, whether it failed, and how long it took.
--
--   settings(effects) → settings | false: AB_TEST_TABLE_NAME is not set; raises a failure
--   record(effects, settings, test_id, { variant =, is_error =, latency_ms =? })
--       → true | nil, message, code: it is not (yet) in the table
--   flush(effects, settings) → the same; what waits to be written, without a new outcome
--   read(effects, settings, test_id, from, to) → variants, notes | nil, message, code
--       of the window from ≤ time < to, in whole epoch seconds:
--       variants = { [name] = {
--         requests =,                  answered or failed
--         errors =,                    of them, failed
--         latencies = {                of the successes only
--           count =,                   those whose latency is known
--           sum =,                     milliseconds
--           buckets = { [i] = count }, of weir.stats.sketch(0.01); i = ceil(ln ms / ln g)
--         },
--         sketch =,                    the same as a weir.stats sketch
--       } }
--       notes = {
--         records =, sketches =,       items that were counted
--         open =,                      sketches that are not closed: they may still grow, or their
--                                      environment was killed
--         unreadable =,                items that were left out: nobody knows what they mean
--       }
--   keep(effects, settings, test_id, what, at, item[, condition]) → true | nil, message, code
--       something else about a test, such as an aggregation, in the same table; `at` in whole epoch
--       seconds, or 0 where there is only one; condition: { ConditionExpression =, … } of PutItem
--   kept(effects, settings, test_id, what, at) → item | false: there is none | nil, message, code
--
-- An item is a record of one request, with the attributes of the Python handlers (test_id,
-- timestamp, variant_name, latency_ms, is_error, ttl), or a sketch of one interval of one
-- environment (weir.inference.ab_sketches). Its time is the answer's, or the start of the interval:
-- a window holds it or not, and windows that meet count it once. Keys: weir.inference.ab_keys.
--
-- Reads are consistent, so a re-run answers the same, and a record that came late is found by the
-- next one. A write that is sent twice is one item.
local dynamodb = require "weir.aws.dynamodb"
local keys = require "weir.inference.ab_keys"
local pages = require "weir.aws.pages"
local process = require "weir.process"
local settings_of = require "weir.settings"
local sketches = require "weir.inference.ab_sketches"
local sorted_pairs = require "weir.sorted_pairs"
local try = require "weir.try"

local ab_table = {}

-- How long writing may take, all tries together: the inference is answered already.
local WRITE_MS = 2000
local PAUSE_US = 5000000
local LAST_SECOND = 253402300799 -- 9999-12-31T23:59:59Z

-- By the name of the table. Asked once in the life of an environment.
local shapes = {}
local paused_until_us = 0

-- For tests: forgets everything, as a new environment would.
function ab_table.forget()
  shapes, paused_until_us = {}, 0
  sketches.forget()
end

-- Settings ----------------------------------------------------------------------------------------

local READERS = {
  { "key", "ab_test_table_key", settings_of.choice },
  { "records", "ab_test_records", settings_of.choice },
  { "interval", "ab_test_interval_seconds", settings_of.integer },
  { "ttl_days", "result_ttl_days", settings_of.integer },
}

function ab_table.settings(effects)
  local name = try(settings_of.text(effects, "ab_test_table_name", ""))
  if name == "" then return false end

  local settings = { table = name }
  for _, reader in ipairs(READERS) do
    local member, setting, read = table.unpack(reader)
    settings[member] = try(read(effects, setting))
  end

  return settings
end

-- Requests ----------------------------------------------------------------------------------------

-- An inference that is answered must not be stopped while it is recorded.
local function write_ms()
  local deadline = process.deadline()
  if not deadline then return WRITE_MS end
  return math.min(WRITE_MS, math.max(1, (deadline - process.time()) * 3 // 4))
end

local function request(settings, operation, target, input)
  input.TableName = settings.table
  return { service = "dynamodb", operation = operation, target = target, input = input }
end

local ASK = "%s; allow dynamodb:DescribeTable on it, or set AB_TEST_TABLE_KEY to sharded or "
  .. "numbered"

local function shape_of(effects, settings)
  if settings.key ~= "auto" then return keys.shapes[settings.key] end
  if shapes[settings.table] then return shapes[settings.table] end

  local asked = request(settings, "DescribeTable", settings.table, {})
  asked.within_ms = write_ms()
  local output, message, code = effects:read(asked)
  if not output then
    if code == "Unknown" then return keys.shapes.sharded end -- a dry run
    return nil, code == "AccessDeniedException" and ASK:format(message) or message, code
  end

  local shape
  shape, message, code = keys.of_table(output.Table)
  if not shape then return nil, message, code end
  shapes[settings.table] = shape

  return shape
end

local function put(effects, settings, key, item, condition)
  for name, value in sorted_pairs(key) do item[name] = value end
  local input = { Item = item }
  for name, value in sorted_pairs(condition or {}) do input[name] = value end

  local asked = request(settings, "PutItem", settings.table, input)
  asked.within_ms = write_ms()
  local output, message, code, details = effects:call(asked)
  if output then return true end
  -- The table may have been replaced since.
  if code == "ValidationException" or code == "ResourceNotFoundException" then
    shapes[settings.table] = nil
  end

  return nil, message, code, details
end

-- Writing -----------------------------------------------------------------------------------------

local function now_us(effects) return effects:now() * 1000000 + process.time_us() % 1000000 end

local function ttl_of(settings, seconds) return seconds + settings.ttl_days * 86400 end

local RECORD = "expected ab_table.record(effects, settings, test_id, {variant=, is_error=, "
  .. "latency_ms=?})"

local function check_outcome(test_id, outcome)
  local fine = type(test_id) == "string" and test_id ~= "" and type(outcome) == "table"
    and type(outcome.variant) == "string" and type(outcome.is_error) == "boolean"
  if not fine then error(RECORD, 3) end
end

local function record_each(effects, settings, shape, test_id, outcome)
  local at_us = now_us(effects)
  local item = {
    test_id = test_id,
    timestamp = at_us / 1000000,
    variant_name = outcome.variant,
    is_error = outcome.is_error,
    latency_ms = sketches.is_latency(outcome.latency_ms) and outcome.latency_ms or nil,
    ttl = ttl_of(settings, at_us // 1000000),
  }

  return put(effects, settings, keys.new(shape, test_id, at_us, effects:uuid()), item)
end

local function write_sketch(effects, settings, shape, fold)
  local item = sketches.item(fold)
  item.test_id, item.timestamp = fold.test_id, fold.start
  item.ttl = ttl_of(settings, fold.start)

  return put(effects, settings, keys.new(shape, fold.test_id, fold.start * 1000000, fold.id, true),
    item)
end

-- After a failure the sketches wait in memory for a while: a table in trouble must not slow every
-- request down.
function ab_table.flush(effects, settings)
  local at_us = now_us(effects)
  local list, lost = sketches.due(at_us, settings.interval)
  if #list == 0 then return true end
  if at_us < paused_until_us and paused_until_us - at_us <= PAUSE_US then
    return nil, "the table failed a moment ago; its sketches wait in memory", "Paused"
  end

  local shape, message, code = shape_of(effects, settings)
  for i = 1, shape and #list or 0 do
    local written
    written, message, code = write_sketch(effects, settings, shape, list[i])
    if not written then break end
    sketches.written(list[i])
    message, code = nil, nil
  end

  if lost > 0 then
    return nil, ("%d requests of intervals that could not be written are lost"):format(lost),
      "RecordsLost"
  end

  if not message then return true end
  paused_until_us = at_us + PAUSE_US

  return nil, message, code
end

function ab_table.record(effects, settings, test_id, outcome)
  check_outcome(test_id, outcome)
  if settings.records == "sketches" then
    sketches.add(test_id, settings.interval, now_us(effects), outcome)
    return ab_table.flush(effects, settings)
  end

  local shape, message, code = shape_of(effects, settings)
  if not shape then return nil, message, code end
  return record_each(effects, settings, shape, test_id, outcome)
end

-- Reading -----------------------------------------------------------------------------------------

local function counts_of(variants, name)
  if not variants[name] then variants[name] = sketches.new_counts() end
  return variants[name]
end

local function add_sketch(variants, notes, item)
  local read = sketches.read(item)
  if not read then
    notes.unreadable = notes.unreadable + 1
    return
  end

  notes.sketches = notes.sketches + 1
  if item.open ~= false then notes.open = notes.open + 1 end
  for name, given in sorted_pairs(read) do
    local counts = counts_of(variants, name)
    counts.requests = counts.requests + given.requests
    counts.errors = counts.errors + given.errors
    counts.sum = counts.sum + given.sum
    counts.sketch:merge(given.sketch)
  end
end

-- A number that is more exact than a float comes as its text.
local function number(value)
  if type(value) == "userdata" then return tonumber(tostring(value)) end
  return value
end

local function add_record(variants, notes, item)
  local name = item.variant_name
  if name == nil then name = "unknown" end -- as Python counts it
  if type(name) ~= "string" or (item.is_error ~= nil and type(item.is_error) ~= "boolean") then
    notes.unreadable = notes.unreadable + 1
    return
  end

  notes.records = notes.records + 1
  sketches.count(counts_of(variants, name),
    { is_error = item.is_error or false, latency_ms = number(item.latency_ms) })
end

local function add(variants, notes, item)
  if item.record_type == "sketch" then
    add_sketch(variants, notes, item)
  elseif item.record_type == nil then
    add_record(variants, notes, item)
  end
end

local function answer(variants)
  for _, counts in sorted_pairs(variants) do
    counts.latencies = {
      count = counts.sketch:count(),
      sum = counts.sum,
      buckets = counts.sketch:buckets(),
    }

    counts.sum = nil
  end

  return variants
end

local READ = "expected ab_table.read(effects, settings, test_id, from, to), whole epoch seconds, "
  .. "from before to"

local function check_window(test_id, from, to)
  local fine = type(test_id) == "string" and test_id ~= "" and math.type(from) == "integer"
    and math.type(to) == "integer" and from >= 0 and from < to and to <= LAST_SECOND
  if not fine then error(READ, 3) end
end

-- Page by page: a window of a busy endpoint does not fit in a function's memory.
function ab_table.read(effects, settings, test_id, from, to)
  check_window(test_id, from, to)
  local shape, message, code = shape_of(effects, settings)
  if not shape then return nil, message, code end

  local variants, notes = {}, { records = 0, sketches = 0, open = 0, unreadable = 0 }
  for _, query in ipairs(keys.queries(shape, test_id, from, to)) do
    local ask = function(input)
      return effects:read(request(settings, query.operation, settings.table, input))
    end

    local operation = dynamodb.service.operations[query.operation]
    for page, why, problem in pages(operation, query.input, ask) do
      if not page then return nil, why, problem end
      for _, item in ipairs(page.Items or {}) do
        if keys.belongs(shape, item, test_id, from, to) then add(variants, notes, item) end
      end
    end
  end

  return answer(variants), notes
end

-- What else is kept -------------------------------------------------------------------------------

function ab_table.keep(effects, settings, test_id, what, at, item, condition)
  local shape, message, code = shape_of(effects, settings)
  if not shape then return nil, message, code end

  local whole = { record_type = what, ttl = ttl_of(settings, effects:now()) }
  for name, value in sorted_pairs(item) do whole[name] = value end
  return put(effects, settings, keys.kept(shape, test_id, what, at), whole, condition)
end

function ab_table.kept(effects, settings, test_id, what, at)
  local shape, message, code = shape_of(effects, settings)
  if not shape then return nil, message, code end

  local output
  output, message, code = effects:read(request(settings, "GetItem", settings.table,
    { Key = keys.kept(shape, test_id, what, at), ConsistentRead = true }))
  if not output then return nil, message, code end

  return output.Item or false
end

return ab_table
