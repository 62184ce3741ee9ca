local run = require "support.run"

local function script(text, given)
  given = given or {}
  given.stdin = text
  table.insert(given, 1, "-")
  table.insert(given, 1, "lua")

  return run(given)
end

describe("weir lua", function()
  local directory
  setup(function() directory = run.directory() end)
  teardown(function() run.remove(directory) end)

  it("gives the script its arguments as lua does", function()
    local result = script("print(arg[0], arg[1], arg[2], #arg, ...)", { "--json", "-x" })
    assert.equal("-\t--json\t-x\t2\t--json\t-x\n", result.stdout)
    assert.equal(0, result.status)
  end)

  it("has the standard libraries and weir's modules", function()
    assert.equal("[1,2]\n", script("print(require('weir.json').encode({1, 2}))").stdout)
    assert.equal("function\n", script("print(type(io.open))").stdout)
  end)

  it("ends with the status of os.exit", function()
    assert.equal(7, script("os.exit(7)").status)
    assert.equal(0, script("os.exit(true)").status)
    assert.equal(1, script("os.exit(false)").status)
  end)

  it("prints an error with the script's part of the traceback, status 1", function()
    local result = script("local function f() error('no luck') end\nf()")
    assert.equal(1, result.status)
    assert.matches("^weir: stdin:1: no luck\nstack traceback:\n", result.stderr)
    assert.matches("stdin:2: in main chunk\n$", result.stderr)
  end)

  it("copes with error values of any type", function()
    assert.matches("error object is a table value", script("error({})").stderr)
    assert.matches("^weir: mine\n", script(
      "error(setmetatable({}, {__tostring = function() return 'mine' "
      .. "end}))").stderr)
    assert.equal(1, script("error()").status)
  end)

  it("refuses what does not compile, status 3, with the place", function()
    local path = run.write(directory .. "/bad.lua", "local x =\n= 3")
    local result = run { "lua", path }
    assert.equal(3, result.status)
    assert.truthy(result.stderr:find(path .. ":2:", 1, true))
  end)

  it("refuses precompiled chunks", function()
    local path = run.write(directory .. "/binary.lua", string.dump(function() end))
    assert.equal(3, run({ "lua", path }).status)
    run.write(path, "#!/usr/bin/weir\n" .. string.dump(function() end))
    assert.equal(3, run({ "lua", path }).status)
  end)

  it("skips a first line for the shell, and still counts it", function()
    local path = run.write(directory .. "/shell.lua", "#!/usr/bin/env -S weir "
      .. "lua\nprint(debug.getinfo(1).currentline)")
    assert.equal("2\n", run({ "lua", path }).stdout)
  end)

  it("names a script that cannot be read, status 6", function()
    local missing = run { "lua", directory .. "/none.lua" }
    assert.equal(6, missing.status)
    assert.equal("weir: " .. directory .. "/none.lua: no such file or directory\n", missing.stderr)
    assert.matches("is a directory, not a file", run({ "lua", directory }).stderr)
  end)

  it("needs a script", function()
    assert.equal(2, run({ "lua" }).status)
  end)
end)
