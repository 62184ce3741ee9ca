-- The findings of an estate file: each once, in the order of the file.
local finding_list = require "weir.deploy.finding_list"

local function at(line, column) return { line = line, column = column, size = 3 } end

describe("a list of findings", function()
  it("is nothing while there is none", function()
    assert.is_nil(finding_list.new("estate.lua"):in_order())
  end)

  it("is in the order of lines, columns and messages, whatever order they came in", function()
    local list = finding_list.new "estate.lua"
    list:add("W302", at(9, 1), "last")
    list:add("W302", at(2, 10), "b")
    list:add("W302", at(2, 10), "c")
    list:add("W303", at(2, 9), "first", "a hint")
    list:add("W302", at(2, 10), "a")

    local shown = {}
    for i, each in ipairs(list:in_order()) do
      shown[i] = ("%s:%d:%d %s %s"):format(each.file, each.line, each.column, each.code,
        each.message)
    end

    assert.same({
      "estate.lua:2:9 W303 first",
      "estate.lua:2:10 W302 a",
      "estate.lua:2:10 W302 b",
      "estate.lua:2:10 W302 c",
      "estate.lua:9:1 W302 last",
    }, shown)
    assert.same({ file = "estate.lua", line = 2, column = 9, size = 3, severity = "error",
      code = "W303", message = "first", hint = "a hint" }, list:in_order()[1])
  end)

  it("has a finding once, but each of another place or message", function()
    local list = finding_list.new "estate.lua"
    for _ = 1, 2 do
      list:add("W302", at(1, 2), "a")
      list:add("W302", at(1, 3), "a")
      list:add("W302", at(2, 2), "a")
      list:add("W302", at(1, 2), "b")
    end

    assert.equal(4, #list:in_order())
  end)
end)
