-- Which messages of a queue come again: those that failed, and in a group all behind the first.
local failed_messages = require "weir.events.failed_messages"

local function unit(id, group) return { message_id = id, group = group } end

local function ids(failed)
  local list = {}
  for i, each in ipairs(failed:list()) do list[i] = each.itemIdentifier end
  return table.concat(list, " ")
end

describe("failed messages", function()
  it("come again alone, in the order in which they arrived", function()
    local units = { unit "a", unit "b", unit "c" }
    local failed = failed_messages.of(units, true)
    assert.equal("", ids(failed))
    failed:add(units[3], "broken", "Broken")
    failed:add(units[1], "broken", "Broken")
    assert.equal("a c", ids(failed))
    for _, each in ipairs(units) do assert.is_false(failed:is_behind(each)) end
  end)

  it("come again once, although several units are of one message", function()
    local units = { unit "a", unit "a", unit "b" }
    local failed = failed_messages.of(units, true)
    failed:add(units[1], "broken", "Broken")
    failed:add(units[2], "broken", "Broken")
    assert.equal("a", ids(failed))
  end)

  it("of a group take those behind the first of them along, and no other group", function()
    local units = { unit("a", "g"), unit("x", "h"), unit("b", "g"), unit("c", "g"),
      unit("y", "h"), unit "z" }
    local failed = failed_messages.of(units, true)
    failed:add(units[4], "broken", "Broken")
    assert.equal("c", ids(failed))
    failed:add(units[3], "broken", "Broken")
    assert.equal("b c", ids(failed))

    local behind = {}
    for i, each in ipairs(units) do behind[i] = failed:is_behind(each) end
    assert.same({ false, false, false, true, false, false }, behind)
  end)

  it("say why they failed: each that failed itself, with the first reason", function()
    local units = { unit("a", "g"), unit("b", "g"), unit("c", "g"), unit "d", unit "d" }
    local failed = failed_messages.of(units, true)
    assert.is_nil(failed:reasons())
    failed:add(units[4], "broken", "Broken")
    failed:add(units[5], "worse", "Worse")
    failed:add(units[2], "too many", "Full")
    assert.same({
      { message = "b", reason = "too many", code = "Full" },
      { message = "d", reason = "broken", code = "Broken" },
    }, failed:reasons())
  end)

  it("name their place among several when they are raised", function()
    local units = { unit(nil), unit(nil) }
    local failed = failed_messages.of(units, true)
    local _, raised = pcall(failed.add, failed, units[2], "it broke", "Broken")
    assert.same({ "event 2 of 2: it broke", "Broken" }, { raised.message, raised.code })
  end)

  it("are raised where nobody would bring them again", function()
    for _, case in ipairs { { unit "a", false }, { unit(nil), true }, { unit(nil, "g"), true } } do
      local failed = failed_messages.of({ case[1] }, case[2])
      local ok, raised = pcall(failed.add, failed, case[1], "it broke", "Broken")
      assert.is_false(ok)
      assert.same({ "it broke", "Broken" }, { raised.message, raised.code })
      assert.equal("", ids(failed))
    end
  end)
end)
