-- Kind `review`: whether what models said about an image is good enough to be used as it is, or a
-- person looks at it first.
--
-- What a kind file returns is described in docs/kinds.md. Loaded by the policy engine, which
-- also runs `invariants` inside the sandbox, and by weir.kinds.reference.

local LABEL = {
  { name = "name", type = "text", min_size = 1, max_size = 256, required = true,
    doc = "what is seen, in the service's words" },
  { name = "confidence", type = "number", min = 0, max = 100, required = true, unit = "percent",
    doc = "how sure the service is" },
}

return {
  kind = "review",
  doc = "Whether the labels of an image are accepted, or a person reviews them.",

  facts = {
    { name = "labels", type = "list", max_items = 1000, required = true,
      of = { type = "record", fields = LABEL },
      doc = "what was seen, the surest first; empty when nothing was" },
    { name = "key", type = "text", min_size = 1, max_size = 1024, required = true,
      doc = "the object's key" },
    { name = "size", type = "integer", min = 0, unit = "bytes", doc = "the object's size" },
    { name = "is_fallback", type = "flag", required = true,
      doc = "whether the description is made of the labels, because the model failed or answered "
        .. "no JSON" },
    { name = "threshold", type = "number", min = 0, max = 100, unit = "percent",
      doc = "the function's setting CONFIDENCE_THRESHOLD; absent when nobody set it" },
  },

  decisions = {
    { action = "accept", doc = "Used as it is: the result says SUCCESS. Refused without labels.",
      fields = {} },
    { action = "manual_review", doc = "A person looks at it: the result says MANUAL_REVIEW.",
      fields = {} },
  },

  invariants = function(facts, _, action)
    if action == "accept" and #facts.labels == 0 then
      return "nothing was seen in the image, so there is nothing to accept"
    end
  end,
}
