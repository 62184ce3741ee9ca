-- The field specs of what a policy set declares: what fits, and what a mistake is told as.
local fields = require "weir.sandbox.fields"

local WORDS = { type = "text" }

-- A list with one field `f` of this spec: its copy | nil, text, name of the field
local function checked(spec, rules)
  spec.name, spec.doc = spec.name or "f", spec.doc or "what it means"
  local copied, text, about = fields.checked(fields.list, "facts", { spec }, rules or {})
  return copied and copied[1], text, about
end

local function fits(spec, rules)
  local copied, text = checked(spec, rules)
  assert.is_nil(text)
  return copied
end

local function refused(text, spec, rules)
  local copied, found, about = checked(spec, rules)
  assert.is_nil(copied, text)
  assert.equal(text, found)
  assert.equal("f", about)
end

-- Of a text that lists names, which come in any order here: only its beginning.
local function refused_with(beginning, spec, rules)
  local copied, found = checked(spec, rules)
  assert.is_nil(copied, beginning)
  assert.equal(beginning, found:sub(1, #beginning))
end

describe("a field spec", function()
  it("is copied with all that it says", function()
    for _, spec in ipairs {
      { type = "integer", min = -1, max = 1, unit = "files", required = true },
      { type = "number", min = 0.5 },
      { type = "text", min_size = 0, max_size = 1 << 30, required = false },
      { type = "flag" },
      { type = "any" },
      { type = "choice", values = { "a", "b" } },
      { type = "list", of = WORDS, min_items = 1, max_items = 2 },
      { type = "map", of = WORDS, max_items = 0 },
    } do
      local copied = fits(spec)
      assert.same(spec, copied)
      assert.are_not.equal(spec, copied)
    end
  end)

  it("is no longer the declared table, at any depth", function()
    local values, of = { "a" }, { type = "choice" }
    of.values = values
    local copied = fits { type = "list", of = of, max_items = 3 }
    values[1], of.type = "changed", "changed"
    assert.same({ type = "choice", values = { "a" } }, copied.of)
  end)

  it("has a type that is known, and only the keys of that type", function()
    refused_with("facts.f: the type is missing; types are: ", {})
    refused_with("facts.f: the type is missing; types are: ", { type = 7 })
    refused_with("facts.f: the type 'int' is unknown; types are: ", { type = "int" })
    for type, key in pairs { integer = "min_size", number = "values", text = "max", flag = "min",
      any = "of", map = "unique_by", choice = "max_items", record = "of" } do
      refused_with(("facts.f: a field of type %s has no '%s'; it has: "):format(type, key),
        { type = type, [key] = 1 })
    end
  end)

  it("has texts for doc and unit, and a switch for required", function()
    refused("facts.f: doc must be a text", { type = "flag", doc = 1 })
    refused("facts.f: unit must be a text", { type = "flag", unit = "\xff" })
    refused("facts.f: required must be true or false", { type = "flag", required = "yes" })
  end)

  it("has bounds that are numbers, the lower one first", function()
    fits { type = "number", min = 1, max = 1 }
    fits { type = "number", min = -math.huge, max = math.huge }
    refused("facts.f: min is above max", { type = "integer", min = 2, max = 1 })
    refused("facts.f: min must be a number", { type = "number", min = "1" })
    refused("facts.f: max must be a number", { type = "number", max = 0 / 0 })
  end)

  it("has sizes that are whole numbers from 0 to 2^30, the lower one first", function()
    for _, case in ipairs {
      { "text", "size", "a whole number of bytes" },
      { "list", "items", "a whole number" },
      { "map", "items", "a whole number" },
    } do
      local kind, what, noun = table.unpack(case)
      local low, high = "min_" .. what, "max_" .. what
      local function spec(bounds)
        bounds.type, bounds.of = kind, kind ~= "text" and WORDS or nil
        return bounds
      end

      for _, key in ipairs { low, high } do
        for _, size in ipairs { 0, 1 << 30 } do fits(spec { [key] = size }) end
        for _, size in ipairs { -1, (1 << 30) + 1, 1.0, "1" } do
          refused(("facts.f: %s must be %s"):format(key, noun), spec { [key] = size })
        end
      end

      refused(("facts.f: %s is above %s"):format(low, high), spec { [low] = 2, [high] = 1 })
    end
  end)

  it("of a list or a map says of what, and how many where that is bounded", function()
    for _, kind in ipairs { "list", "map" } do
      refused(("facts.f: a %s needs of = { type = … }"):format(kind), { type = kind })
      refused(("facts.f: a %s needs max_items"):format(kind), { type = kind, of = WORDS },
        { bounded = true })
      fits({ type = kind, of = WORDS, max_items = 1 }, { bounded = true })
      refused('facts.f.of must be a field spec, such as { type = "integer", min = 0 }',
        { type = kind, of = "text" })
      refused("facts.f.of: a list needs max_items",
        { type = kind, max_items = 1, of = { type = "list", of = WORDS } }, { bounded = true })
    end
  end)

  it("is nested sixteen deep at most", function()
    local function nested(depth)
      local spec = { type = "text" }
      for _ = 2, depth do spec = { type = "list", of = spec } end
      return spec
    end

    fits(nested(16))
    refused("facts.f" .. (".of"):rep(16) .. ": field specs are nested more than 16 deep",
      nested(17))
    local function of_records(depth)
      local spec = { type = "flag" }
      for _ = 2, depth do
        spec.name, spec.doc = "g", "d"
        spec = { type = "record", fields = { spec } }
      end

      return spec
    end

    fits(of_records(16))
    local _, too_deep = checked(of_records(17))
    assert.equal("facts.f" .. (".fields.g"):rep(16)
      .. ": field specs are nested more than 16 deep", too_deep)
    assert.equal("of" .. (".of"):rep(16) .. ": field specs are nested more than 16 deep",
      select(2, fields.checked(fields.element, "of", nested(17), {})))
    assert.is_table((fields.checked(fields.element, "of", nested(16), {})))

    local inner = { type = "record" }
    inner.fields = { { name = "inner", doc = "itself", type = "list", of = inner } }
    local copied, text = checked(inner)
    assert.is_nil(copied)
    assert.truthy(text:find("field specs are nested more than 16 deep", 1, true), text)
  end)
end)

describe("the elements of a list that differ by a field", function()
  local function list(max_items, unique_by, required)
    return { type = "list", max_items = max_items, unique_by = unique_by, of = { type = "record",
      fields = { { name = "name", type = "text", required = required, doc = "name" } } } }
  end

  it("are a hundred at most", function()
    assert.equal("name", fits(list(100, "name", true)).unique_by)
    for _, most in ipairs { 101, false } do
      refused("facts.f: unique_by needs max_items of at most 100",
        list(most or nil, "name", true))
    end
  end)

  it("have the field, and always", function()
    local text = "facts.f: unique_by must name a required field of the list's records"
    refused(text, list(2, "name", nil))
    refused(text, list(2, "name", false))
    refused(text, list(2, "names", true))
    refused(text, { type = "list", of = WORDS, max_items = 2, unique_by = "name" })
  end)
end)

describe("the values of a choice", function()
  it("are texts, each once, in their order", function()
    assert.same({ "b", "a" }, fits({ type = "choice", values = { "b", "a" } }).values)
    for _, none in ipairs { {}, "a", 1 } do
      refused('facts.f needs values = { "…", … }', { type = "choice", values = none })
    end

    refused('facts.f needs values = { "…", … }', { type = "choice" })
    refused("facts.f: values[2] must be a text", { type = "choice", values = { "a", 1 } })
    refused("facts.f: values[1] must be a text", { type = "choice", values = { "\xff" } })
    refused('facts.f: values[1] and values[3] are both "a"',
      { type = "choice", values = { "a", "b", "a" } })
  end)

  it("are a list, without names and holes", function()
    refused("facts.f: values is a list, and 'x' is not a place in it; leave the key out",
      { type = "choice", values = { x = "a" } })
    refused("facts.f: values[1] is nil; what follows it would never be seen",
      { type = "choice", values = { [2] = "a" } })
  end)
end)

describe("a list of field specs", function()
  local function text_of(specs, rules)
    local copied, text, about = fields.checked(fields.list, "facts", specs, rules or {})
    assert.is_nil(copied)
    return text, about
  end

  local function many(count)
    local specs = {}
    for i = 1, count do specs[i] = { name = "f" .. i, type = "flag", doc = "d" } end
    return specs
  end

  it("has 64 fields at most, each with a name and a meaning of its own", function()
    assert.equal(64, #fields.list("facts", many(64), {}))
    assert.equal("facts has more than 64 fields", (text_of(many(65))))
    assert.same({ 'facts.f needs doc = "…": say what it means', "f" },
      { text_of { { name = "f", type = "flag" } } })
    assert.same({ "facts.f1 is there twice", "f1" },
      { text_of { many(1)[1], { name = "f2", type = "flag", doc = "d" }, many(1)[1] } })
    assert.equal("facts must be a list", (text_of("f")))
  end)

  it("has names of small letters, digits and _, at most 64", function()
    for _, name in ipairs { "a", "a_1", ("a"):rep(64) } do
      assert.equal(name, fields.list("facts", { { name = name, type = "flag", doc = "d" } },
        {})[1].name)
    end

    for _, name in ipairs { "", "A", "1a", "_a", "a-b", ("a"):rep(65), 7, false } do
      assert.same({ "facts[2] needs a name: small letters, digits and _, at most 64" },
        { text_of { many(1)[1], { name = name or nil, type = "flag", doc = "d" } } })
    end

    assert.equal("facts[1] needs a name: small letters, digits and _, at most 64",
      (text_of { "f" }))
  end)

  it("takes further keys of its rules, checked with the copy, but not those inside", function()
    local seen = {}
    local rules = { more = { from = function(what, value, copied)
      seen[#seen + 1] = ("%s %s %s"):format(what, value, copied.type)
      copied.from = value
    end } }
    assert.equal("/a", fits({ type = "flag", from = "/a" }, rules).from)
    assert.is_nil(fits({ type = "flag" }, rules).from)
    assert.same({ "facts.f /a flag" }, seen)

    refused_with("facts.f.of: a field of type flag has no 'from'; it has: ",
      { type = "list", of = { type = "flag", from = "/a" } }, rules)
  end)

  it("names a field inside of a record by its path", function()
    local _, text, about = checked { type = "record", fields = {
      { name = "g", doc = "d", type = "choice", values = { 1 } },
    } }
    assert.same({ "facts.f.fields.g: values[1] must be a text", "g" }, { text, about })
  end)
end)

describe("a check", function()
  it("of one spec needs no name and no meaning", function()
    assert.same({ type = "integer", min = 0 }, fields.element("of", { type = "integer", min = 0 },
      {}))
    assert.same({ "of: min must be a number" },
      { select(2, fields.checked(fields.element, "of", { type = "integer", min = "0" }, {})) })
  end)

  it("lets through what is not a refusal", function()
    assert.same({ false, "broken" },
      { pcall(fields.checked, function() error("broken", 0) end) })
    assert.equal("fine", fields.checked(function(...) return (...) end, "fine"))
  end)

  it("tells of keys that have no order", function()
    local no_order = { __pairs = function() error("tables as keys have no order", 0) end }
    local function unordered(value) return setmetatable(value, no_order) end

    assert.equal("policy: tables as keys have no order",
      fields.unknown_key("policy", unordered {}, {}))
    assert.same({ nil, "values: tables as keys have no order" },
      { fields.count("values", unordered {}) })
    refused("facts.f: tables as keys have no order", unordered { type = "flag" })
  end)

  it("names the first key that is not allowed", function()
    assert.is_nil(fields.unknown_key("policy", { kind = 1 }, { kind = true, params = true }))
    assert.is_nil(fields.unknown_key("policy", {}, {}))
    assert.equal("policy has no 'kid'; it has: kind",
      fields.unknown_key("policy", { kid = 1 }, { kind = true }))
  end)
end)
