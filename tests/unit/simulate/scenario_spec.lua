-- Scenarios: fields, effects, and files of an operator's own.
local files = require "support.files"
local scenario = require "weir.simulate.scenario"

local function refused(given, message, hint)
  local found, why, remedy = scenario.complete(given, "ours.lua")
  assert.is_nil(found)
  assert.equal("ours.lua: " .. message, why)
  if hint then assert.equal(hint, remedy) end
end

describe("a scenario", function()
  it("takes defaults for what it does not say", function()
    local found = assert(scenario.complete({ name = "a", errors_factor = 2, right = "rollback" },
      "x"))
    assert.same({ "a", "a", "rollback", 2, 600, 0.05 }, {
      found.name, found.title, found.right, found.settings.errors_factor, found.settings.traffic,
      found.settings.share,
    })

    for _, field in ipairs(scenario.fields) do
      assert.is_number(found.settings[field.name], field.name)
    end
  end)

  it("is refused with what is wrong", function()
    refused("x", "a scenario must be a table of fields")
    refused({ trafic = 5 }, "a scenario has no field 'trafic'", "did you mean 'traffic'?")
    refused({ [1] = 5 }, "a scenario has no field '1'", "weir help simulate lists the fields")
    refused({ traffic = 0 }, "traffic must be a number from 1 to 10000000, not 0")
    refused({ traffic = "600" }, "traffic must be a number from 1 to 10000000, not the text '600'")
    refused({ error_rate = 0 / 0 }, "error_rate must be a number from 0 to 1, not "
      .. tostring(0 / 0))
    refused({ look_minutes = 2.5 }, "look_minutes must be a whole number from 1 to 1440, not 2.5")
    refused({ right = "hold" }, 'right must be "promote" or "rollback"')
    refused({ name = "" }, "name must be a text of at most 80 bytes")
  end)

  it("comes with the program by name, and says what is right", function()
    local names = {}
    for _, one in ipairs(scenario.built_in()) do
      assert.is_nil(names[one.name])
      names[one.name] = true
      assert.is_truthy(one.right, one.name)
    end

    for _, name in ipairs { "no-change", "errors-doubled", "incidents", "cold-start",
      "lost-requests" } do
      assert.is_true(names[name], name)
    end
  end)
end)

describe("an effect in short", function()
  it("is a scenario", function()
    local function settings(text) return assert(scenario.effect(text)).settings end
    assert.near(1.2, settings("p99:+20%").p99_factor, 1e-12)
    assert.near(0.95, settings("p99:-5%").p99_factor, 1e-12)
    assert.near(0.005, settings("errors:+0.5pp").errors_added, 1e-12)
    assert.equal(2, settings("errors:x2").errors_factor)
    assert.near(0.05, settings("lost:5%").lost, 1e-12)
    assert.equal("rollback", scenario.effect("errors:x2").right)
    assert.equal("promote", scenario.effect("p99:-5%").right)
  end)

  it("is refused otherwise", function()
    for _, text in ipairs { "", "p99", "p99:20%", "p95:+20%", "errors:x", "lost:500%" } do
      local found, message = scenario.effect(text)
      assert.is_nil(found, text)
      assert.is_string(message)
    end
  end)
end)

describe("a file of scenarios", function()
  local function load_text(name, text)
    local directory = files.directory { [name] = text }
    local list, message, hint = scenario.load(directory .. "/" .. name)
    files.remove(directory)

    return list, message and message:gsub(directory, "DIR", 1), hint
  end

  it("is Lua data or JSON, one or several", function()
    assert.equal(2, load_text("a.lua", "return { errors_factor = 2 }")[1].settings.errors_factor)
    assert.equal("a", load_text("a.lua", "return { errors_factor = 2 }")[1].name)
    assert.equal(2, load_text("a.json", '{"errors_factor":2}')[1].settings.errors_factor)
    assert.equal(2, #load_text("a.json", '[{"name":"x"},{"name":"y"}]'))
    assert.equal("y", load_text("a.lua", 'return { { name = "x" }, { name = "y" } }')[2].name)
  end)

  it("is refused with its place", function()
    for _, case in ipairs {
      { "a.lua", "return {", "DIR/a.lua:1: unexpected symbol near <eof>" },
      { "a.lua", "return os.exit()", "DIR/a.lua:1: attempt to index a nil value (global 'os')" },
      { "a.lua", "while true do end", "DIR/a.lua:1: the file does not end" },
      { "a.lua", "local t = nil; return t.x", "DIR/a.lua:1: attempt to index a nil value" },
      { "a.lua", "return 5", "DIR/a.lua: a scenario must be a table of fields" },
      { "a.lua", "local x = 1", "DIR/a.lua: the file returns nothing" },
      { "a.json", "[]", "DIR/a.json: there is no scenario in it" },
      { "a.json", "{", "DIR/a.json: " },
      { "a.json", '[{},{"p99":1}]', "DIR/a.json: scenario 2: a scenario has no field 'p99'" },
    } do
      local list, message = load_text(case[1], case[2])
      assert.is_nil(list, case[2])
      assert.equal(case[3], message:sub(1, #case[3]))
    end

    local list, message = scenario.load("/nonexistent/x.lua")
    assert.is_nil(list)
    assert.truthy(message:find("/nonexistent/x.lua", 1, true))
  end)
end)
