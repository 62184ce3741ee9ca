-- Lambda: how functions are configured, and the versions of a layer. Only the command-line program
-- has it.
local client = require "weir.aws.client"

return client.service {
  name = "lambda",
  id = "LAMBDA",
  host = "lambda",
  signing_name = "lambda",
  protocol = "rest_json",
  operations = {
    GetFunctionConfiguration = {
      method = "GET",
      path = "/2015-03-31/functions/{FunctionName}/configuration",
      members = "FunctionName*",
      target = "FunctionName",
    },
    UpdateFunctionConfiguration = {
      method = "PUT",
      path = "/2015-03-31/functions/{FunctionName}/configuration",
      members = "FunctionName* VpcConfig RevisionId",
      target = "FunctionName",
      changes = true,
    },
    GetLayerVersionByArn = {
      method = "GET",
      path = "/2018-10-31/layers",
      fixed_query = { find = "LayerVersion" },
      members = "Arn*",
      query = { Arn = "Arn" },
      target = "Arn",
    },
    ListLayerVersions = {
      method = "GET",
      path = "/2018-10-31/layers/{LayerName}/versions",
      members = "LayerName* Marker",
      query = { Marker = "Marker" },
      target = "LayerName",
      paging = { input = "Marker", output = "NextMarker", items = "LayerVersions" },
    },
  },
}
