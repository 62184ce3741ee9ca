-- What the handler `sagemaker_invoke` takes and gives (weir.declarations). Members may be spelled
-- as AWS's are; weir.callback.transform_request checks each of them.
local event = {
  { name = "task_token", type = "secret", doc = "of the task that waits" },
  { name = "input_path", also = { "input_s3_path" }, type = "text",
    doc = "what is transformed, s3://bucket/prefix" },
  { name = "manifest_path", type = "text", doc = "or a manifest of it" },
  { name = "output_path", type = "text", doc = "where results go; else the setting" },
  { name = "model_name", type = "text", doc = "else the setting" },
  { name = "transform_job_name", type = "text", doc = "else it follows from the execution" },
  { name = "execution_id", also = { "execution_name" }, type = "text",
    doc = "of the state machine: a retry finds its job" },
  { name = "state_name", type = "text", doc = "of the state machine's state, for the job's name" },
  { name = "job_key", type = "text", doc = "what tells the items of a Map apart" },
  { name = "instance_type", type = "text", doc = "else the setting" },
  { name = "instance_count", type = "integer", min = 1, max = 100, doc = "else the setting" },
  { name = "content_type", type = "text", doc = "of the files" },
  { name = "accept", type = "text", doc = "of the results" },
  { name = "compression_type", type = "choice", values = { "None", "Gzip" }, doc = "of the files" },
  { name = "split_type", type = "choice", values = { "None", "Line", "RecordIO", "TFRecord" },
    doc = "how files are cut into records" },
  { name = "assemble_with", type = "choice", values = { "None", "Line" },
    doc = "how results are put together" },
  { name = "batch_strategy", type = "choice", values = { "MultiRecord", "SingleRecord" },
    doc = "records of one request" },
  { name = "max_concurrent_transforms", type = "integer", min = 0, max = 1000,
    doc = "requests at a time" },
  { name = "max_payload_in_mb", type = "integer", min = 0, max = 100, doc = "of one request" },
  { name = "tags", type = "object", doc = "of the job, texts by name" },
  { name = "environment", type = "object", doc = "of the job's containers, texts by name" },
  { name = "retry_count", type = "integer", min = 0, doc = "of this piece of work, from 0" },
  { name = "point_count", type = "integer", min = 0, doc = "with mock_mode: how many labels" },
}
for _, spec in ipairs(event) do spec.spellings, spec.by_handler = true, true end

return {
  event = event,
  settings = {
    "token_storage_mode", "token_table", "token_ttl_seconds", "correlation_id_length",
    "token_region",
    "model_name", "instance_type", "instance_count", "output_path", "output_bucket",
    "mock_mode", "compatible_output", "use_case", "phase", "stack",
  },
  needed = { "token_table" },
  answer = "{ transform_job_name, transform_job_arn, mode, correlation_id, … }",
  example = {
    task_token = "AQCEAAAAKgAAAAMAAAAAAAAAAQ-an-example-of-a-task-token",
    execution_id = "arn:aws:states:eu-central-1:111122223333:execution:inference:nightly-7",
    model_name = "segmentation-v3",
    input_path = "s3://arrivals/scans/",
    output_path = "s3://results/nightly-7/",
    config = { token_table = "task-tokens" },
  },
}
