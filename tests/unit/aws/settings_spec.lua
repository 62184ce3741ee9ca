local effects = require("weir.effects")
local run = require("support.run")
local settings = require("weir.settings")

local function dry(config) return effects.dry { config = config } end

describe("settings", function()
  it("come from the event's config in a dry run, as text, number or truth", function()
    local given = dry { a = "x", b = 3, c = true }
    assert.equal("x", settings.text(given, "a"))
    assert.equal(3, settings.integer(given, "b", { min = 1, max = 9 }))
    assert.is_true(settings.flag(given, "c", false))
  end)

  it("have defaults, which are not noted as unknown", function()
    local given = dry {}
    assert.equal("d", settings.choice(given, "weir_spec_none", { "d", "e" }, "d"))
    assert.equal(7, settings.integer(given, "weir_spec_none", { min = 1, max = 9 }, 7))
    assert.is_false(settings.flag(given, "weir_spec_none", false))
    assert.same({}, given.unknown)
    assert.equal("Unknown", select(3, settings.text(given, "weir_spec_none")))
    assert.equal("NotConfigured", select(3, settings.text(effects.live(), "weir_spec_none")))
  end)

  it("that are wrong are errors, never defaults", function()
    for _, case in ipairs {
      { settings.choice, "f", { "d", "e" }, "d" }, { settings.integer, "1.5", { min = 1, max = 9 },
        2 },
      { settings.integer, "10", { min = 1, max = 9 }, 2 },
        { settings.integer, "0x1", { min = 1, max = 9 }, 2 },
      { settings.flag, "yes", true },
    } do
      local value, message, code = case[1](dry { s = case[2] }, "s", case[3], case[4])
      assert.is_nil(value)
      assert.equal("InvalidSetting", code)
      assert.truthy(message:find(("the setting s is '%s'"):format(case[2]), 1, true), message)
      assert.matches("set WEIR_S or S$", message)
    end
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
