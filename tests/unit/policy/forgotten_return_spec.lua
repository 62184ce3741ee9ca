-- A forgotten `return`: an action is called as a statement, its decision is thrown away, and the
-- policy goes on to decide something else. No set with such a call loads, anywhere.
local policy_folder = require("support.policy_folder")
local policy_set = require("weir.policy_set")

local routing = policy_folder.routing

-- A table of actions, and functions that make decisions, as a set's own helper file.
local LIB = [[
local lib = { batch = batch, deep = { batch = batch } }
function lib.many(n) return batch { because = "%d", n } end
function lib.maybe(n) if n > 3 then return batch { because = "%d", n } end end
function lib.second(n) return lib.many(n) end
function lib.third(n) local d = lib.second(n) return d end
function lib.pair(n) return "many", lib.many(n) end
function lib.last(n) return "many", lib.second(n) end
function lib.pick(n) if n > 3 then return batch end return realtime end
function lib:method(n) return batch { because = "%d", n } end
function lib.size(n) return n > 3 and "many" or "few" end
function lib.tested(n) return n > 3 and batch { because = "x" } end
function lib.caught(n) local ok, d = pcall(batch, { because = "x" }) return d end
function lib.later(n) local d if n > 3 then d = batch { because = "x" } end return d end
function lib.is_few(n)
  local few = { batch { because = "x" } }
  return n < 3 and #few > 0
end
lib.list = { batch, realtime }
lib.by_type = { none = lib.many, path = function(n) return realtime { because = "%d", n } end }
lib.steps = { many = lib.many, size = lib.size }
function lib.note(list, n) list[#list + 1] = n end
local forward
function lib.forward(n) return forward(n) end
function forward(n) return lib.many(n) end
return lib
]]

local function files_with(statement)
  return {
    ["routing.lua"] = routing("  if facts.file_count > 3 then\n    " .. statement
      .. "\n  end\n  return realtime { because = 'few' }", "local lib, b = require 'lib.x', batch "
      .. "local function many(n) return batch { because = '%d', n } end"),
    ["lib/x.lua"] = LIB,
  }
end

local CALLED = "routing.lua:6: error[W014] batch is called and its decision thrown away; "
  .. "write return batch { … }"
local MADE = "routing.lua:6: error[W014] this call makes a decision, which is thrown away; "
  .. "write return in front of it"

local FORGOTTEN = {
  ["batch { because = 'many' }"] = CALLED,
  ["batch { because = 'many' };"] = CALLED,
  ["batch({ because = '%d files', facts.file_count })"] = CALLED,
  ["batch { because = facts.volume or facts.prefix or 'x' }"] = CALLED,
  ["b { because = 'many' }"] = CALLED,
  ["local c = b c { because = 'many' }"] = CALLED,
  ["local c = batch local d = c d { because = 'many' }"] = CALLED,
  ["local c c = batch c { because = 'many' }"] = CALLED,
  ["local c = facts.volume and realtime or batch c { because = 'x' }"] = CALLED,
  ["lib.batch { because = 'many' }"] = CALLED,
  ["lib.deep.batch { because = 'many' }"] = CALLED,
  ["local deep = lib.deep deep.batch { because = 'many' }"] = CALLED,
  ["_ENV.batch { because = 'many' }"] = CALLED,
  ["local t = { b = batch } t.b { because = 'many' }"] = MADE,
  ["local t = {} t.b = batch t.b { because = 'many' }"] = MADE,
  ["lib.many(4)"] = MADE,
  ["lib.maybe(4)"] = MADE,
  ["lib.second(4)"] = MADE,
  ["lib.third(4)"] = MADE,
  ["lib.pair(4)"] = MADE,
  ["lib.last(4)"] = MADE,
  ["lib.forward(4)"] = MADE,
  ["lib:method(4)"] = MADE,
  ["many(4)"] = MADE,
  ["lib.pick(4) { because = 'x' }"] = MADE,
  ["local pick = lib.pick(4) pick { because = 'x' }"] = MADE,
  ["local function make() return batch { because = 'x' } end make()"] = MADE,
  ["local function f() return many(4) end local function g() return f() end g()"] = MADE,
  ["(function() return batch { because = 'x' } end)()"] = MADE,
  ["pcall(batch, { because = 'x' })"] = MADE,
  ["pcall(lib.many, 4)"] = MADE,
  ["assert(batch { because = 'x' })"] = MADE,
  ["assert(many(4))"] = MADE,
  ["lib.tested(4)"] = MADE,
  ["lib.caught(4)"] = MADE,
  ["lib.later(4)"] = MADE,
  ["lib.list[1] { because = 'x' }"] = CALLED,
  ["local list = lib.list list[2] { because = 'x' }"] = (CALLED:gsub("batch", "realtime")),
  ["local name = 'batch' lib[name] { because = 'x' }"] = CALLED,
  ["lib.by_type[facts.inference_type](4)"] = MADE,
  ["local t = { batch } t[1] { because = 'x' }"] = MADE,
  ["local t = { lib.size, batch } t[2] { because = 'x' }"] = MADE,
  ["({ a = batch, b = realtime })[facts.volume] { because = 'x' }"] = MADE,
  ["local t = { batch, realtime } for i = 1, #t do t[i] { because = 'x' } end"] = MADE,
  ["local c = batch if facts.volume then c = lib.size end c(4)"] = MADE,
  ["local c = lib.size if facts.volume then c = batch end c(4)"] = CALLED,
  ["local c = lib.size while facts.volume do c(4) c = batch end"] = MADE,
  ["local c = lib.size repeat if facts.volume then c = batch end c(4) until c"] = CALLED,
  ["for _ = 1, 2 do batch { because = 'x' } end"] = CALLED,
  ["pcall(function() batch { because = 'x' } end)"] = CALLED,
  ["local _ = #facts.volume, pcall(function() b { because = 'x' } end)"] = CALLED,
}

-- None of these throws a decision away in a call.
local FINE = {
  "return batch { because = 'many' }",
  "return (batch { because = 'many' })",
  "local one, two = batch { because = 'a' }, realtime { because = 'b' } return facts.volume and "
    .. "one or two",
  "local one = batch { because = 'a' } local two = realtime { because = 'b' } return two",
  "local _ = batch { because = 'x' }",
  "local d = lib.maybe(4) if d then return d end",
  "return lib.maybe(4) or lib.second(4)",
  "local list = {} list[1] = batch { because = 'x' } return list[1]",
  "local list = {} table.insert(list, many(4)) return list[1]",
  "local list = {} lib.note(list, batch { because = 'x' }) return list[1]",
  "lib.size(4)",
  "lib.pick(4)",
  "local list = {} lib.note(list, 4) table.sort(list)",
  "local ok, d = pcall(batch, { because = 'x' }) if ok then return d end",
  "local ok, d = pcall(many, 4) return d",
  "pcall(error, 'x') pcall(lib.size, 4) assert(lib.size(4))",
  "local function show(batch) batch(4) end show(lib.size)",
  "local batch = lib.size batch(4)",
  "local f = batch f = lib.size f(4)",
  "local f = lib.size do local f = batch local _ = f end f(4)",
  "for i, f in ipairs({ lib.size }) do f(i) end",
  "local t = { f = lib.size, b = batch } t.f(4)",
  "local function walk(n) if n > 0 then walk(n - 1) end end walk(3)",
  "lib.is_few(4)",
  "lib.steps[facts.volume](4)",
  "local t = { lib.size, batch } t[1](4)",
  "local t = { batch, lib.size } t[facts.file_count](4)",
  "local c = batch if facts.volume then c = lib.size else c = lib.note end c({}, 4)",
  "local c = batch while facts.volume do c = lib.size c(4) end",
  "local c if facts.volume then c = batch return c { because = 'x' } end c = lib.size c(4)",
  "local t = { 'a' } table.concat(t) string.format('%d', 4) tostring(batch)",
}

describe("a forgotten return", function()
  teardown(policy_folder.remove_all)

  for statement, expected in pairs(FORGOTTEN) do
    it("is found: " .. statement, function()
      assert.equal(expected, (policy_folder.refused(files_with(statement))))
    end)
  end

  for _, statement in ipairs(FINE) do
    it("is not seen in: " .. statement, function() policy_folder.load(files_with(statement)) end)
  end

  it("is found where it is, in a helper's file", function()
    local found = policy_folder.refused({
      ["routing.lua"] = routing("return few(facts)", "local few = require 'lib.few'"),
      ["lib/few.lua"] = "local function few(facts)\n  if facts.file_count > 3 then\n"
        .. "    batch { because = 'many' }\n  end\n  return realtime { because = 'few' }\nend\n"
        .. "return few",
    })

    assert.matches("^few.lua:3: error%[W014%] batch is called", found)
  end)

  it("is found once for two policies, and each of two calls", function()
    local _, findings = policy_folder.refused({
      ["a.lua"] = routing("return f()", "local f = require 'lib.f'"),
      ["b.lua"] = "local f = require 'lib.f'\nreturn policy { kind = 'mapping', decide = "
        .. "function() return f() end }",
      ["lib/f.lua"] =
        "return function()\n  batch { because = 'x' }\n  ignore { because = 'x' }\nend",
    })

    assert.equal(2, #findings)
    assert.same({ 2, 3 }, { findings[1].line, findings[2].line })
    assert.matches("^ignore is called", findings[2].message)
  end)

  it("is found once in a function that is two closures, and in each of two files", function()
    local lib = "return function(limit)\n  return function(facts)\n"
      .. "    if facts.file_count > limit then\n      batch { because = 'x' }\n    end\n"
      .. "    return realtime { because = 'y' }\n  end\nend"
    local _, findings = policy_folder.refused({
      ["routing.lua"] = routing("return (facts.volume and few or many)(facts) or again(facts)",
        "local few, many, again = require 'lib.f'(1), require 'lib.f'(2), require 'lib.g'(3)"),
      ["lib/f.lua"] = lib,
      ["lib/g.lua"] = lib,
    })

    assert.equal(2, #findings)
    assert.same({ 4, 4 }, { findings[1].line, findings[2].line })
    assert.is_true(findings[1].file ~= findings[2].file)
  end)

  it("is an error of a new version, too", function()
    local folder = policy_folder.with(files_with("return batch { because = 'many' }"))
    local set = assert(policy_set.load(folder))
    policy_folder.write(folder, "routing.lua",
      files_with("batch { because = 'many' }")["routing.lua"])
    assert.equal("refused", (set:refresh()))
    assert.equal("batch", set:decide("routing", '{"file_count":9}').action)
  end)
end)
