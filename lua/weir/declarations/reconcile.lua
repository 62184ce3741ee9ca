-- What the handler `reconcile` takes and gives (weir.declarations).
return {
  event = {
    any = "a schedule's event, which says nothing",
    { name = "bucket", type = "text", doc = "else the setting source_bucket" },
    { name = "prefix", type = "text", doc = "what keys begin with" },
    { name = "suffix", type = "text", doc = "what keys end with, a list with commas" },
    { name = "volume", type = "text", doc = "behind the bucket" },
    { name = "grace_seconds", type = "integer", min = 0,
      doc = "else the setting reconcile_grace_seconds" },
    { name = "after", type = "text", doc = "go on behind this key, not where the last one ended" },
  },
  settings = {
    "source_bucket", "reconcile_grace_seconds", "output_bucket", "output_prefix", "claims_table",
    "claim_lease_seconds", "trigger_mode", "trigger_mode_seconds", "storage_role_arn",
    "external_id", "bedrock_model_id", "bedrock_api", "confidence_threshold", "compatible_output",
  },
  needed = { "output_bucket", "claims_table" },
  answer = "{ listed, finished, missed, processed, failed, …, after, next }",
  example = {
    bucket = "arrivals",
    config = { output_bucket = "results", claims_table = "claims" },
    world = {
      ["s3.ListObjectsV2"] = { arrivals = { Contents = { {
        Key = "scans/a.png",
        Size = 4194304,
        ETag = '"9b2cf535f27731c974343645a3985328"',
        LastModified = "2026-11-23T12:00:00.000Z",
      } } } },
    },
  },
}
