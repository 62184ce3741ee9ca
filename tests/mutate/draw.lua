-- Mutants in an order that the seed decides. Each kind is drawn equally often, however many mutants
-- it has; a mutant is drawn once.
local operators = require("mutate.operators")
local files = require("support.files")
local Random = require("support.random")

local draw = {}

-- Where behaviour is written. Without loopback.c a test could leave the machine.
local SOURCES = { "host/**/*.c", "host/*.c", "bindings/*.c", "lua/weir/**/*.lua",
  "policies/**/*.lua" }
local LEFT_OUT = { ["host/core/http/loopback.c"] = true }

local function begins(text, prefix) return text:sub(1, #prefix) == prefix end

local function wanted(path, prefixes)
  if LEFT_OUT[path] then return false end
  if #prefixes == 0 then return true end
  for _, prefix in ipairs(prefixes) do
    if begins(path, prefix) then return true end
  end

  return false
end

-- The tracked source files, in the order of their names; only those below `prefixes`, if there are
-- any.
function draw.sources(prefixes)
  local words = { "git ls-files --" }
  for _, pattern in ipairs(SOURCES) do words[#words + 1] = files.quote(":(glob)" .. pattern) end
  local found = {}
  for _, path in ipairs(files.lines_of(table.concat(words, " ") .. " | LC_ALL=C sort -u")) do
    if wanted(path, prefixes) then found[#found + 1] = path end
  end

  return found
end

-- kind → its mutants in these files, in order; and how many there are.
function draw.candidates(paths)
  local by_kind, count = {}, 0
  for _, kind in ipairs(operators.KINDS) do by_kind[kind] = {} end
  for _, path in ipairs(paths) do
    for _, mutant in ipairs(operators.of(path, files.read(path))) do
      table.insert(by_kind[mutant.kind], mutant)
      count = count + 1
    end
  end

  return by_kind, count
end

-- An iterator over mutants; it ends when none is left. It uses `by_kind` up.
function draw.stream(by_kind, seed)
  local random = Random.new(seed)
  return function()
    local left = {}
    for _, kind in ipairs(operators.KINDS) do
      if #by_kind[kind] > 0 then left[#left + 1] = by_kind[kind] end
    end

    if #left == 0 then return nil end
    local list = random:choice(left)
    local at = random:integer(1, #list)
    local mutant = list[at]
    list[at] = list[#list]
    list[#list] = nil

    return mutant
  end
end

return draw
