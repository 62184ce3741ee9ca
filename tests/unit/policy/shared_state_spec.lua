-- A policy reaches other files through `require`, and any file may run after it: nothing that one
-- decision writes is seen by the next, whoever made it and whenever.
local policy_folder = require("support.policy_folder")

local routing = policy_folder.routing
local FACTS = '{"file_count":1}'

-- What is said about the set when it is loaded, or about a decision. It must not change however
-- often the set is asked.
local function verdict(files)
  local set, findings = require("weir.policy_set").load(policy_folder.with(files))
  if not set then return policy_folder.describe(findings) end
  local first
  for round = 1, 5 do
    local answer, message = set:decide("routing", FACTS)
    local said = answer and answer.because or message:gsub("^.*/", "")
    first = first or said
    assert.equal(first, said, "round " .. round)
  end

  return first
end

local KEPT =
  " is changed by a function and would live on between decisions; keep it local to decide"
local ITERATOR =
  " holds an iterator, which would go on in the next decision; call pairs or gmatch inside decide"

local COUNT = "h.n = (h.n or 0) + 1 return batch { because = '%d', h.n }"
local HELPER =
  "local kept\nreturn { set = function(v) kept = v end, get = function() return kept end }"

local function shared(body, later)
  return {
    ["a.lua"] = routing(body, "local get = require('lib.h').get"),
    ["b.lua"] = later .. "\nreturn {}",
    ["lib/h.lua"] = HELPER,
  }
end

-- name → files, and what must be said
local CASES = {
  ["a table that a later file put behind a variable"] = {
    shared("local h = get() " .. COUNT, "require('lib.h').set({})"),
    "a.lua:5: kept is read-only: 'n' cannot be set",
  },
  ["a table inside of such a table"] = {
    shared("local h = get().deep[1] " .. COUNT, "require('lib.h').set({ deep = { {} } })"),
    "a.lua:5: kept.deep[1] is read-only: 'n' cannot be set",
  },
  ["a counter that a later file put behind a variable"] = {
    shared("return batch { because = '%d', get()() }",
      "local n = 0\nrequire('lib.h').set(function() n = n + 1 return n end)"),
    "b.lua:2: error[W009] 'n'" .. KEPT,
  },
  ["a counter behind a key of such a table"] = {
    shared("return batch { because = '%d', get().f() }",
      "local n = 0\nlocal f = function() n = n + 1 return n end\n"
        .. "require('lib.h').set({ f = f, [f] = true })"),
    "b.lua:2: error[W009] 'n'" .. KEPT,
  },
  ["an iterator that a later file put behind a variable"] = {
    shared("return batch { because = get()() }", "require('lib.h').set(('a b c d'):gmatch('%a'))"),
    "h.lua:2: error[W009] 'kept'" .. ITERATOR,
  },
  ["a setter that the policy calls itself"] = {
    { ["a.lua"] = routing("h.set(facts) return batch { because = 'x' }",
      "local h = require 'lib.h'"),
      ["lib/h.lua"] = HELPER },
    "h.lua:2: error[W009] 'kept'" .. KEPT,
  },
  ["a field that a later file added to a module"] = {
    { ["a.lua"] = routing("local h = m.state " .. COUNT, "local m = require 'lib.m'"),
      ["b.lua"] = "require('lib.m').state = {} return {}", ["lib/m.lua"] = "return {}" },
    "a.lua:5: m.state is read-only: 'n' cannot be set",
  },
  ["a function that a later file put into a module"] = {
    { ["a.lua"] = routing("return batch { because = '%d', m.count() }",
      "local m = require 'lib.m'"),
      ["b.lua"] =
        "local n = 0\nrequire('lib.m').count = function() n = n + 1 return n end\nreturn {}",
      ["lib/m.lua"] = "return {}" },
    "b.lua:2: error[W009] 'n'" .. KEPT,
  },
  ["a module that failed after it had left something"] = {
    { ["a.lua"] = routing("local h = get() " .. COUNT, "local get = require('lib.h').get"),
      ["b.lua"] = "pcall(require, 'lib.fails') return {}", ["lib/h.lua"] = HELPER,
      ["lib/fails.lua"] = "require('lib.h').set({}) error('no')" },
    "a.lua:5: kept is read-only: 'n' cannot be set",
  },
  ["a variable that two policies share"] = {
    { ["a.lua"] = routing("return batch { because = tostring(h.get()) }",
      "local h = require 'lib.h'"),
      ["b.lua"] = "local h = require 'lib.h'\nreturn policy { kind = 'mapping',\n"
        .. "decide = function() h.set(1) return ignore { because = 'x' } end }",
      ["lib/h.lua"] = HELPER },
    "h.lua:2: error[W009] 'kept'" .. KEPT,
  },
  ["a policy that another file edits"] = {
    { ["a.lua"] = routing("return batch { because = 'the first' }"),
      ["b.lua"] = "local n, p = 0, require 'a'\np.decide = function() n = n + 1 "
        .. "return batch { because = '%d', n } end\np.kind, p.params = 'weights', { x = integer { "
        .. "1 } }\nreturn {}" },
    "the first",
  },
  ["an earlier file that requires the policy and edits it"] = {
    { ["z.lua"] = routing("return batch { because = 'the first' }"),
      ["b.lua"] = "local p = require 'z'\np.decide = function() end\np.examples = 5\nreturn {}" },
    "the first",
  },
  ["an iterator as decide"] = {
    { ["a.lua"] = "return policy { kind = 'routing', decide = ('a b c'):gmatch('%a') }" },
    "'decide'" .. ITERATOR,
  },
  ["the table of an error"] = {
    { ["a.lua"] = routing("local _, e = pcall(error, {}) e.n = (e.n or 0) + 1 "
      .. "return batch { because = '%d', e.n }") }, "1",
  },
  ["an error that is a table of the file"] = {
    { ["a.lua"] = routing("local _, h = pcall(error, kept) " .. COUNT, "local kept = {}") },
    "a.lua:5: kept is read-only: 'n' cannot be set",
  },
  ["facts that are kept"] = {
    { ["a.lua"] = routing("kept[1] = facts return batch { because = 'x' }", "local kept = {}") },
    "a.lua:5: kept is read-only: '1' cannot be set",
  },
  ["the parameters"] = {
    { ["a.lua"] = routing("params.n = 1 return batch { because = 'x' }") },
    "a.lua:5: params is read-only: 'n' cannot be set",
  },
  ["the environment"] = {
    { ["a.lua"] = routing("_ENV.n = 1 return batch { because = 'x' }") },
    "a.lua:5: assignment to global 'n': policies have no globals; use local",
  },
  ["a library"] = {
    { ["a.lua"] = routing("string.n = 1 return batch { because = 'x' }") },
    "a.lua:5: string is read-only: 'n' cannot be set",
  },
  ["a library behind a text"] = {
    { ["a.lua"] = routing("local s = 'x' s.n = 1 return batch { because = 'x' }") },
    "a.lua:5: attempt to index a string value (local 's')",
  },
}

for _, change in ipairs({
  "table.insert(kept, 1)", "table.remove(kept)", "table.move({ 7 }, 1, 1, 1, kept)",
  "table.sort(kept, function(a, b) return a > b end)", "kept[#kept + 1] = 1",
}) do
  CASES["a list, through " .. change] = {
    {
      ["a.lua"] = routing(change .. " return batch { because = '%d', kept[1] }",
        "local kept = { 1, 2, 3 }")
    },
    "kept is read-only",
  }
end

describe("nothing lives on between decisions in", function()
  teardown(policy_folder.remove_all)

  for name, case in pairs(CASES) do
    it(name, function()
      local said = verdict(case[1])
      assert.matches(case[2], said, 1, true)
    end)
  end

  it("lists of facts that a decision changed", function()
    local set = policy_folder.load({ ["promotion.lua"] = "return policy { kind = 'promotion',\n"
      .. "decide = function(facts) local v = facts.variants[1] v.name = v.name .. '!'\n"
      .. "facts.variants[2] = {} return hold { because = v.name, needs = 'x' } end }" })
    for _ = 1, 3 do
      local answer = assert(set:decide("promotion",
        '{"now":1,"champion":"a","variants":[{"name":"a"}]}'))
      assert.equal("a!", answer.because)
    end
  end)

  it("what its examples ran", function()
    local set = policy_folder.load({ ["routing.lua"] =
      "local h = {}\nreturn policy { kind = 'routing',\n"
      .. "decide = function(facts) pcall(function() h.n = 1 end)\n"
      .. "return batch { because = '%s', h.n or 'nothing' } end,\n"
      .. "examples = { { given = { file_count = 3 }, expect = 'batch' } } }" })
    assert.equal("nothing", set:decide("routing", FACTS).because)
  end)
end)

describe("what was checked is what runs:", function()
  teardown(policy_folder.remove_all)

  local WRONG = "{ given = { file_count = 1 }, expect = 'realtime' }"

  local function edited(edit)
    return {
      ["a.lua"] = "return policy { kind = 'routing', decide = function() return batch { because = "
        .. "'x' } end,\nexamples = { { given = { file_count = 2 }, expect = 'batch' }, " .. WRONG
        .. " } }",
      ["b.lua"] = "local examples = require('a').examples\n" .. edit .. "\nreturn {}",
    }
  end

  for _, edit in ipairs({
    "examples[2] = nil", "examples[2].expect = 'batch'", "examples[1], examples[2] = nil, nil",
    "table.remove(examples)", "examples[2].given.file_count = nil",
  }) do
    it("no file takes an example away: " .. edit, function()
      assert.matches("example 2: given", policy_folder.refused(edited(edit)), 1, true)
    end)
  end

  it("no file changes what a choice allows", function()
    local set = policy_folder.load({
      ["a.lua"] = "return policy { kind = 'routing', decide = function(_, params)\n"
        .. "return batch { because = params.size } end,\n"
        .. "params = { size = choice { 'small', values = require 'lib.sizes' } } }",
      ["b.lua"] = "local sizes = require 'lib.sizes'\nsizes[1], sizes[2] = 'huge', nil\nreturn {}",
      ["lib/sizes.lua"] = "return { 'small', 'large' }",
    }, { params = { size = "large" } })
    assert.equal("large", set:decide("routing", FACTS).because)
  end)
end)
