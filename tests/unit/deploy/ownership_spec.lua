-- Whose a stack is: the estate's where the tag weir:stack is its own name.
local ownership = require "weir.deploy.ownership"

local STACK = { name = "weir-core" }

local function tagged(value, more)
  local found = { Tags = { { Key = "team", Value = "weir-core" },
    { Key = "weir:stack", Value = value } } }
  for name, each in pairs(more or {}) do found[name] = each end
  return found
end

describe("a stack", function()
  it("is ours where its tag is its name", function()
    assert.is_true(ownership.is_ours(tagged "weir-core", STACK))
    assert.is_false(ownership.is_ours(tagged "weir-cores", STACK))
    assert.is_false(ownership.is_ours({ Tags = {} }, STACK))
    assert.is_false(ownership.is_ours({}, STACK))
  end)

  it("has the value of its tag, whatever other tags it has", function()
    assert.equal("weir-core", ownership.tag_of(tagged("weir-core").Tags))
    assert.is_nil(ownership.tag_of { { Key = "team", Value = "weir-core" } })
    for _, none in ipairs { false, "tags", 1 } do assert.is_nil(ownership.tag_of(none)) end
    assert.is_nil(ownership.tag_of(nil))
  end)

  it("is taken where it is there without our tag", function()
    assert.is_true(ownership.is_taken({ StackStatus = "CREATE_COMPLETE" }, STACK))
    assert.is_true(ownership.is_taken(tagged("other", { StackStatus = "CREATE_COMPLETE" }), STACK))
    assert.is_false(ownership.is_taken(tagged("weir-core", { StackStatus = "X" }), STACK))
  end)

  it("is not taken where it is not there, or has nothing in it yet", function()
    assert.is_false(ownership.is_taken(false, STACK))
    assert.is_false(ownership.is_taken(nil, STACK))
    assert.is_false(ownership.is_taken({ StackStatus = "REVIEW_IN_PROGRESS" }, STACK))
  end)

  it("of somebody else is not changed, and the objection says how it would be", function()
    local message, code, hint = ownership.objection(STACK)
    assert.equal("it does not carry the tag weir:stack = weir-core, so somebody else may have made"
      .. " it", message)
    assert.equal("NotOurs", code)
    assert.truthy(hint:find("give --adopt", 1, true), hint)
  end)
end)
