-- The command line of `./dev mutate`, on this tree for what it draws, and on a small one, in a
-- repository of its own, for what it runs.
local files = require("support.files")
local main = require("mutate.main")
local run = require("support.run")

local ROOT = files.lines_of("pwd")[1]
local SCRIPT = ("package.path = %q .. package.path\n"):format(ROOT .. "/tests/?.lua;")
  .. "os.exit(require('mutate.main').main(arg), true)\n"

local function mutate(directory, arguments)
  local given = { "lua", "-", stdin = SCRIPT, directory = directory, timeout = 300 }
  for _, argument in ipairs(arguments) do given[#given + 1] = argument end
  return run(given)
end

-- Its "weir" runs a test as a plain script: weir lua tests/run_busted.lua --no-keep-going TEST.
local SMALL = {
  [".gitignore"] = "/build/\n",
  ["dev"] = "",
  ["build/lua/STAMP"] = "",
  ["CMakePresets.json"] = [[{ "version": 6, "configurePresets": [
    { "name": "dev", "generator": "Ninja", "binaryDir": "build/dev" } ] }]],
  ["CMakeLists.txt"] = [[cmake_minimum_required(VERSION 3.25)
    project(small NONE)
    add_custom_target(weir COMMAND ${CMAKE_COMMAND} -E copy
      ${CMAKE_SOURCE_DIR}/weir.sh ${CMAKE_BINARY_DIR}/weir)]],
  ["host/main.c"] = "int main(void) {\n}\n",
  ["bindings/a.c"] = "",
  ["policies/a.lua"] = "",
  ["lua/weir/bound.lua"] = [[local bound = {}

function bound.holds(n)
  return n < 10
end

return bound
]],
  ["tests/README.md"] = "\n| module | tests |\n|---|---|\n| `lua/weir/` | `tests/unit/` |\n",
  ["tests/unit/always_fails_spec.lua"] = "error('as always')",
}

-- A repository with these tests of bound.lua.
local function small(test)
  local directory = files.directory(SMALL)
  local program = ("#!/bin/sh\nexec %s lua \"$4\"\n"):format(files.quote(run.program))
  files.write(directory .. "/weir.sh", program)
  files.write(directory .. "/tests/unit/bound_spec.lua",
    "local bound = dofile('lua/weir/bound.lua')\n" .. test)
  files.shell("cd " .. files.quote(directory)
    .. " && chmod +x weir.sh && git init -q && git add -A")
  return directory
end

describe("./dev mutate", function()
  teardown(files.remove_all)

  it("draws the same mutants for the same seed, of the files that are asked for", function()
    local function drawn(seed)
      return mutate(ROOT, { "--list", "8", seed, "policies/", "lua/weir/aws/" })
    end

    local first = drawn("3")
    assert.equal(0, first.status, first.stderr)
    assert.equal(first.stdout, drawn("3").stdout)
    assert.not_equal(first.stdout, drawn("4").stdout)

    local count = 0
    for path, line in first.stdout:gmatch("\n([^:\n]+):(%d+): %a+: ") do
      count = count + 1
      assert.truthy(path:find("^policies/") or path:find("^lua/weir/aws/"), path)
      assert.truthy(tonumber(line) >= 1)
    end

    assert.equal(8, count)
  end)

  it("draws every kind", function()
    local kinds = {}
    local listed = mutate(ROOT, { "--list", "60", "1", "policies/" }).stdout
    for kind in listed:gmatch("\n[^:\n]+:%d+: (%a+): ") do kinds[kind] = true end
    for _, kind in ipairs(require("mutate.operators").KINDS) do assert.truthy(kinds[kind], kind) end
  end)

  -- The mutator limits the addresses of what it runs, and a sanitizer needs terabytes of them.
  local runs = run.is_sanitized() and pending or it

  runs("lists what survives, with status 1, and leaves the tree as it was", function()
    local directory = small("assert(bound.holds(1) and not bound.holds(11))\n")
    local result = mutate(directory, { "100", "5", "lua/weir/bound.lua" })
    assert.equal("", result.stderr)
    assert.equal(1, result.status)
    for _, text in ipairs {
      "survivor: lua/weir/bound.lua:4: comparison: return n < 10 → return n <= 10\n",
      "bound.lua:4: comparison: return n < 10 → return n >= 10\n   noticed by "
        .. "tests/unit/bound_spec",
      "tests/unit/always_fails_spec.lua fails without a mutant, too",
      "mutate: lua/weir/: 3 of 6 noticed (50 %)\nmutate: 3 of 6 noticed (50 %), 0 more",
    } do assert.truthy(result.stdout:find(text, 1, true), result.stdout) end

    for _, tree in ipairs { "/", "/build/mutate/tree/" } do
      assert.equal(SMALL["lua/weir/bound.lua"],
        files.read(directory .. tree .. "lua/weir/bound.lua"))
    end

    assert.truthy(os.execute("cd " .. files.quote(directory) .. " && git diff --quiet"))
  end)

  runs("ends with 0 when every mutant is noticed", function()
    local directory = small("assert(bound.holds(9) and not bound.holds(10) and bound.holds(9.5))\n")
    local result = mutate(directory, { "100", "5", "lua/weir/bound.lua" })
    assert.equal(0, result.status, result.stdout .. result.stderr)
    assert.truthy(result.stdout:find("0 more did not compile; seed 5", 1, true), result.stdout)
  end)

  it("does not believe tests that fail anyway", function()
    local result = mutate(small("error('broken')"), { "1", "5", "lua/weir/bound.lua" })
    assert.equal(2, result.status)
    local message = "mutate: no test of lua/weir/bound.lua passes, even without a mutant\n"
    assert.equal(message, result.stderr)
  end)
end)

describe("the arguments of ./dev mutate", function()
  it("are N, SEED and where", function()
    assert.same({ count = 10, seed = 1, prefixes = {} }, main.arguments {})
    local prefixes = { "lua/weir/aws", "host" }
    assert.same({ count = 20, seed = 7, prefixes = prefixes, near = true, list = true },
      main.arguments { "--near", "20", "7", "lua/weir/aws", "--list", "host" })
  end)

  it("are refused where they cannot be meant", function()
    for _, case in ipairs {
      { { "--fast" }, "'--fast' is not an option; expected ./dev mutate [--list]" },
      { { "0" }, "N is at least 1; expected ./dev mutate" },
      { { "--list", "1", "1", "no/such/file" }, "no source file begins with no/such/file" },
    } do
      local result = mutate(ROOT, case[1])
      assert.truthy(result.stderr:find("mutate: " .. case[2], 1, true), result.stderr)
      assert.equal(2, result.status)
    end
  end)
end)
