local files = require "support.files"
local lexer = require "weir.lint.lexer"
local lint = require "weir.lint"
local parser = require "weir.lint.parser"

local function policy(decide, rest)
  return ('return policy {\n  kind = "%s",\n%s  decide = function(facts, params)\n%s\n  end,\n}\n')
    :format(rest and rest.kind or "routing", rest and rest.params or "", decide)
end

-- "W101 4:14, …" of a source.
local function codes(text)
  local list = {}
  for i, finding in ipairs(lint.check(text, "x.lua")) do
    list[i] = ("%s %d:%d"):format(finding.code, finding.line, finding.column)
  end

  return table.concat(list, ", ")
end

local function finds(expected, decide, rest) assert.equal(expected, codes(policy(decide, rest))) end

local BATCH = 'return batch { because = "always" }'

describe("the lexer", function()
  local function values(text)
    local list = {}
    for i, token in ipairs(lexer.tokens(text)) do list[i] = token.value end
    return list
  end

  it("reads strings as Lua does", function()
    local source = [==["a\tb\65\x41\u{fc}\z
      c\
d\"" 'x"y' [[
long]] [=[a]]b]=]]==]
    assert.same({ load("return " .. source:gsub('" \'', '", \''):gsub("' %[%[",
      "', [["):gsub("%]%] %[=",
      "]], [="))() },
      values(source))
  end)

  it("reads numbers as Lua does", function()
    assert.same({ 3, 0x10, 3.5, 1e3, 0x.8p1, 0xA.8, 5 // 1, "..", 2 },
      values("3 0x10 3.5 1e3 0x.8p1 0xA.8 5 .. 2"))
  end)

  it("knows the place of every token, whatever the line breaks", function()
    local tokens = lexer.tokens("\xef\xbb\xbf#! shell\r\na --[[\n\n]] b\r\n  c -- x\n\rd")
    local places = {}
    for i, token in ipairs(tokens) do places[i] = token.line .. ":" .. token.column end
    assert.same({ "2:1", "4:4", "5:3", "6:1", "6:2" }, places)
  end)
end)

describe("the parser", function()
  it("accepts what Lua accepts", function()
    local list = "find lua tests/*/ policies -name '*.lua' -not -path '*/node_modules/*'"
    for _, path in ipairs(files.lines_of(list)) do
      local block, problem = parser.parse(files.read(path))
      assert.is_truthy(block, path .. ": "
        .. (problem and problem.syntax .. " at line " .. problem.line
        or ""))
    end
  end)

  it("gives a method the parameter self, before its own", function()
    local names = {}
    for i, param in ipairs(parser.parse("function t.a:m(b, c) end")[1].func.params) do
      names[i] = param.name
    end

    assert.same({ "self", "b", "c" }, names)
    assert.same({}, parser.parse("function t.a.m() end")[1].func.params)
  end)

  it("refuses what Lua refuses, and never raises", function()
    for _, text in ipairs {
      "return", "x", "x =", "= 1", "if", "local function", "return 1 2", "for i do end", "f(", "{",
        '"',
        "'a\n'", "[[", "--[[",
      "goto", "::a", "local x <", "a.b:c = 1", "x = }", "\0", "\xff", "3x", "0x", "1e", "a..",
        "return ...,", "function f(",
    } do
      local accepted = load(text) ~= nil
      assert.equal(accepted, parser.parse(text) ~= nil, ("%q"):format(text))
    end
  end)

  it("survives hostile depth and length", function()
    for _, text in ipairs {
      "return " .. ("("):rep(10000) .. "1" .. (")"):rep(10000), ("do "):rep(10000)
        .. ("end "):rep(10000),
      "return " .. ("{"):rep(100000), "return " .. ("-"):rep(100000) .. "1", "return a"
        .. (".b"):rep(100000),
      "return 1" .. (" + 1"):rep(100000), "return a" .. ("()"):rep(100000), "return "
        .. ("function() return "):rep(5000),
    } do
      assert.is_table(lint.check(text, "x.lua"))
    end
  end)
end)

describe("lint", function()
  it("is content with the shipped policies", function()
    for _, path in ipairs(files.lines_of("find policies -name '*.lua'")) do
      assert.same({}, lint.check(files.read(path), path))
    end
  end)

  it("leaves broken source to the loader", function()
    assert.same({}, lint.check("return policy {", "x.lua"))
  end)

  describe("W101", function()
    it("respects the names decide gives its parameters", function()
      assert.equal("W101 3:36", codes(
        'return policy {\n  kind = "routing",\n  decide = function(f, p) '
        .. 'return f.file '
        .. 'and batch { because = "" .. f.file_count } end,\n}\n'):sub(1, 9))
    end)

    it("follows locals, loops and helper functions", function()
      finds("W101 5:6", "local v = facts\nif v.file_cuont then " .. BATCH .. " end " .. BATCH)
      local weights = { kind = "weights" }
      finds("W101 5:43",
        "for _, v in ipairs(facts.variants) do\n  if v.name == \"a\" and v.weight == 1 or "
        .. "v.wieght then " ..
        "return assign { variant = v.name, bucket = 1, because = \"x\" } end\nend\nerror(\"none\")",
          weights)
      assert.equal("W101 2:11", codes("local function f(x)\n return x.nope\nend\n"
        .. policy("f(facts) " .. BATCH)))
    end)

    it("is silent about what it cannot know", function()
      finds("", "local v = facts\nv = { nope = 1 }\nif v.nope then " .. BATCH .. " end " .. BATCH)
      finds("", "local facts = { nope = 1 }\nif facts.nope then " .. BATCH .. " end " .. BATCH)
      finds("", 'return ignore { because = "%s", facts.event.anything.at.all }',
        { kind = "mapping" })
      assert.equal("", codes("local function f(x) return x.nope end\nf({ nope = 1 })\n"
        .. policy("f(facts) " .. BATCH)))
    end)
  end)

  it("W102 and W203 follow the parameters", function()
    local params = { params = '  params = { limit = integer { 1, doc = "x" } },\n' }
    finds("W102 5:11", "if params.limti then " .. BATCH .. " end " .. BATCH, params)
    finds("W203 3:14", BATCH, params)
    finds("", "local p = params\nif p.limit then " .. BATCH .. " end " .. BATCH, params)
    finds("", "if params[facts.volume] then " .. BATCH .. " end " .. BATCH, params)
  end)

  it("W103 and W104 tell globals from locals", function()
    finds("W103 4:1", "pirnt(1) " .. BATCH)
    finds("", "local print = tostring print(1) " .. BATCH)
    finds("W104 4:1", "count = 1 " .. BATCH)
    finds("W104 4:10", "function count() end " .. BATCH)
  end)

  it("W105 knows the libraries", function()
    finds("W105 4:6", "math.random() " .. BATCH)
    finds("", "local math = { random = type } math.random(1) " .. BATCH)
  end)

  it("W107 wants a reason, and accepts one it cannot see", function()
    finds("W107 4:8", "return batch {}")
    finds("W107 4:8", 'return batch { because = " " }')
    finds("W107 4:8", 'return batch("why")')
    finds("", "local d = { because = \"x\" } return batch(d)")
    finds("", "local why = \"because\" return batch { [why] = \"x\" }")
  end)

  it("W111 counts values", function()
    finds("", 'return batch { because = "%5.1f%% of %-3d", 1, 2 }')
    finds("W111 4:26", 'return batch { because = "%d", 1, 2 }')
    finds("W111 4:26", 'return batch { because = "%y", 1 }')
    finds("", 'return batch { because = "100% done" }')
    finds("", 'return batch { because = "%d %d", table.unpack({ 1, 2 }) }')
  end)

  it("W112 and W202 follow every path of decide, and no other function", function()
    finds("W112 4:8", 'return "batch"')
    finds("W112 4:1", "return")
    finds("", "local function f() return nil end f() " .. BATCH)
    finds("W202 5:3", "if facts.file_count > 3 then " .. BATCH .. " end")
    finds("", "if facts.file_count > 3 then " .. BATCH .. " else error(\"no\") end")
    finds("", "while true do if facts.file_count > 3 then " .. BATCH .. " end end")
    finds("W202 5:3", "while true do break end")
    finds("", "do " .. BATCH .. " end")
  end)

  it("reads helper files without a policy", function()
    assert.equal("W103 1:26", codes("return { f = function(x) prnt(x.anything) end }"))
  end)
end)
