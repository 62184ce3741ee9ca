-- What the handler `weights` takes and gives (weir.declarations).
return {
  event = {
    { name = "endpoint_name", type = "text", doc = "else the setting" },
    { name = "variants", type = "list",
      doc = "each { name, stage, weight }: more than the endpoint says, or otherwise" },
    { name = "assignment_key", type = "text", doc = "who asks: the answer is one variant" },
    { name = "experiment", type = "text", doc = "the same key may fall otherwise in another one" },
  },
  settings = { "endpoint_name", "weights", "require_approval" },
  answer = "{ action, because, weights, outcome }, or { action, because, variant, bucket }",
  example = {
    endpoint_name = "segmentation",
    variants = {
      { name = "v3", stage = "champion", weight = 9 },
      { name = "v4", stage = "challenger", weight = 1 },
    },
  },
}
