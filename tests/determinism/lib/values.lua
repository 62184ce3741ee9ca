-- The values that the corpus tries everywhere, and what it says of a result.
local function double(n) return n + n end

local nan = 0 / 0
local mixed = { 1, 2, nil, 4, x = 1, y = { 2 }, [10] = 3, [2.5] = 4, [true] = 5 }

-- A table that is reached over keys that are tables; which way names it is seen when it is written
-- to.
local inner = { deep = {} }
local by_table = { [{}] = inner, [{ 1 }] = inner, [{ 2 }] = { inner }, [double] = inner }

local values = {
  { "nil", nil }, { "true", true }, { "false", false },
  { "0", 0 }, { "-1", -1 }, { "3", 3 }, { "2^53", 1 << 53 }, { "maxinteger", math.maxinteger },
  {
    "mininteger",
    math.mininteger,
  }, { "0.0", 0.0 }, { "-0.0", -0.0 }, { "1.5", 1.5 }, { "1e308", 1e308 },
  { "5e-324", 5e-324 }, { "1e15", 1e15 }, { "1e100", 1e100 }, { "inf", math.huge },
    { "-inf", -math.huge },
  { "nan", nan }, { "-nan", -nan }, { "nan - nan", math.huge - math.huge },
  { "empty", "" }, { "x", "x" }, { "ten", "10" }, { "hex", "0x1p4" }, { "nan text", "nan" },
    { "inf text", "inf" },
  { "spaces", " 5 " }, { "zero", "a\0b" }, { "bytes", "\xff\xfe" }, { "euro", "€" }, {
    "long",
    ("long "):rep(20)
  },
  { "percent", "%d %s" }, { "pattern", "(%w+)" }, { "bad pattern", "%" }, { "comma", "1,5" },
  { "{}", {} }, { "list", { 1, 2, 3 } }, { "words", { "b", "a", "c" } }, { "mixed", mixed },
  { "by_table", by_table }, { "inner", inner },
  { "function", double }, { "builtin", string.format }, { "iterator", math.floor },
}

-- Numbers in full, texts as they are, tables by their length and keys, the rest by type.
local function describe(value)
  if type(value) == "number" then return ("%.17g %s"):format(value, tostring(value)) end
  if type(value) ~= "table" then return tostring(value) end
  local ok, length = pcall(function() return #value end)
  local text = { "table", tostring(ok), tostring(length) }
  local walked, problem = pcall(function()
    for key, inside in pairs(value) do
      text[#text + 1] = tostring(key)
      text[#text + 1] = tostring(inside)
    end
  end)

  if not walked then text[#text + 1] = tostring(problem) end

  return table.concat(text, " ")
end

return { values = values, describe = describe, by_table = by_table, inner = inner }
