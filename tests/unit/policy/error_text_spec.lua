-- What errors say: the place, the reason, and of hostile or secret input no more than a glimpse.
local json = require("weir.json")
local policy_folder = require("support.policy_folder")

local routing = policy_folder.routing

-- The message and code of a failed decision; fails when it is none.
local function failure(set, facts, kind)
  local answer, message, code = set:decide(kind or "routing", facts or '{"file_count":1}')
  assert.is_nil(answer)
  assert.is_true(#message <= 1010, "the message has " .. #message .. " bytes")
  assert.is_truthy(utf8.len(message))
  assert.is_nil(message:find("\0", 1, true))

  return message:gsub("/[%w/._-]*lua_%w+/", ""), code
end

describe("the error of a policy", function()
  teardown(policy_folder.remove_all)

  it("is cut, however long", function()
    local message, code = failure(policy_folder.load(routing("error(('x'):rep(100000))")))
    assert.equal("PolicyError", code)
    assert.matches("^routing.lua:5: xxx", message)
    assert.matches("x…$", message)
  end)

  it("is text, whatever its bytes", function()
    assert.equal("routing.lua:5: ?a?b",
      (failure(policy_folder.load(routing("error('\\xffa\\0b')")))))
  end)

  it("is told without its value when it is not a text", function()
    for value, name in pairs({ ["nil"] = "nil", ["{}"] = "table", ["true"] = "boolean",
      error = "function" }) do
      local message = failure(policy_folder.load(routing("error(" .. value .. ")")))
      assert.equal("(an error value of type " .. name .. ")", message)
    end
  end)

  it("has the place of the decision when the decision is at fault", function()
    for body, expected in pairs({
      ["return batch { because = '\\xff' }"] = "because is not valid UTF-8",
      ["return batch { because = '%d', 'x' }"] =
        "bad argument #2 to 'string.format' (number expected, got string)",
      ["return batch { because = '%d %d', 1 }"] = "bad argument #3 to 'string.format' (no value)",
      ["return hold { because = 'x', needs = 'y' }"] =
        "'hold' is a decision of promotion, not of routing",
    }) do
      local message = failure(policy_folder.load(routing(body)))
      assert.matches("routing.lua:5: ", message, 1, true)
      assert.matches(expected, message, 1, true)
    end
  end)

  it("says what decide returned when it is not a decision", function()
    for body, got in pairs({
      [""] = "nothing", ["return nil"] = "nothing", ["return 5"] = "number",
      ["return 'batch'"] = "string",
      ["return true"] = "boolean", ["return batch"] = "function",
      ["return { because = 'x' }"] = "a table that no action made",
      ["return { action = 'batch', because = 'x' }"] = "a table that no action made",
      ["return facts"] = "a table that no action made",
      ["return params"] = "a table that no action made",
    }) do
      local message, code = failure(policy_folder.load(routing(body)))
      assert.equal("PolicyError", code)
      assert.matches("routing.lua: decide returned " .. got
        .. "; every branch must return an action", message, 1, true)
    end
  end)
end)

describe("the error of facts", function()
  local set
  setup(function() set = policy_folder.load(routing("return batch { because = 'x' }")) end)
  teardown(policy_folder.remove_all)

  it("quotes forty bytes at most, whole characters of them", function()
    local secret = ("a"):rep(39) .. "é" .. ("SECRET"):rep(100)
    local message, code = failure(set, json.encode({ file_count = secret }))
    assert.equal("InvalidFacts", code)
    assert.equal('file_count: expected an integer of at least 0, got "' .. ("a"):rep(39) .. '…"',
      message)
  end)

  it("quotes sixty bytes of a name", function()
    local message = failure(set, json.encode({ [("é"):rep(3000)] = 1 }))
    assert.equal('unknown field "' .. ("é"):rep(30) .. '…"', message)
  end)

  it("quotes sixty bytes of a kind", function()
    local message, code = failure(set, "{}", ("é\0"):rep(3000))
    assert.equal("UnknownKind", code)
    assert.matches('has no policy of kind "' .. ("é?"):rep(20) .. '…"', message, 1, true)
  end)
end)

describe("a finding", function()
  teardown(policy_folder.remove_all)

  it("is cut, and is text", function()
    local _, findings = policy_folder.refused("error('\\xff' .. ('x'):rep(100000))")
    assert.is_true(#findings[1].message < 1010)
    assert.matches("^%?xxx", findings[1].message)
    assert.equal(1, findings[1].line)
  end)

  it("has its line also where Lua shortens the file's name", function()
    local folder = policy_folder.new(("directory"):rep(20))
    policy_folder.write(folder, "routing.lua", "return policy {\n kind =")
    local _, findings = policy_folder.refused(folder)
    assert.equal(folder .. "/routing.lua", findings[1].file)
    assert.equal(2, findings[1].line)
    assert.equal("unexpected symbol near <eof>", findings[1].message)
  end)
end)

-- A policy can catch an error and decide by its text: that must be the same wherever the set is,
-- and in whatever order Lua's hash holds the keys.
describe("the error that a policy catches", function()
  teardown(policy_folder.remove_all)

  local LONG = ("a_name_that_is_longer_than_lua_shows_"):rep(3)

  local CAUGHT = {
    ["error('no')"] = "routing.lua:6: no",
    ["local x = nil + 1"] = "routing.lua:6: attempt to perform arithmetic on a nil value",
    ["require 'lib.none'"] =
      "routing.lua:6: require: call it at the top of the file, not while deciding",
    ["helper()"] = "lib/helper.lua:1: from the helper",
    ["long()"] = "..." .. ("a_name_that_is_longer_than_lua_shows_"):rep(3):sub(-52)
      .. ".lua:1: from afar",
    ["batch { because = 'x', zz = 1, aa = 1, mm = 1, ab = 1, zy = 1, bb = 1, a = 1, q = 1 }"] =
      "routing.lua:6: batch has no field 'a'",
    ["batch { [{}] = 1, [true] = 1, [2.5] = 1, because = 'x', zz = 1 }"] =
      "routing.lua:6: batch has no field 'zz'",
    ["batch { [{}] = 1, [true] = 1, [2.5] = 1, because = 'x' }"] =
      "routing.lua:6: batch: fields have names, not boolean keys",
    ["batch { [0] = 1, because = 'x' }"] =
      "routing.lua:6: batch: fields have names, not number keys",
    ["batch { [101] = 1, because = 'x' }"] =
      "routing.lua:6: batch: fields have names, not number keys",
  }

  for statement, expected in pairs(CAUGHT) do
    it("is the same in every directory: " .. statement, function()
      local files = {
        ["routing.lua"] = routing("local _, message = pcall(function()\n local _ = 1 do "
          .. statement
          .. " end end)\nreturn realtime { because = message }",
          "local helper, long = require 'lib.helper', require 'lib." .. LONG .. "'"),
        ["lib/helper.lua"] = "return function() error('from the helper') end",
        ["lib/" .. LONG .. ".lua"] = "return function() error('from afar') end",
      }

      for _, name in ipairs({ "a", ("directory"):rep(20) }) do
        local folder = policy_folder.new(name)
        for path, text in pairs(files) do
          policy_folder.write(folder, path, (text:gsub("do batch", "do local _ = batch")))
        end

        local set = assert(require("weir.policy_set").load(folder))
        assert.equal(expected, set:decide("routing", '{"file_count":1}').because)
      end
    end)
  end

  it("names no directory while files are loaded either", function()
    local texts = {}
    for i, name in ipairs({ "a", ("directory"):rep(20) }) do
      local folder = policy_folder.new(name)
      policy_folder.write(folder, "routing.lua", routing("return batch { because = text }",
        "local _, text = pcall(require, 'lib.none')"))
      local set = assert(require("weir.policy_set").load(folder))
      texts[i] = set:decide("routing", '{"file_count":1}').because
    end

    assert.equal(texts[1], texts[2])
    assert.equal(
      "require: there is no lib/none.lua in the policy directory; a policy can only require "
      .. "files of its own", texts[1])
  end)
end)
