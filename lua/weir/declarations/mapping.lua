-- What the handler `mapping` takes and gives (weir.declarations).
return {
  event = {
    any = "one event of EventBridge, S3, SQS, SNS, a schedule or a listing, or a batch of them",
  },
  settings = { "state_machine" },
  needed = { "state_machine" },
  answer = "{ started, ignored, duplicates }: the executions that were started",
  example = {
    source = "aws.s3",
    ["detail-type"] = "Object Created",
    detail = {
      bucket = { name = "arrivals" },
      object = { key = "scans/a.tif", size = 4194304, etag = "9b2cf535f27731c974343645a3985328" },
    },
    config = {
      state_machine = "arn:aws:states:eu-central-1:111122223333:stateMachine:inference",
    },
  },
}
