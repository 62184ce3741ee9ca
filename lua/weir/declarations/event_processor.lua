-- What the handler `event_processor` takes and gives (weir.declarations).
return {
  event = {
    { name = "job", type = "object", doc = "a job of kind mapping; or the event is one" },
    { name = "work", type = "text", doc = "which pipeline: object" },
    { name = "bucket", type = "text", doc = "of the object" },
    { name = "key", also = { "Key", "file_key" }, type = "text", doc = "of the object" },
    { name = "size", type = "number", doc = "of the object, in bytes" },
    { name = "detail", type = "object", doc = "of an event of S3, which the policy makes a job" },
    { name = "delivered_at", type = "text", doc = "when the job came, ISO 8601" },
  },
  settings = {
    "output_bucket", "output_prefix", "source_bucket", "claims_table", "claim_lease_seconds",
    "trigger_mode", "trigger_mode_seconds", "storage_role_arn", "external_id", "bedrock_model_id",
    "bedrock_api", "confidence_threshold", "compatible_output",
  },
  needed = { "output_bucket", "claims_table" },
  answer = "{ status, key, labels, description, stages, … }",
  example = {
    work = "object",
    bucket = "arrivals",
    key = "scans/a.png",
    etag = "9b2cf535f27731c974343645a3985328",
    size = 4194304,
    config = { output_bucket = "results", claims_table = "claims" },
    world = {
      ["rekognition.DetectLabels"] = {
        ["scans/a.png"] = { Labels = { { Name = "Cup", Confidence = 98.5 } } },
      },
    },
  },
}
