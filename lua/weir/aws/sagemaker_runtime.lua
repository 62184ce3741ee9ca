-- SageMaker Runtime: a payload to an endpoint and its answer, both passed through as they are.
local client = require "weir.aws.client"

-- The container may think for 60 s; the client waits a little longer than the service does.
local TIMEOUT_MS = 70000

return client.service {
  name = "sagemaker_runtime",
  id = "SAGEMAKER_RUNTIME",
  host = "runtime.sagemaker",
  signing_name = "sagemaker",
  fips_hosts = { aws = "runtime-fips.sagemaker", ["aws-us-gov"] = "runtime.sagemaker" },
  protocol = "rest_json",
  operations = {
    InvokeEndpoint = {
      method = "POST",
      path = "/endpoints/{EndpointName}/invocations",
      payload = "Body",
      members = "EndpointName* Body* ContentType Accept CustomAttributes TargetModel "
        .. "TargetVariant TargetContainerHostname InferenceId EnableExplanations "
        .. "InferenceComponentName SessionId",
      headers = {
        ContentType = "Content-Type",
        Accept = "Accept",
        CustomAttributes = "X-Amzn-SageMaker-Custom-Attributes",
        TargetModel = "X-Amzn-SageMaker-Target-Model",
        TargetVariant = "X-Amzn-SageMaker-Target-Variant",
        TargetContainerHostname = "X-Amzn-SageMaker-Target-Container-Hostname",
        InferenceId = "X-Amzn-SageMaker-Inference-Id",
        EnableExplanations = "X-Amzn-SageMaker-Enable-Explanations",
        InferenceComponentName = "X-Amzn-SageMaker-Inference-Component",
        SessionId = "X-Amzn-SageMaker-Session-Id",
      },
      output_payload = "Body",
      output_headers = {
        ContentType = "Content-Type",
        CustomAttributes = "X-Amzn-SageMaker-Custom-Attributes",
        InvokedProductionVariant = "x-Amzn-Invoked-Production-Variant",
        NewSessionId = "X-Amzn-SageMaker-New-Session-Id",
        ClosedSessionId = "X-Amzn-SageMaker-Closed-Session-Id",
      },
      target = "EndpointName",
      changes = true,
      timeout_ms = TIMEOUT_MS,
    },
  },
}
