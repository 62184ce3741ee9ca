-- The sandbox threats of the design, row by row, each through the whole engine: a policy directory
-- is loaded, asked, and then asked again with a fresh event that the same process must decide.
local policy_folder = require("support.policy_folder")
local policy_set = require("weir.policy_set")

local routing = policy_folder.routing

-- The hostile code runs for two files or more; one file is the fresh event.
local HOSTILE, FRESH = '{"file_count":2}', '{"file_count":1}'

local function guarded(body)
  return "if facts.file_count == 1 then return realtime { because = 'fresh' } end\n" .. body
end

local function assert_fresh(set)
  assert.equal("fresh", assert(set:decide("routing", FRESH)).because)
end

-- The hostile decision fails with this code and a message with this in it; the fresh one does not.
-- Processor seconds: what no bounded decision takes in any build, sanitizers and collector stress
-- included, and what every unbounded one does. Not a measure of speed.
local A_HANG = 20

local function assert_stopped(body, code, expected, head)
  local set = policy_folder.load(routing(guarded(body), head))
  assert_fresh(set)
  local start = os.clock()
  local answer, message, got = set:decide("routing", HOSTILE)
  local seconds = os.clock() - start
  assert.is_nil(answer)
  assert.equal(code, got, message)
  assert.matches(expected, message, 1, true)
  assert.is_true(seconds < A_HANG, ("took %.3f s"):format(seconds))
  assert_fresh(set)

  return message
end

-- The hostile decision ends soon, because something is spent or would be too large.
local function assert_bounded(body)
  local set = policy_folder.load(routing(guarded(body .. " return batch { because = 'x' }")))
  local start = os.clock()
  local answer, message, code = set:decide("routing", HOSTILE)
  local seconds = os.clock() - start
  assert.is_nil(answer, body)
  assert.is_true(code == "BudgetSpent" or code == "PolicyError", code)
  local bound = message:match("budget of %d+") or message:match("too %a+")
    or message:match("invalid")
  assert.is_truthy(bound, body .. ": " .. message)
  assert.is_true(seconds < A_HANG, ("%s took %.3f s"):format(body, seconds))
  assert_fresh(set)
end

-- The hostile decision comes out like this, and so does the fresh one.
local function assert_harmless(body, because, head)
  local set = policy_folder.load(routing(guarded(body), head))
  local answer, message = set:decide("routing", HOSTILE)
  assert.equal(because, answer and answer.because or message)
  assert_fresh(set)
end

local function assert_not_offered(name, use, expected)
  assert_stopped(use or ("return batch { because = tostring(" .. name .. ") }"), "PolicyError",
    expected or ("'" .. name .. "' is not available in a policy: "))
end

local INSTRUCTIONS = "instruction budget of 200000 spent"

describe("threat", function()
  teardown(policy_folder.remove_all)

  it("1: pcall cannot swallow a spent budget", function()
    for _, body in ipairs({
      "while true do pcall(function() while true do end end) end", "while true do pcall(error) end",
      "while true do pcall(pcall, pcall, error) end", "for i = 1, 1e15 do end", "::top:: goto top",
    }) do
      local message = assert_stopped(body, "BudgetSpent", INSTRUCTIONS)
      assert.matches("routing.lua:%d+: instruction", message)
    end
  end)

  it("1: catching errors deep in recursion costs what it takes", function()
    assert_bounded("local function f() pcall(f) f() end f()")
    assert_bounded("local function f() f() pcall(f) end f()")
    assert_bounded("local function f() pcall(error) f() end f()")
  end)

  it("2: there is no xpcall, whose handler would run on", function()
    assert_not_offered("xpcall", "xpcall(error, function() while true do end end)")
  end)

  it("3: there are no coroutines to escape into", function()
    assert_not_offered("coroutine", "coroutine.wrap(function() while true do end end)()")
    assert.matches("W004%] 'coroutine' is not available",
      policy_folder.refused("local c = coroutine.create"))
  end)

  it("4: there is no debug library, and no hook to take away", function()
    assert_not_offered("debug", "debug.sethook()")
  end)

  it("5: an error object has no __tostring to run", function()
    assert_not_offered("setmetatable",
      "error(setmetatable({}, { __tostring = function() while true do end end }))")
    assert_not_offered("getmetatable", "getmetatable('').__tostring = error")
    assert_stopped("error({ __tostring = function() while true do end end })", "PolicyError",
      "(an error value of type table)")
  end)

  it("6: patterns cannot backtrack without end", function()
    for _, body in ipairs({
      "('a'):rep(500):match('.-.-.-b')", "('a'):rep(26):match(('a?'):rep(26) .. ('a'):rep(26))",
      "('x'):rep(1e5):gsub('x-y', '')", "('('):rep(1e4):gsub('%b()', '')",
      "('a'):rep(1e5):find('.*b.*c')",
      "('a'):rep(1e5):find(('a'):rep(5e4) .. '.-b')",
      "while true do pcall(string.find, ('a'):rep(999), '.-.-b') end",
    }) do
      assert_bounded(body:find("^while") and body or "local _ = " .. body)
    end
  end)

  it("7: one allocation cannot take all memory", function()
    for _, body in ipairs({
      "string.rep('x', 5e8)", "('x'):rep(1 << 40)", "('x'):rep(3, ('y'):rep(3e6))",
      "('x'):rep(1e9, '')",
      "table.pack(('x'):rep(4e6):byte(1, -1))", "table.concat({}, 'x', 1, 1e9)",
      "select('#', table.unpack({}, 1, 1e7))",
      "string.format('%999999d', 1)", "string.format('%.99999f', 1)",
      "utf8.char(table.unpack({}, 1, 1e6))",
    }) do
      assert_bounded("local _ = " .. body)
    end

    assert_bounded("if true then return batch { because = '%99999s', 'x' } end")
  end)

  it("8: string methods are the bounded ones, too", function()
    assert_bounded("local s = ('x'):rep(5e8)")
    assert_stopped("local f = ('x').dump", "PolicyError",
      "string.dump is not available in a policy")
    assert_harmless("return batch { because = tostring(('').rep == string.rep) }", "true")
  end)

  it("9: small steps cannot take all memory either", function()
    for _, body in ipairs({
      "local s = 'x' while true do s = s .. s end",
      "local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1000) .. i end",
      "local t = { ('x'):rep(1e5) } for i = 2, 1e4 do t[i] = t[1] end local s = table.concat(t)",
      "local s, t = ('x'):rep(1e5), {} for i = 1, 90 do t[i] = s end s = "
        .. "('%s'):rep(90):format(table.unpack(t))",
      "local s = ('x'):rep(1e5):gsub('x', ('y'):rep(1000))",
      "local t = {} while true do t = { t, t } end",
      "local t = {} for i = 1, 1e9 do table.insert(t, 1, i) end",
      "local t = {} while true do t[#t + 1] = function() return t end end",
    }) do
      assert_bounded(body)
    end
  end)

  it("10: bytecode is refused in files, and there is no load", function()
    local bytecode = string.dump(function() return 1 end)
    local bom = "\xEF\xBB\xBF"
    for name, text in pairs({ plain = bytecode, ["after a BOM"] = bom .. bytecode,
      ["after a #! line"] = "#!/usr/bin/lua\n" .. bytecode, ["after both"] = bom .. "#!x\n"
        .. bytecode }) do
      local found = policy_folder.refused({ ["routing.lua"] = text })
      assert.matches("^routing.lua:%d: error%[W003%]", found, 1, name)
      found = policy_folder.refused({
        ["routing.lua"] = "local x = require 'lib.x'",
        ["lib/x.lua"] = text,
      })

      assert.matches("W003", found, 1, true)
    end

    assert_not_offered("load", "load(" .. ("%q"):format(bytecode):gsub("\\\n", "\\n") .. ")()")
    assert_not_offered("loadstring")
    assert_not_offered("dofile")
    assert_not_offered("loadfile")
  end)

  it("11: sources that overwhelm the parser are refused with their place", function()
    for source, expected in pairs({
      [("return " .. ("("):rep(10000) .. "1" .. (")"):rep(10000))] = "overflow",
      [("local t = " .. ("{"):rep(10000) .. ("}"):rep(10000))] = "overflow",
      [("if x then "):rep(10000) .. ("end "):rep(10000)] = "overflow",
      [("local a "):rep(300)] = "too many local variables",
      ["local t = 1 return " .. ("-"):rep(1)] = "unexpected symbol",
      ["return " .. ("1 .. "):rep(10000) .. "1"] = "",
      ["return " .. ("not "):rep(10000) .. "1"] = "overflow",
      ["local s = '" .. ("x"):rep(1000)] = "unfinished string",
      ["--[==[ " .. ("x"):rep(1000)] = "unfinished long comment",
    }) do
      local found = policy_folder.refused(source)
      assert.matches("^routing.lua:%d+: error%[W0%d%d%]", found)
      assert.matches(expected, found)
    end
    assert.matches("routing.lua:0: error%[W002%] is 2000000 bytes",
      policy_folder.refused(("x\n"):rep(1e6)))
    -- The heaviest source for its size that is known: a jump list that is walked again and again.
    local start = os.clock()
    policy_folder.refused(("goto a "):rep(10000) .. "::a::")
    assert.is_true(os.clock() - start < A_HANG)
  end)

  it("12: memory may end anywhere while a policy is loaded", function()
    local found = policy_folder.refused("local t = {} for i = 1, 1e9 do t[i] = { i } end")
    assert.matches("^routing.lua:1: error%[W011%] memory budget of %d+ bytes spent", found)
    found = policy_folder.refused("local t = {" .. ("{},"):rep(80000) .. "}")
    assert.matches("error%[W0%d%d%]", found)
    -- tests/fuzz/policy_load_fuzz.c ends it at every place.
    for memory = 1, 4000, 97 do
      local body = "return batch { because = '%s', facts.volume or 'x' }"
      local set = policy_folder.load(routing(body), { memory = memory })
      local answer, _, code = set:decide("routing", '{"file_count":1,"volume":"' .. ("v"):rep(200)
        .. '"}')
      assert.is_true(answer ~= nil or code == "BudgetSpent" or code == "InvalidParams", code)
    end
  end)

  it("13: nothing of the host is in reach", function()
    for _, name in ipairs({ "package", "io", "os", "debug", "print", "collectgarbage", "rawset",
      "_G" }) do
      assert_not_offered(name)
    end
    assert_stopped("return batch { because = tostring(loadlib) }", "PolicyError",
      "undefined name 'loadlib'")
    assert.matches("W012", policy_folder.refused("local io = require 'io'"), 1, true)
    -- What is in reach is compared with a list in tests/c/policy/reach_test.c.
  end)

  it("14: there are no finalizers", function()
    assert_not_offered("setmetatable",
      "setmetatable({}, { __gc = function() while true do end end })")
    assert_stopped("do local x <close> = {} end", "PolicyError",
      "variable 'x' got a non-closable value")
    assert_not_offered("collectgarbage", "collectgarbage('step')")
  end)

  it("15: nothing shared can be poisoned", function()
    for body, expected in pairs({
      ["string.x = 1"] = "string is read-only: 'x' cannot be set",
      ["string.format = nil"] = "string is read-only: 'format' cannot be set",
      ["table.insert(string, 1)"] = "read-only",
      ["table.insert(math, 1)"] = "read-only",
      ["math.huge = 5"] = "math is read-only",
      ["_G.x = 1"] = "'_G' is not available",
      ["_ENV.x = 1"] = "assignment to global 'x'",
      ["x = 1"] = "assignment to global 'x'",
      ["batch = realtime"] = "assignment to global 'batch'",
      ["local s = '' s.x = 1"] = "attempt to index a string value (local 's')",
      ["('x').y.z = 1"] = "undefined name 'string.y'",
      ["getmetatable('').__index = nil"] = "'getmetatable' is not available",
      ["params.x = 1"] = "params is read-only",
      ["facts.x = 1"] = "facts are read-only",
    }) do
      assert_stopped(body, "PolicyError", expected)
    end

    -- An upvalue of every function: it would stay.
    local found = policy_folder.refused(routing(guarded "_ENV = {} return batch { because = 'x' }"))
    assert.matches("W009", found, 1, true)
  end)

  it("16: a comparator may lie", function()
    local fill = "local t = {} for i = 1, 10000 do t[i] = i * 7919 % 10007 end "
    for _, order in ipairs({ "true", "a * 7919 % 13 < b * 104729 % 13", "nil", "a > b or b > a",
      "not (a < b)" }) do
      local set = policy_folder.load(routing(guarded(fill
        .. "pcall(table.sort, t, function(a, b) return " .. order
        .. " end) return batch { because = '%d', #t }")), { instructions = 20000000 })
      local answer, message = set:decide("routing", HOSTILE)
      assert.equal("10000", answer and answer.because or message)
      assert_fresh(set)
    end
    assert_stopped("table.sort({ 1, 'a', {} })", "PolicyError", "attempt to compare")
    assert_stopped("local t = {1,2,3,4,5,6,7,8,9} table.sort(t, function() table.insert(t, 1) "
      .. "return error('out') end)",
      "PolicyError", "out")
  end)

  it("18: numbers at their edges decide nothing by accident", function()
    assert_stopped("return batch { because = '%d', 1 // 0 }", "PolicyError",
      "attempt to divide by zero")
    assert_stopped("return batch { because = '%d', 1 % 0 }", "PolicyError",
      "attempt to perform 'n%0'")
    assert_stopped("return batch { because = '%d', 2^53 - 1e300 }", "PolicyError",
      "has no integer representation")
    assert_harmless("return batch { because = '%d', 2^53 }", "9007199254740992")
    assert_harmless("return batch { because = '%s', tostring(-0.0) }", "-0.0")
    assert_harmless("return batch { because = '%s %s', tostring(0/0), tostring(-(0/0)) }",
      "nan nan")
  end)

  it("18: a weight is a number that counts", function()
    local VARIANTS = '{"variants":[{"name":"a"},{"name":"b"}]}'
    for value, expected in pairs({
      ["0/0"] = "got NaN", ["1/0"] = "got an infinite number", ["-0.1"] = "outside these bounds",
      ["1.1"] = "outside these bounds", ["'1'"] = "got string", ["true"] = "got boolean",
      ["{}"] = "got table",
      ["0.5"] = "weights sum to 1.5, not 1", ["-0.0"] = nil, ["nil"] = "weights leave out b",
    }) do
      local set = policy_folder.load({ ["w.lua"] =
        "return policy { kind = 'weights', decide = function()\n"
        .. "return weights { because = 'x', weights = { a = 1, b = " .. value .. " } } end }" })
      local answer, message = set:decide("weights", VARIANTS)
      assert.is_nil(answer, value)
      assert.matches(expected, message, 1, true)
      assert.matches("w.lua:2: weights: ", message, 1, true)
    end
    local set = policy_folder.load({ ["w.lua"] =
      "return policy { kind = 'weights', decide = function()\n"
      .. "return weights { because = 'x', weights = { a = 1, b = -0.0 } } end }" })
    assert.equal('{"action":"weights","weights":{"a":1,"b":0}}',
      set:decide("weights", VARIANTS).decision)
  end)

  it("18: what was not measured holds, and NaN cannot come in", function()
    local set = assert(policy_set.load("policies"))
    local facts =
      '{"now":1790000000,"champion":"a","challenger":"b","variants":[{"name":"a","weight":0.9},'
      .. '{"name":"b","weight":0.1,"approval":"Approved"%s}]}'
    assert.equal("hold", set:decide("promotion", facts:format("")).action)
    assert.equal("hold", set:decide("promotion", facts:format(',"window":{"requests":900}')).action)
    for _, number in ipairs({ "NaN", "nan", "Infinity", "1e999", "0x10", "-", "01", "+1", ".5" }) do
      local window =
        (',"window":{"requests":900,"errors":0,"latency_ms":{"p99":%s}}'):format(number)
      local answer, _, code = set:decide("promotion", facts:format(window))
      assert.is_nil(answer, number)
      assert.equal("InvalidFacts", code)
    end
  end)

  it("19: a policy that fails decides nothing", function()
    for kind, facts in pairs({
      routing = FRESH, weights = '{"variants":[{"name":"a"}]}', mapping = '{"event":{}}',
      promotion = '{"now":1,"champion":"a","variants":[{"name":"a"}]}',
    }) do
      for body, code in pairs({
        ["error('no')"] = "PolicyError", ["local x = nil + 1"] = "PolicyError",
        ["return"] = "PolicyError",
        ["while true do end"] = "BudgetSpent",
        ["local t = {} while true do t = { t } end"] = "BudgetSpent",
      }) do
        local set = policy_folder.load({ ["p.lua"] = "return policy { kind = '" .. kind
          .. "', decide = function() "
          .. body .. " end }" })
        local answer, message, got = set:decide(kind, facts)
        assert.is_nil(answer)
        assert.equal(code, got)
        assert.is_true(#message > 0)
      end
    end
  end)

  it("21: errors show no more of an input than a glimpse", function()
    local set = policy_folder.load(routing(guarded("local x = facts.volume + 1")))
    local secret = ("secret"):rep(40)
    local _, message = set:decide("routing", '{"file_count":2,"volume":"' .. secret .. '"}')
    assert.is_nil(message:find("secret", 1, true))
    _, message = set:decide("routing", '{"file_count":"' .. secret .. '"}')
    assert.is_nil(message:find(secret:sub(1, 41), 1, true))
    assert_fresh(set)
  end)

  it("22: recursion through C ends in an error", function()
    for _, body in ipairs({
      "local function f() return (('x'):gsub('x', f)) end f()",
      "local function f() table.sort({ 1, 2 }, f) end f()",
      "local function f() return pcall(f) end error(tostring(select(2, f())))",
      "local function f() return f() + 1 end f()",
      "local function f() return string.format('%s', f()) end f()",
      "local function f(...) return f(1, ...) end f()",
    }) do
      local set = policy_folder.load(routing(guarded(body .. " return batch { because = 'x' }")),
        { instructions = 5000000 })
      local answer, message, code = set:decide("routing", HOSTILE)
      if answer then message, code = answer.because, "decided" end
      assert.is_true(code == "PolicyError" or code == "BudgetSpent" or body:find("sort") ~= nil,
        body .. message)
      assert_fresh(set)
    end
  end)
end)
