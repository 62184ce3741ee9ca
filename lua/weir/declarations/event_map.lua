-- What the handler `event_map` takes and gives (weir.declarations).
return {
  event = {
    any = "one event of EventBridge, S3, SQS, SNS, Pipes, a schedule or a listing, or a batch",
    -- Of another service's event these are other members.
    { name = "redrive", type = "flag", by_handler = true,
      doc = "true: map all dead letters again" },
    { name = "after", type = "text", by_handler = true,
      doc = "with redrive: go on after this key, an answer's next" },
  },
  settings = { "state_machine", "dead_letter_bucket", "dead_letter_prefix", "bucket", "volume" },
  answer = "{ jobs, started, already_started, ignored, duplicates, dead_letters, "
    .. "batchItemFailures, failures }; of redrive: { redriven, remaining, failures, next }",
  example = {
    source = "aws.s3",
    ["detail-type"] = "Object Created",
    time = "2026-11-23T12:00:00Z",
    detail = {
      bucket = { name = "arrivals" },
      object = {
        key = "scans/a.tif",
        size = 4194304,
        etag = "9b2cf535f27731c974343645a3985328",
        sequencer = "617f08299329d189",
      },
      reason = "PutObject",
    },
    config = {
      state_machine = "arn:aws:states:us-east-1:111122223333:stateMachine:arrivals",
      dead_letter_bucket = "dead-letters",
    },
  },
}
