-- A copy of the tree in build/mutate/tree, with its own build: mutants are made there, never in the
-- working tree. What git ignores is not copied; what is not added yet is. What changed since the
-- last run is copied again; the rest keeps its objects.
local files = require("support.files")
local operators = require("mutate.operators")

local workspace = {}

local TREE = "build/mutate/tree"
local LOG = "build/mutate/log"

-- Longer than any test takes on a busy machine: a mutant may loop for ever.
local TEST_SECONDS = 300
-- In KiB: a mutant may allocate for ever, too.
local MEMORY = 4 * 1024 * 1024

local function read_or_nil(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  file:close()

  return files.read(path)
end

local function set_of(list)
  local set = {}
  for _, element in ipairs(list) do set[element] = true end
  return set
end

-- A file is copied only where its bytes differ, so that an unchanged one is not compiled again; one
-- that a run left mutated when it was interrupted is. tar keeps modes, and with -m gives the
-- present time.
local function copy_tree()
  local paths = files.lines_of(
    "git ls-files --cached --others --exclude-standard | LC_ALL=C sort -u")
  local changed = {}
  for _, path in ipairs(paths) do
    local text = read_or_nil(path)
    local copied = read_or_nil(TREE .. "/" .. path)
    if text and text ~= copied then changed[#changed + 1] = path .. "\0" end
  end

  local list = files.write("build/mutate/changed", table.concat(changed))
  files.shell(("tar -cf - --null -T %s | tar -xmf - -C %s"):format(list, TREE))

  local known = set_of(paths)
  local present = files.lines_of(("cd %s && find . -path ./build -prune"
    .. " -o -path ./.git -prune -o -path ./tests/node_modules -prune -o -type f -print")
      :format(TREE))
  for _, path in ipairs(present) do
    path = path:sub(3)
    if not known[path] or not read_or_nil(path) then os.remove(TREE .. "/" .. path) end
  end
end

-- Some tests ask git for the files of the tree.
local function make_repository()
  files.shell(("cd %s && git init -q && git add -A -- . ':!tests/node_modules'"):format(TREE))
end

-- Lua's source is fetched once for every build.
local function share_downloads()
  files.shell(("mkdir -p %s/build && cp -a build/lua %s/build/"):format(TREE, TREE))
  files.shell(("ln -sfn \"$PWD/tests/node_modules\" %s/tests/node_modules"):format(TREE))
end

local function quietly(command)
  return os.execute(("{ %s\n} >%s 2>&1"):format(command, LOG)) == true
end

-- A mutant that a warning would stop is built, but for a result that is missing. Little
-- optimisation: it is built once and run once.
local CONFIGURE = "cmake --preset dev -DWEIR_LTO=OFF -DWEIR_WARNINGS=OFF"
  .. " '-DCMAKE_C_FLAGS_RELEASE=-O1 -DNDEBUG'"

-- Copies, configures and builds; nil and a message when the tree as it is does not build.
function workspace.prepare()
  files.shell("mkdir -p " .. TREE)
  copy_tree()
  make_repository()
  share_downloads()
  if not quietly(("cd %s && %s"):format(TREE, CONFIGURE)) or not workspace.build("weir") then
    return nil, "the tree does not build without a mutant; the log is " .. LOG
  end

  workspace.build("failing_malloc") -- refuses memory to the program, where a spec wants that
  return true
end

function workspace.build(target)
  return quietly(("cmake --build %s/build/dev --target %s"):format(TREE, target))
end

function workspace.put(mutant)
  local text = files.read(mutant.path)
  files.write(TREE .. "/" .. mutant.path, operators.apply(text, mutant))
end

function workspace.restore(mutant)
  files.write(TREE .. "/" .. mutant.path, files.read(mutant.path))
end

-- "tests/c/core/json/scan_test.c" → "core_json_scan_test"
local function target_of(test) return (test:match("^tests/c/(.*)%.c$"):gsub("/", "_")) end

-- Runs one test on the tree as it is; true when it passes. One that takes too long does not.
function workspace.passes(test)
  local command
  if test:find("%.c$") then
    if not workspace.build(target_of(test)) then return false end
    command = "build/dev/tests/" .. target_of(test)
  else
    command = "build/dev/weir lua tests/run_busted.lua --no-keep-going " .. files.quote(test)
  end

  local limits = ("ulimit -d %d && WEIR=$PWD/build/dev/weir timeout -k 10 %d"):format(MEMORY,
    TEST_SECONDS)
  return quietly(("cd %s && %s %s </dev/null"):format(TREE, limits, command))
end

return workspace
