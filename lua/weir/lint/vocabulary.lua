-- The language policies are written in, as names: what the sandbox offers
-- (docs/policy-language.md) and, for what Lua has and policies do not, the reason why.
local schemas = require "weir.schemas"

local vocabulary = {}

local function names(text)
  local set = {}
  for name in text:gmatch("%S+") do set[name] = true end
  return set
end

-- What makes a parameter.
vocabulary.parameters = { "integer", "number", "text", "flag", "choice", "list", "map" }

vocabulary.globals = names([[
  assert error ipairs next pairs pcall require select tonumber tostring type
  math string table utf8
  policy
]] .. table.concat(vocabulary.parameters, " "))

vocabulary.libraries = {
  string = names "byte char find format gmatch gsub len lower match rep reverse sub upper",
  table = names "concat insert move pack remove sort unpack",
  math = names [[abs ceil floor fmod huge max maxinteger min mininteger modf pi sqrt tointeger
    type ult]],
  utf8 = names "char charpattern codepoint codes len offset",
}

local NO_WORLD = "a policy has no files, clock or network: what it needs must be in the facts"
local INEXACT = "its last digit depends on the machine: compare with a table of limits instead"
local NO_META = "metatables are not part of the policy language"
local NO_CODE = "a policy directory's own files are loaded with require"
vocabulary.why_not = {
  io = NO_WORLD, os = NO_WORLD,
  package = NO_CODE, dofile = NO_CODE, loadfile = NO_CODE, load = NO_CODE,
  loadstring = NO_CODE, print = "say it in because: every decision is logged with it",
  warn = "say it in because: every decision is logged with it",
  coroutine = "a decision is one plain call", debug = "a policy cannot look outside itself",
  collectgarbage = "the host limits memory", _G = "globals cannot be reached as a table",
  setmetatable = NO_META, getmetatable = NO_META,
  rawget = NO_META, rawset = NO_META, rawequal = NO_META, rawlen = NO_META,
  xpcall = "use pcall",
  null = "write nil", NULL = "write nil", Null = "write nil", None = "write nil",
  undefined = "write nil", Nil = "write nil", NIL = "write nil",
  True = "write true", TRUE = "write true", False = "write false", FALSE = "write false",
  len = "write #x", length = "write #x", count = "write #x", str = "write tostring(x)",
  int = "write integer { … } for a parameter, x // 1 for a whole number",
  float = "write number { … } for a parameter, tonumber(x) for a number",
  boolean = "write flag { … } for a parameter", bool = "write flag { … } for a parameter",
  enum = "write choice { …, values = { … } } for a parameter",
  min = "write math.min(…)", max = "write math.max(…)", abs = "write math.abs(x)",
  floor = "write math.floor(x)", ceil = "write math.ceil(x)", sqrt = "write math.sqrt(x)",
  round = "write math.floor(x + 0.5)", format = "write string.format(…)",
  printf = "write string.format(…)", sprintf = "write string.format(…)",
  console = "say it in because: every decision is logged with it",
  raise = "write error(…)", throw = "write error(…)", unpack = "write table.unpack(…)",
  this = "a policy has no objects: facts and params come as arguments",
  ["math.random"] = "the same facts must give the same decision: derive a choice from a fact",
  ["math.randomseed"] = "the same facts must give the same decision: derive a choice from a fact",
  ["math.log"] = INEXACT, ["math.exp"] = INEXACT, ["math.sin"] = INEXACT, ["math.cos"] = INEXACT,
  ["string.dump"] = "policies are text", ["string.pack"] = "not part of the policy language",
}

-- words(declared) → { kinds = name → schema, actions = decision constructor → name of its kind,
-- globals = set } of a policy set that declares these kinds and facts (weir.schemas).
function vocabulary.words(declared)
  local words = { kinds = {}, actions = {}, globals = {} }
  for name in pairs(vocabulary.globals) do words.globals[name] = true end -- any order: copies a set
  for _, schema in ipairs(schemas.of(declared)) do
    words.kinds[schema.kind] = schema
    for _, decision in ipairs(schema.decisions) do
      words.actions[decision.action] = schema.kind
      words.globals[decision.action] = true
    end
  end

  return words
end

-- Sorted keys of a set, for suggestions.
function vocabulary.list(set)
  local list = {}
  for name in pairs(set) do list[#list + 1] = name end -- any order: sorted below
  table.sort(list)

  return list
end

return vocabulary
