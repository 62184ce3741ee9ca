-- Which tests are most likely to notice a change of a file: first those at the mirrored path, then
-- those that name the file, then those of the file's row in the map of tests/README.md, then those
-- of the folders above, then the rest.
--
-- A test is a path: tests/c/…_test.c or tests/…/…_spec.lua.
local files = require("support.files")

local suites = {}

-- The rest, from quick to slow.
local REST = {
  "tests/c/",
  "tests/unit/",
  "tests/property/",
  "tests/cli/",
  "tests/deploy/",
  "tests/integration/",
  "tests/runtime/",
}

local function begins(text, prefix) return text:sub(1, #prefix) == prefix end

-- The map's rows: { module=, tests={path or folder, …} }.
function suites.map(page)
  local rows = {}
  page = assert(page:match("\n| module | tests |\n.*"), "the page has no map from module to tests")
  for module, cell in page:gmatch("\n| `([^`\n]*)` | ([^|\n]*) |") do
    local tests = {}
    for path in cell:gmatch("`([^`]*)`") do tests[#tests + 1] = path end
    rows[#rows + 1] = { module = module, tests = tests }
  end

  return rows
end

-- Every test file of the tree, in the order of their names, but those of the mutator: they look at
-- the program's text, not at what it does.
function suites.all()
  return files.lines_of(
    "find tests -path tests/node_modules -prune -o -path tests/unit/mutate -prune -o"
    .. " -name '*_test.c' -print -o -name '*_spec.lua' -print | LC_ALL=C sort")
end

-- "host/core/json/scan.c" → "tests/c/core/json/scan_test.c" and
-- "tests/unit/core/json/scan_spec.lua"; "lua/weir/aws/retry.lua" → "tests/unit/aws/retry_spec.lua"
-- among others.
local function mirrored(path)
  local name = path:gsub("%.%a+$", ""):gsub("^host/", ""):gsub("^lua/weir/", "")
  local paths = { "tests/c/" .. name .. "_test.c" }
  for _, suite in ipairs({ "unit", "property", "integration", "runtime" }) do
    paths[#paths + 1] = ("tests/%s/%s_spec.lua"):format(suite, name)
  end

  paths[#paths + 1] = ("tests/%s_spec.lua"):format(name) -- lua/weir/cli/ is tests/cli/

  return paths
end

-- A name that more tests than this write does not tell which test is near.
local MOST_NAMING = 12

-- What a test writes that is about the file: "lua/weir/events/claims.lua" is "weir.events.claims",
-- "bindings/secret.c" is "weir.secret", "host/policy/decide.c" the header "policy/decide.h". A name
-- of two words, as event_map, says enough by itself.
local function names_of(path)
  local whole, base = path:match("^(.*)%.%a+$"), path:match("([^/]*)%.%a+$")
  local names = {}
  if path:find("%.lua$") then
    names[1] = '"' .. whole:gsub("^lua/", ""):gsub("/", ".") .. '"'
  elseif begins(path, "bindings/") then
    names[1] = '"weir.' .. base .. '"'
  else
    names[1] = '"' .. whole:gsub("^host/", "") .. '.h"'
  end

  if base:find("_", 1, true) then names[#names + 1] = base end

  return names
end

local function names_one(text, names)
  for _, name in ipairs(names) do
    if text:find(name, 1, true) then return true end
  end

  return false
end

-- The tests that name the file; none where too many do.
local function naming(path, all, texts)
  local names, found = names_of(path), {}
  for _, test in ipairs(all) do
    if names_one(texts[test], names) then found[#found + 1] = test end
  end

  return #found <= MOST_NAMING and found or {}
end

-- The rows whose module holds the path, the longest first.
local function rows_of(path, rows)
  local found = {}
  for _, row in ipairs(rows) do
    if begins(path, row.module) then found[#found + 1] = row end
  end

  table.sort(found, function(a, b) return #a.module > #b.module end)

  return found
end

-- test → its text, of each of `all`.
function suites.texts(all)
  local texts = {}
  for _, test in ipairs(all) do texts[test] = files.read(test) end

  return texts
end

-- The tests to run for a change of `path`, in order, and how many of them are near it. `all` is
-- suites.all(), `texts` are those of suites.texts, `rows` those of suites.map. Near are the one at
-- the mirrored path, those that name the file, and those of the longest row.
function suites.plan(path, rows, all, texts)
  local plan, seen = {}, {}
  local function add(prefix)
    for _, test in ipairs(all) do
      if begins(test, prefix) and not seen[test] then
        seen[test] = true
        plan[#plan + 1] = test
      end
    end
  end

  local function add_row(row)
    for _, test in ipairs(row.tests) do add(test) end
  end

  for _, test in ipairs(mirrored(path)) do add(test) end
  for _, test in ipairs(naming(path, all, texts)) do add(test) end
  local holding = rows_of(path, rows)
  if holding[1] then add_row(holding[1]) end
  local near = #plan
  for _, row in ipairs(holding) do add_row(row) end
  for _, folder in ipairs(REST) do add(folder) end

  return plan, near
end

return suites
