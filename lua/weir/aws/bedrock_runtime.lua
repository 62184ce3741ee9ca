-- Bedrock Runtime: models asked in one form for all (Converse), or with a body of their own.
local client = require "weir.aws.client"

return client.service {
  name = "bedrock_runtime",
  id = "BEDROCK_RUNTIME",
  host = "bedrock-runtime",
  signing_name = "bedrock",
  protocol = "rest_json",
  operations = {
    Converse = {
      method = "POST",
      path = "/model/{modelId}/converse",
      members = "modelId* messages* system inferenceConfig toolConfig guardrailConfig "
        .. "additionalModelRequestFields additionalModelResponseFieldPaths",
      target = "modelId",
      changes = true,
    },
    InvokeModel = {
      method = "POST",
      path = "/model/{modelId}/invoke",
      payload = "body",
      members = "modelId* body contentType accept trace guardrailIdentifier guardrailVersion "
        .. "performanceConfigLatency",
      headers = {
        contentType = "Content-Type",
        accept = "Accept",
        trace = "X-Amzn-Bedrock-Trace",
        guardrailIdentifier = "X-Amzn-Bedrock-GuardrailIdentifier",
        guardrailVersion = "X-Amzn-Bedrock-GuardrailVersion",
        performanceConfigLatency = "X-Amzn-Bedrock-PerformanceConfig-Latency",
      },
      output_payload = "body",
      output_headers = {
        contentType = "Content-Type",
        performanceConfigLatency = "X-Amzn-Bedrock-PerformanceConfig-Latency",
      },
      target = "modelId",
      changes = true,
    },
  },
}
