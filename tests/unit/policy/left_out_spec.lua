-- A set that was verified before loads one policy and leaves the others out; the same decisions
-- must come of it, at the same cost, with the same texts.
local policy_folder = require "support.policy_folder"
local policy_set = require "weir.policy_set"

local MAPPING = [[
%s
return policy {
  kind = "mapping",
  decide = function() return ignore { because = "%%s", "x" } end,
}
]]

-- Shows what a decision can see of the tables that were made before it: contents, the text of a
-- refused write, and where tables are placed as keys.
local ROUTING = [==[
%s
local keys = {}
for i = 1, 9 do keys[i] = {} end

local function lengths()
  local found = {}
  for n = 1, 40 do
    local t = {}
    for i = 1, n do t[{}], t[i * 2] = i, i; if i %%%% 3 == 0 then t[i] = 1 end end
    for i = 1, #keys do t[keys[i]] = 1 end
    t[1] = 1
    found[n] = #t
  end

  return table.concat(found, ",")
end

return policy {
  kind = "routing",
  decide = function()
    local _, text = pcall(function() %s = 1 end)
    return batch { because = "%%%%s %%%%s %%%%s", text, %s, lengths() }
  end,
  examples = { { given = given, expect = "batch" } },
}
]==]

local SHARED = {
  module = {
    mapping = 'local first = require "lib.h" first.n, first.keys[1] = 5, {}',
    routing = 'local given, second = { file_count = 1 }, require "lib.h"',
    wrote = "second.sizes.x",
    said = "tostring(second.n) .. #second.keys",
  },
  ["module under a name that is put together"] = {
    mapping = '_ENV["req" .. "uire"]("lib.h").n = 7',
    routing = 'local given, second = { file_count = 1 }, _ENV["requ" .. "ire"]("lib.h")',
    wrote = "second.sizes.x",
    said = "tostring(second.n)",
  },
  ["module, named behind a zero byte"] = {
    mapping = '-- \0\nrequire("lib.h").n = 7',
    routing = '-- \0\nlocal given, second = { file_count = 1 }, require("lib.h")',
    wrote = "second.sizes.x",
    said = "tostring(second.n)",
  },
  ["variable of a module"] = {
    mapping = 'for i = 1, 3 do require("lib.counter").count() end',
    routing = 'local given, counted = { file_count = 1 }, require("lib.counter").counted',
    wrote = "given.x",
    said = "counted()",
  },
  ["table in what its file returns"] = {
    mapping = 'local name = "rout" require(name .. "ing").examples[1].given.file_count = 3',
    routing = "local given = { file_count = 1 }",
    wrote = "given.file_count",
    said = "given.file_count",
  },
  nothing = {
    mapping = "local junk = {} for i = 1, 1001 do junk[i] = { i } end",
    routing = "local given, own = { file_count = 1 }, { a = {} }",
    wrote = "own.a.b",
    said = "1",
  },
}

local COUNTER = [[
local n = 0
return { count = function() n = n + 1 end, counted = function() return n end }
]]

local function said_by(set)
  local answer = assert(set:decide("routing", '{"file_count":1}'))
  return ("%s (%d instructions, %d bytes)"):format(answer.because, answer.instructions,
    answer.bytes)
end

describe("a policy whose set is known to verify", function()
  teardown(policy_folder.remove_all)

  for what, code in pairs(SHARED) do -- any order: each is a test of its own
    it("decides as before when others that share a " .. what .. " may be left out", function()
      local whole = policy_folder.load {
        ["lib/h.lua"] = "return { sizes = {}, keys = {} }",
        ["lib/counter.lua"] = COUNTER,
        ["mapping.lua"] = MAPPING:format(code.mapping),
        ["routing.lua"] = ROUTING:format(code.routing, code.wrote, code.said):gsub("%%%%", "%%"),
      }
      local bundle = assert(whole:bundle { stamp = true })
      local function trusted(kind)
        local set = assert(policy_set.load("set", { bundle = bundle, trust = true, kind = kind }))
        assert.is_true(set:is_verified())
        return set
      end

      assert.equal(said_by(whole), said_by(trusted(nil)))
      assert.equal(said_by(whole), said_by(trusted("routing")))
      local other = trusted("mapping"):decide("routing", '{"file_count":1}')
      assert.is_true(other == nil or other.because == said_by(whole):match("^(.*) %("))
    end)
  end
end)
