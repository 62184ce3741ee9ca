local effects = require("weir.effects")
local run = require("support.run")
local settings = require("weir.settings")

local function dry(config) return effects.dry { config = config } end

describe("settings", function()
  it("come from the event's config in a dry run, as text, number or truth", function()
    local given = dry { a = "x", b = 3, c = true }
    assert.equal("x", settings.text(given, "a"))
    assert.equal(3, settings.integer(given, "b", { min = 1, max = 9, default = 2 }))
    assert.is_true(settings.flag(given, "c", { default = false }))
  end)

  it("have defaults, which are not noted as unknown", function()
    local given = dry {}
    local choices = { values = { "d", "e" }, default = "d" }
    assert.equal("d", settings.choice(given, "weir_spec_none", choices))
    assert.equal(7, settings.integer(given, "weir_spec_none", { min = 1, max = 9, default = 7 }))
    assert.is_false(settings.flag(given, "weir_spec_none", { default = false }))
    assert.same({}, given.unknown)
    assert.equal("Unknown", select(3, settings.text(given, "weir_spec_none")))
    assert.equal("NotConfigured", select(3, settings.text(effects.live(), "weir_spec_none")))
  end)

  it("that are wrong are errors, never defaults", function()
    local RANGE = { min = 1, max = 9, default = 2 }
    for _, case in ipairs {
      { settings.choice, "f", { values = { "d", "e" }, default = "d" } },
      { settings.integer, "1.5", RANGE },
      { settings.integer, "10", RANGE },
      { settings.integer, "0x1", RANGE },
      { settings.flag, "yes", { default = true } },
    } do
      local value, message, code = case[1](dry { s = case[2] }, "s", case[3])
      assert.is_nil(value)
      assert.equal("InvalidSetting", code)
      assert.truthy(message:find(("the setting s is '%s'"):format(case[2]), 1, true), message)
      assert.matches("set WEIR_S or S$", message)
    end
  end)

  it("have the bounds and defaults of weir.setting_specs", function()
    assert.equal(900, settings.integer(dry {}, "late_seconds"))
    assert.equal("act", settings.choice(dry { weights = "act" }, "weights"))
    local _, message, code = settings.integer(dry { late_seconds = "86401" }, "late_seconds")
    assert.equal("InvalidSetting", code)
    assert.matches("not a whole number from 0 to 86400", message, 1, true)
    assert.has_error(function() settings.integer(dry {}, "weights") end,
      "weir.setting_specs has no integer 'weights'")
  end)

  it("have two names in the environment, of which the longer wins", function()
    local script = run.write(os.tmpname(), [[
      local live = require("weir.effects").live()
      print(live:setting("spec_value", "default"))
    ]])
    for _, case in ipairs { { {}, "default" }, { { SPEC_VALUE = "plain" }, "plain" },
      { { SPEC_VALUE = "plain", WEIR_SPEC_VALUE = "own" }, "own" },
      { { WEIR_SPEC_VALUE = "" }, "default" } } do
      assert.equal(case[2] .. "\n", run({ "lua", script, env = case[1] }).stdout)
    end

    os.remove(script)
  end)
end)
