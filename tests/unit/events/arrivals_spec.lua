local arrivals = require("weir.events.arrivals")
local json = require("weir.json")

local function split(event) return arrivals.split(assert(json.decode(json.encode(event)))) end

local function message(id, body)
  return {
    messageId = id,
    eventSource = "aws:sqs",
    body = type(body) == "string" and body or json.encode(body)
  }
end

local function record(key)
  return {
    eventSource = "aws:s3",
    eventName = "ObjectCreated:Put",
    s3 = { object = { key = key } },
  }
end

describe("what arrives", function()
  it("is one event when it holds no others", function()
    for _, event in ipairs { { source = "aws.s3" }, {}, { Records = "x" },
      { Type = "Notification" } } do
      assert.same({ { event = event } }, split(event))
    end
  end)

  it("is taken apart: lists, S3 records, SQS, SNS in SQS, SNS itself", function()
    local sns = { Type = "Notification", TopicArn = "arn:aws:sns:r:1:t",
      Message = json.encode { Records = { record "a" } } }
    for name, event in pairs {
      list = json.array { { Records = { record "a" } } },
      S3 = { Records = { record "a" } },
      SQS = { Records = { message(nil, { Records = { record "a" } }) } },
      SNS = {
        Records = { { EventSource = "aws:sns", Sns = { Message = json.encode(record "a") } } },
      },
      ["SNS in SQS"] = { Records = { message(nil, sns) } },
      ["SNS in SQS in Pipes"] = json.array { message(nil, sns) },
    } do
      assert.same({ { event = record "a" } }, split(event), name)
    end
  end)

  it("keeps with each event the message that carried it", function()
    assert.same({
      { event = record "a", message_id = "m1" }, { event = record "b", message_id = "m1" },
      { event = record "c", message_id = "m2" },
    }, split { Records = { message("m1", { Records = { record "a", record "b" } }),
      message("m2", record "c") } })
  end)

  it("hands out listings entry by entry", function()
    local units = split {
      bucket = "b",
      EncodingType = "url",
      Contents = { { Key = "a+b" }, { Key = "c" } },
    }

    assert.same({ event = { source = "weir.listing", bucket = "b", encoding = "url",
      object = { Key = "a+b" } } },
      units[1])
    assert.equal(2, #units)
  end)

  it("has one problem for what is broken, and the others beside it", function()
    local units = split { Records = { message("m1", "{"), message("m2", record "b"),
      message("m3", "3"),
      { eventSource = "aws:sqs", messageId = "m4" }, 7 } }
    assert.equal(5, #units)
    assert.equal("m1", units[1].message_id)
    assert.matches("^the body of the SQS message is not JSON: ", units[1].problem)
    assert.equal("{", units[1].event.body)
    assert.same({ event = record "b", message_id = "m2" }, units[2])
    assert.equal("an event must be a JSON object", units[3].problem)
    assert.equal("the body of the SQS message is missing", units[4].problem)
    assert.equal("an event must be a JSON object", units[5].problem)
  end)

  it("is not nested without end", function()
    local nested = record "a"
    for _ = 1, 50 do nested = json.array { nested } end
    local units = split(nested)
    assert.same({ 1, "events are nested more than 5 deep" }, { #units, units[1].problem })
  end)
end)
