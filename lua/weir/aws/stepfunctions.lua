-- Step Functions: executions, and the answers to task tokens. A token is a secret: give it wrapped.
local client = require "weir.aws.client"

return client.service {
  name = "stepfunctions",
  id = "SFN",
  host = "states",
  signing_name = "states",
  fips_hosts = { ["us-gov-west-1"] = "states" },
  protocol = "json",
  json_version = "1.0",
  target_prefix = "AWSStepFunctions",
  operations = {
    SendTaskSuccess = { members = "taskToken* output*", changes = true },
    SendTaskFailure = { members = "taskToken* error cause", changes = true },
    SendTaskHeartbeat = { members = "taskToken*", changes = true },
    StartExecution = {
      members = "stateMachineArn* name input traceHeader",
      target = "stateMachineArn",
      changes = true,
    },
    DescribeExecution = { members = "executionArn* includedData", target = "executionArn" },
    DescribeStateMachine = { members = "stateMachineArn*", target = "stateMachineArn" },
    ListExecutions = {
      members = "stateMachineArn* statusFilter nextToken",
      target = "stateMachineArn",
      paging = { input = "nextToken", output = "nextToken", items = "executions" },
    },
    StopExecution = {
      members = "executionArn* error cause",
      target = "executionArn",
      changes = true,
    },
  },
}
