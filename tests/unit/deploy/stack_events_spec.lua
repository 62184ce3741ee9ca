-- What CloudFormation tells of an operation, in pages with the newest event first.
local stack_events = require("weir.deploy.stack_events")
local process = require("weir.process")

local STACK = "arn:stack"

-- "STATUS [token]" for the stack itself, "NAME STATUS: reason" for a resource.
local function event(id, text)
  local name, status, reason = text:match("^(%l%w*) (%u[%u_]*):? ?(.*)$")
  if name then
    return { EventId = id, StackId = STACK, PhysicalResourceId = "p-" .. name,
      LogicalResourceId = name, ResourceStatus = status, ResourceStatusReason = reason }
  end

  local of_stack, token = text:match("^(%u[%u_]*) ?(.*)$")
  return { EventId = id, StackId = STACK, PhysicalResourceId = STACK, LogicalResourceId = "weir",
    ResourceStatus = of_stack, ClientRequestToken = token ~= "" and token or nil }
end

-- A client whose stack has these events, the oldest first, two a page. client.asked: pages given.
local function client_of(list)
  local client = { asked = 0 }

  function client:pages(operation, input)
    assert.equal("DescribeStackEvents", operation)
    assert.same({ StackName = STACK }, input)
    local at = #list
    return function()
      if list.fails then return false, "no answer", "Timeout" end
      if at < 1 then return nil end
      local page = {}
      for _ = 1, math.min(2, at) do
        page[#page + 1] = event(tostring(at), list[at])
        at = at - 1
      end

      self.asked = self.asked + 1
      return { StackEvents = page }
    end
  end

  return client
end

local TWICE = {
  "CREATE_IN_PROGRESS one",
  "old CREATE_FAILED: of the first time",
  "CREATE_COMPLETE one",
  "UPDATE_IN_PROGRESS two",
  "table UPDATE_FAILED: the limit is reached",
  "queue UPDATE_FAILED: Resource update cancelled",
  "role UPDATE_FAILED",
  "UPDATE_ROLLBACK_IN_PROGRESS two",
  "UPDATE_ROLLBACK_COMPLETE two",
}

describe("the first cause", function()
  it("is the oldest failure of the last operation that was not cancelled", function()
    assert.equal("table UPDATE_FAILED: the limit is reached",
      (stack_events.first_cause(client_of(TWICE), STACK)))
  end)

  it("is not looked for before the last operation", function()
    local client = client_of {
      "CREATE_IN_PROGRESS",
      "a CREATE_FAILED: long ago",
      "CREATE_FAILED",
      "x CREATE_COMPLETE",
      "x CREATE_COMPLETE",
      "DELETE_IN_PROGRESS",
      "a DELETE_COMPLETE",
    }
    assert.is_nil((stack_events.first_cause(client, STACK)))
    assert.equal(1, client.asked)
  end)

  it("says where no reason is given, and why nothing could be asked", function()
    local client = client_of { "DELETE_IN_PROGRESS", "a DELETE_FAILED" }
    local cause = stack_events.first_cause(client, STACK)
    assert.equal("a DELETE_FAILED: no reason is given", cause)
    local none, message, code = stack_events.first_cause(client_of { fails = true }, STACK)
    assert.same({ nil, "no answer", "Timeout" }, { none, message, code })
  end)
end)

describe("the token of an operation", function()
  it("is found behind newer events, over pages", function()
    assert.is_true(stack_events.has_token(client_of {
      "UPDATE_IN_PROGRESS mine",
      "a UPDATE_IN_PROGRESS",
      "a UPDATE_COMPLETE",
      "b UPDATE_IN_PROGRESS",
    }, STACK, "mine"))
  end)

  it("is not looked for before the last operation", function()
    local client = client_of(TWICE)
    assert.is_false(stack_events.has_token(client, STACK, "one"))
    assert.equal(3, client.asked)
    assert.is_false(stack_events.has_token(client_of {}, STACK, "one"))
    assert.is_false(stack_events.has_token(client_of { fails = true }, STACK, "one"))
  end)
end)

describe("following an operation", function()
  local sleep

  before_each(function() sleep = process.sleep end)
  after_each(function() process.sleep = sleep end)

  local function follow(list, token, later)
    local shown = {}
    process.sleep = function()
      for _, text in ipairs(later or {}) do list[#list + 1] = text end
      later = nil
    end

    local ended, message, code = stack_events.follow(client_of(list), { id = STACK, token = token,
      shown = function(seen) shown[#shown + 1] = seen.EventId end })
    return ended, table.concat(shown, " "), message, code
  end

  it("shows the last operation's events, the oldest first, to its end", function()
    local ended, shown = follow(TWICE)
    assert.same({ status = "UPDATE_ROLLBACK_COMPLETE",
      cause = "table UPDATE_FAILED: the limit is reached" }, ended)
    assert.equal("4 5 6 7 8 9", shown)
  end)

  it("shows each event once, those that come later too", function()
    local ended, shown = follow({ "CREATE_IN_PROGRESS", "a CREATE_IN_PROGRESS" }, nil,
      { "a CREATE_COMPLETE", "CREATE_COMPLETE" })
    assert.same({ status = "CREATE_COMPLETE" }, ended)
    assert.equal("1 2 3 4", shown)
  end)

  it("waits for the operation of the token, and shows only that", function()
    local ended, shown = follow({ "CREATE_IN_PROGRESS old", "CREATE_COMPLETE old" }, "new",
      { "UPDATE_IN_PROGRESS new", "UPDATE_COMPLETE new" })
    assert.same({ status = "UPDATE_COMPLETE" }, ended)
    assert.equal("3 4", shown)
  end)
end)
