-- Kind `routing`: how one batch of files gets its predictions. The host asks once per batch,
-- before anything is sent; the answer picks the branch of the state machine.
--
-- What a kind file returns is described in docs/kinds.md. Loaded by the policy engine, which
-- also runs `invariants` inside the sandbox, and by weir.kinds.reference.

local ENDPOINT_STATUS = {
  "InService", "Creating", "Updating", "SystemUpdating", "RollingBack", "OutOfService",
  "Deleting", "Failed", "UpdateRollbackFailed",
}

return {
  kind = "routing",
  doc = "How a batch of files gets its predictions: through an endpoint now, or in a batch job.",

  facts = {
    { name = "file_count", type = "integer", min = 0, required = true, unit = "files",
      doc = "files in this batch" },
    { name = "total_bytes", type = "integer", min = 0, unit = "bytes",
      doc = "size of all files together" },
    { name = "largest_bytes", type = "integer", min = 0, unit = "bytes",
      doc = "size of the largest file: one file is one request to an endpoint" },
    { name = "inference_type", type = "choice",
      values = { "none", "provisioned", "serverless", "components" },
      doc = "what is deployed: no endpoint at all, instances, a serverless endpoint, or inference "
        .. "components; absent means instances" },
    { name = "endpoint_status", type = "choice", values = ENDPOINT_STATUS,
      doc = "SageMaker's EndpointStatus; absent when nobody asked" },
    { name = "volume", type = "text", max_size = 256, doc = "the volume the files are on" },
    { name = "prefix", type = "text", max_size = 1024,
      doc = "what the keys of the files begin with" },
    { name = "deadline_seconds", type = "integer", min = 0, unit = "seconds",
      doc = "time left until the predictions are due; absent when there is no deadline" },
  },

  decisions = {
    { action = "realtime", fields = {},
      doc = "Send each file to the provisioned endpoint and wait. Refused when the facts say that "
        .. "there is no endpoint, or none in service." },
    { action = "batch", fields = {}, doc = "Start a batch transform job over all files." },
    { action = "serverless", fields = {},
      doc = "Send each file to the serverless endpoint, cold starts allowed for. Refused like "
        .. "realtime." },
    { action = "components", fields = {},
      doc = "Send each file to the inference component, scale-out from zero allowed for. Refused "
        .. "like realtime." },
  },

  invariants = function(facts, _, action)
    if action == "batch" then return nil end
    if facts.inference_type == "none" then
      return action .. " needs an endpoint, and inference_type is none"
    end

    local status = facts.endpoint_status
    if status and status ~= "InService" then
      return action .. " needs an endpoint in service, and endpoint_status is " .. status
    end
  end,
}
