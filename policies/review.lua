-- Labels are accepted when the surest of them is sure enough; a person looks at the others.
local figures = require "lib.figures"

return policy {
  kind = "review",

  params = {
    threshold = number { 70, min = 0, max = 100,
      doc = "percent; at or above is accepted. The function's CONFIDENCE_THRESHOLD comes first" },
    review_fallback = flag { false,
      doc = "whether a person looks at every image that the model could not describe" },
  },

  decide = function(facts, params)
    local threshold, best = facts.threshold or params.threshold, nil
    for _, label in ipairs(facts.labels) do
      if not best or label.confidence > best.confidence then best = label end
    end

    if not best then return manual_review { because = "nothing was seen in the image" } end
    local sure, enough = figures.apart(best.confidence, threshold, 2)
    if best.confidence < threshold then
      return manual_review { because = "%s at %s %%, below %s %%", best.name, sure, enough }
    end
    if facts.is_fallback and params.review_fallback then
      return manual_review { because = "the model gave no description" }
    end
    return accept { because = "%s at %s %%, at or above %s %%", best.name, sure, enough }
  end,

  examples = {
    { given = { key = "a.jpg", labels = { { name = "Cup", confidence = 70 } },
      is_fallback = false },
      params = { threshold = 70 }, expect = "accept" },
    { given = { key = "a.jpg", labels = { { name = "Cup", confidence = 69.99 } },
        is_fallback = false },
      params = { threshold = 70 }, expect = "manual_review" },
    { given = { key = "a.jpg", is_fallback = false,
        labels = { { name = "Cup", confidence = 12 }, { name = "Mug", confidence = 90 } } },
      params = { threshold = 70 }, expect = "accept" },
    { given = { key = "a.jpg", labels = { { name = "Cup", confidence = 80 } }, is_fallback = false,
        threshold = 90 },
      params = { threshold = 70 }, expect = "manual_review" },
    { given = { key = "a.jpg", labels = {}, is_fallback = false }, expect = "manual_review" },
    { given = { key = "a.jpg", labels = { { name = "Cup", confidence = 99 } }, is_fallback = true },
      params = { review_fallback = true }, expect = "manual_review" },
    { given = { key = "a.jpg", labels = { { name = "Cup", confidence = 99 } }, is_fallback = true },
      params = { review_fallback = false }, expect = "accept" },
  },
}
