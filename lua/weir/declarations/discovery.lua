-- What the handler `discovery` takes and gives (weir.declarations).
return {
  event = {
    { name = "bucket", type = "text", doc = "what is listed; else the setting" },
    { name = "prefix", type = "text", min = 0, doc = "what keys begin with; else the setting" },
    { name = "suffix", type = "text", min = 0, doc = "what they end with; else the setting" },
    { name = "checkpoint", type = "flag", doc = "remember what was listed; else the setting" },
    { name = "max_pages", type = "integer", min = 1, doc = "of one invocation; else the setting" },
    { name = "page_size", type = "integer", min = 1, doc = "of a page; else the setting" },
    { name = "run", also = { "id" }, type = "text", doc = "the name of the run" },
    { name = "execution", type = "text", doc = "the ARN of who works through the manifest" },
    { name = "progress", type = "object", doc = "of an answer that was not done" },
    { name = "batch_manifest_of", type = "text", doc = "make one of SageMaker's of this manifest" },
    { name = "manifest_bucket", type = "text", doc = "where that manifest is" },
    { name = "outcome_of", type = "object", doc = "tell what failed of a Map run's results" },
    { name = "counts", type = "object", doc = "ItemCounts of that Map run" },
    { name = "total_objects", type = "integer", min = 0, doc = "jobs of its manifest" },
    { name = "place", type = "text", doc = "what begins the keys of its manifest's parts" },
    { name = "execution_now", type = "object", doc = "the context of the execution" },
    { name = "execution_before", type = "object", doc = "that when the Map run began" },
  },
  settings = {
    "bucket", "prefix", "suffix", "checkpoint", "max_pages", "page_size", "output_bucket",
    "output_prefix", "dead_letter_bucket", "dead_letter_prefix", "storage_role_arn", "external_id",
    "volume", "trigger_mode", "trigger_mode_seconds", "compatible_output",
  },
  answer = "{ done, manifest_bucket, manifest_key, total_objects, … }, or { progress }",
  example = {
    bucket = "arrivals",
    prefix = "scans/",
    config = { output_bucket = "results", trigger_mode = "polling" },
    world = {
      ["s3.ListObjectsV2"] = { arrivals = { Contents = { {
        Key = "scans/a.tif",
        Size = 4194304,
        ETag = '"9b2cf535f27731c974343645a3985328"',
        LastModified = "2026-11-23T12:00:00.000Z",
      } } } },
    },
  },
}
