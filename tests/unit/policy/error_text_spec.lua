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
  return message:gsub("/tmp/[^/]*/", ""), code
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
    assert.equal("routing.lua:5: ?a?b", (failure(policy_folder.load(routing("error('\\xffa\\0b')")))))
  end)

  it("is told without its value when it is no text", function()
    for value, name in pairs({ ["nil"] = "nil", ["{}"] = "table", ["true"] = "boolean", error = "function" }) do
      local message = failure(policy_folder.load(routing("error(" .. value .. ")")))
      assert.equal("(an error value of type " .. name .. ")", message)
    end
  end)

  it("has the place of the decision when the decision is at fault", function()
    for body, expected in pairs({
      ["return batch { because = '\\xff' }"] = "because is not valid UTF-8",
      ["return batch { because = '%d', 'x' }"] = "bad argument #2 to 'string.format' (number expected, got string)",
      ["return batch { because = '%d %d', 1 }"] = "bad argument #3 to 'string.format' (no value)",
      ["return hold { because = 'x', needs = 'y' }"] = "'hold' is a decision of promotion, not of routing",
    }) do
      local message = failure(policy_folder.load(routing(body)))
      assert.matches("routing.lua:5: ", message, 1, true)
      assert.matches(expected, message, 1, true)
    end
  end)

  it("says what decide returned when it is no decision", function()
    for body, got in pairs({
      [""] = "nothing", ["return nil"] = "nothing", ["return 5"] = "number", ["return 'batch'"] = "string",
      ["return true"] = "boolean", ["return batch"] = "function",
      ["return { because = 'x' }"] = "a table that no action made",
      ["return { action = 'batch', because = 'x' }"] = "a table that no action made",
      ["return facts"] = "a table that no action made", ["return params"] = "a table that no action made",
    }) do
      local message, code = failure(policy_folder.load(routing(body)))
      assert.equal("PolicyError", code)
      assert.matches("routing.lua: decide returned " .. got .. "; every branch must return an action", message, 1, true)
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
    assert.equal('file_count: expected an integer of at least 0, got "' .. ("a"):rep(39) .. '…"', message)
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
