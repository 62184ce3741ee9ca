local json = require "weir.json"
local run = require "support.run"

local function lines_of(command)
  local pipe = assert(io.popen(command))
  local lines = {}
  for line in pipe:lines() do lines[#lines + 1] = line end
  pipe:close()

  return lines
end

describe("weir version", function()
  it("names weir, the patched Lua and the libraries", function()
    local result = run { "version" }
    assert.equal(0, result.status)
    assert.equal("", result.stderr)
    assert.matches("^weir %d+%.%d+%.%d+\nLua 5%.4%.%d+: Debian's lua5%.4 5%.4%S+, patched "
      .. "%(01%-seed, ", result.stdout)
    assert.matches("\nwith curl %d+.*, expat %d+.*, mbedTLS %d+.*, zlib %d+.*, dygraphs "
      .. "2%.%d+%.%d+\n", result.stdout)
    assert.matches(
      "\nbuilt by %a+ %d+.* for [%w_]+\nbuild sha256:%x+, the same on every processor\n$",
      result.stdout)
  end)

  it("prints the same as one JSON object", function()
    local about = json.decode(run({ "version", "--json" }).stdout)
    assert.matches("^%d+%.%d+%.%d+$", about.version)
    assert.matches("^5%.4%.%d+$", about.lua.version)
    assert.matches("^" .. about.lua.version:gsub("%.", "%%."), about.lua.package)

    -- Each patch of the repository is in the program, and no other.
    local patches = lines_of("ls deploy/lua/patches")
    for i, name in ipairs(patches) do patches[i] = name:gsub("%.patch$", "") end
    assert.same(patches, about.lua.patches)
    assert.equal(5, #about.libraries)
    assert.equal("dygraphs", about.libraries[5].name)
  end)

  it("is short as an option", function()
    local about = json.decode(run({ "version", "--json" }).stdout)
    local expected = ("weir %s (Lua %s)\n"):format(about.version, about.lua.version)
    for _, option in ipairs { "--version", "-V" } do
      assert.equal(expected, run({ option }).stdout)
    end
  end)
end)
