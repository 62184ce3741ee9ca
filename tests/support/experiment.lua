-- An experiment on real parts and a simulated clock: the A/B table of deploy/ab-table.json in
-- dynalite, SageMaker, CloudWatch and EventBridge at the model-checked server, the real handler.
--
--   local trial = experiment.new { settings =, variants =, policies =, seed =, per_minute =, … }
--   trial:step()         five minutes of traffic into table and CloudWatch, then one run of the
--                        handler → report, as handlers.run gives it
--   trial:traffic(minutes), trial:compare(event)   each alone
--   trial:play(most, seen)   steps until a promotion or a rollback
--   trial:recording()    its decisions as a recording, the same for the same seed
--   trial.now            epoch seconds
--   trial:updates(), trial:events()   what SageMaker and EventBridge took; events with their detail
--   trial.decisions      the lines of the decision log
local ab_table = require "weir.inference.ab_table"
local cloud = require "support.aws"
local endpoints = require "support.endpoints"
local files = require "support.files"
local handlers = require "weir.handlers"
local http = require "weir.http"
local json = require "weir.json"
local policy_set = require "weir.policy_set"
local process = require "weir.process"

local experiment = { START = 1795435200, ENDPOINT = "endpoint-1" }
experiment.__index = experiment

local definition = assert(json.decode(files.read "deploy/ab-table.json"))
experiment.TABLE = definition.TableName

local function post(path, value)
  local response = assert(http.request { method = "POST", url = cloud.front.url .. "/__test/"
    .. path,
    body = json.encode(value), timeout_ms = 60000 })
  assert(response.status == 200, response.body)
  return assert(json.decode(response.body))
end

-- Tables ------------------------------------------------------------------------------------------

-- Every item of the table, in DynamoDB's JSON.
function experiment.items(name) return post("scan", { TableName = name or experiment.TABLE }) end

local db = cloud.client "dynamodb"

local function empty_table()
  if not db:describe_table { TableName = experiment.TABLE } then
    assert(db:create_table(definition))
    repeat
      local described = assert(db:describe_table { TableName = experiment.TABLE })
    until described.Table.TableStatus == "ACTIVE"
  end

  local deletes = {}
  for _, item in ipairs(experiment.items()) do
    local key = { test_shard = item.test_shard.S, time_id = item.time_id.S }
    deletes[#deletes + 1] = { DeleteRequest = { Key = key } }
  end

  assert(db:write_all(experiment.TABLE, deletes))
end

-- Effects -----------------------------------------------------------------------------------------

local function effects_for(self)
  local live = cloud.effects(function() return self.settings end)
  function live.now() return self.now end

  return live
end

local function variants_with(defaults, given)
  local variants = {}
  for name, variant in pairs(defaults) do variants[name] = variant end
  for name, change in pairs(given or {}) do
    local variant = {}
    for key, value in pairs(variants[name] or {}) do variant[key] = value end
    for key, value in pairs(change) do variant[key] = value end
    variants[name] = variant
  end

  return variants
end

local DEFAULTS = {
  old = { weight = 1, median_ms = 50, sigma = 0.3, error_rate = 0.001 },
  new = { weight = 0, median_ms = 50, sigma = 0.3, error_rate = 0.001, package = "arn:package/2",
    approval = "Approved" },
}

function experiment.new(given)
  local self = setmetatable({
    endpoint = given.endpoint or experiment.ENDPOINT,
    now = given.start or experiment.START,
    per_minute = given.per_minute or 600,
    decisions = {},
  }, experiment)
  cloud.reset()
  ab_table.forget()
  empty_table()
  cloud.reset()

  self.settings = { endpoint_name = self.endpoint, ab_test_table_name = experiment.TABLE,
    promotion = "act",
    ab_test_records = "sketches", late_seconds = "300" }
  for name, value in pairs(given.settings or {}) do self.settings[name] = value or nil end
  self.set = given.set or assert(policy_set.load(given.policies or "policies",
    { params = given.params }))
  endpoints.now(self.now)
  endpoints.make { [self.endpoint] = { seed = given.seed or 1,
    update_seconds = given.update_seconds or 90,
    modified = math.min(self.now, experiment.START) - 3600,
    variants = variants_with(DEFAULTS, given.variants) } }
  self.effects = effects_for(self)
  self.table = assert(ab_table.settings(self.effects))

  return self
end

-- A clock -----------------------------------------------------------------------------------------

-- What the clients of a minute saw goes into the table, as realtime_inference does it.
function experiment:record(minute)
  self.now = minute.from
  local function record(is_error, latency_ms)
    assert(ab_table.record(self.effects, self.table, self.endpoint,
      { variant = minute.variant, is_error = is_error, latency_ms = latency_ms }))
  end

  for _ = 1, minute.errors do record(true) end
  for _, latency in ipairs(minute.latencies) do record(false, latency) end
end

function experiment:traffic(minutes)
  local from = self.now - self.now % 60
  for _, minute in ipairs(endpoints.traffic(self.endpoint, from, from + 60 * minutes,
    self.per_minute)) do
    if not self.records_lost then self:record(minute) end
  end

  self:wait(from + 60 * minutes - self.now)
  assert(ab_table.flush(self.effects, self.table))
end

function experiment:wait(seconds)
  self.now = self.now + seconds
  endpoints.now(self.now)
end

function experiment:compare(event)
  self.effects.plan, self.effects.metrics, self.effects.failures = {}, {}, {}
  return handlers.run(handlers.find "inference_comparison", event or {}, self.set, self.effects,
    { log = function(line)
      self.decisions[#self.decisions + 1] = line
      return true
    end, request_id = "request-" .. #self.decisions })
end

-- The schedule comes a few seconds after the window.
function experiment:step(event)
  self:traffic(5)
  self:wait(5)
  local report = self:compare(event)
  self:wait(-5)

  return report
end

-- Steps until a decision other than `hold` and `ramp` was carried out, or `most` steps.
-- seen(result) sees each. → the last result
function experiment:play(most, seen)
  local assert = require "luassert"
  for _ = 1, most do
    local report = self:step()
    assert.is_nil(report.error and ("%s: %s"):format(report.error.code, report.error.message))
    local result = report.result
    if seen then seen(result, self) end
    if result.action == "promote" or result.action == "rollback" then return result end
  end
end

-- The decisions as a recording that says the simulated time, the same for the same seed.
function experiment:recording()
  local lines = {}
  for i, line in ipairs(self.decisions) do
    local decision = assert(json.decode(line))
    lines[i] = assert(self.set:record("promotion",
      json.encode(decision.facts, { ascii = true, sort = true }), {
      id = ("%s-%06d"):format(self.endpoint, i),
      time = process.timestamp(decision.facts.now * 1000),
      request_id = ("look-%06d"):format(i), eval_us = 0 }))
  end

  return table.concat(lines, "\n") .. "\n"
end

function experiment.updates() return endpoints.updates() end

function experiment.events()
  local events = endpoints.events()
  for _, event in ipairs(events) do event.Detail = assert(json.decode(event.Detail)) end
  return events
end

-- The share that each variant serves now.
function experiment:shares()
  local shares = {}
  local described =
    assert(cloud.client("sagemaker"):describe_endpoint { EndpointName = self.endpoint })
  for _, variant in ipairs(described.ProductionVariants) do
    shares[variant.VariantName] = variant.CurrentWeight
  end

  return shares
end

return experiment
