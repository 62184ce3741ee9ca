-- weir.pattern against the reference matcher, on generated patterns and events that nearly match.
-- A case is a tape of numbers that a builder reads as its choices; shrinking the tape shrinks the
-- pattern and the event together.
local json = require("weir.json")
local pattern = require("weir.pattern")
local property = require("support.property")
local reference = require("support.reference_matcher")

local KEYS = { "a", "b", "c", "a-b" }
-- Few values, close to each other, so that a near miss is as likely as a match.
local STRINGS = { "", "x", "X", "xy", "xyx", "yx", "Éx", "éX", "x*y", "x\\\\y", "1", "null",
  "10.0.0.1",
  "10.0.0.200", "010.0.0.1", "::1", "0:0::1", "::ffff:10.0.0.1", "::ffff:a00:1", "fe80::1:2" }
local NUMBERS = { "0", "-0", "1", "1.0", "10e-1", "300", "3.0e2", "-7", "0.1", "2.5", "1e300" }
local WORDS = { "true", "false", "null" }
local WILDCARDS = { "*", "x*", "*x", "x*x", "*y*", "x\\\\*y", "x*\\\\\\\\*", "", "*0.0*1" }
local CIDRS = { "10.0.0.0/24", "10.0.0.0/25", "10.0.0.1/31", "0.0.0.0/0", "::/64", "::1/127",
  "fe80::/10",
  "::/0", "a00::/7", "10.0.0.0/3",
  "10.0.0.9/29", "255.255.255.255/31", "fe80::1/64" }

local function reader(tape)
  local at = 0
  -- 1 to n; 1 when the tape has run out.
  local function choice(n)
    at = at + 1
    return (tape[at] or 0) % n + 1
  end

  local function pick(list) return list[choice(#list)] end

  return choice, pick
end

local function quote(text) return '"' .. text .. '"' end

-- One list member, and a value that it may match (both JSON text; nil: absence).
local function member(choice, pick)
  local function number() return tostring(choice(9) - 3) end
  local function strings()
    if choice(2) == 1 then return quote(pick(STRINGS)) end
    return "[" .. quote(pick(STRINGS)) .. "," .. quote(pick(STRINGS)) .. "]"
  end

  local function nonempty() return quote(STRINGS[choice(#STRINGS - 1) + 1]) end
  -- An operator on a string, which often matches that string itself.
  local function on_string(format)
    return function()
      local text = quote(pick(STRINGS))
      return format:format(text), text
    end
  end

  local function with_any(make)
    return function() return make(), choice(2) == 1 and quote(pick(STRINGS)) or pick(NUMBERS) end
  end

  local function plain(values)
    return function()
      local value = pick(values)
      return value, value
    end
  end

  local makers = {
    on_string("%s"), plain(NUMBERS), plain(WORDS),
    on_string('{"exactly":%s}'),
    on_string('{"prefix":%s}'),
    on_string('{"suffix":%s}'),
    on_string('{"prefix":{"equals-ignore-case":%s}}'),
    on_string('{"suffix":{"equals-ignore-case":%s}}'),
    on_string('{"equals-ignore-case":%s}'),
    with_any(function() return ('{"wildcard":%s}'):format(quote(pick(WILDCARDS))) end),
    with_any(function() return ('{"cidr":%s}'):format(quote(pick(CIDRS))) end),
    function()
      return ('{"numeric":["%s",%s]}'):format(pick({ "=", "<", "<=", ">", ">=" }), number()),
        number()
    end,
    function()
      local low, above, below = choice(9) - 3, pick({ ">", ">=" }), pick({ "<", "<=" })
      return ('{"numeric":["%s",%d,"%s",%d]}'):format(above, low, below, low + choice(5)), number()
    end,
    with_any(function() return '{"exists":true}' end),
    function() return '{"exists":false}', nil end,
    with_any(function() return ('{"anything-but":%s}'):format(strings()) end),
    with_any(function() return ('{"anything-but":%s}'):format(pick(NUMBERS)) end),
    with_any(function()
      return ('{"anything-but":[%s,%s]}'):format(pick(NUMBERS), pick(NUMBERS))
    end),
    with_any(function() return ('{"anything-but":{"prefix":%s}}'):format(nonempty()) end),
    with_any(function()
      return ('{"anything-but":{"suffix":[%s,%s]}}'):format(nonempty(), nonempty())
    end),
    with_any(function()
      return ('{"anything-but":{"equals-ignore-case":%s}}'):format(strings())
    end),
    with_any(function()
      return ('{"anything-but":{"wildcard":%s}}'):format(quote(pick(WILDCARDS)))
    end),
  }

  return pick(makers)()
end

local function list(choice, pick)
  local members, examples = {}, {}
  for i = 1, choice(3) do
    members[i], examples[#examples + 1] = member(choice, pick)
  end

  return "[" .. table.concat(members, ",") .. "]", examples
end

-- A pattern object; `used` gets the examples of each path. No path is used twice: which of two
-- wins is the unit tests' matter.
local function pattern_object(choice, pick, depth, prefix, used)
  local fields, here = {}, {}
  for _ = 1, choice(3) do
    local key = pick(KEYS)
    if choice(6) == 1 then key = key .. "." .. pick(KEYS) end
    local path = prefix .. key
    if not used[path] and not here[key] then
      here[key] = true
      if depth > 0 and choice(3) > 1 then
        local inside = pattern_object(choice, pick, depth - 1, path .. ".", used)
        if inside then fields[#fields + 1] = quote(key) .. ":" .. inside end
      else
        local text
        text, used[path] = list(choice, pick)
        fields[#fields + 1] = quote(key) .. ":" .. text
      end
    end
  end

  if depth > 0 and choice(6) == 1 then
    local branches, all = {}, {}
    for _ = 1, 2 do
      local own = setmetatable({}, { __index = used })
      local branch = pattern_object(choice, pick, depth - 1, prefix, own)
      if branch then branches[#branches + 1] = branch end
      for path, examples in pairs(own) do all[path] = examples end
    end

    for path, examples in pairs(all) do used[path] = examples end
    if #branches > 1 then fields[#fields + 1] = '"$or":[' .. table.concat(branches, ",") .. "]" end
  end

  if #fields == 0 then return nil end

  return "{" .. table.concat(fields, ",") .. "}"
end

local function event_value(choice, pick, depth)
  local kind = choice(depth > 0 and 9 or 3)
  if kind == 1 then return quote(pick(STRINGS)) end
  if kind == 2 then return pick(NUMBERS) end
  if kind == 3 then return pick(WORDS) end
  local parts = {}
  if kind <= 6 then
    for i = 1, choice(4) - 1 do parts[i] = event_value(choice, pick, depth - 1) end
    return "[" .. table.concat(parts, ", ") .. "]"
  end

  local seen = {}
  for _ = 1, choice(4) do
    local key = pick(KEYS)
    if choice(8) == 1 then key = key .. "." .. pick(KEYS) end
    if not seen[key] then
      seen[key] = true
      local name = choice(8) == 1 and key:gsub("a", "\\u0061") or key
      parts[#parts + 1] = quote(name) .. " : " .. event_value(choice, pick, depth - 1)
    end
  end

  return "{" .. table.concat(parts, ",") .. "}"
end

local function random_event(choice, pick)
  while true do
    local text = event_value(choice, pick, 4)
    if text:sub(1, 1) == "{" then return text end
    if choice(2) == 1 then return '{"a":' .. text .. "}" end
  end
end

local function sorted_keys(map)
  local keys = {}
  for key in pairs(map) do keys[#keys + 1] = key end
  table.sort(keys)

  return keys
end

-- The paths of a pattern as a tree: each has children by key, and examples where a list stands.
local function tree_of(paths)
  local tree = { children = {} }
  for path, examples in pairs(paths) do
    local at = tree
    for segment in path:gmatch("[^.]+") do
      at.children[segment] = at.children[segment] or { children = {} }
      at = at.children[segment]
    end

    at.examples = examples
  end

  return tree
end

-- An event with the pattern's paths and mostly its examples, some left out, and objects spread
-- over the elements of arrays.
local function near_event(choice, pick, tree, is_root)
  local function leaf(examples)
    local value = choice(8) > 1 and #examples > 0 and pick(examples) or event_value(choice, pick, 1)
    local shape = choice(8)
    if shape == 1 then return "[" .. event_value(choice, pick, 0) .. "," .. value .. "]" end
    if shape == 2 then return "[[" .. value .. "]," .. event_value(choice, pick, 0) .. "]" end
    return value
  end
  local function object()
    local parts = {}
    for _, key in ipairs(sorted_keys(tree.children)) do
      local child = tree.children[key]
      local examples, is_inner = child.examples, next(child.children) ~= nil
      local rare = examples and #examples == 0 -- only absence matches
      if choice(rare and 2 or 6) > 1 then
        local value = (examples and not (is_inner and choice(2) == 1)) and leaf(examples)
          or near_event(choice, pick, child, false)
        parts[#parts + 1] = quote(key) .. ":" .. value
      end
    end
    return "{" .. table.concat(parts, ",") .. "}"
  end
  if is_root or choice(3) > 1 then return object() end
  local elements = {}
  for i = 1, choice(3) do
    elements[i] = choice(6) > 1 and object() or event_value(choice, pick, 1)
  end
  return "[" .. table.concat(elements, ",") .. "]"
end

local function build_pattern(choice, pick)
  local used = {}
  local text = pattern_object(choice, pick, 2, "", used)
  if not text then return '{"a":["x"]}', { a = { '"x"' } } end
  return text, used
end

local function build_event(choice, pick, paths)
  if choice(5) == 1 then return random_event(choice, pick) end
  return near_event(choice, pick, tree_of(paths), true)
end

local tape = property.array(property.int(0, 100000), { min = 80, max = 250 })

describe("weir.pattern agrees with the reference matcher", function()
  it("on one pattern and one event", function()
    local matched, total = 0, 0
    property.check("match", tape, function(choices)
      local choice, pick = reader(choices)
      local text, paths = build_pattern(choice, pick)
      local event = build_event(choice, pick, paths)
      local matcher, message = pattern.compile(text)
      assert(matcher, message)
      local got = matcher:match(event)
      total = total + 1
      if got then matched = matched + 1 end
      local wanted = reference.matches(json.decode(text), json.decode(event))
      if got ~= wanted then
        error(("pattern %s\n  event %s\n  match gives %s, the reference %s"):format(text, event,
          tostring(got), tostring(wanted)), 0)
      end
    end, { cases = 4000 })
    -- A few cases say nothing about how often events match.
    assert.is_true(total < 1000 or matched > total // 10, "hardly any generated event matches")
  end)

  it("on a set of patterns, which gives what each gives alone", function()
    property.check("set", tape, function(choices)
      local choice, pick = reader(choices)
      local patterns, wanted, all_paths = {}, {}, {}
      for i = 1, 8 do
        local text, paths = build_pattern(choice, pick)
        patterns["p" .. i] = text
        for path, examples in pairs(paths) do all_paths[path] = examples end
      end
      local event = build_event(choice, pick, all_paths)
      for name, text in pairs(patterns) do
        if assert(pattern.compile(text)):match(event) then wanted[#wanted + 1] = name end
      end
      table.sort(wanted)
      assert.same(wanted, assert(pattern.set(patterns)):match(event))
    end, { cases = 500 })
  end)
end)

describe("the key of a miss", function()
  it("tells misses apart that are explained differently", function()
    local shared, total = 0, 0
    property.check("key", tape, function(choices)
      local choice, pick = reader(choices)
      local text, paths = build_pattern(choice, pick)
      local matcher = assert(pattern.compile(text))
      local known = {}
      for _ = 1, 20 do
        local event = build_event(choice, pick, paths)
        local misses, key = matcher:explain(event)
        local told = json.encode(misses)
        total = total + 1
        if key and known[key] then
          shared = shared + 1
          if known[key].told ~= told then
            error(("pattern %s\n  %s is told as %s\n  %s is told as %s"):format(text,
              known[key].event, known[key].told, event, told), 0)
          end
        elseif key then
          known[key] = { told = told, event = event }
        end
      end
    end, { cases = 1000 })
    assert.is_true(total < 5000 or shared > total // 20, "hardly any generated misses are alike")
  end)
end)
