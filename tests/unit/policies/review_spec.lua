local shipped_policy = require("support.shipped_policy")

local review = shipped_policy.load("review")

local function facts(confidences, more)
  local labels = require("weir.json").array {}
  for i, confidence in ipairs(confidences) do
    labels[i] = { name = "Label" .. i, confidence = confidence }
  end

  local given = { key = "in/a.jpg", size = 10, labels = labels, is_fallback = false }
  for name, value in pairs(more or {}) do given[name] = value end

  return given
end

local function action(...) return review:decide(facts(...)).action end

describe("the review policy", function()
  it("accepts what is at or above 70 %, by the surest label wherever it stands", function()
    assert.equal("accept", action { 70 })
    assert.equal("manual_review", action { 69.999 })
    assert.equal("accept", action { 3, 99.5, 80 })
    assert.equal("manual_review", action { 0 })
  end)

  it("says the label, its confidence and the threshold", function()
    assert.equal("Label2 at 80.50 %, at or above 70.00 %", review:decide(facts { 3, 80.5 }).because)
    assert.equal("Label1 at 3.00 %, below 70.00 %", review:decide(facts { 3 }).because)
    assert.equal("Label1 at 69.997 %, below 70.000 %", review:decide(facts { 69.997 }).because)
    assert.equal("Label1 at 70.00 %, at or above 70.00 %", review:decide(facts { 70 }).because)
  end)

  it("takes another threshold, the function's setting first", function()
    assert.equal("manual_review", review:decide(facts { 80 }, { threshold = 90 }).action)
    assert.equal("accept", review:decide(facts({ 80 }, { threshold = 75 }),
      { threshold = 90 }).action)
  end)

  it("has a person look at an image in which nothing was seen, whatever the threshold", function()
    assert.equal("manual_review", review:decide(facts {}, { threshold = 0 }).action)
  end)

  it("has a person look at what the model could not describe only when told to", function()
    assert.equal("accept", action({ 99 }, { is_fallback = true }))
    assert.equal("manual_review",
      review:decide(facts({ 99 }, { is_fallback = true }), { review_fallback = true }).action)
  end)
end)
