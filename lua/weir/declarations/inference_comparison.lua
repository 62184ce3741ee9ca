-- What the handler `inference_comparison` takes and gives (weir.declarations).
return {
  event = {
    any = "a schedule's event, which says nothing",
    { name = "order", type = "object", by_handler = true,
      doc = "an operator's: { action = rollback, hold or lift, to, by, reason }" },
  },
  settings = {
    "endpoint_name", "ab_test_table_name", "ab_test_id", "ab_test_records",
    "ab_test_interval_seconds", "ab_test_table_key", "result_ttl_days",
    "aggregation_window_seconds", "late_seconds", "warm_up_seconds", "champion_variant",
    "challenger_variant", "promotion", "event_bus", "compatible_output",
  },
  needed = { "endpoint_name", "ab_test_table_name" },
  answer = "{ action, because, outcome, … }: what was decided, and what was done about it",
  example = {
    order = { action = "hold", by = "ops", reason = "a release is going on" },
    config = { endpoint_name = "segmentation", ab_test_table_name = "ab-tests" },
    world = {
      ["sagemaker.DescribeEndpoint"] = { segmentation = {
        EndpointName = "segmentation",
        EndpointConfigName = "segmentation-config",
        EndpointStatus = "InService",
        LastModifiedTime = 1795435200,
        ProductionVariants = {
          { VariantName = "v3", CurrentWeight = 9, DesiredWeight = 9, CurrentInstanceCount = 1 },
          { VariantName = "v4", CurrentWeight = 1, DesiredWeight = 1, CurrentInstanceCount = 1 },
        },
      } },
      ["sagemaker.DescribeEndpointConfig"] = { ["segmentation-config"] = {
        ProductionVariants = {
          { VariantName = "v3", ModelName = "model-3" },
          { VariantName = "v4", ModelName = "model-4" },
        },
      } },
      ["sagemaker.DescribeModel"] = {
        ["model-3"] = { PrimaryContainer = { Image = "segmentation" } },
        ["model-4"] = { PrimaryContainer = { Image = "segmentation" } },
      },
    },
  },
}
