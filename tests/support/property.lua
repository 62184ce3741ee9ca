-- Property tests with integrated shrinking:
--   local property = require("support.property")
--   it("reverses twice", function()
--     property.check("reverse", property.array(property.int(0, 9)), function(list)
--       assert.same(list, reverse(reverse(list)))
--     end, { cases = 500 })
--   end)
-- The predicate fails by raising or by returning false (nil passes). The failure is shrunk, and
-- the message shows the smallest counterexample and the seed. WEIR_SEED=n repeats a run,
-- WEIR_SEED=random takes a fresh seed; without it every run is the same. WEIR_CASES=n caps the
-- cases of every property, for builds that are many times slower (garbage collection at every
-- step); WEIR_CASES=xN runs N times as many, for a soak.
--
-- A generator is a function of a random source. It returns a tree: { value = …, shrinks = iterator
-- factory over smaller trees }. Generators made of generators therefore shrink by themselves.
local assertions = require("support.assertions")

local property = {}

local SHRINK_STEPS = 2000

-- xorshift64*: our own, so that code under test cannot disturb the sequence.
local function new_source(seed)
  local state = (seed * 0x9E3779B97F4A7C15) | 1
  return function(min, max)
    state = state ~ (state << 13)
    state = state ~ (state >> 7)
    state = state ~ (state << 17)
    local bits = state * 0x2545F4914F6CDD1D
    if not min then return bits end

    return min + (bits >> 1) % (max - min + 1) -- a bias of 2^-30 at worst does not matter here
  end
end

local function no_shrinks() return function() end end

local function leaf(value) return { value = value, shrinks = no_shrinks } end

-- Iterates over what the body passes to its argument.
local function generate(body)
  return function()
    return coroutine.wrap(function() body(coroutine.yield) end)
  end
end

local function map_tree(tree, convert)
  return {
    value = convert(tree.value),
    shrinks = generate(function(yield)
      for smaller in tree.shrinks() do yield(map_tree(smaller, convert)) end
    end),
  }
end

-- A list of trees, seen as build(their values). Shrinks by leaving out runs of elements, then by
-- shrinking one element.
local function list_tree(elements, build, min)
  local values = {}
  for i, element in ipairs(elements) do values[i] = element.value end
  return {
    value = build(values),
    shrinks = generate(function(yield)
      local run = #elements
      while run >= 1 do
        for first = 1, #elements, run do
          local rest = {}
          for i, element in ipairs(elements) do
            if i < first or i >= first + run then rest[#rest + 1] = element end
          end

          if #rest >= min then yield(list_tree(rest, build, min)) end
        end

        run = run // 2
      end

      for i, element in ipairs(elements) do
        for smaller in element.shrinks() do
          local changed = table.move(elements, 1, #elements, 1, {})
          changed[i] = smaller
          yield(list_tree(changed, build, min))
        end
      end
    end),
  }
end

local function int_tree(value, target)
  return {
    value = value,
    shrinks = generate(function(yield)
      local gap = value - target
      while gap ~= 0 do
        yield(int_tree(value - gap, target))
        gap = gap > 0 and gap // 2 or -(-gap // 2)
      end
    end),
  }
end

-- Whole numbers; shrink towards 0, or towards the bound that is nearest to it.
function property.int(min, max)
  min, max = min or -1000, max or 1000
  local target = math.max(min, math.min(max, 0))
  return function(source) return int_tree(source(min, max), target) end
end

-- Any 64-bit integer, the limits more often than chance.
function property.int64()
  local notable = {
    0,
    1,
    -1,
    math.maxinteger,
    math.mininteger,
    (1 << 53) + 1,
    1 << 53,
    -(1 << 53) - 1,
  }

  return function(source)
    if source(1, 4) == 1 then return int_tree(notable[source(1, #notable)], 0) end
    local value = source() >> source(0, 63)
    return int_tree(source(0, 1) == 0 and value or -value, 0)
  end
end

local function float_tree(value)
  return {
    value = value,
    shrinks = generate(function(yield)
      local simpler = { 0.0, 1.0, value / 2 }
      for _, format in ipairs({ "%.0f", "%.1f", "%.3g" }) do
        simpler[#simpler + 1] = tonumber(format:format(value)) + 0.0
      end

      for _, candidate in ipairs(simpler) do
        if candidate ~= value and math.abs(candidate) <= math.abs(value) then
          yield(float_tree(candidate))
        end
      end
    end),
  }
end

-- Finite doubles: short decimals, limits, and any bits at all.
function property.float()
  local notable = { 0.0, -0.0, 1.0, 0.1, 0.5, 1e15, 1e16, 1e22, 1e23, 5e-324,
    2.2250738585072014e-308,
    1.7976931348623157e308, 2.0 ^ 53, 2.0 ^ 63, 2.0 ^ -44 }
  return function(source)
    local kind = source(1, 4)
    if kind == 1 then return float_tree(notable[source(1, #notable)]) end
    if kind == 2 then return float_tree(source(-1000000, 1000000) / 10 ^ source(0, 6)) end
    while true do
      local value = string.unpack("d", string.pack("j", source()))
      if value == value and math.abs(value) < math.huge then return float_tree(value) end
    end
  end
end

function property.boolean()
  return property.map(property.int(0, 1), function(bit) return bit == 1 end)
end

function property.constant(value)
  return function() return leaf(value) end
end

-- One of these values; shrinks to earlier ones.
function property.element(values)
  return property.map(property.int(1, #values), function(i) return values[i] end)
end

-- What one of these generators makes.
function property.one_of(generators)
  return function(source) return generators[source(1, #generators)](source) end
end

function property.map(generator, convert)
  return function(source) return map_tree(generator(source), convert) end
end

local function some(source, generator, min, max)
  local elements = {}
  for i = 1, source(min, max) do elements[i] = generator(source) end
  return elements
end

local function copy(values) return values end

-- A list of what the generator makes, between options.min (0) and options.max (8) of it.
function property.array(generator, options)
  local min, max = options and options.min or 0, options and options.max or 8
  return function(source) return list_tree(some(source, generator, min, max), copy, min) end
end

-- A fixed list: one value of each generator.
function property.tuple(generators)
  return function(source)
    local elements = {}
    for i, generator in ipairs(generators) do elements[i] = generator(source) end
    return list_tree(elements, copy, #elements)
  end
end

-- A table with this generator's keys and that one's values.
function property.object(keys, values, options)
  local entry = property.tuple({ keys, values })
  local max = options and options.max or 8
  local function build(entries)
    local object = {}
    for _, pair in ipairs(entries) do object[pair[1]] = pair[2] end
    return object
  end

  return function(source) return list_tree(some(source, entry, 0, max), build, 0) end
end

-- Characters that break things, among ordinary ones.
local CHARACTERS = { "a", "b", "Z", "0", "9", " ", "_", ".", "-", "/", "\\", '"', "'", "{", "}",
  "[",
  "]", ":", ",", "*", "?", "\0", "\b", "\t", "\n", "\r", "\x1f", "\x7f", "\u{80}", "é", "€",
  "\u{D7FF}",
  "\u{E000}", "\u{FFFD}", "\u{FFFF}", "\u{10000}", "\u{1D11E}", "\u{10FFFF}" }

-- Text in UTF-8 from options.alphabet (a list of strings), at most options.max (20) of them.
function property.string(options)
  local character = property.element(options and options.alphabet or CHARACTERS)
  local min, max = options and options.min or 0, options and options.max or 20
  return function(source) return list_tree(some(source, character, min, max), table.concat, min) end
end

-- Any bytes.
function property.bytes(options)
  local alphabet = {}
  for byte = 0, 255 do alphabet[byte + 1] = string.char((byte + 97) % 256) end -- shrinks to "a"
  local min, max = options and options.min, options and options.max

  return property.string({ alphabet = alphabet, min = min, max = max })
end

-- Nested values: leaves, or branch(values) down to this depth.
function property.nested(depth, leaves, branch)
  if depth == 0 then return leaves end
  return property.one_of({ leaves, branch(property.nested(depth - 1, leaves, branch)) })
end

local function show(value, depth)
  if type(value) == "string" then return (("%q"):format(value):gsub("\\\n", "\\n")) end
  if type(value) == "number" and math.type(value) == "float" then return ("%.17g"):format(value) end
  if type(value) ~= "table" or depth > 6 then return tostring(value) end
  local parts, length = {}, #value
  for i = 1, length do parts[i] = show(value[i], depth + 1) end
  for key, item in pairs(value) do
    if not (math.type(key) == "integer" and key >= 1 and key <= length) then
      parts[#parts + 1] = ("[%s] = %s"):format(show(key, depth + 1), show(item, depth + 1))
    end
  end

  return "{ " .. table.concat(parts, ", ") .. " }"
end

-- nil when it holds, otherwise what went wrong.
local function failure_of(predicate, value)
  local ok, result, detail = pcall(predicate, value)
  if not ok then
    return type(result) == "table" and tostring(result.message or result) or tostring(result)
  end

  if result == false then return tostring(detail or "the predicate returned false") end
end

local function shrink(tree, predicate, failure)
  local steps = 0
  local function smaller_failure()
    for smaller in tree.shrinks() do
      steps = steps + 1
      if steps > SHRINK_STEPS then return end
      local found = failure_of(predicate, smaller.value)
      if found then return smaller, found end
    end
  end

  while true do
    local smaller, found = smaller_failure()
    if not smaller then return tree.value, failure end
    tree, failure = smaller, found
  end
end

local function choose_seed(options)
  local wanted = os.getenv("WEIR_SEED")
  if wanted == "random" then return os.time() end
  if wanted then
    return assert(math.tointeger(tonumber(wanted)), "WEIR_SEED must be an integer or 'random'")
  end

  return options.seed or 1
end

-- How many cases to run where a property wants `wanted`.
local function case_count(wanted)
  local setting = os.getenv("WEIR_CASES")
  if not setting then return wanted end
  local factor = setting:match("^x(%d+)$")
  if factor then return wanted * math.tointeger(tonumber(factor)) end
  local most = assert(tonumber(setting), "WEIR_CASES must be a number, or xN")

  return math.min(wanted, most)
end

-- Raises with the smallest counterexample found when the predicate fails for some value.
function property.check(name, generator, predicate, options)
  options = options or {}
  assertions.made()
  local seed = choose_seed(options)
  local source = new_source(seed)
  for case = 1, case_count(options.cases or 200) do
    local tree = generator(source)
    local failure = failure_of(predicate, tree.value)
    if failure then
      local value, smallest_failure = shrink(tree, predicate, failure)
      local place = ("property '%s' fails (case %d, WEIR_SEED=%d)"):format(name, case, seed)
      error(("%s\n  for %s\n  %s"):format(place, show(value, 0), smallest_failure), 2)
    end
  end
end

-- For suites that ask an oracle about many cases at once: the same two settings.
property.seed = choose_seed
property.cases = case_count

return property
