-- Every function of every binding, called with something wrong in each place: each argument and
-- each option by each type that it does not take, unknown keys. All of it
-- raises and quotes the expected call. The list below must name every function there is.
local emf = require("weir.emf")
local files = require("weir.files")
local json = require("weir.json")
local pattern = require("weir.pattern")
local policy_folder = require("support.policy_folder")
local recording = require("weir.recording")
local secret = require("weir.secret")

local stats = require("weir.stats")

local has_emulator, emulator = pcall(require, "weir.emulator")

-- A sample of each type, and what it is taken for: text that looks like a number is not a number.
local SAMPLES = {
  { "nothing", nil }, { "boolean", true }, { "number", 1 }, { "text", "1" }, { "text", "x" },
  { "table", {} }, { "function", print }, { "thread", coroutine.create(print) },
  { "userdata", io.stdout }, { "null", json.null }, { "secret", secret.wrap("x") },
}

local has_simulate = pcall(require, "weir.simulate")
local SCENARIO = {}
if has_simulate then
  for _, field in ipairs(require("weir.simulate.scenario").fields) do
    SCENARIO[field.name] = "number"
  end
end

local function simulated()
  if not has_simulate then return {} end
  local scenario = require("weir.simulate.scenario").built_in()[1].settings
  scenario.days = 0.02

  return scenario
end

local function promotion_set()
  return policy_folder.load { ["promotion.lua"] = "return policy { kind = 'promotion',"
    .. " decide = function(facts) return hold { because = 'x', needs = 'y' } end }" }
end

local function new_trial() return stats.trial {} end

local ROUTING = [[
return policy { kind = "routing", decide = function(facts) return batch { because = "x" } end }
]]

local CREDENTIALS = {
  access_key_id = "text|secret|nothing", secret_access_key = "text|secret|nothing",
  session_token = "text|secret|nothing", expiration = "any", source = "any",
}
local SIGNED = {
  method = "text|nothing", url = "text|secret|nothing", service = "text|nothing",
  region = "text|nothing", headers = "table|nothing", body = "text|secret|nothing",
  payload_hash = "text|nothing", time = "number|text|nothing", expires = "number|nothing",
  content_sha256 = "boolean|nothing", credentials = CREDENTIALS,
}
local RECORD = {
  id = "text|nothing", time = "text|nothing", request_id = "text|nothing",
  redacted_json = "text|nothing", eval_us = "number|nothing",
}

local function request()
  return {
    url = "http://127.0.0.1:1/", method = "GET", headers = { a = "b" }, timeout_ms = 1000,
    direct = true,
  }
end

local function signed()
  return {
    method = "GET", url = "https://a.amazonaws.com/", service = "s3", region = "us-east-1",
    credentials = { access_key_id = "a", secret_access_key = "b" },
  }
end

local function emulated()
  return {
    program = "/bin/true", argv0 = "bootstrap", handler = "", function_name = "f", task_root = "/",
    layer = "/", variables = { "A=b" }, qualifiers = {}, port = 0, timeout_s = 3, memory_mb = 128,
    concurrency = 1, managed = 0, json_logs = false, json_events = false,
  }
end

-- `takes` says what each argument may be; a table there stands for options. `good` is a call of
-- that shape, `self` makes what a method belongs to, `uncalled` leaves the good call out.
local set, file, recorded, writer, collector, series, matcher, patterns, host
local CALLS = {
  ["weir.body.json"] = { takes = { "any" }, good = { { a = 1 } } },
  ["weir.body.raw"] = { takes = { "text|secret" }, good = { "{}" } },
  ["weir.body.form"] = { takes = { "table" }, good = { { a = "b" } } },
  ["weir.build.describe"] = { takes = {}, good = {} },
  ["weir.bytes.crc32"] = { takes = { "text|secret" }, good = { "x" } },
  ["weir.bytes.base64"] = { takes = { "text" }, good = { "x" } },
  ["weir.command.run"] = {
    takes = {
      { argv = "table", timeout_ms = "number|nothing", max_output_bytes = "number|nothing" },
    },
    good = { { argv = { "true" } } },
  },
  ["weir.datagram.send"] = { takes = { "text", "text" }, good = { "127.0.0.1:9", "x" } },
  ["weir.dynamodb.encode"] = { takes = { "table" }, good = { { a = 1 } } },
  ["weir.dynamodb.size"] = { takes = { "table" }, good = { { a = 1 } } },
  ["weir.dynamodb.decode"] = {
    takes = { "text", { secret = "table|nothing", optional = true } },
    good = { "{}", { secret = { "a" } } },
  },
  ["weir.dynamodb.decode_reply"] = {
    takes = { "text|secret", { secret = "table|nothing", optional = true } },
    good = { "{}", { secret = { "a" } } },
  },
  ["weir.dynamodb.number"] = { takes = { "text|number" }, good = { "1" } },
  ["weir.dynamodb.binary"] = { takes = { "text" }, good = { "x" } },
  ["weir.dynamodb.set"] = { takes = { "table" }, good = { { "a" } } },
  ["weir.dynamodb.list"] = { takes = { "table" }, good = { {} } },
  ["weir.emf.new"] = {
    takes = { {
      namespace = "text", dimensions = "table|nothing", properties = "table|nothing",
      timestamp = "number|nothing",
    } },
    good = { { namespace = "n" } },
  },
  ["weir.emf.writer:metric"] = {
    self = function() return writer end,
    takes = { "text", "number|table", "text|nothing", "number|nothing" },
    good = { "m", 1, "Count", 60 },
  },
  ["weir.emf.writer:flush"] = {
    self = function() return writer end, takes = { "number|userdata|nothing" }, uncalled = true,
    good = { 1 },
  },
  ["weir.emf.collector"] = {
    takes = { { namespace = "text", dimensions = "table", properties = "table" } },
    good = { { namespace = "n", dimensions = {}, properties = {} } },
  },
  ["weir.emf.collector:add"] = {
    self = function() return collector end, takes = { "text", "number", "text", "table" },
    good = { "m", 1, "Count", {} },
  },
  ["weir.emf.collector:again"] = {
    self = function() return collector end, takes = { "any", "any", "any", "any" },
    good = { "m", 1, "Count", {} },
  },
  ["weir.emf.collector:series"] = {
    self = function() return collector end, takes = { "table" },
    good = { { { name = "s", unit = "Count", dimensions = {} } } },
  },
  ["weir.emf.series:add"] = {
    self = function() return series end, takes = { "number|nothing" }, good = { 1 },
  },
  ["weir.emf.collector:lines"] = {
    self = function() return collector end, takes = { "text|nothing", "text|nothing" },
    good = { "{}" },
  },
  ["weir.emulator.open"] = {
    takes = { {
      program = "text", argv0 = "text", handler = "text", function_name = "text",
      task_root = "text", layer = "text", variables = "table", qualifiers = "table",
      port = "number",
      timeout_s = "number", memory_mb = "number", concurrency = "number", managed = "number",
      json_logs = "boolean", json_events = "boolean",
    } },
    good = { emulated() },
  },
  ["weir.emulator:port"] = { self = function() return host end, takes = {}, good = {} },
  ["weir.emulator:run"] = {
    self = function() return host end, takes = {}, good = {}, uncalled = true,
  },
  ["weir.emulator:close"] = {
    self = function() return host end, takes = {}, good = {}, uncalled = true,
  },
  ["weir.files.read"] = { takes = { "text", "number" }, good = { "/dev/null", 1 } },
  ["weir.files.list"] = { takes = { "text" }, good = { "/dev/fd" } },
  ["weir.files.stat"] = { takes = { "text" }, good = { "/" } },
  ["weir.files.absolute"] = { takes = { "text" }, good = { "/" } },
  ["weir.files.make_directory"] = { takes = { "text" }, good = { "/" } },
  ["weir.files.open"] = { takes = { "text" }, good = { "/dev/null" } },
  ["weir.files.file:read"] = { self = function() return file end, takes = {}, good = {} },
  ["weir.files.file:close"] = {
    self = function() return file end, takes = {}, good = {}, uncalled = true,
  },
  ["weir.http.request"] = {
    takes = { {
      url = "text|secret", method = "text|nothing", headers = "table|nothing",
      body = "text|secret|nothing", body_file = "text|nothing", body_offset = "number|nothing",
      body_length = "number|nothing", output_file = "text|nothing", timeout_ms = "number|nothing",
      connect_timeout_ms = "number|nothing", deadline_ms = "number|nothing",
      max_response_bytes = "number|nothing", ca_bundle = "text|nothing",
      direct = "boolean|nothing", secret_body = "boolean|nothing",
    } },
    good = { request() },
  },
  ["weir.http.all"] = { takes = { "table" }, good = { { request() } } },
  ["weir.invocation.context"] = { takes = {}, good = {}, outside = true },
  ["weir.invocation.event"] = { takes = {}, good = {}, outside = true },
  ["weir.invocation.stream"] = {
    takes = { "text", "text|nothing" }, good = { "x", "text/plain" }, outside = true,
  },
  ["weir.json.decode"] = {
    takes = { "text|secret", { secrets = "boolean|nothing", optional = true } },
    good = { "{}", { secrets = true } },
  },
  ["weir.json.validate"] = { takes = { "text|secret" }, good = { "{}" } },
  ["weir.json.encode"] = {
    takes = { "any", {
      sort = "boolean|nothing", ascii = "boolean|nothing", indent = "number|nothing",
      optional = true,
    } },
    good = { 1, { sort = true } },
  },
  ["weir.json.array"] = { takes = { "table" }, good = { {} } },
  ["weir.json.is_array"] = { takes = { "any" }, good = { {} } },
  ["weir.pattern.compile"] = { takes = { "text|table" }, good = { '{"a":["b"]}' } },
  ["weir.pattern.set"] = { takes = { "table" }, good = { { a = '{"a":["b"]}' } } },
  ["weir.pattern.matcher:match"] = {
    self = function() return matcher end, takes = { "text|table" }, good = { "{}" },
  },
  ["weir.pattern.matcher:match_lines"] = {
    self = function() return matcher end,
    takes = { "text", "number", "number", "text", "text", "table|nothing" },
    good = { "{}\n", 1, 0, "line ", "\n", {} },
  },
  ["weir.pattern.matcher:explain"] = {
    self = function() return matcher end, takes = { "text|table" }, good = { "{}" },
  },
  ["weir.pattern.set:match"] = {
    self = function() return patterns end, takes = { "text|table" }, good = { "{}" },
  },
  ["weir.policy_examples.read"] = {
    takes = { "policy set" }, good = {},
  },
  ["weir.explore.run"] = {
    takes = { { set = "set", old = "set|nothing", kind = "text", seeds = "table",
      seed = "number", tries = "number", jobs = "number", on_progress = "function|nothing" } },
    good = { { set = promotion_set(), kind = "promotion", seeds = {}, seed = 1, tries = 10,
      jobs = 1 } },
  },
  ["weir.policy_set.load"] = {
    takes = { "text", {
      params = "table|nothing", instructions = "number|nothing", memory = "number|nothing",
      bundle = "text|nothing", verify = "boolean|nothing", trust = "boolean|nothing",
      kind = "text|nothing", optional = true,
    } },
    good = { "/nonexistent", { instructions = 1000 } },
  },
  ["weir.policy_set.list"] = { takes = { "text" }, good = { "/nonexistent" } },
  ["weir.policy_set.kinds"] = { takes = { "text" }, good = { "/nonexistent" } },
  ["weir.policy_set.append"] = { takes = { "text", "text" }, good = { "/nonexistent/log", "x" } },
  ["weir.policy_set:decide"] = {
    self = function() return set end,
    takes = { "text", "text", {
      params_json = "text|nothing", overrides_json = "text|nothing", optional = true,
    } },
    good = { "routing", '{"file_count":1}', {} },
  },
  ["weir.policy_set:ask"] = {
    self = function() return set end, takes = { "text", "text", "text|nothing", "text|nothing" },
    good = { "routing", '{"file_count":1}', "request", "[]" },
  },
  ["weir.policy_set:record"] = {
    self = function() return set end,
    takes = { "text", "text", setmetatable({ optional = true }, { __index = RECORD }) },
    good = { "routing", '{"file_count":1}', {} },
  },
  ["weir.policy_set:trace"] = {
    self = function() return set end, takes = { "text", "text", "text|nothing" },
    good = { "routing", '{"file_count":1}', "{}" },
  },
  ["weir.policy_set:refresh"] = {
    self = function() return set end, takes = { "text", "text", "text|nothing" },
    good = { "x", "name", "routing" },
  },
  ["weir.policy_set:override"] = {
    self = function() return set end, takes = { "table" }, good = { {} },
  },
  ["weir.policy_set:policies"] = { self = function() return set end, takes = {}, good = {} },
  ["weir.policy_set:kinds"] = { self = function() return set end, takes = {}, good = {} },
  ["weir.policy_set:digest"] = { self = function() return set end, takes = {}, good = {} },
  ["weir.policy_set:directory"] = { self = function() return set end, takes = {}, good = {} },
  ["weir.policy_set:is_verified"] = { self = function() return set end, takes = {}, good = {} },
  ["weir.policy_set:sources"] = { self = function() return set end, takes = {}, good = {} },
  ["weir.policy_set:bundle"] = {
    self = function() return set end,
    takes = { { stamp = "boolean|nothing", optional = true } },
    good = { {} },
  },
  ["weir.process.clock"] = { takes = {}, good = {} },
  ["weir.process.sleep"] = { takes = { "number" }, good = { 0 } },
  ["weir.process.deadline"] = { takes = {}, good = {} },
  ["weir.process.time"] = { takes = {}, good = {} },
  ["weir.process.time_us"] = { takes = {}, good = {} },
  ["weir.process.timestamp"] = { takes = { "number|nothing" }, good = { 0 } },
  ["weir.process.write"] = { takes = { "number", "text", "text" }, good = { 1, "", "" } },
  ["weir.process.new_id"] = { takes = {}, good = {} },
  ["weir.process.executable"] = { takes = {}, good = {} },
  ["weir.process.end_by_broken_pipe"] = { takes = {}, good = {}, uncalled = true },
  ["weir.process.keep_secrets"] = { takes = {}, good = {}, uncalled = true },
  ["weir.recording.open"] = { takes = { "text" }, good = { "/dev/null" } },
  ["weir.recording:next"] = {
    self = function() return recorded end,
    takes = { "text|nothing" },
    good = {},
  },
  ["weir.recording:next_record"] = {
    self = function() return recorded end,
    takes = { "text" },
    good = { "weir.shadow" },
  },
  ["weir.recording:counts"] = { self = function() return recorded end, takes = {}, good = {} },
  ["weir.recording:close"] = {
    self = function() return assert(recording.open("/dev/null")) end, takes = {}, good = {},
  },
  ["weir.replay.run"] = {
    takes = { {
      set = "policy set", old = "policy set|nothing", recordings = "table",
      jobs = "number|nothing", on_event = "function|nothing", on_progress = "function|nothing",
      details = "boolean|nothing",
    } },
    good = { { recordings = {} } },
  },
  ["weir.replay.combine"] = {
    takes = { "table" }, good = { { { name = "a", digest = "sha256:" .. ("0"):rep(64) } } },
  },
  ["weir.replay.cores"] = { takes = {}, good = {} },
  ["weir.secret.wrap"] = { takes = { "text|secret" }, good = { "x" } },
  ["weir.secret.environment"] = { takes = { "text" }, good = { "HOME" } },
  ["weir.secret.is"] = { takes = { "any" }, good = { 1 } },
  ["weir.secret.equal"] = { takes = { "text|secret", "text|secret" }, good = { "a", "b" } },
  ["weir.secret.hide"] = { takes = { "text", "secret" }, good = { "a", secret.wrap("a") } },
  ["weir.secret.redact"] = { takes = { "text", "table" }, good = { "a", { secret.wrap("a") } } },
  ["weir.secret.digest"] = { takes = { "secret" }, good = { secret.wrap("a") } },
  ["weir.secret.candidates"] = { takes = { "any" }, good = { { "x" } } },
  ["weir.secret.copy"] = { takes = { "any", "table" }, good = { { "x" }, {} } },
  ["weir.secret.clean_json"] = {
    takes = { "any", "table", "table|nothing" },
    good = { {}, {}, {} },
  },
  ["weir.secret.is_clean"] = { takes = { "text", "table" }, good = { "[]", {} } },
  ["weir.secret.names"] = { takes = { "text" }, good = { "x" } },
  ["weir.secret.size"] = { takes = { "secret" }, good = { secret.wrap("a") } },
  ["weir.secret.made_of"] = { takes = { "secret", "text" }, good = { secret.wrap("a"), "a" } },
  ["weir.sha256.hex"] = { takes = { "text" }, good = { "x" } },
  ["weir.sha256.file"] = {
    takes = { "text", "number|nothing", "number|nothing" }, good = { "/dev/null", 0, 0 },
  },
  ["weir.sigv4.sign"] = { takes = { SIGNED }, good = { signed() } },
  ["weir.sigv4.presign"] = { takes = { SIGNED }, good = { signed() } },
  ["weir.sigv4.skew"] = {
    takes = { {
      code = "text|nothing", date = "text|nothing", age = "text|nothing", received = "number",
      sent = "number|nothing", offset = "number|nothing",
    } },
    good = { { code = "x", date = "x", received = 1 } },
  },
  ["weir.sigv4.encode"] = { takes = { "text", "boolean|nothing" }, good = { "x", true } },
  ["weir.stats.wilson"] = { takes = { "number", "number", "number|nothing" }, good = { 1, 2, .9 } },
  ["weir.stats.newcombe"] = {
    takes = { "number", "number", "number", "number", "number|nothing" }, good = { 1, 2, 1, 2, .9 },
  },
  ["weir.stats.proportions"] = {
    takes = { "number", "number", "number", "number" }, good = { 1, 2, 1, 2 },
  },
  ["weir.stats.relative"] = {
    takes = { "number", "number", "number", "number" }, good = { 1, 2, 1, 2 },
  },
  ["weir.stats.welch"] = {
    takes = { {
      mean1 = "number", var1 = "number", n1 = "number", mean0 = "number", var0 = "number",
      n0 = "number", confidence = "number|nothing",
    } },
    good = { { mean1 = 1, var1 = 1, n1 = 2, mean0 = 1, var0 = 1, n0 = 2 } },
  },
  ["weir.stats.rank_test"] = {
    takes = { "table", "table", "number|nothing" }, good = { { 1 }, { 2 }, .9 },
  },
  ["weir.stats.order_ranks"] = {
    takes = { "number", "number", "number|nothing" },
    good = { 9, .5, .9 },
  },
  ["weir.stats.split_chi_square"] = { takes = { "table", "table" }, good = { { 1 }, { 1 } } },
  ["weir.stats.split_log_bayes"] = {
    takes = { "table", "table", "number|nothing" }, good = { { 1 }, { 1 }, 9 },
  },
  ["weir.stats.holm"] = { takes = { "table" }, good = { { .5 } } },
  ["weir.stats.beta"] = { takes = { "number", "number", "number" }, good = { .5, 1, 1 } },
  ["weir.stats.boundaries"] = {
    takes = { {
      spending = "text", alpha = "number|nothing", times = "table", rho = "number|nothing",
      gamma = "number|nothing",
    } },
    good = { { spending = "pocock", times = { 1 } } },
  },
  ["weir.stats.error_interval"] = {
    takes = { {
      x1 = "number", n1 = "number", x0 = "number", n0 = "number", alpha = "number|nothing",
      clock = "number|nothing", dispersion = "number|nothing",
    } },
    good = { { x1 = 1, n1 = 2, x0 = 1, n0 = 2 } },
  },
  ["weir.stats.ratio_interval"] = {
    takes = { {
      q = "number", sketch1 = "sketch", sketch0 = "sketch", n0 = "number|nothing",
      alpha = "number|nothing", dispersion = "number|nothing",
    } },
    good = { { q = .5, sketch1 = stats.sketch(), sketch0 = stats.sketch() } },
  },
  ["weir.stats.cloudwatch"] = { takes = { "table", "text" }, good = { { 1 }, "p90" } },
  ["weir.stats.windows"] = { takes = {}, good = {} },
  ["weir.stats.windows:add"] = {
    self = stats.windows,
    takes = { { n1 = "number", x1 = "number", n0 = "number", x0 = "number" } },
    good = { { n1 = 2, x1 = 1, n0 = 2, x0 = 1 } },
  },
  ["weir.stats.windows:merge"] = {
    self = stats.windows, takes = { "windows" }, good = { stats.windows() },
  },
  ["weir.stats.windows:counts"] = { self = stats.windows, takes = {}, good = {} },
  ["weir.stats.windows:dispersion"] = { self = stats.windows, takes = {}, good = {} },
  ["weir.stats.sketch"] = { takes = { "number|nothing" }, good = { .02 } },
  ["weir.stats.sketch:add"] = {
    self = function()
      return stats.sketch()
    end, takes = { "number", "number|nothing" }, good = { 1, 2 },
  },
  ["weir.stats.sketch:add_all"] = {
    self = function() return stats.sketch() end, takes = { "table", "welford|nothing" },
    good = { { 1 }, stats.welford() },
  },
  ["weir.stats.sketch:add_bucket"] = {
    self = function() return stats.sketch() end, takes = { "number", "number" }, good = { 1, 2 },
  },
  ["weir.stats.sketch:merge"] = {
    self = function() return stats.sketch() end, takes = { "sketch" }, good = { stats.sketch() },
  },
  ["weir.stats.sketch:quantile"] = {
    self = function() return stats.sketch() end, takes = { "number" }, good = { .5 },
  },
  ["weir.stats.sketch:count"] = {
    self = function() return stats.sketch() end,
    takes = {},
    good = {},
  },
  ["weir.stats.sketch:buckets"] = {
    self = function() return stats.sketch() end,
    takes = {},
    good = {},
  },
  ["weir.simulate.run"] = {
    takes = { {
      set = "set", scenario = SCENARIO, seed = "number", runs = "number", jobs = "number",
      on_progress = "function|nothing",
    } },
    good = { { scenario = simulated(), seed = 1, runs = 1, jobs = 1, set = promotion_set() } },
  },
  ["weir.stats.trial"] = {
    takes = { { alpha = "number|nothing", warm_up = "number|nothing" } },
    good = { { alpha = .01, warm_up = 60 } },
  },
  ["weir.stats.trial:add"] = {
    self = new_trial,
    takes = { {
      from = "number", to = "number", share1 = "number", share0 = "number",
      n1 = "number", x1 = "number", n0 = "number", x0 = "number",
      instances1 = "number|nothing", instances0 = "number|nothing",
      sketch1 = "sketch|nothing", sketch0 = "sketch|nothing",
    } },
    good = { { from = 0, to = 1, share1 = .1, share0 = .9, n1 = 1, x1 = 1, n0 = 1, x0 = 1 } },
  },
  ["weir.stats.trial:evidence"] = { self = new_trial, takes = {}, good = {} },
  ["weir.stats.trial:save"] = { self = new_trial, takes = {}, good = {} },
  ["weir.stats.trial:restore"] = {
    self = new_trial, takes = { "text" }, good = { new_trial():save() },
  },
  ["weir.stats.welford"] = { takes = {}, good = {} },
  ["weir.stats.welford:add"] = { self = stats.welford, takes = { "number" }, good = { 1 } },
  ["weir.stats.welford:merge"] = {
    self = stats.welford, takes = { "welford" }, good = { stats.welford() },
  },
  ["weir.stats.welford:count"] = { self = stats.welford, takes = {}, good = {} },
  ["weir.stats.welford:mean"] = { self = stats.welford, takes = {}, good = {} },
  ["weir.stats.welford:variance"] = { self = stats.welford, takes = {}, good = {} },
  ["weir.terminal.is_terminal"] = { takes = { "number" }, good = { 0 } },
  ["weir.terminal.columns"] = { takes = { "number" }, good = { 0 } },
  ["weir.terminal.finish_output"] = { takes = {}, good = {} },
  ["weir.text.edit_distance"] = { takes = { "text", "text" }, good = { "a", "b" } },
  ["weir.text.likely_distance"] = { takes = { "number" }, good = { 3 } },
  ["weir.xml.decode"] = { takes = { "text" }, good = { "<a/>" } },
}

-- The others drop what is too much, as Lua does.
local REFUSES_MORE = {}
for name in ([[
  body.json body.raw body.form build.describe command.run
  dynamodb.decode dynamodb.decode_reply dynamodb.encode dynamodb.list dynamodb.set dynamodb.size
  emf.collector emf.new emf.series:add emulator.open files.read http.all http.request
  json.array json.encode sigv4.presign sigv4.sign sigv4.skew
]]):gmatch("%S+") do REFUSES_MORE[name] = true end

-- The modules that bindings/registry.c lists.
local function modules()
  local source <close> = assert(io.open("bindings/registry.c"))
  local names = {}
  for name in source:read("a"):gmatch('{"(weir%.[%w_]+)", luaopen_') do
    if name ~= "weir.emulator" or has_emulator then names[#names + 1] = name end
  end

  assert(#names >= 19, "the registry cannot be read")

  return names
end

-- The metatables of the bindings' types, by name.
local function types()
  local found = {}
  for name, metatable in pairs(debug.getregistry()) do
    if type(name) == "string" and name:find("^weir%.") and type(metatable) == "table" then
      found[name] = metatable
    end
  end

  return found
end

-- Every function that Lua can call: "weir.json.decode" and "weir.emf.writer:metric".
local function functions()
  local found = {}
  for _, module in ipairs(modules()) do
    for name, value in pairs(require(module)) do
      if type(value) == "function" then found[module .. "." .. name] = value end
    end
  end

  for name, metatable in pairs(types()) do
    local methods = rawget(metatable, "__index")
    for method, value in pairs(type(methods) == "table" and methods or {}) do
      found[name .. ":" .. method] = value
    end
  end

  return found
end

-- What the error must quote: methods are shown as set:decide(…), functions by their whole name.
local function quoted(name)
  return "expected " .. name:gsub("^.-([%w_]+:)", "%1"):gsub("^policy_set:", "set:")
end

local function members(options)
  local all = {}
  local inherited = getmetatable(options)
  for key, kind in pairs(inherited and inherited.__index or {}) do all[key] = kind end
  for key, kind in pairs(options) do all[key] = key ~= "optional" and kind or nil end

  return all
end

local function accepts(kinds, kind)
  if type(kinds) == "table" then
    return kind == "table" or (kind == "nothing" and kinds.optional == true)
  end

  return kinds == "any" or ("|" .. kinds .. "|"):find("|" .. kind .. "|", 1, true) ~= nil
end

local function copy(list)
  local new = {}
  for key, value in pairs(list) do new[key] = value end
  return new
end

describe("a binding", function()
  local all

  setup(function()
    set = policy_folder.load({ ["routing.lua"] = ROUTING })
    file = assert(files.open("/dev/null"))
    recorded = assert(recording.open("/dev/null"))
    writer = emf.new({ namespace = "n" })
    collector = emf.collector { namespace = "n", dimensions = {}, properties = {} }
    series = collector:series { { name = "s", unit = "Count", dimensions = {} } }
    matcher = assert(pattern.compile('{"a":["b"]}'))
    patterns = assert(pattern.set({ a = '{"a":["b"]}' }))
    host = has_emulator and assert(emulator.open(emulated()))
    CALLS["weir.policy_examples.read"].good[1] = set
    CALLS["weir.replay.run"].good[1].set = set
    all = functions()
  end)

  teardown(function()
    policy_folder.remove_all()
    -- An open emulator blocks signals, which other suites wait for; the calls above opened more.
    set, file, writer, collector, series = nil, nil, nil, nil, nil
    matcher, patterns, host = nil, nil, nil
    collectgarbage()
    collectgarbage()
  end)

  -- The function with its arguments, behind what it belongs to when it is a method.
  local function call(name, arguments, count)
    local self = CALLS[name].self
    if self then return pcall(all[name], self(), table.unpack(arguments, 1, count)) end
    return pcall(all[name], table.unpack(arguments, 1, count))
  end

  local function assert_raises(name, arguments, count, what)
    local fine, message = call(name, arguments, count)
    assert.is_false(fine, name .. " takes " .. what)
    assert.matches(quoted(name), message, 1, true)

    return message
  end

  it("has no function that this file does not call", function()
    for name in pairs(all) do assert.is_table(CALLS[name], name .. " is not in the list") end
    for name in pairs(CALLS) do
      if has_emulator or not name:find("emulator", 1, true) then
        assert.is_function(all[name], name .. " does not exist")
      end
    end
  end)

  -- Replaces one member after the other of the options at `place`, which `put` sets.
  local function try_options(name, options, good, put)
    local known = members(options)
    for member, kinds in pairs(known) do
      for _, sample in ipairs(SAMPLES) do
        if not accepts(kinds, sample[1]) then
          local wrong = copy(good)
          wrong[member] = sample[2]
          put(wrong, ("%s as %s"):format(sample[1], member))
        end
      end

      if type(kinds) == "table" then
        try_options(name, kinds, good[member] or {}, function(inner, what)
          local wrong = copy(good)
          wrong[member] = inner
          return put(wrong, what .. " in " .. member)
        end)
      end
    end

    local unknown = copy(good)
    unknown.nonsense = 1
    local listed = {}
    local message = put(unknown, "an unknown key")
    for key in message:match("%(allowed: ([^)]*)%)"):gmatch("[%w_]+") do listed[key] = true end
    for key in pairs(known) do assert.is_true(listed[key], name .. " has no option " .. key) end
    for key in pairs(listed) do
      assert.is_not_nil(known[key], name .. " has an option " .. key .. " that is not in the list")
    end

    local numbered = copy(good)
    numbered[1] = "x"
    put(numbered, "an element among its options")
  end

  for name, entry in pairs(CALLS) do
    local is_there = has_emulator or not name:find("emulator", 1, true)
    local has_nothing_to_try = entry.uncalled and #entry.takes == 0
    if is_there and not has_nothing_to_try then
      it("raises for what is wrong: " .. name, function()
        local good, count = entry.good, #entry.takes
        assert.is_function(all[name])
        if entry.outside then
          local _, message = call(name, good, count)
          assert.matches("there is no invocation", message, 1, true)
        elseif not entry.uncalled then
          assert.is_true(call(name, good, count))
        end

        for place, kinds in ipairs(entry.takes) do
          for _, sample in ipairs(SAMPLES) do
            if not accepts(kinds, sample[1]) then
              local wrong = copy(good)
              wrong[place] = sample[2]
              assert_raises(name, wrong, count, sample[1] .. " as argument " .. place)
            end
          end

          if type(kinds) == "table" then
            try_options(name, kinds, good[place], function(options, what)
              local wrong = copy(good)
              wrong[place] = options
              return assert_raises(name, wrong, count, what)
            end)
          end
        end

        if REFUSES_MORE[name:match("^weir%.(.*)")] or name:find("^weir%.stats")
          or name == "weir.build.describe" then
          local more = copy(good)
          more[count + 1] = "x"
          assert_raises(name, more, count + 1, "one argument more")
        elseif not entry.uncalled and not entry.outside then
          local more = copy(good)
          more[count + 1] = "x"
          local first, second = call(name, good, count), call(name, more, count + 1)
          assert.equal(first, second)
        end

        if entry.self then
          for _, sample in ipairs(SAMPLES) do
            local fine, message = pcall(all[name], sample[2], table.unpack(good, 1, count))
            assert.is_false(fine, name .. " of " .. sample[1])
            assert.matches(quoted(name), message, 1, true)
          end
        end
      end)
    end
  end

  it("survives its metamethods, called with anything", function()
    for name, metatable in pairs(types()) do
      for key, metamethod in pairs(metatable) do
        if type(metamethod) == "function" then
          for _, sample in ipairs(SAMPLES) do
            for _, other in ipairs(SAMPLES) do
              local _ = pcall(metamethod, sample[2], other[2]) -- either will do, but a crash
            end
          end

          assert.is_string(key, name)
        end
      end
    end
  end)

  it("takes no list with holes or names, behind which something would be dropped", function()
    local function raises(name, ...)
      assert_raises(name, { ... }, select("#", ...), "a list with a hole or a name")
    end

    for _, list in ipairs({ { "true", nil, "x" }, { "true", name = "x" }, { name = "x" } }) do
      raises("weir.command.run", { argv = list })
      raises("weir.dynamodb.decode", "{}", { secret = list })
      raises("weir.secret.redact", "x", list)
      raises("weir.replay.run", { set = set, recordings = list })
      raises("weir.http.request", { url = "http://127.0.0.1:1/", headers = { a = list } })
      local wrong = signed()
      wrong.headers = { a = list }
      raises("weir.sigv4.sign", wrong)
    end

    raises("weir.http.all", { request(), nil, request() })
    raises("weir.http.all", { request(), name = request() })
    raises("weir.emf.new", { namespace = "n", dimensions = { { a = "b" }, c = "d" } })
    raises("weir.emf.writer:metric", "m", { 1, nil, 3 })
    raises("weir.emf.writer:metric", "m", { 1, a = 3 })
  end)

  it("takes no number out of its range, and none that is not whole", function()
    for name, arguments in pairs({
      ["weir.files.read"] = { "/dev/null", 0 }, ["weir.process.sleep"] = { 60001 },
      ["weir.process.write"] = { -1, "" }, ["weir.terminal.columns"] = { 3 },
      ["weir.sha256.file"] = { "/dev/null", -1 },
      ["weir.emf.writer:metric"] = { "m", 1, "None", 30 },
      ["weir.json.encode"] = { 1, { indent = 17 } },
      ["weir.command.run"] = { { argv = { "true" }, timeout_ms = 0 } },
      ["weir.http.request"] = { { url = "http://127.0.0.1:1/", timeout_ms = -1 } },
      ["weir.policy_set.load"] = { "/nonexistent", { memory = 0 } },
      ["weir.replay.run"] = { { set = set, recordings = {}, jobs = 0 } },
    }) do
      assert_raises(name, arguments, #arguments, "a number out of range")
    end

    for name, arguments in pairs({
      ["weir.files.read"] = { "/dev/null", 1.5 }, ["weir.process.sleep"] = { 0 / 0 },
      ["weir.terminal.is_terminal"] = { math.huge },
      ["weir.http.request"] = { { url = "http://127.0.0.1:1/", timeout_ms = 1.5 } },
    }) do
      assert_raises(name, arguments, #arguments, "a number that is not whole")
    end
  end)

  it("takes no text with a NUL byte where C would see its beginning only", function()
    for name, arguments in pairs({
      ["weir.files.read"] = { "/dev/null\0", 1 }, ["weir.files.open"] = { "/dev/null\0" },
      ["weir.files.absolute"] = { "/dev\0" }, ["weir.sha256.file"] = { "/dev/null\0" },
      ["weir.secret.environment"] = { "HOME\0" },
      ["weir.datagram.send"] = { "127.0.0.1:9\0", "x" },
      ["weir.policy_set.load"] = { "/nonexistent\0" },
      ["weir.policy_set.kinds"] = { "/nonexistent\0" },
      ["weir.policy_set.append"] = { "/nonexistent\0", "x" },
      ["weir.command.run"] = { { argv = { "true\0" } } },
      ["weir.http.request"] = { { url = "http://127.0.0.1:1/", body_file = "/dev/null\0" } },
      ["weir.replay.run"] = { { set = set, recordings = { "/dev/null\0" } } },
    }) do
      assert_raises(name, arguments, #arguments, "a NUL byte")
    end
  end)
end)
