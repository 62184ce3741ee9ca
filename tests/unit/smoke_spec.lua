-- Trusted modules are the program's own, whatever stands on disk under their names.
local files = require("support.files")
local run = require("support.run")

local SCRIPT = [[
local directory, name = ...
package.path = directory .. "/?.lua;" .. directory .. "/?/init.lua"
local found = require(name)
print(type(found) == "string" and found or type(found))
]]

describe("the trusted state", function()
  local directory

  setup(function()
    directory = files.directory {
      ["weir/cli.lua"] = "return 'a decoy'",
      ["weir/json.lua"] = "return 'a decoy'",
      ["weir/aws/init.lua"] = "return 'a decoy'",
      ["decoy.lua"] = "return 'a decoy'",
    }
  end)

  teardown(files.remove_all)

  local function required(name, given)
    local result = run { "lua", "-", directory, name, stdin = SCRIPT, env = given }
    assert.equal("", result.stderr)
    return result.stdout
  end

  it("finds embedded modules before anything on disk", function()
    assert.equal("a decoy\n", required("decoy")) -- the directory is searched
    for _, name in ipairs { "weir.cli", "weir.aws", "weir.json" } do
      assert.equal("table\n", required(name), name)
    end
  end)

  it("finds them before what LUA_PATH and the current directory hold", function()
    local path = { LUA_PATH = directory .. "/?.lua;;" }
    assert.equal("table\n", required("weir.cli", path))
    local here = run {
      "lua",
      "-",
      directory = directory,
      stdin = "print(type(require('weir.cli')))",
    }

    assert.equal("table\n", here.stdout)
  end)
end)
