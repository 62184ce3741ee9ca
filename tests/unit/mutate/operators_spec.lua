-- The mutants of small texts, one kind at a time.
local equivalent = require("mutate.equivalent")
local files = require("support.files")
local mask = require("mutate.mask")
local operators = require("mutate.operators")

-- What each mutant of this kind makes of the line that it changes.
local function changed(kind, path, text)
  local lines = {}
  for _, mutant in ipairs(operators.of(path, text)) do
    if mutant.kind == kind then lines[#lines + 1] = mutant.is end
  end

  return lines
end

-- A statement, inside a C function.
local function in_c(statement)
  return "static int f(int a) {\n  g();\n  " .. statement .. "\n}\n"
end

describe("code", function()
  it("is what is neither comment nor string, in Lua", function()
    local text = "a = 'b\\'c' -- d\ne = [[f\ng]] .. \"h\" --[==[ i\n]] ]==] j <const>"
    assert.equal("a = \1\1\1\1\1\1     \ne = \1\1\1\n\1\1\1 .. \1\1\1         \n        j        ",
      mask.lua(text))
  end)

  it("is what is in a function, in C, and is neither comment, string nor directive", function()
    local text = "#define F(x) \\\n  { x }\nstatic const int A[] = {1};\nint f(void) {\n"
      .. "  /* {\n */ a('}', \"{\"); // b\n#if 1\n  static_assert(1 == 1, \"c\");\n}\nint b = 2;"
    local expected = "              \n       \n                           \n            {\n"
      .. "      \n    a(\1\1\1, \1\1\1);     \n     \n                             \n}\n          "
    assert.equal(expected, mask.c(text))
  end)

  it("keeps every line of the program at its place", function()
    local command = "git ls-files 'host/*.c' 'bindings/*.c' 'lua/*.lua' 'policies/*.lua'"
    for _, path in ipairs(files.lines_of(command)) do
      local text = files.read(path)
      local code = mask[path:match("%.(%a+)$")](text)
      assert.equal(#text, #code, path)
      assert.equal(text:gsub("[^\n]", ""), code:gsub("[^\n]", ""), path)
    end
  end)
end)

describe("a mutant", function()
  it("moves the bound of a comparison, and turns it", function()
    assert.same({ "x = a <= b", "x = a >= b" }, changed("comparison", "x.lua", "x = a < b"))
    assert.same({ "x = a ~= b" }, changed("comparison", "x.lua", "x = a == b"))
    assert.same({ "if a == b then return a < b end", "if a ~= b then return a >= b end" },
      changed("comparison", "x.lua", "if a ~= b then return a < b end"))
    assert.same({ "if (a == b) return a < b;", "if (a != b) return a >= b;" },
      changed("comparison", "x.c", in_c("if (a != b) return a < b;")))
    assert.equal(3, #changed("comparison", "x.lua", "if a ~= b then return c < b end"))
    assert.same({ "x = a == b" }, changed("comparison", "x.lua", "x = a ~= b"))
    assert.same({ "x = a->b > 1;", "x = a->b < 1;" },
      changed("comparison", "x.c", in_c("x = a->b >= 1;")))
    assert.same({ "x = a == b << 1;" }, changed("comparison", "x.c", in_c("x = a != b << 1;")))
    assert.same({}, changed("comparison", "x.lua", "x = a << 1 -- b < c\nlocal y <close> = '<'"))
  end)

  it("swaps 'and' and 'or'", function()
    assert.same({ "x = a or sand or b", "x = a and sand and b" },
      changed("logic", "x.lua", "x = a and sand or b"))
    assert.same({ "x = a || b & c;" }, changed("logic", "x.c", in_c("x = a && b & c;")))
    assert.same({ "x = a && b | c;" }, changed("logic", "x.c", in_c("x = a || b | c;")))
  end)

  it("drops a negation", function()
    assert.same({ "x = nothing or a" }, changed("negation", "x.lua", "x = nothing or not a"))
    assert.same({ "if (a) g(b != c);" }, changed("negation", "x.c", in_c("if (!a) g(b != c);")))
  end)

  it("moves a whole number by one", function()
    assert.same({ "x = a[2] + 0x1F", "x = a[0] + 0x1F" },
      changed("constant", "x.lua", "x = a[1] + 0x1F"))
    assert.same({ "x = 1", "x = -1" }, changed("constant", "x.lua", "x = 0"))
    assert.same({}, changed("constant", "x.lua", "x = 1.5 + a2"))
    assert.same({}, changed("constant", "x.c", in_c("char text[64];")))
    assert.same({}, changed("constant", "x.c", in_c("lua_Debug where = {0};")))
    assert.same({ "g(8);", "g(6);" }, changed("constant", "x.c", in_c("g(7);")))
  end)

  it("returns early, and returns no value", function()
    assert.same({ "local function f(a) do return end", "return nil" },
      changed("return", "x.lua", "local function f(a)\n  return a, 1\nend\nreturn f"))
    assert.same({ "if a then return nil end" },
      changed("return", "x.lua", "if a then return f(a) end"))
    assert.same({ "static int f(int a) { return 0;", "return 0;" },
      changed("return", "x.c", in_c("return a;")))
    assert.same({ "int a) { return 0;", "return 1;" },
      changed("return", "x.c", "int f(\n  int a) {\n  return 0;\n}"))
    assert.same({ "void f(void) { return;" }, changed("return", "x.c", "void f(void) {\n  g();\n}"))
  end)

  it("deletes a whole statement, and no declaration", function()
    local text = "local a = 1\nf(a,\n  2)\ng(a)\nif a then b = 2 end\nreturn a"
    assert.same({ "", "" }, changed("statement", "x.lua", text))
    local body =
      "int b = 1;\n  const char *c;\n  b = a;\n  if (a)\n    g(a,\n      b);\n  return b;"
    assert.same({ ";", ";", ";" }, changed("statement", "x.c", in_c(body)))
  end)

  it("names the line, before and after, and is applied to nothing else", function()
    local text = "-- one\nx = 'a' < b\nreturn x\n"
    local mutant = operators.of("x.lua", text)[1]
    assert.same({ 2, "x = 'a' < b", "x = 'a' <= b" }, { mutant.line, mutant.was, mutant.is })
    assert.equal("-- one\nx = 'a' <= b\nreturn x\n", operators.apply(text, mutant))
  end)
end)

describe("an equivalent mutant", function()
  it("is still one that an operator makes, and has a reason", function()
    assert.is_table(equivalent)
    for _, entry in ipairs(equivalent) do
      local found = false
      for _, mutant in ipairs(operators.of(entry.path, files.read(entry.path))) do
        found = found or mutant.was == entry.was and mutant.is == entry.is
      end

      assert.truthy(found, ("%s: %s → %s"):format(entry.path, entry.was, entry.is))
      assert.truthy(#entry.reason > 20, entry.is)
    end
  end)
end)
