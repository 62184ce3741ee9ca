-- What the handlers declare of themselves, against what they do over all recorded events: every
-- setting that is read is declared, with the default that is used; every event that is handled
-- fits.
local declarations = require "weir.declarations"
local effects = require "weir.effects"
local files = require "support.files"
local handlers = require "weir.handlers"
local json = require "weir.json"
local permission_runs = require "support.permission_runs"
local policy_set = require "weir.policy_set"
local redact = require "weir.redact"
local setting_specs = require "weir.setting_specs"

-- Of another default, by where it is read: discovery's own prefix and bucket, and what the event
-- says.
local OWN_DEFAULT = {
  ["discovery.output_prefix"] = true, ["discovery.output_bucket"] = true,
  ["discovery.checkpoint"] = true, ["event_map.state_machine"] = true,
  ["realtime_inference.payload_limit"] = true, ["event_processor.output_prefix"] = true,
  ["reconcile.output_prefix"] = true, ["sagemaker_invoke.model_name"] = true,
}

local function run(name, event, set, note)
  local world, config = event.world, event.config
  event.world, event.config = nil, nil
  local dry = effects.dry { world = world, config = config }
  local setting = dry.setting
  dry.setting = function(self, key, default)
    if note then note(key, default) end
    return setting(self, key, default)
  end

  return handlers.run(handlers.find(name), event, set, dry)
end

local function recorded(name)
  local paths = { permission_runs.path(name) }
  if name == "sagemaker_invoke" then paths[2] = permission_runs.path("sagemaker_invoke_mock") end
  local events = {}
  for _, path in ipairs(paths) do
    for line in files.read(path):gmatch("[^\n]+") do
      events[#events + 1] = assert(json.decode(line, { secrets = true }))
    end
  end

  return events
end

describe("the declaration of", function()
  local set
  setup(function() set = assert(policy_set.load("policies")) end)

  for _, name in ipairs(handlers.names) do
    it(name .. " has every setting that the handler reads, with its default", function()
      local declared, listed = assert(declarations.find(name)), { use_case = true }
      for _, key in ipairs(declared.settings) do
        assert.is_table(setting_specs[key], key)
        listed[key] = true
      end

      for _, key in ipairs(declared.needed or {}) do assert.is_true(listed[key], key) end
      for _, event in ipairs(recorded(name)) do
        for _, module in ipairs { "events.trigger_mode", "inference.ab_table",
          "inference.assignment" } do
          require("weir." .. module).forget()
        end

        run(name, event, set, function(key, default)
          assert.is_true(listed[key] or key:find("^fact_") ~= nil, key .. " is read")
          local spec = setting_specs[key]
          if default == nil or default == "" or OWN_DEFAULT[name .. "." .. key] then return end
          assert.equal(tostring(spec.default), default, key)
        end)
      end
    end)

    it(name .. " says of every member what it is", function()
      local declared = declarations.find(name)
      assert.is_string(declared.answer)
      assert.is_true(declared.event.any ~= nil or #declared.event > 0)
      for _, spec in ipairs(declared.event) do
        assert.is_string(spec.name)
        assert.is_true(spec.fact ~= nil or type(spec.doc) == "string", spec.name)
        assert.is_true(spec.fact ~= nil or spec.type ~= nil and spec.type ~= "any", spec.name)
      end
    end)

    it(name .. " has an example that runs dry", function()
      local event = json.decode(json.encode(declarations.find(name).example), { secrets = true })
      local report = run(name, event, set)
      assert.is_nil(report.error and report.error.code .. ": " .. report.error.message)
      assert.is_string(json.encode(redact.value(report.result)))
    end)
  end
end)

-- Of each type, and of none.
local WRONG = { text = 5, integer = "x", number = "x", flag = "x", list = "x", object = "x",
  choice = "x", secret = 5 }

-- What no member may be; a member that may be several things is none of these.
local function wrong_value(spec)
  if type(spec.type) == "table" then return true end
  return WRONG[spec.type]
end

describe("a member that the handler checks itself", function()
  local set
  setup(function() set = assert(policy_set.load("policies")) end)

  -- Members of other services' events are not refused, nor what is read for some events only.
  local FOREIGN = { ["event_map.redrive"] = true, ["event_map.after"] = true,
    ["latency_reporter.time"] = true }

  for _, name in ipairs(handlers.names) do
    for _, spec in ipairs(declarations.find(name).event) do
      local is_checked = spec.by_handler and not FOREIGN[name .. "." .. spec.name]
      for _, written in ipairs(is_checked and { spec.name, declarations.other_names(spec)[1] }
        or {}) do
        it(("is refused when it is not what is declared: %s %s"):format(name, written), function()
          local event = json.decode(json.encode(declarations.find(name).example),
            { secrets = true })
          event[spec.name] = nil
          event[written] = wrong_value(spec)
          if spec.name == "point_count" then event.config.mock_mode = "true" end

          local report = run(name, event, set)
          assert.is_table(report.error, spec.name)
          assert.equal("InvalidEvent", report.error.code, report.error.message)
        end)
      end
    end
  end
end)

describe("an event", function()
  local function problem(name, event)
    local fits, message, code = declarations.check(name, event)
    if fits then return nil end
    assert.equal("InvalidEvent", code)
    return message
  end

  it("is checked by the declaration before its handler sees it", function()
    local report = run("replay_shard", {}) -- the handler itself would say it in other words
    assert.equal("InvalidEvent: the event must have Items",
      report.error.code .. ": " .. report.error.message)
  end)

  it("is told which member is wrong, and what it must be", function()
    for message, case in pairs {
      ["the event must be a JSON object"] = { "weights", "text" },
      ["endpoint_name must be a text of 1 to 2048 bytes"] = { "weights", { endpoint_name = 5 } },
      ["variants must be a list"] = { "weights", { variants = { name = "v" } } },
      ["max_pages must be a whole number from 1 on"] = { "discovery", { max_pages = 0 } },
      ["checkpoint must be true or false"] = { "discovery", { checkpoint = "yes" } },
      ["suffix must be a text of 0 to 2048 bytes"] = { "discovery", { suffix = 1 } },
      ["run must be a text of 1 to 2048 bytes"] = { "discovery", { id = "" } },
      ["the event must have Items"] = { "replay_shard", {} },
      ["Items must be a list"] = { "replay_shard", { Items = "x" } },
      ["progress must be an object"] = { "discovery", { progress = "x" } },
      ["error must be an object or a text"] = { "latency_reporter", { error = 5 } },
      ["results must be an object"] = { "replay_reduce", { bucket = "b", started = "s",
        results = "r" } },
    } do
      assert.equal(message, problem(case[1], case[2]))
    end
  end)

  it("may leave out what need not be there, and null is nothing", function()
    assert.is_nil(problem("weights", {}))
    assert.is_nil(problem("weights", { variants = json.null }))
    assert.is_nil(problem("mapping", json.array { 1 }))
    assert.is_nil(problem("event_map", json.array {}))
    assert.is_nil(problem("discovery", { suffix = "" }))
    assert.is_nil(problem("latency_reporter", { error = "X" }))
    assert.is_nil(problem("latency_reporter", { error = { Error = "X" } }))
  end)

  it("of a handler that declares nothing is not checked", function()
    assert.is_true(declarations.check("nobody", "text"))
    assert.is_nil(declarations.find("nobody"))
  end)
end)
