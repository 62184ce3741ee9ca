-- Keys that collide on purpose. The seed of policies is public, so facts and policies can hold any
-- number of them; the search among them is charged, and ends with the budget.
local json = require("weir.json")
local policy_folder = require("support.policy_folder")

local SEED = 0x77656972 -- host/script/seed.c
local BLOCKS = 11       -- 2^11 texts

-- One step of Lua's hash of texts, which goes from the last byte to the first.
local function step(hash, byte)
  return hash ~ (((hash << 5) + (hash >> 2) + byte) & 0xffffffff)
end

-- Two blocks of three bytes that lead from this hash to the same one, and that one.
local function colliding_blocks(hash)
  local seen = {}
  for a = 48, 122 do
    local after_a = step(hash, a)
    for b = 48, 122 do
      local after_b = step(after_a, b)
      for c = 48, 122 do
        local after_c, block = step(after_b, c), string.char(c, b, a)
        if seen[after_c] then return seen[after_c], block, after_c end
        seen[after_c] = block
      end
    end
  end

  error("no two blocks collide")
end

-- Texts of `size` bytes that all have the same hash: each block is one of two.
local function colliding_texts(size)
  local hash = (SEED ~ size) & 0xffffffff
  local texts = { "" }
  local tail = ("."):rep(size - 3 * BLOCKS)

  for i = 1, #tail do hash = step(hash, tail:byte(-i)) end

  for _ = 1, BLOCKS do
    local first, second, after = colliding_blocks(hash)
    local longer = {}
    for _, text in ipairs(texts) do
      longer[#longer + 1] = first .. text
      longer[#longer + 1] = second .. text
    end

    texts, hash = longer, after
  end

  for i, text in ipairs(texts) do texts[i] = text .. tail end
  return texts
end

-- As many texts of that size, which do not collide.
local function other_texts(size)
  local texts = {}
  for i = 1, 2 ^ BLOCKS do texts[i] = ("%0" .. size .. "d"):format(i * 7919) end
  return texts
end

local COUNT_MEMBERS = [[
return policy {
  kind = "mapping",
  decide = function(facts)
    local n = 0
    for _ in pairs(facts.event.detail) do n = n + 1 end
    return ignore { because = "%d members", n }
  end,
  examples = { { given = { event = { detail = {} } }, expect = "ignore" } },
}
]]

local function event_with(names)
  local detail = {}
  for _, name in ipairs(names) do detail[name] = 1 end
  return json.encode { event = { detail = detail } }
end

local function routing_with(body)
  return policy_folder.load(policy_folder.routing(body .. " return batch { because = 'done' }"))
end

describe("keys that collide", function()
  for name, size in pairs { ["short texts"] = 40, ["long texts"] = 60 } do
    it("in facts spend the budget: " .. name, function()
      local set = policy_folder.load { ["mapping.lua"] = COUNT_MEMBERS }

      local answer = assert(set:decide("mapping", event_with(other_texts(size))))
      assert.equal("2048 members", answer.because)

      local nothing, message, code = set:decide("mapping", event_with(colliding_texts(size)))
      assert.is_nil(nothing)
      assert.equal("BudgetSpent", code, message)
      assert.matches("instruction budget", message)
    end)
  end

  it("made by a policy of integers spend the budget", function()
    local body = "local t = {} for i = 1, 5000 do t[i * %d] = i end"
    assert(routing_with(body:format(1009)):decide("routing", '{"file_count":2}'))

    local nothing, message, code = routing_with(body:format(4095 * 8191)):decide("routing",
      '{"file_count":2}')
    assert.is_nil(nothing)
    assert.equal("BudgetSpent", code, message)
  end)

  it("of a loaded helper are charged in each decision that searches among them", function()
    local set = policy_folder.load {
      ["keys.lua"] = "local t = {} for i = 1, 2000 do t[i * 2047] = i end return { t = t }",
      ["routing.lua"] = [[local keys = require("keys")
        return policy { kind = "routing", decide = function(facts)
          local sum = 0
          for i = 1, facts.file_count do sum = sum + keys.t[2000 * 2047] + keys.t[2047] end
          return batch { because = "%d", sum }
        end, examples = { { given = { file_count = 1 }, expect = "batch" } } }]],
    }

    assert(set:decide("routing", '{"file_count":1}'))
    local nothing, message, code = set:decide("routing", '{"file_count":5000}')
    assert.is_nil(nothing)
    assert.equal("BudgetSpent", code, message)
  end)

  it("cost the same in each decision", function()
    local set = routing_with("local t = {} for i = 1, 300 do t[i * 511] = i t[{}] = i end")
    local first = assert(set:decide("routing", '{"file_count":2}'))
    for _ = 1, 5 do
      assert.equal(first.instructions, assert(set:decide("routing",
        '{"file_count":2}')).instructions)
    end

    assert.is_true(first.instructions > 3000)
  end)
end)

describe("long equal texts", function()
  it("spend the budget where they are compared again and again", function()
    for _, expression in ipairs { "a == b", "a < b", "t[b]" } do
      local body = [[local a = ("x"):rep(100000) local b = ("x"):rep(100000) local t = { [a] = 1 }
        for i = 1, 20000 do local _ = ]] .. expression .. " end"
      local nothing, message, code = routing_with(body):decide("routing", '{"file_count":2}')
      assert.is_nil(nothing, expression)
      assert.equal("BudgetSpent", code, message)
    end
  end)
end)
