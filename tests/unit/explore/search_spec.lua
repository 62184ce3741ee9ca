-- Exploring a kind: the smallest facts of a mistake, what nothing reaches, the same for the same
-- seed.
local json = require("weir.json")
local policy_folder = require("support.policy_folder")
local policy_set = require("weir.policy_set")
local search = require("weir.explore.search")

local function explore(body, options)
  local given = { seed = 1, tries = 16384, jobs = 1, kind = "routing" }
  for name, value in pairs(options or {}) do given[name] = value end
  local text = "return policy { kind = 'routing', "
    .. (given.params and "params = { " .. given.params .. " }, " or "")
    .. "decide = function(facts, params)\n" .. body .. "\nend }"
  given.set = given.set or policy_folder.load(text)
  given.params = nil

  return assert(search.run(given))
end

local FINE = "return batch { because = 'x' }"

-- The facts of each mistake, by its message.
local function mistakes(result)
  local by_message = {}
  for _, found in ipairs(result.findings) do
    if found.type == "mistake" then by_message[found.now.message] = found.facts .. found.params end
  end

  return by_message
end

describe("exploring", function()
  teardown(policy_folder.remove_all)

  it("finds a nil in arithmetic, with the smallest facts", function()
    local result = explore("if facts.inference_type == 'serverless' then "
      .. "return batch { because = '%d', facts.total_bytes + 1 } end " .. FINE)
    assert.same({
      ["routing.lua:2: attempt to perform arithmetic on a nil value (field 'total_bytes')"] =
        '{"file_count":0,"inference_type":"serverless"}{}',
    }, mistakes(result))
  end)

  it("takes a name that does not exist for a mistake, not for the policy's own words", function()
    for code, message in pairs {
      ["thresold()"] = "undefined name 'thresold'",
      ["os.time()"] = "'os' is not available in a policy: policies have no clock; the time is in "
        .. "the facts",
      ["params.size"] = "the policy has no parameter 'size'",
      ["params[1]"] = "params are read by name, not by a number",
      ["facts[1]"] = "facts are read by field name, not by a number",
    } do
      local result = explore("if facts.file_count == 7 then local x = " .. code .. " end " .. FINE)
      assert.same({ ["routing.lua:2: " .. message] = '{"file_count":7}{}' }, mistakes(result))
    end
  end)

  it("shrinks numbers to the threshold, and texts to what is compared", function()
    local result = explore("if facts.file_count > 4711 and facts.volume == 'vol-7' then "
      .. "return facts.nothing end " .. FINE)
    local found = result.findings[1]
    assert.equal('{"file_count":4712,"volume":"vol-7"}', found.facts)
    assert.equal("{}", found.params)
  end)

  it("finds what hides behind parameters, and gives only those that are needed", function()
    local result = explore("if facts.file_count // params.size > 5 then " .. FINE .. " end "
      .. FINE,
      { params = "size = integer { 10, min = 0, max = 100, doc = 'x' }, "
        .. "other = integer { 1, min = 0, max = 9, doc = 'x' }" })
    assert.same({
      ["routing.lua:2: attempt to divide by zero"] = '{"file_count":0}{"size":0}',
    }, mistakes(result))
    assert.same({ "other", "size" }, { result.idle[1].name, result.idle[2] and result.idle[2].name
      or "size" })
  end)

  it("finds an invariant that can break, a loop without end, and a decision that does not fit",
    function()
      local result = explore("if facts.endpoint_status == 'Failed' then "
        .. "return realtime { because = 'x' } end "
        .. "if facts.deadline_seconds == 77 then while true do end end "
        .. "if facts.total_bytes == 5 then return 5 end " .. FINE, { tries = 32768 })
      local codes = {}
      for _, found in ipairs(result.findings) do
        if #found.facts < #(codes[found.now.code] or ("x"):rep(99)) then
          codes[found.now.code] = found.facts
        end
      end

      assert.equal('{"endpoint_status":"Failed","file_count":0}', codes.InvariantBroken)
      assert.equal('{"deadline_seconds":77,"file_count":0}', codes.BudgetSpent)
      assert.equal('{"file_count":0,"total_bytes":5}', codes.PolicyError)
    end)

  -- The rule's message names the status: two statuses are one mistake. What a policy says of them
  -- itself is two; the numbers in it are one.
  it("counts messages as one whose numbers differ, or a rule's whose texts do", function()
    local function messages(body)
      local list = {}
      for i, found in ipairs(explore(body).findings) do list[i] = found.now.message end
      table.sort(list)
      return list
    end

    local troubled = "local s = facts.endpoint_status if facts.inference_type == 'none' then "
      .. FINE .. " end if s == 'Failed' or s == 'Deleting' then "
    assert.equal(1, #messages(troubled .. "return realtime { because = 'x' } end " .. FINE))
    assert.same({ "routing.lua:2: is Deleting", "routing.lua:2: is Failed" },
      messages(troubled .. "error('is ' .. s) end " .. FINE))
    local counted = "if facts.file_count > 4 then error(facts.file_count .. ' files') end " .. FINE
    assert.equal(1, #messages(counted))
  end)

  it("counts a rule's messages as one where the texts of parameters and of keys differ", function()
    local set = policy_folder.load({
      ["kinds/toy.lua"] = 'return { kind = "toy", doc = "d", facts = { '
        .. '{ name = "by", type = "map", max_items = 2, of = { type = "flag" }, doc = "d" } }, '
        .. 'decisions = { { action = "go", doc = "d", fields = { '
        .. '{ name = "target", type = "text", required = true, doc = "d" } } } }, '
        .. 'invariants = function(facts, decision) for name in pairs(facts.by or {}) do '
        .. 'return name .. " may not go to " .. decision.target end end }',
      ["toy.lua"] = 'return policy { kind = "toy", params = { place = text { "x", doc = "d" } }, '
        .. 'decide = function(_, params) return go { because = "y", target = params.place } end }',
    })
    local result = assert(search.run { set = set, kind = "toy", seed = 1, tries = 8192, jobs = 1 })
    assert.is_true(result.failed > 1000)
    local ways = {}
    for _, found in ipairs(result.findings) do
      if found.now.message:find("^[^:]*:%d+: go: %w+ may not go to %w+$") then
        ways[#ways + 1] = found.now.message
      end
    end

    assert.equal(1, #ways, table.concat(ways, "\n"))
  end)

  it("tells what the policy says itself from a mistake", function()
    local result = explore("assert(facts.volume, 'no volume') if facts.volume == 'v' then "
      .. "error('not this volume', 0) end " .. FINE)
    local types = {}
    for _, found in ipairs(result.findings) do types[found.now.message] = found.type end
    assert.equal("raised", types["no volume"])
    assert.equal("raised", types["not this volume"])
  end)

  it("lists lines that nothing reaches, and conditions that go one way only", function()
    local result = explore("if facts.file_count < 0 then\n"
      .. "  return realtime { because = 'y' }\nend\n"
      .. "if facts.file_count > 3 then " .. FINE .. " end\n" .. FINE)
    assert.same({ 3 }, { result.unreached[1].line })
    assert.equal(1, #result.unreached)
    assert.equal("facts.file_count < 0", result.one_way[1].condition)
    assert.equal(0, result.one_way[1].yes)
    assert.equal(1, #result.one_way)
    assert.same({ lines = 4, lines_reached = 3, ways = 4, ways_reached = 3 },
      search.coverage(result))
  end)

  it("says which parameters changed no decision, and which changed the reason", function()
    local result = explore("if facts.file_count < params.used then " .. FINE .. " end "
      .. "return realtime { because = '%d', params.shown }",
      { params = "used = integer { 10, min = 1, max = 100, doc = 'x' }, "
        .. "shown = integer { 1, min = 0, max = 9, doc = 'x' }, "
        .. "unused = flag { false, doc = 'x' }" })
    local idle = {}
    for _, parameter in ipairs(result.idle) do idle[parameter.name] = parameter.reasons > 0 end
    assert.same({ shown = true, unused = false }, idle)
  end)

  it("begins with the parameters of examples, too", function()
    -- 123457 is the only such size, and is nowhere in the code.
    local result = explore("local rest = params.size * 7919 % 1000003 "
      .. "if facts.file_count > 5 and rest == 653052 then return facts.nothing end " .. FINE, {
      params = "size = integer { 10, min = 0, max = 1000000, doc = 'x' } }, "
        .. "examples = { { given = { file_count = 1 }, params = { size = 123457 }, "
        .. "expect = 'batch' }",
    })
    assert.equal(1, #result.findings)
    assert.equal('{"size":123457}', result.findings[1].params)
  end)

  it("compares the reasons of decisions that are made, not of those that fail", function()
    local params = "shown = integer { 1, min = 0, max = 9, doc = 'x' }"
    local made = explore("return batch { because = '%d', params.shown }", { params = params })
    local parameter = made.parameters[1]
    assert.equal(0, parameter.decisions)
    assert.is_true(parameter.reasons > parameter.tried // 4)

    local failing = explore("error('' .. params.shown)", { params = params })
    assert.equal(0, failing.parameters[1].reasons)
  end)

  it("gives the same for the same seed, whatever the number of threads", function()
    local set = assert(policy_set.load("policies"))
    local function run(jobs, seed)
      local result = assert(search.run { set = set, kind = "review", seed = seed, tries = 70000,
        jobs = jobs })
      result.milliseconds = nil
      return json.encode { result.findings, result.unreached, result.tried, result.kept,
        result.branches }
    end

    local one = run(1, 5)
    assert.equal(one, run(3, 5))
    assert.is_true(one ~= run(1, 6))
  end)

  it("tries as many facts as it is told", function()
    for _, tries in ipairs { 1, 4097, 70000 } do
      assert.equal(tries, explore(FINE, { tries = tries }).tried)
    end
  end)

  it("draws other facts for each 4,096 of them", function()
    local function failures(tries)
      local body = "if facts.file_count % 3 == 0 then error('x') end " .. FINE
      return explore(body, { tries = tries }).findings[1].count
    end

    local first = failures(4096)
    assert.is_true(first > 100, first)
    assert.not_equal(2 * first, failures(8192))
  end)

  it("begins with the facts of recordings", function()
    local token = "a text that nobody draws 4711"
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    local recorder = policy_folder.load(policy_folder.routing(FINE))
    local facts = json.encode { file_count = 1, volume = token }
    file:write(assert(recorder:record("routing", facts)), "\n")
    file:close()
    local body = "if facts.volume and #facts.volume == 29 and facts.volume:sub(-4) == '47' .. '11' "
      .. "and facts.file_count == 9 then return facts.nothing end " .. FINE
    assert.equal(0, #explore(body, { tries = 4096 }).findings)
    local result = explore(body, { tries = 4096, recordings = { path } })
    assert.equal(1, result.recorded)
    assert.equal(1, #result.findings)
    local missing, message, code =
      search.run { set = policy_folder.load(policy_folder.routing(FINE)),
      kind = "routing", seed = 1, tries = 1, jobs = 1, recordings = { "/nonexistent" } }
    assert.is_nil(missing)
    assert.equal("NotFound", code, message)
    os.remove(path)
  end)

  it("knows the kinds and facts of a set's own", function()
    local set = policy_folder.load {
      ["kinds/pricing.lua"] = "return { kind = 'pricing', doc = 'x', facts = { "
        .. "{ name = 'hours', type = 'list', max_items = 3, doc = 'x', required = true, "
        .. "of = { type = 'integer', min = 0, max = 23 } }, "
        .. "{ name = 'prices', type = 'map', max_items = 5, of = { type = 'number', min = 0 }, "
        .. "doc = 'x' } }, "
        .. "decisions = { { action = 'allow', doc = 'x' } } }",
      ["pricing.lua"] = "return policy { kind = 'pricing', decide = function(facts) "
        .. "if facts.hours[3] == 17 and facts.prices and facts.prices.gold then "
        .. "return facts.prices.gold < facts.nothing end "
        .. "return allow { because = 'x' } end }",
    }
    local result = assert(search.run { set = set, kind = "pricing", seed = 1, tries = 32768,
      jobs = 1 })
    local facts = json.decode(result.findings[1].facts)
    assert.equal(17, facts.hours[3])
    assert.equal(0, facts.prices.gold)
  end)
end)

describe("exploring two versions", function()
  teardown(policy_folder.remove_all)

  -- Where no endpoint is in the way of realtime.
  local function load(body)
    return policy_folder.load(policy_folder.routing(
      "if facts.endpoint_status or facts.inference_type then " .. FINE .. " end " .. body))
  end

  it("finds the smallest facts where they differ, one for each pair of places", function()
    local old = load("if facts.file_count < 10 then\nreturn realtime { because = 'few' }\nend\n"
      .. FINE)
    local new = load("if facts.file_count < 20 then\nreturn realtime { because = 'few' }\nend\n"
      .. "if facts.volume == 'gone' then return facts.nothing end " .. FINE)
    local result = explore(nil or FINE, { set = new, old = old })
    local found = {}
    for i, each in ipairs(result.findings) do
      found[i] = ("%s %s %s"):format(each.facts, each.old.action, each.now.action or each.now.code)
    end

    table.sort(found)
    assert.same({
      '{"file_count":10} batch realtime',
      '{"file_count":20,"volume":"gone"} batch PolicyError',
    }, found)
  end)

  it("finds none between a policy and itself with other words", function()
    local old = load("if facts.file_count < 10 then return realtime { because = 'a' } end " .. FINE)
    local new = load("if not (facts.file_count >= 10) then return realtime { because = 'b' } end "
      .. FINE)
    assert.same({}, explore(FINE, { set = new, old = old }).findings)
  end)
end)
