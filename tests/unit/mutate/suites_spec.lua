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

  local texts = {}
  for _, test in ipairs(all) do texts[test] = "" end

  it("begin at the mirrored path, then follow the map, then are all the others", function()
    assert.same({ all[2], all[1], all[5], all[6], all[3], all[4] },
      (suites.plan("host/core/json/write.c", map, all, texts)))
    assert.same({ all[6], all[5], all[3], all[1], all[2], all[4] },
      (suites.plan("lua/weir/aws/retry.lua", map, all, texts)))
  end)

  it("are near as far as the longest row goes", function()
    assert.equal(2, (select(2, suites.plan("host/core/json/write.c", map, all, texts))))
    assert.equal(2, (select(2, suites.plan("lua/weir/aws/retry.lua", map, all, texts))))
    assert.equal(0, (select(2, suites.plan("bindings/json.c", map, all, texts))))
  end)

  it("are not near where more than a dozen name the file", function()
    local many, told = {}, {}
    for i = 1, 13 do
      many[i] = ("tests/unit/t%d_spec.lua"):format(i)
      told[many[i]] = 'require "weir.json"'
    end

    assert.equal(0, (select(2, suites.plan("bindings/json.c", {}, many, told))))
    many[13] = nil
    assert.equal(12, (select(2, suites.plan("bindings/json.c", {}, many, told))))
  end)

  it("are near where they name the file", function()
    local function near(path, text)
      local told = setmetatable({ [all[3]] = text }, { __index = texts })
      local plan, count = suites.plan(path, {}, all, told)
      return plan[1] == all[3] and count == 1
    end

    assert.is_true(near("lua/weir/events/claims.lua", 'require "weir.events.claims"'))
    assert.is_false(near("lua/weir/events/claims.lua", 'require "weir.events.claims_of"'))
    assert.is_false(near("lua/weir/events/claims.lua", "it claims"))
    assert.is_true(near("lua/weir/handlers/event_map.lua", 'run { "run", "event_map" }'))
    assert.is_true(near("host/policy/decide.c", '#include "policy/decide.h"'))
    assert.is_true(near("bindings/secret.c", 'require("weir.secret")'))
    assert.is_false(near("host/policy/decide.c", '#include "host/policy/decide.h"'))
  end)
end)
