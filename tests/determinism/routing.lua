-- Expressions that fail or print, several hundred thousand in all; each decision tries those of one
-- case and says a hash of their texts. `weir replay` over all cases gives one digest, the same in
-- every process, from every directory, with every build and on every machine:
-- tests/support/determinism.lua.
local long = require("lib.a_module_whose_name_is_longer_than_lua_shows_of_the_name_of_a_chunk")
local corpus = require("lib.values")
local values, describe = corpus.values, corpus.describe

-- What `require` says, which only works while the set is loaded.
local REQUIRED = {}
for i, name in ipairs { "nowhere", "lib.nowhere", "", ".", "..", "a/b", "os", "lib/values",
  ("x"):rep(300),
  "a\0b", "lib.values.lua", "routing" } do
  REQUIRED[i] = tostring(select(2, pcall(require, name)))
end
for i = 1, #values do
  REQUIRED[#REQUIRED + 1] = tostring(select(2, pcall(require, values[i][2])))
  REQUIRED[#REQUIRED + 1] = tostring(select(2, pcall(integer, values[i][2])))
  REQUIRED[#REQUIRED + 1] = tostring(select(2, pcall(policy, values[i][2])))
  REQUIRED[#REQUIRED + 1] = tostring(select(2,
    pcall(choice, { values[i][2], values = values[i][2] })))
end
for _, spec in ipairs {
  { 1, zz = 1, yy = 2, xx = 3, ww = 4 }, {
    1,
    [{}] = 1,
    [function() end] = 2,
  }, { 1, doc = 5 }, { "x" },
  { 1, min = 0 / 0 }, { min = 1 },
} do
  REQUIRED[#REQUIRED + 1] = tostring(select(2, pcall(integer, spec)))
end

-- Every function that a policy has, by name.
local FUNCTIONS = {}
for name, builtin in pairs { assert = assert, error = error, ipairs = ipairs, next = next,
  pairs = pairs,
  pcall = pcall, require = require, select = select, tonumber = tonumber, tostring = tostring,
    type = type } do
  FUNCTIONS[#FUNCTIONS + 1] = { name, builtin }
end
for library, members in pairs { math = math, string = string, table = table, utf8 = utf8 } do
  for name, member in pairs(members) do
    if type(member) == "function" then
      FUNCTIONS[#FUNCTIONS + 1] = { library .. "." .. name, member }
    end
  end
end
for name, word in pairs { policy = policy, integer = integer, number = number, text = text,
  flag = flag,
  choice = choice, realtime = realtime, weights = weights, promote = promote, job = job,
    hold = hold } do
  FUNCTIONS[#FUNCTIONS + 1] = { name, word }
end

local OPERATORS = {
  function(a, b) return a + b end, function(a, b) return a - b end, function(a, b) return a * b end,
  function(a, b)
    return a / b
  end, function(a, b) return a // b end, function(a, b) return a % b end,
  function(a, b)
    return a ^ b
  end, function(a, b) return a .. b end, function(a, b) return a == b end,
  function(a, b)
    return a < b
  end, function(a, b) return a <= b end, function(a, b) return a & b end,
  function(a, b)
    return a | b
  end, function(a, b) return a ~ b end, function(a, b) return a << b end,
  function(a, b) return a >> b end, function(a) return -a end, function(a) return #a end,
  function(a) return ~a end, function(a) return not a end, function(a, b) return a[b] end,
  function(a, b)
    a[b] = 1
  end, function(a, b) return a(b) end, function(a, b) return a.name.name(b) end,
  function(a, b)
    return a:name(b)
  end, function(a, b) for i = a, b do if i then return i end end end,
  function(a, b) for i = 1, 2, b do if a then return i end end end,
  function(a, b) for x in a do if b then return x end end end,
  function(a, b) return { [a] = b } end, function(a, b) return a .. "" .. b .. 0 / 0 end,
}

-- What the texts of one case come to: FNV-1a over all of them, and the latest as a sample.
local function transcript()
  local hash, latest, count = 0xcbf29ce4, "", 0
  local self = {}

  function self.add(...)
    for i = 1, select("#", ...) do
      latest = describe((select(i, ...)))
      count = count + 1
      for at = 1, #latest, 8 do
        local a, b, c, d, e, f, g, h = latest:byte(at, at + 7)
        hash = (hash ~ (a | (b or 0) << 8 | (c or 0) << 16 | (d or 0) << 24 | (e or 0) << 32 | (f
          or 0) << 40
          | (g or 0) << 48 | (h or 0) << 56)) * 0x100000001b3
        hash = hash ~ hash >> 29
      end
    end
  end

  function self.because()
    return ("%d texts, %016x, the last: %s"):format(count, hash,
      (latest:sub(1, 300):gsub("[^ -~]", "?")))
  end

  return self
end

local function call_with_two(texts, named, first)
  local called = named[2]
  texts.add(pcall(called, first))
  for i = 1, #values do texts.add(pcall(called, first, values[i][2])) end
end

local function call_with_three(texts, named, first)
  local called = named[2]
  for i = 1, #values, 5 do
    for k = i % 3 + 1, #values, 7 do texts.add(pcall(called, first, values[i][2], values[k][2])) end
  end
end

local function operate(texts, operator, first)
  for i = 1, #values do texts.add(pcall(operator, first, values[i][2])) end
end

-- Each word of a format with each number and a few other values.
local CONVERSIONS = {
  "d",
  "i",
  "u",
  "c",
  "x",
  "X",
  "o",
  "e",
  "E",
  "f",
  "F",
  "g",
  "G",
  "a",
  "A",
  "q",
  "s",
  "p",
  "z",
}
local FLAGS = {
  "",
  "5",
  "-8",
  "+",
  " ",
  "#",
  "0",
  "05",
  "+.3",
  "#.0",
  ".0",
  ".14",
  ".20",
  "-12.4",
  "99.99",
  "100",
}

local function format_all(texts, conversion, value)
  for _, flags in ipairs(FLAGS) do
    texts.add(pcall(string.format, "%" .. flags .. conversion, value))
  end
end

local function raise_at_levels(texts)
  local function raise(level) error("message", level) end
  local function raise_in_tail(level) return raise(level) end
  for level = -2, 12 do
    texts.add(pcall(raise, level), pcall(raise_in_tail, level), pcall(long.raises, level))
    texts.add(pcall(function() raise(level) end), pcall(error, "direct", level))
    texts.add(pcall(string.gsub, "abc", "%w", function() raise(level) end))
    texts.add(pcall(table.sort, { 3, 2, 1 }, function() raise(level) end))
  end

  texts.add(pcall(long.fails, {}), pcall(long.fails, { a = 1 }), pcall(long.fails))
end

local function recurse(texts)
  local function through_pcall(n) return pcall(through_pcall, n + 1) end -- luacheck: ignore
  local depth = 0
  local function deeper()
    depth = depth + 1
    local ok, problem = pcall(deeper)
    if not ok then error(problem, 0) end
  end

  texts.add(pcall(deeper))
  texts.add(depth)
  -- luacheck: ignore
  local function by_gsub(n) return (string.gsub("x", "x", function() return by_gsub(n + 1) end)) end
  texts.add(pcall(by_gsub, 1))
  local function by_sort() table.sort({ 2, 1 }, by_sort) end -- luacheck: ignore
  texts.add(pcall(by_sort))
  texts.add(pcall(through_pcall, 1))
  texts.add(pcall(string.rep, "x", -1), pcall(string.rep, "x", 1 << 40),
    pcall(string.rep, "", 1 << 40))
  texts.add(pcall(string.find, ("a"):rep(300), ("a?"):rep(300) .. ("a"):rep(300)))
  texts.add(pcall(string.find, "x", ("("):rep(40)), pcall(string.find, "x", ("(x"):rep(300)))
end

local function misuse(texts, facts, params)
  local environment = { "os", "io", "print", "strin", "fort", "format", "random", "formt",
    "reltime",
    "undefined", "_G", {}, 1.5, true }
  for _, library in ipairs { string, math, table, utf8 } do
    for _, name in ipairs(environment) do
      texts.add(pcall(function() return library[name] end), pcall(function() library[name] = 1 end))
    end
  end

  for i = 1, #values do
    local key = values[i][2]
    texts.add(pcall(function() return facts[key] end), pcall(function() facts[key] = 1 end))
    texts.add(pcall(function() return params[key] end), pcall(function() params[key] = 1 end))
    texts.add(pcall(function()
      corpus.by_table[key] = 1
    end), pcall(function() corpus.inner.deep[key] = 1 end))
  end

  local name = ("n"):rep(200)
  texts.add(pcall(function() return facts[name] end), pcall(function() return string[name] end))
  texts.add(pcall(function()
    local t = {} return t[name].x
  end), pcall(next, {}, name), pcall(next, facts, name))
end

local CONSTRUCTORS = {
  realtime,
  batch,
  weights,
  assign,
  promote,
  ramp,
  hold,
  rollback,
  job,
  ignore,
}

local function construct_wrongly(texts, constructor, value)
  local function try(decision) texts.add(pcall(constructor, decision)) end
  try { because = "x", aa = 1, bb = 2, cc = 3, dd = 4, ee = 5, ff = 6, gg = 7 }
  try { because = "x", gg = 1, ff = 2, ee = 3, dd = 4, cc = 5, bb = 6, aa = 7 }
  try { because = "x", [{}] = 1, [constructor] = 2, [1.5] = 3, [true] = 4, zz = 5 }
  try { because = "x", [true] = 1, [false] = 2, [-1] = 3, [0] = 4, [1 << 40] = 5 }
  try { because = value }
  if value ~= nil and value == value then try { because = "x", [value] = 1, another = 2 } end
end

-- #t of tables with holes, and what an insertion finds, under keys of every kind.
local function find_borders(texts)
  local made = {}
  for round = 1, 40 do
    local t = {}
    for i = 1, 12 do
      t[{}] = i
      t[function() return round, i end] = i
      t["key " .. i * round] = i
      t[i * 7 + round] = i
    end

    t[string.format], t[math.floor], t[realtime], t[next] = 1, 2, 3, 4
    for i = 1, 30, round % 5 + 1 do t[i] = i end
    for i = 1, 30, round % 3 + 2 do t[i] = nil end
    made[round] = #t
  end

  texts.add(table.concat(made, " "))
end

-- x ^ y, by which texts, and decisions, could follow the C library.
local function raise_to_powers(texts, start)
  local x, y = start, 1.1
  for i = 1, 500 do
    x = (x * 1.0123 + 0.0317 * i) % 97
    y = (y * 1.7 + 0.013) % 41 - 20
    local power = x ^ y
    texts.add(power)
    if i % 50 == 0 then
      texts.add(x ^ i, i ^ -3, (i / 7) ^ 0.5, 2 ^ -i, 10 ^ (i % 300), (-i) ^ 3)
    end
  end
end

local function read_numbers(texts)
  for _, number in ipairs { "1e1", "1e-320", "0x.8p1", "0x1.fffffffffffff8p0", "1e400", "-0", "0x",
    "1e", "١", "1_0",
    "inf", "nan", "-nan", "1.7976931348623159e308", "2.2250738585072011e-308", "9007199254740993",
      "0b1", "1f", "1 2",
    "9223372036854775808", "0xffffffffffffffffff", "1.", ".5", ".", "5e-324", "2e-324", "1,5",
      "\v7\f" } do
    texts.add(pcall(tonumber, number), pcall(function() return number + 0 end))
    texts.add(pcall(function()
      return -number
    end), pcall(math.floor, number), pcall(string.rep, "x", number))
    for base = 2, 36, 7 do texts.add(pcall(tonumber, number, base)) end
  end
end

local SINGLE = {
  raise_at_levels, recurse, misuse, find_borders, read_numbers,
  function(texts) texts.add(table.unpack(REQUIRED)) end,
}
for i = 1, 20 do SINGLE[#SINGLE + 1] = function(texts) raise_to_powers(texts, i * 0.37) end end

-- What is tried with each value, and how.
local TRIED = {
  { OPERATORS, operate }, { CONVERSIONS, format_all }, { CONSTRUCTORS, construct_wrongly },
  { FUNCTIONS, call_with_two }, { FUNCTIONS, call_with_three },
}

-- Case `number` of the corpus; false when there are no more.
local function run(number, texts, facts, params)
  if number <= #SINGLE then
    SINGLE[number](texts, facts, params)
    return true
  end

  number = number - #SINGLE - 1
  for _, tried in ipairs(TRIED) do
    local list, try = tried[1], tried[2]
    if number < #list * #values then
      try(texts, list[number // #values + 1], values[number % #values + 1][2])
      return true
    end

    number = number - #list * #values
  end

  return false
end

return policy {
  kind = "routing",
  params = { sample = flag { false, doc = "nothing; another parameter to misuse" } },
  decide = function(facts, params)
    local texts = transcript()
    if not run(facts.file_count, texts, facts, params) then
      return realtime { because = "there is no case %d", facts.file_count }
    end

    return batch { because = "%s", texts.because() }
  end,
  examples = {
    { given = { file_count = 1 }, expect = "batch" },
    { given = { file_count = 1000000 }, expect = "realtime" },
  },
}
