-- What the handler `sagemaker_callback` takes and gives (weir.declarations).
return {
  event = {
    { name = "detail", type = "object", by_handler = true,
      doc = "of an event SageMaker Transform Job State Change: the job's name and status" },
    { name = "detail-type", type = "text", by_handler = true, doc = "of that event" },
    { name = "heartbeat", type = { "text", "list" }, by_handler = true,
      doc = "\"running\", or a list of jobs: of a schedule" },
  },
  settings = {
    "token_table", "token_ttl_seconds", "correlation_id_length", "token_region",
    "compatible_output", "use_case", "phase",
  },
  needed = { "token_table" },
  answer = "{ transform_job_name, status, outcome, … }, or { jobs } of a heartbeat",
  example = {
    source = "aws.sagemaker",
    ["detail-type"] = "SageMaker Transform Job State Change",
    detail = { TransformJobName = "weir-nightly-7", TransformJobStatus = "Completed" },
    config = { token_table = "task-tokens" },
  },
}
