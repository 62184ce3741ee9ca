-- Kinds that sets declare, whatever their schemas: what a policy gives back is what it was given,
-- it is recorded, and the recording decides the same again, from the directory and from a bundle.
local files = require "support.files"
local json = require "weir.json"
local policy_set = require "weir.policy_set"
local property = require "support.property"
local replay = require "weir.replay"

-- A generated type is { spec = its text in Lua, values = three JSON texts that fit it }.
local function scalar(generator, spec)
  return property.map(property.tuple { generator, generator, generator }, function(values)
    local texts = {}
    for i, value in ipairs(values) do texts[i] = json.encode(value) end
    return { spec = spec(values), values = texts }
  end)
end

local function longest(values)
  local size = 0
  for _, value in ipairs(values) do size = math.max(size, #value) end
  return size
end

local function quoted(values)
  local seen, parts = {}, {}
  for _, value in ipairs(values) do
    if not seen[value] then parts[#parts + 1] = ("%q"):format(value):gsub("\\\n", "\\n") end
    seen[value] = true
  end

  return table.concat(parts, ", ")
end

local LEAVES = property.one_of {
  scalar(property.int64(), function() return 'type = "integer"' end),
  scalar(property.int(-50, 50), function(values)
    return ('type = "integer", min = %d, max = %d'):format(math.min(table.unpack(values)),
      math.max(table.unpack(values)))
  end),
  scalar(property.float(), function() return 'type = "number"' end),
  scalar(property.string(), function(values)
    return ('type = "text", max_size = %d'):format(longest(values))
  end),
  scalar(property.boolean(), function() return 'type = "flag"' end),
  scalar(property.string { max = 3 }, function(values)
    return ('type = "choice", values = { %s }'):format(quoted(values))
  end),
  scalar(property.element { 1, 2.5, "x", true, { 1, { a = 2 } }, { b = { c = "d" } } },
    function() return 'type = "any"' end),
}

local function list_of(inner)
  return property.map(property.tuple { inner, property.int(0, 3) }, function(pair)
    local of, values = pair[1], {}
    for i = 1, 3 do
      values[i] = "[" .. table.concat(of.values, ",", 1, (pair[2] + i) % 4) .. "]"
    end

    return { spec = ('type = "list", max_items = 3, of = { %s }'):format(of.spec), values = values }
  end)
end

local function map_of(inner)
  return property.map(property.tuple { inner, property.string { min = 1, max = 4 } },
    function(pair)
      local of, key = pair[1], json.encode(pair[2])
      return {
        spec = ('type = "map", max_items = 2, of = { %s }'):format(of.spec),
        values = {
          "{}",
          ("{%s:%s}"):format(key, of.values[1]),
          ('{%s:%s,"other name":%s}'):format(key, of.values[2], of.values[3]),
        },
      }
    end)
end

-- The fields of a record or of facts, and three objects of them: some leave out what may be absent.
local function fields_of(list)
  local specs, objects = {}, { {}, {}, {} }
  for i, pair in ipairs(list) do
    local inner, required = pair[1], pair[2]
    specs[i] = ('{ name = "f%d", %s, required = %s, doc = "x" }'):format(i, inner.spec, required)
    for o, members in ipairs(objects) do
      if required or (i + o) % 2 == 0 then
        members[#members + 1] = ('"f%d":%s'):format(i, inner.values[o])
      end
    end
  end

  for o, members in ipairs(objects) do objects[o] = "{" .. table.concat(members, ",") .. "}" end
  return table.concat(specs, ", "), objects
end

local function fields(inner, most)
  return property.array(property.tuple { inner, property.boolean() }, { min = 1, max = most })
end

local function record_of(inner)
  return property.map(fields(inner, 4), function(list)
    local specs, objects = fields_of(list)
    return { spec = ('type = "record", fields = { %s }'):format(specs), values = objects }
  end)
end

local TYPES = property.nested(3, LEAVES, function(inner)
  return property.one_of { list_of(inner), map_of(inner), record_of(inner) }
end)

local KIND = [[
return {
  kind = "echo",
  doc = "What it was given.",
  facts = { %s },
  decisions = { { action = "echoed", doc = "The facts.", fields = { %s } } },
  invariants = function(facts, decision)
    for name in pairs(facts) do
      if decision[name] == nil then return name .. " is gone" end
    end
  end,
}
]]

local POLICY = [[
return policy {
  kind = "echo",
  decide = function(facts)
    local decision, names = {}, {}
    for name, value in pairs(facts) do
      decision[name] = value
      names[#names + 1] = name
    end
    decision.because = "%s"
    decision[1] = "facts: " .. table.concat(names, " ")
    return echoed(decision)
  end,
}
]]

local function write_set(specs)
  return files.directory {
    ["kinds/echo.lua"] = KIND:format(specs, specs),
    ["echo.lua"] = POLICY,
  }
end

local function describe_findings(findings)
  return findings[1] and findings[1].message or "no finding"
end

local function record_all(set, facts)
  local lines = {}
  for i, text in ipairs(facts) do
    lines[i] = assert(set:record("echo", text, { id = tostring(i), eval_us = 0 }))
    local decision = json.decode(lines[i]).decision
    assert.equal("echoed", decision.action)
    decision.action = nil
    assert.same(json.decode(text), decision)
  end

  return lines
end

describe("own kinds", function()
  teardown(files.remove_all)

  it("decide, record and replay alike, whatever their schemas", function()
    property.check("own kinds", fields(TYPES, 6), function(list)
      local specs, facts = fields_of(list)
      local folder = write_set(specs)
      local set, findings = policy_set.load(folder)
      assert(set, not set and describe_findings(findings))

      local lines = record_all(set, facts)
      local path = files.write(folder .. "/recording.jsonl", table.concat(lines, "\n") .. "\n")
      local bundled = assert(policy_set.load("b", { bundle = assert(set:bundle()) }))
      local first = assert(replay.run { set = set, recordings = { path }, jobs = 2 })
      local again = assert(replay.run { set = bundled, recordings = { path }, jobs = 1 })
      assert.equal(3, first.identical)
      assert.equal(3, again.identical)
      assert.equal(first.digest, again.digest)
      files.remove(folder)
    end, { cases = 150 })
  end)

  it("refuse what is not in them", function()
    property.check("own kinds", property.tuple { fields(TYPES, 3), property.int(1, 3) },
      function(case)
        local specs, facts = fields_of(case[1])
        local folder = write_set(specs)
        local set = assert(policy_set.load(folder))
        local stranger = facts[case[2]]:gsub("^{", '{"stranger":1,'):gsub(",}$", "}")
        local _, _, code = set:decide("echo", stranger)
        assert.equal("InvalidFacts", code)
        files.remove(folder)
      end, { cases = 60 })
  end)
end)
