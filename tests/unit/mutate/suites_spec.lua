-- The map of tests/README.md, which `./dev mutate` reads, is compared with the tree.
local files = require("support.files")
local suites = require("mutate.suites")

local rows = suites.map(files.read("tests/README.md"))

local function exists_below(prefix, paths)
  for _, path in ipairs(paths) do
    if path:sub(1, #prefix) == prefix then return true end
  end

  return false
end

describe("the map from module to test", function()
  local all = suites.all()
  local sources = files.lines_of("git ls-files host bindings lua/weir policies")

  it("has a row for each folder of the program", function()
    local named = {}
    for _, row in ipairs(rows) do named[row.module] = true end
    for _, path in ipairs(sources) do
      local folder = path:match("^.*/")
      if folder ~= "host/" then assert.truthy(named[folder], folder .. " has no row") end
    end
  end)

  it("names modules and tests that exist", function()
    assert.truthy(#rows > 30)
    for _, row in ipairs(rows) do
      assert.truthy(exists_below(row.module, sources), row.module)
      assert.truthy(#row.tests > 0, row.module)
      for _, test in ipairs(row.tests) do assert.truthy(exists_below(test, all), test) end
    end
  end)
end)

describe("the tests for a changed file", function()
  local all = {
    "tests/c/core/json/scan_test.c",
    "tests/c/core/json/write_test.c",
    "tests/cli/a_spec.lua",
    "tests/integration/b_spec.lua",
    "tests/unit/aws/ini_spec.lua",
    "tests/unit/aws/retry_spec.lua",
  }

  local map = suites.map(
    "\n| module | tests |\n|---|---|\n| `host/core/json/` | `tests/c/core/json/` |\n"
    .. "| `lua/weir/aws/` | `tests/unit/aws/` |\n| `lua/weir/` | `tests/cli/` |\n")

  it("begin at the mirrored path, then follow the map, then are all the others", function()
    assert.same({ all[2], all[1], all[5], all[6], all[3], all[4] },
      (suites.plan("host/core/json/write.c", map, all)))
    assert.same({ all[6], all[5], all[3], all[1], all[2], all[4] },
      (suites.plan("lua/weir/aws/retry.lua", map, all)))
  end)

  it("are near as far as the longest row goes", function()
    assert.equal(2, (select(2, suites.plan("host/core/json/write.c", map, all))))
    assert.equal(2, (select(2, suites.plan("lua/weir/aws/retry.lua", map, all))))
    assert.equal(0, (select(2, suites.plan("bindings/json.c", map, all))))
  end)
end)
