-- Files of Lua data: read as a tree and never run.
local data_file = require "weir.deploy.data_file"

-- "LINE:COLUMN CODE message" of each finding.
local function refused(text)
  local value, findings = data_file.read(text, "estate.lua")
  assert.is_nil(value, text)
  local lines = {}
  for i, each in ipairs(findings) do
    assert.equal("estate.lua", each.file)
    lines[i] = ("%d:%d %s %s"):format(each.line, each.column, each.code,
      (each.message:gsub(" in an estate file, which is data and is never run$", " …")))
  end

  return lines
end

local function value_of(text)
  local value, places = data_file.read("return { x = " .. text .. " }", "estate.lua")
  assert.is_table(value, text)
  return value.x, places, value
end

describe("a file of data", function()
  it("has texts, numbers, true and false, tables, and what is put together of them", function()
    for text, value in pairs {
      ['"a"'] = "a", ["7"] = 7, ["0x10"] = 16, ["1.5"] = 1.5, ["-3"] = -3, ["-(-3)"] = 3,
      ["true"] = true, ["(7)"] = 7, ['"a" .. "b" .. [[c]]'] = "abc",
    } do
      assert.equal(value, (value_of(text)), text)
    end

    assert.is_false((value_of "false"))
    assert.same({ "a", { b = 1, ["c d"] = 2 }, 3 },
      (value_of '{ "a", { b = 1, ["c d"] = 2 }; 3, }'))
    assert.same({}, (value_of "{}"))
  end)

  it("has names of values that stand above, each as it was then", function()
    local value = assert(data_file.read([[
local a, b = "x", { 1 }
local c = a .. "y"
local a = 2
return { a, b, c }
]], "estate.lua"))
    assert.same({ 2, { 1 }, "xy" }, value)
  end)

  it("may hold comments, and code that is not looked at only as text", function()
    assert.equal("os.exit()", (value_of '"os.exit()" --[[ os.exit() ]]'))
  end)

  it("tells where each table, key and value stands", function()
    local text = 'return {\n  name = "weir",\n  list = { 7 },\n}\n'
    local value, places = data_file.read(text, "estate.lua")
    local function at(token) return ("%d:%d+%d"):format(token.line, token.column, token.size) end

    assert.equal("1:8+1", at(places[value].at))
    assert.equal("2:3+4", at(places[value].keys.name))
    assert.equal("2:10+6", at(places[value].values.name))
    assert.equal("3:12+1", at(places[value.list].keys[1]))
    assert.equal("3:12+1", at(places[value.list].values[1]))
  end)
end)

describe("a file of data refuses", function()
  -- The first finding without its place.
  local function first(text) return (refused(text)[1]:gsub("^%d+:%d+ ", "")) end

  local function expression(message, ...)
    for _, text in ipairs { ... } do
      assert.equal("W301 " .. message, first("return { x = " .. text .. " }"), text)
    end
  end

  it("whatever acts, or is nothing", function()
    expression("a call …", "f()", "os.getenv('X')", '("x"):rep(9)', "f { }", "f 'x'")
    expression("a function …", "function() end")
    expression("nil …", "nil")
    expression("'...' …", "...")
    expression("'y' is not a local …", "y", 'y .. "a"', '"a" .. y')
  end)

  it("operators other than - of a number and .. of texts", function()
    expression("the operator '#' …", '#"x"', "#{}")
    expression("the operator 'not' …", "not true")
    expression("the operator '-' …", '-"7"', "-{}", "-true")
    expression("the operator '+' …", "1 + 1")
    expression("the operator 'and' …", "true and 1")
    expression("the operator '==' …", "1 == 1")
    expression("'..' of what is not a text …", '"a" .. 1', "1 .. 2", "{} .. 'a'")
  end)

  it("fields of something else", function()
    assert.same({ "2:14 W301 a field of something else …" },
      refused "local t = { a = 1 }\nreturn { x = t.a }")
  end)

  it("texts that grow beyond 64 KiB", function()
    local half = ("x"):rep(32768)
    assert.equal(65536, #value_of(('"%s" .. "%s"'):format(half, half)))
    expression("a text of more than 65536 bytes …", ('"%s" .. "%sy"'):format(half, half))
  end)

  it("keys that are not texts, and keys that are there twice", function()
    expression("a key that is not a text …", "{ [1] = 2 }", "{ [true] = 2 }", "{ [{}] = 2 }")
    assert.same({ "1:17 W302 'a' is given twice" }, refused "return { a = 1, a = 2 }")
    assert.equal("W302 'a' is given twice", first 'return { a = 1, ["a"] = 2 }')
  end)

  it("statements that act, and locals without a value", function()
    for _, text in ipairs { "x = 1", "f()", "if true then end", "while true do end",
      "function f() end", "local function f() end", "goto a ::a::", "do end", "t.x = 1" } do
      assert.equal("W301 a statement that acts …", first(text .. "\nreturn {}"), text)
    end

    assert.same({ "1:7 W301 the local 'a' without a value …" }, refused "local a\nreturn {}")
    assert.same({ "1:10 W301 the local 'b' without a value …" },
      refused "local a, b = 1\nreturn {}")
  end)

  it("what does not return one table", function()
    local one = "W302 an estate file returns one table"
    for _, text in ipairs { "return 7", "return", "return {}, {}", 'return "x"' } do
      assert.same({ "1:1 " .. one }, refused(text), text)
    end

    assert.same({ "1:0 W302 the file returns nothing" }, refused "")
    assert.same({ "1:0 W302 the file returns nothing" }, refused "local a = 1")
  end)

  it("what is not Lua, and says what Lua says of it", function()
    assert.same({ "3:0 W301 '}' expected (to close '{' at line 1) near 'local'" },
      refused "return {\n  x = 1\nlocal y")
    assert.same({ "1:0 W301 the file begins with a byte order mark" },
      refused "\239\187\191return {}")
    -- In pcall: Lua tells the handler of an xpcall around it, Busted's, of a stack that overflows.
    local _, deep = pcall(refused, "return " .. ("{"):rep(300) .. ("}"):rep(300))
    assert.same({ "1:0 W301 this is nested too deeply" }, deep)
    assert.is_nil((data_file.read("\27Lua", "estate.lua")))
  end)

  it("everything that is wrong at once, in the order of the file", function()
    assert.same({ "1:11 W301 a call …", "2:14 W301 nil …", "2:24 W301 a function …" },
      refused "local a = f()\nreturn { x = nil, y = (function() end) }")
  end)
end)
