local catalogue = require "weir.processing.catalogue"
local effects = require "weir.effects"
local json = require "weir.json"

local PNG = "\137PNG\r\n\26\n"
local OBJECT = { bucket = "b", key = "k.png", etag = "e", size = 9, head = PNG, bytes = PNG .. "1" }

local function run(labels)
  local asked
  local dry = effects.dry {
    world = { ["rekognition.DetectLabels"] = { ["k.png"] = { Labels = labels } } },
  }

  local function ask(_, facts)
    asked = facts
    return { action = "accept", because = "" }
  end

  return catalogue.run(OBJECT, ask, dry), asked
end

describe("the catalogue", function()
  it("writes the same for labels in any order: the surest first, then by name", function()
    local a, b, c = { Name = "A", Confidence = 50 }, { Name = "B", Confidence = 50 }, {
      Name = "C",
      Confidence = 99,
    }

    local expected = json.encode(run({ a, b, c }).documents)
    for _, order in ipairs { { a, c, b }, { b, a, c }, { b, c, a }, { c, a, b }, { c, b, a } } do
      assert.equal(expected, json.encode(run(order).documents))
    end

    assert.same({ "C", "A", "B" }, (function(made)
      local names = {}
      for i, label in ipairs(made.documents.tags.labels) do names[i] = label.name end
      return names
    end)(run { b, a, c }))
  end)

  it("takes labels only for what they should be", function()
    local made, facts = run { { Name = "A", Confidence = "99" }, { Name = "", Confidence = 1 },
      { Confidence = 5 }, "x",
      { Name = "B", Confidence = 3.5, Parents = {} } }
    assert.same({ { name = "B", confidence = 3.5 } }, facts.labels)
    assert.equal(3.5, made.documents.tags.confidence)
    assert.equal(json.null, run({}).documents.tags.confidence)
  end)
end)
