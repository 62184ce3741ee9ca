-- How weir's Lua is made (deploy/lua): what is not that Lua is refused, and so is a patch that does
-- not do what it says.
local run = require "support.run"

local LUA = "build/lua"

-- → status, what the command printed
local function shell(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local output = pipe:read("a")
  local _, _, status = pipe:close()

  return status, output
end

local function compile(lua_directory, included)
  local directory = run.directory { ["try.c"] = ("#include \"%s\"\n"):format(included) }
  run.write(directory .. "/lua5.4-deb-multiarch.h", '#define DEB_HOST_MULTIARCH "none"\n')
  local status, output =
    shell(("cc -std=c11 -fsyntax-only -I%s -I%s -Ihost %s/try.c"):format(lua_directory,
    directory, directory))
  run.remove(directory)

  return status, output
end

describe("a build", function()
  it("takes the patched Lua", function()
    local status, output = compile(LUA .. "/patched/src", "script/seed.h")
    assert.equal("", output)
    assert.equal(0, status)
  end)

  it("against Debian's own Lua is refused, and says what to do", function()
    local status, output = compile(LUA .. "/source/lua5.4/src", "script/seed.h")
    assert.equal(1, status)
    assert.matches("lua.h is not of weir's Lua", output, 1, true)
    assert.matches("Build with ./dev build", output, 1, true)
  end)
end)

describe("deploy/lua/fetch.sh", function()
  local tree

  before_each(function()
    tree = run.directory {}
    assert(os.execute(("mkdir -p %s/deploy %s/lua && cp -r deploy/lua deploy/debian.sh %s/deploy/ "
      .. "&& cp -r %s/downloads %s/lua/"):format(tree, tree, tree, LUA, tree)))
  end)

  after_each(function() run.remove(tree) end)

  local function fetch() return shell(("bash %s/deploy/lua/fetch.sh %s/lua"):format(tree, tree)) end

  local function patched(file) return run.read(("%s/lua/patched/src/%s"):format(tree, file)) end

  it("patches the source again when a patch changes, and not otherwise", function()
    assert.same({ 0, "" }, { fetch() })
    assert.matches("LUA_SEED_BY_HOST", patched("luaconf.h"), 1, true)

    run.write(tree .. "/lua/patched/src/mark", "kept")
    assert.same({ 0, "" }, { fetch() })
    assert.equal("kept", patched("mark"))

    assert(os.remove(tree .. "/deploy/lua/patches/03-nan.patch"))
    assert.same({ 0, "" }, { fetch() })
    assert.is_nil(io.open(tree .. "/lua/patched/src/mark"))
    assert.is_nil(patched("lobject.c"):find('"nan"', 1, true))
  end)

  it("refuses a patch that does not fit exactly", function()
    local path = tree .. "/deploy/lua/patches/03-nan.patch"
    local text = run.read(path)
    run.write(path, (text:gsub("lua_assert", "lua_assume"):gsub("lua_number2str",
      "lua_number_to_str")))
    local status, output = fetch()
    assert.equal(1, status)
    assert.matches("lua: 03-nan.patch does not fit Lua 5.4.", output, 1, true)
  end)

  it("refuses downloads that were changed", function()
    assert(os.execute(("printf x >>%s/lua/downloads/lua5.4/VERSION"):format(tree)))
    local status, output = fetch()
    assert.equal(1, status)
    assert.matches("was changed after its download", output, 1, true)
  end)
end)
