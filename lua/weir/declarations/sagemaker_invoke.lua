-- What the handler `sagemaker_invoke` takes and gives (weir.declarations). Members may be spelled
-- as AWS's are; weir.callback.transform_request looks at each of them.
return {
  event = {
    { name = "task_token", type = "any", doc = "of the task that waits" },
    { name = "input_path", type = "any", doc = "what is transformed, s3://bucket/prefix" },
    { name = "manifest_path", type = "any", doc = "or a manifest of it" },
    { name = "output_path", type = "any", doc = "where results go; else the setting" },
    { name = "model_name", type = "any", doc = "else the setting" },
    { name = "transform_job_name", type = "any", doc = "else it follows from the execution" },
    { name = "execution_id", type = "any", doc = "of the state machine: a retry finds its job" },
    { name = "instance_type", type = "any", doc = "else the setting" },
    { name = "instance_count", type = "any", doc = "else the setting" },
  },
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
