-- What large facts cost: seven bytes for each two of a list, a record or other JSON that is read,
-- whatever tables are made of it, and nothing for what is not read.
local policy_folder = require("support.policy_folder")

local SHAPES = { "{}", "[]", '{"a":1}', '{"k":"abcdefgh","s":12,"e":true}', '{"a":{"b":{}}}' }

local function mapping(body)
  return { ["mapping.lua"] = "return policy {\n  kind = \"mapping\",\n  decide = function(facts)\n"
    .. body .. "\n  end,\n}\n" }
end

local READS_ALL = 'return ignore { because = "%d items", #facts.event.items }'

-- Facts whose event has so many bytes, of values of one shape.
local function facts_of(shape, bytes)
  local items = (shape .. ","):rep((bytes - 12) // (#shape + 1))
  return ('{"event":{"items":[%s]}}'):format(items:sub(1, -2))
end

describe("large facts", function()
  teardown(policy_folder.remove_all)

  it("are decided with 1 MiB of small objects, and refused when they cost more than the budget",
    function()
    local set = policy_folder.load(mapping(READS_ALL))
    for _, shape in ipairs(SHAPES) do
      local decision = assert(set:decide("mapping", facts_of(shape, 1 << 20)))
      assert.equal(("%d items"):format(((1 << 20) - 12) // (#shape + 1)), decision.because, shape)

      local nothing, message, code = set:decide("mapping", facts_of(shape, 1200000))
      assert.is_nil(nothing)
      assert.equal("BudgetSpent", code, shape)
      assert.equal("mapping.lua:4: memory budget of 4194304 bytes spent", message)
    end
  end)

  it("cost nothing when they are not read", function()
    local set = policy_folder.load(mapping('return ignore { because = "unread" }'))
    assert.equal("unread", assert(set:decide("mapping", facts_of("{}", 8000000))).because)
  end)

  it("cost each decision the same, and leave the rest of the budget", function()
    local set = policy_folder.load(mapping([[
    local items = #facts.event.items
    local text = string.rep("x", 100000)
    return ignore { because = "%d", items + #text }]]))
    local small, large = facts_of("{}", 1100000), facts_of("{}", 1190000)
    for _ = 1, 3 do
      assert.truthy(set:decide("mapping", small))
      assert.equal("BudgetSpent", select(3, set:decide("mapping", large)))
    end
  end)

  it("that spend the instructions are not said to spend the memory", function()
    local set = policy_folder.load(mapping('return ignore { because = "%d", facts.event.n }'), {
      instructions = 15000,
    })

    local members = {}
    for i = 1, 80000 do members[i] = ('"k%d":%d'):format(i, i) end
    local _, message, code = set:decide("mapping", '{"event":{' .. table.concat(members, ",")
      .. "}}")
    assert.equal("BudgetSpent", code)
    assert.equal("mapping.lua:4: instruction budget of 15000 spent", message)
  end)

  -- Whether the text names the field says whether it is decoded before the policy runs.
  it("cost nothing where they are scalars that the policy's text names", function()
    local function cost(name, volume)
      local set = policy_folder.load(policy_folder.routing(
        ("    local v = facts[%s]\n    return batch { because = 'x' }"):format(name)))
      return assert(set:decide("routing",
        ('{"file_count":1,"volume":"%s"}'):format(volume))).bytes
    end

    local long = ("v"):rep(256)
    assert.equal(cost("'volume'", "v"), cost("'volume'", long))
    assert.is_true(cost("'vol' .. 'ume'", "v") < cost("'vol' .. 'ume'", long))
  end)

  it("cost the same however they are spelt", function()
    local set = policy_folder.load(mapping("local n = 0 for key, value in pairs(facts.event) do "
      .. "n = n + #key + #tostring(value) end return ignore { because = '%d', n }"))
    local function cost(facts)
      local answer = assert(set:decide("mapping", facts))
      return answer.because .. " " .. answer.instructions .. " " .. answer.bytes
    end

    local plain = cost('{"event":{"a":"e\u{301}\u{1F600}\\"","b":[1,2.50,null],"c":{}}}')
    assert.equal(plain, cost(' { "event" : { "a" : "e\\u0301\\ud83d\\ude00\\u0022" ,'
      .. '\n"\\u0062":[ 1 , 2.50,\tnull ], "c": { } } } '))
    assert.equal(plain, cost('{"event":{"c":{},"b":[1,2.50,null],"a":"e\u{301}\u{1F600}\\""}}'))
  end)

  it("cost the same in every order of their members", function()
    local set = policy_folder.load(mapping("local all = '' for key in pairs(facts.event) do "
      .. "all = all .. key end return ignore { because = '%s', all }"))
    local random = 1
    local function below(n)
      random = random * 48271 % 2147483647
      return random % n + 1
    end

    for _ = 1, 200 do
      local first, members, known = nil, {}, {}
      for _ = 1, below(40) + 1 do
        local key = "k" .. below(100000)
        if not known[key] then members[#members + 1] = ('"%s":1'):format(key) end
        known[key] = true
      end

      for _ = 1, 3 do
        local answer = assert(set:decide("mapping",
          '{"event":{' .. table.concat(members, ",") .. "}}"))
        local cost = answer.because .. " " .. answer.instructions .. " " .. answer.bytes
        first = first or cost
        assert.equal(first, cost)
        for i = #members, 2, -1 do
          local j = below(i)
          members[i], members[j] = members[j], members[i]
        end
      end
    end
  end)
end)
