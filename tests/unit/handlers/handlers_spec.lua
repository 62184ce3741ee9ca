-- The handlers' kit: events, try, and what routing makes of its event.
local effects = require "weir.effects"
local events = require "weir.events"
local handlers = require "weir.handlers"
local json = require "weir.json"
local try = require "weir.try"
local uuid = require "weir.uuid"

-- nil, message, code of what f raises as a failure.
local function failure_of(f, ...)
  local value, message, code = try.call(f, ...)
  assert.is_nil(value)
  return message, code
end

describe("try", function()
  it("lets results through and raises failures, which call gives back", function()
    assert.same({ 1, "b", "c", "d" }, { try(1, "b", "c", "d") })
    assert.is_false(try(false))
    assert.same({ "why", "Code" }, { failure_of(try, nil, "why", "Code") })
    assert.same({ "no reason was given", "Unknown" }, { failure_of(try, nil) })
    assert.same({ 1, nil, 3 }, { try.call(function() return 1, nil, 3 end) })
  end)

  it("takes one code for nil, and no other", function()
    assert.is_nil(try.except("Unknown", nil, "why", "Unknown"))
    assert.equal("Other", select(2, failure_of(try.except, "Unknown", nil, "why", "Other")))
    assert.equal("Other", select(2, failure_of(try.except, false, nil, "why", "Other")))
    assert.is_false(try.except("Unknown", false))
  end)

  it("keeps the place of a mistake, however often it is caught", function()
    local function mistake() return nil + 1 end
    local ok, problem = pcall(try.call, function() return try.call(mistake) end)
    assert.is_false(ok)
    assert.matches("handlers_spec.lua:%d+: attempt to perform arithmetic", problem)
    assert.equal(1, select(2, problem:gsub("stack traceback:", "")))
    assert.matches("an error value of type table", select(2, pcall(try.call, error, {})))
  end)

  it("lets an object pass, which somebody further out knows", function()
    local object = setmetatable({}, {})
    local ok, problem = pcall(try.call, error, object)
    assert.is_false(ok)
    assert.equal(object, problem)
  end)

  it("tells what to do next, where that is a text", function()
    local told = { try.call(try.fail, "why", "Code", "do this") }
    assert.same({ n = 4, nil, "why", "Code", "do this" }, table.pack(table.unpack(told, 1, 4)))
    local passed = try.catching(function(...) return try(...) end)
    assert.same({ n = 4, nil, "why", "Code", "do this" },
      table.pack(passed(nil, "why", "Code", "do this")))
    assert.is_nil((select(4, passed(nil, "why", "Code", { details = true }))))
    assert.same({ n = 4, 1, 2, 3, 4 }, table.pack(passed(1, 2, 3, 4)))
  end)
end)

describe("events", function()
  it("read a member under its names; JSON null is absent", function()
    local event = { a = json.null, B = false, c = "" }
    assert.is_nil(events.member(event, "a"))
    assert.is_false(events.member(event, "a", "B", "c"))
    assert.same({ "task_token", "taskToken", "TaskToken" }, { events.spellings "task_token" })
  end)

  it("refuse a text that is none", function()
    for _, value in ipairs { "", 5, false, ("x"):rep(2049), {} } do
      local message, code = failure_of(events.text, { name = value }, "name")
      assert.same({ "name must be a text of 1 to 2048 bytes", "InvalidEvent" }, { message, code })
    end

    assert.equal(2048, #events.text({ name = ("x"):rep(2048) }, "name"))
    assert.is_nil(events.text({ name = json.null }, "name"))
    assert.equal("InvalidEvent", select(2, failure_of(events.required_text, {}, "name")))
  end)

  it("are objects, not lists", function()
    assert.same({ true, false, false }, {
      events.is_object {},
      events.is_object(json.array {}),
      events.is_object "x",
    })

    for _, event in ipairs { json.array {}, "x", 3, false, json.null } do
      assert.equal("the event must be a JSON object", (failure_of(events.object, event)))
    end
  end)
end)

describe("a UUID", function()
  it("is random, of version 4 and its variant", function()
    local seen, digits = {}, ("%x"):rep(4)
    local form = ("^%s%s%%-%s%%-4%%x%%x%%x%%-[89ab]%%x%%x%%x%%-%s%s%s$"):format(digits, digits,
      digits, digits, digits,
      digits)
    for _ = 1, 200 do
      local id = uuid()
      assert.matches(form, id)
      assert.is_nil(seen[id])
      seen[id] = true
    end
  end)
end)

describe("pages of effects", function()
  local REQUEST = {
    service = "sagemaker",
    operation = "ListTags",
    target = "arn",
    input = { ResourceArn = "arn" },
  }

  local function live(answers)
    local asked = {}
    return effects.live { executor = { perform = function(_, request)
      asked[#asked + 1] = request.input.NextToken or "first"
      return table.unpack(answers[#asked] or { nil, "no more", "Over" })
    end } }, asked
  end

  it("are all pages, until there is no token", function()
    for _, last in ipairs { {}, { NextToken = json.null }, { NextToken = "" } } do
      local from, asked = live { { { NextToken = "2" } }, { { NextToken = "3" } }, { last } }
      assert.equal(3, #assert(from:pages(REQUEST)))
      assert.same({ "first", "2", "3" }, asked)
      assert.same({ ResourceArn = "arn" }, REQUEST.input)
    end
  end)

  it("fail as a page does, and where a token comes again", function()
    local from = live { { { NextToken = "2" } }, { nil, "not you", "AccessDenied" } }
    assert.same({ nil, "not you", "AccessDenied" }, { from:pages(REQUEST) })
    from = live {
      { { NextToken = "2" } },
      { { NextToken = "3" } },
      { { NextToken = "2" } },
      { {} },
    }

    assert.equal("MalformedResponse", select(3, from:pages(REQUEST)))
  end)

  it("compare keys of items, whatever their order", function()
    local query = {
      service = "dynamodb",
      operation = "Query",
      target = "t",
      input = { TableName = "t" },
    }

    local from = live {
      { { LastEvaluatedKey = { a = "1", b = "2" } } },
      { { LastEvaluatedKey = { a = "1", b = "3" } } },
      { { LastEvaluatedKey = { b = "2", a = "1" } } },
    }

    assert.equal("MalformedResponse", select(3, from:pages(query)))
  end)

  it("are asked only of operations that have pages", function()
    local from = live {}
    assert.error_matches(function()
      from:pages {
        service = "ssm",
        operation = "GetParameter",
        target = "t",
        input = { Name = "n" },
      }
    end, "ssm GetParameter has no pages")
  end)
end)

describe("routing", function()
  local function facts_of(event)
    local seen
    local handler = handlers.find "routing"
    event = assert(json.decode(json.encode(event)))
    local result, message, code = try.call(handler.run, event, function(_, facts)
      seen = facts
      return { action = "realtime", because = "x" }
    end, effects.dry {})

    return seen, result, message, code
  end

  it("counts objects of no bytes, as folders' marks and empty files are", function()
    assert.same({ file_count = 2, total_bytes = 3, largest_bytes = 3 },
      (facts_of { objects = json.array { { key = "in/", size = 0 }, { key = "in/a", Size = 3 } } }))
    assert.same({ file_count = 1, total_bytes = 0, largest_bytes = 0 },
      (facts_of { Contents = json.array { { Size = 0 } } }))
  end)

  it("refuses sizes below 0, and fractions", function()
    for _, size in ipairs { -1, 0.5, "3", json.null } do
      local _, _, message, code = facts_of {
        objects = json.array { { size = 1 }, { size = size } },
      }

      assert.same({ "objects[1] has no size in whole bytes", "InvalidEvent" }, { message, code })
    end
  end)
end)

describe("every metric of a handler", function()
  it("has the use case as a dimension, where one is set, and not otherwise", function()
    local dry = effects.dry { config = { use_case = "radiology" } }
    dry:metric("M", 1, "Count", { A = "b" })
    assert.same({ A = "b", UseCase = "radiology" }, dry.metrics[1].dimensions)
    dry = effects.dry {}
    dry:metric("M", 1, "Count", { A = "b" })
    assert.same({ A = "b" }, dry.metrics[1].dimensions)
  end)
end)
