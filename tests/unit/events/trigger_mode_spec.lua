local effects = require "weir.effects"
local json = require "weir.json"
local trigger_mode = require "weir.events.trigger_mode"
local try = require "weir.try"

local setting, parameter, answer, asked, now

-- What SSM answers: a value, or nil and it fails.
local executor = {
  perform = function(_, request)
    asked = asked + 1
    assert.equal("ssm.GetParameter", request.service .. "." .. request.operation)
    if answer then return answer end
    if parameter == nil then return nil, "no answer", "InternalServerError" end

    return { Parameter = { Name = request.input.Name, Value = parameter } }
  end,
}

local function read()
  local live = effects.live { executor = executor }
  function live.setting(_, name, default) return name == "trigger_mode" and setting or default end
  function live.now() return now end
  local mode, message, code = try.call(trigger_mode.read, live)

  return mode, code or live.metrics[1], message
end

describe("the trigger mode", function()
  before_each(function()
    trigger_mode.forget()
    setting, parameter, answer, asked, now = nil, nil, nil, 0, 1000
  end)

  it("is the setting, or events_first without one", function()
    assert.equal("events_first", (read()))
    for _, mode in ipairs { "polling", "parallel", "events_first", "events" } do
      setting = mode
      assert.equal(mode, (read()))
    end

    setting = "Events"
    assert.same({ nil, "InvalidSetting" }, { [2] = select(2, read()) })
    assert.equal(0, asked)
  end)

  it("is what an SSM parameter says, asked for every half minute", function()
    for _, name in ipairs { "/weir/trigger-mode", "ssm:mode", "arn:aws:ssm:r:1:parameter/mode" } do
      setting, parameter, asked, now = name, "polling\n", 0, 1000
      assert.equal("polling", (read()))
      parameter, now = "parallel", 1029
      assert.equal("polling", (read()))
      now = 1030
      assert.equal("parallel", (read()))
      assert.equal(2, asked)
    end
  end)

  it("goes on with the last one, and counts that, while the parameter cannot be read or is wrong",
    function()
    setting = "/mode"
    assert.equal("InternalServerError", select(2, read()))
    parameter = "parallel"
    assert.equal("parallel", (read()))
    for _, value in ipairs { false, "sometimes" } do
      parameter, now = value or nil, now + 30
      local mode, metric = read()
      assert.same({ "parallel", "TriggerModeStale" }, { mode, metric.name })
    end

    trigger_mode.forget()
    local _, code, message = read()
    assert.equal("InvalidSetting", code)
    assert.truthy(message:find("the SSM parameter /mode is 'sometimes'", 1, true))
  end)

  it("names the parameter that cannot be read, or holds something else, but no secret", function()
    setting, parameter = "/mode", nil
    assert.matches("^the trigger mode is in the SSM parameter /mode, which cannot be read: ",
      (select(3, read())))

    for value, told in pairs {
      [""] = "a text of 0 bytes",
      ["POLLING"] = "'POLLING'",
      ["parallel, events"] = "a text of 16 bytes",
      ["pa55word"] = "a text of 8 bytes",
      ["correcthorsebatterystaple"] = "a text of 25 bytes",
    } do
      parameter = value
      local _, code, message = read()
      assert.equal("InvalidSetting", code)
      assert.equal(("the SSM parameter /mode is %s, not one of polling, parallel, events_first, "
        .. "events; write one of these into it"):format(told), message)
    end
  end)

  it("is no mode where the answer of SSM is none", function()
    setting = "/mode"
    for _, odd in ipairs { json.null, 5, "x", json.array { 1 }, {}, { Value = 5 },
      { Value = json.null } } do
      answer = { Parameter = odd }
      assert.equal("InvalidSetting", select(2, read()))
    end
  end)

  it("says whose claims and outputs a job uses, or that it is not acted on", function()
    local expected = { polling = { "polling", nil }, parallel = { "polling", "events" },
      events_first = { "events", "events" }, events = { nil, "events" } }
    for mode, ways in pairs(expected) do
      assert.equal(ways[1], trigger_mode.way(mode, "listing"), mode)
      for _, source in ipairs { "eventbridge", "notification", "fpolicy" } do
        assert.equal(ways[2], trigger_mode.way(mode, source), mode .. " " .. source)
      end
    end
  end)
end)
