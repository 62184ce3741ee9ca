-- A traced decision: what it compared, by the names of the source, which lines ran and which way
-- each condition went; and that it is the decision that would have been made without a trace.
local policy_folder = require("support.policy_folder")
local policy_set = require("weir.policy_set")
local recording = require("weir.recording")

local routing = policy_folder.routing

-- "condition: left right outcome" of each comparison.
local function compared(traced)
  local lines = {}
  for i, comparison in ipairs(traced.comparisons) do
    local left, right = comparison.left, comparison.right
    lines[i] = ("%s: %s%s %s"):format(traced.branches[comparison.branch].condition,
      tostring(left.value), right and " " .. tostring(right.value) or "",
      tostring(comparison.outcome))
  end

  return lines
end

local function trace(body, facts, head)
  local set = policy_folder.load(routing(body, head))
  return assert(set:trace("routing", facts or '{"file_count":12}'))
end

-- The conditions of a body, which a decision on 12 files evaluates.
local function conditions(body, head)
  local traced = trace(body .. "\nreturn batch { because = 'x' }", nil, head)
  local names = {}
  for i, branch in ipairs(traced.branches) do names[i] = branch.condition end

  return names
end

describe("a traced decision", function()
  teardown(policy_folder.remove_all)

  it("lists the shipped policy's comparisons with their values, in order", function()
    local set = assert(policy_set.load("policies"))
    local traced = assert(set:trace("routing", '{"file_count":12,"inference_type":"provisioned"}'))
    assert.same({
      "facts.largest_bytes: nil false",
      'facts.inference_type == "none": provisioned none false',
      "status: nil false",
      "largest: nil false",
      'facts.inference_type == "serverless": provisioned serverless false',
      'facts.inference_type == "components": provisioned components false',
      "count < params.threshold: 12 10 false",
    }, compared(traced))
    assert.equal("batch", traced.action)
    assert.equal("policies/routing.lua", traced.branches[1].file)
    assert.equal(16, traced.branches[1].line)
  end)

  it("takes recorded parameters", function()
    local set = assert(policy_set.load("policies"))
    local traced = assert(set:trace("routing", '{"file_count":12}', '{"threshold":20}'))
    assert.equal("count < params.threshold: 12 20 true", compared(traced)[7])
    assert.equal("realtime", traced.action)
  end)

  it("decides and charges as without a trace, on every recorded decision", function()
    local set = assert(policy_set.load("policies"))
    local seen = 0
    for _, path in ipairs { "working-day.jsonl.gz", "lunch-hour.jsonl", "native-day.jsonl" } do
      local source <close> = assert(recording.open("tests/recordings/" .. path))
      for line in function() return source:next() end do
        local plain = assert(set:decide(line.kind, line.facts, { params_json = line.params }))
        local traced = assert(set:trace(line.kind, line.facts, line.params))
        assert.equal(plain.decision, traced.decision)
        assert.equal(plain.because, traced.because)
        assert.equal(plain.instructions, traced.instructions, path .. " " .. line.id)
        assert.equal(plain.bytes, traced.bytes, path .. " " .. line.id)
        seen = seen + 1
        if seen % 997 == 0 then break end
      end
    end

    assert.is_true(seen > 900)
  end)

  it("charges as without a trace when calls are so deep that the stack grows", function()
    local head = "local function deep(n) if n == 0 then return 0 end return 1 + deep(n - 1) end"
    local body = "return batch { because = '%d', deep(facts.file_count) }"
    local set = policy_folder.load(routing(body, head))
    for depth = 1, 120, 7 do
      local facts = ('{"file_count":%d}'):format(depth)
      local plain, traced = assert(set:decide("routing", facts)),
        assert(set:trace("routing", facts))
      assert.same({ plain.instructions, plain.bytes }, { traced.instructions, traced.bytes })
    end
  end)

  it("ends where the budget ends, with the same message", function()
    local set = policy_folder.load(routing("while true do\nlocal x = 1\nend"))
    local _, message, code = set:decide("routing", '{"file_count":1}')
    local answer, traced_message, traced_code, traced = set:trace("routing", '{"file_count":1}')
    assert.is_nil(answer)
    assert.equal("BudgetSpent", code)
    assert.same({ code, message }, { traced_code, traced_message })
    assert.is_true(next(traced.lines) ~= nil)
  end)

  it("keeps the trace of a decision that fails, its last comparison without an outcome", function()
    local set = policy_folder.load(routing("return facts.total_bytes > 5"))
    local answer, message, code, traced = set:trace("routing", '{"file_count":1}')
    assert.is_nil(answer)
    assert.equal("PolicyError", code)
    assert.matches("attempt to compare", message, 1, true)
    assert.same({ "facts.total_bytes > 5: nil 5 nil" }, compared(traced))
    assert.equal("nil", traced.comparisons[1].left.type)
    assert.same({ 0, 0 }, { traced.branches[1].yes, traced.branches[1].no })
  end)

  it("says of facts that do not fit what deciding says", function()
    local set = assert(policy_set.load("policies"))
    local answer, message, code = set:trace("routing", "{}")
    assert.is_nil(answer)
    assert.same({ 'field "file_count" is missing', "InvalidFacts" }, { message, code })
    answer, message, code = set:trace("nothing", "{}")
    assert.is_nil(answer)
    assert.same({ 'the policy set has no policy of kind "nothing"', "UnknownKind" },
      { message, code })
  end)

  it("counts how often lines ran and which way conditions went", function()
    local traced = trace([[
local sum = 0
for i = 1, 5 do
  if i > 3 then
    sum = sum + i
  end
end
if sum == 0 then
  sum = 1
end
return batch { because = "%d", sum }]])
    local file = traced.branches[1].file
    local lines = traced.lines[file]
    assert.same({ 5, 2, 1, 0, 1 }, { lines[7], lines[8], lines[11], lines[12], lines[14] })
    assert.same({ "i > 3", 2, 3 },
      { traced.branches[1].condition, traced.branches[1].yes, traced.branches[1].no })
    assert.same({ "sum == 0", 0, 1 },
      { traced.branches[2].condition, traced.branches[2].yes, traced.branches[2].no })
    assert.is_nil(lines[10]) -- only `end`
  end)

  it("follows the policy into its helpers, and leaves out what it does not reach", function()
    local set = policy_folder.load {
      ["routing.lua"] = "local sizes = require 'lib.sizes'\n"
        .. "return policy { kind = 'routing', decide = function(facts)\n"
        .. "  if sizes.is_large(facts.file_count) then return batch { because = 'x' } end\n"
        .. "  return realtime { because = 'y' }\nend }",
      ["lib/sizes.lua"] = "local sizes = {}\nfunction sizes.is_large(count)\n"
        .. "  return count > 99\nend\nreturn sizes",
      ["lib/other.lua"] = "return { f = function(x) if x then return 1 end end }",
    }
    local traced = assert(set:trace("routing", '{"file_count":100}'))
    local files = {}
    for file in pairs(traced.lines) do files[#files + 1] = file:match("[^/]*$") end
    table.sort(files)
    assert.same({ "routing.lua", "sizes.lua" }, files)
    assert.same({ "count > 99: 100 99 true", "sizes.is_large(facts.file_count): true true" },
      compared(traced))
  end)
end)

describe("a condition's name", function()
  teardown(policy_folder.remove_all)

  local CASES = {
    { "if facts.file_count < 10 then end", { "facts.file_count < 10" } },
    { "if 10 > facts.file_count then end", { "facts.file_count < 10" } },
    { "if facts.file_count >= -3 then end", { "facts.file_count >= -3" } },
    { "if facts.file_count ~= 10 then end", { "facts.file_count == 10" } },
    { "if facts.file_count > 1e10 then end", { "facts.file_count > 10000000000.0" } },
    { "if facts.file_count > 70000 then end", { "facts.file_count > 70000" } },
    { "local n = facts.file_count if not (n <= 3) then end", { "n <= 3" } },
    { "if facts.volume == 'v\"1' then end", { 'facts.volume == "v\\"1"' } },
    { "if facts.volume == nil then end", { "facts.volume == nil" } },
    { "if facts.volume then end", { "facts.volume" } },
    { "if facts.file_count * 2 + 1 > 7 then end", { "(facts.file_count * 2) + 1 > 7" } },
    { "if facts.file_count / facts.file_count > 7 then end",
      { "facts.file_count / facts.file_count > 7" } },
    { "if (facts.total_bytes or 0) > 7 then end",
      { "facts.total_bytes", "(facts.total_bytes or 0) > 7" } },
    { "if (facts.total_bytes or facts.file_count) + 1 > 7 then end",
      { "facts.total_bytes", "(facts.total_bytes or facts.file_count) + 1 > 7" } },
    { "local ok = pcall(function() return facts.total_bytes < 3 end) if ok then end",
      { "ok", "facts.total_bytes < 3" } },
    { "if math.max(facts.file_count, 3) > 7 then end", { "math.max(facts.file_count, 3) > 7" } },
    { "local t = { 5, a = { b = 6 } } if t[1] > 7 then end if t.a.b > 7 then end",
      { "t[1] > 7", "t.a.b > 7" } },
    { "if limit > facts.file_count then end", { "facts.file_count < limit" }, "local limit = 9" },
    { "if ('x'):rep(2) == 'xx' then end", { '"x":rep(2) == "xx"' } },
    { "if -facts.file_count == 3 then end", { "-facts.file_count == 3" } },
    -- What can only go one way is not a condition.
    { "local size = facts.file_count > 3 and 'many' or 'few'", { "facts.file_count > 3" } },
    { "local n = facts.volume and -1.5e9 or facts.total_bytes and {} or 7",
      { "facts.volume", "facts.total_bytes" } },
    { "do return facts.volume and batch { because = 'v' } or realtime { because = 'x' } end",
      { "facts.volume" } },
    { "local s = facts.volume and facts.prefix or ('x' .. 1)",
      { "facts.volume", "facts.prefix" } },
    { "local n = facts.volume and ('a'):find(facts.volume) or 0",
      { "facts.volume", '"a":find(facts.volume)' } },
  }

  for _, case in ipairs(CASES) do
    it("is the source's: " .. case[1], function()
      assert.same(case[2], conditions(case[1], case[3]))
    end)
  end
end)
