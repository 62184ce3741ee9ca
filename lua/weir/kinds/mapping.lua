-- Kind `mapping`: which work, if any, one event stands for. Events of the same object write
-- reach the host by several ways; the job they map to carries the same idempotency key.
--
-- What a kind file returns is described in docs/kinds.md. Loaded by the policy engine, which
-- also runs `invariants` inside the sandbox, and by weir.kinds.reference.

local function text(name, doc)
  return { name = name, type = "text", min_size = 1, doc = doc }
end

return {
  kind = "mapping",
  doc = "Which work, if any, one event stands for.",

  facts = {
    { name = "event", type = "any", required = true,
      doc = "one event as it arrived; a notification with several records is split by the handler "
        .. "first" },
    { name = "volume", type = "text", max_size = 256,
      doc = "the volume behind the bucket or access point, when the handler knows it" },
  },

  decisions = {
    { action = "job", fields = {
      { name = "work", type = "choice", values = { "object", "transform" }, required = true,
        doc = "an object to process, or a transform job to finish" },
      { name = "source", type = "choice",
        values = { "eventbridge", "notification", "listing", "sagemaker" },
        required = true, doc = "the way it arrived" },
      { name = "idempotency_key", type = "text", min_size = 1, max_size = 2048, required = true,
        doc = "equal for the same work however often and by whichever way it arrives" },
      { name = "bucket", type = "text", min_size = 1, max_size = 2048,
        doc = "object: bucket name, access point alias or access point ARN" },
      { name = "key", type = "text", min_size = 1, max_size = 1024,
        doc = "object: its key, not URL-encoded" },
      { name = "size", type = "integer", min = 0, unit = "bytes", doc = "object: its size" },
      text("etag", "object: its entity tag, without quotes"),
      text("version", "object: its version, in a versioned bucket"),
      text("sequencer", "object: orders the writes of one key"),
      text("volume", "object: the volume it is on"),
      text("reason", "object: the operation that wrote it"),
      text("transform", "transform: name of the job"),
      { name = "status", type = "choice", values = { "Completed", "Failed", "Stopped" },
        doc = "transform: how it ended" },
      text("failure", "transform: SageMaker's reason for a failure"),
      text("model", "transform: the model that ran"),
      text("output", "transform: where its results are"),
      text("time", "when it happened, as the event tells it"),
    }, doc = "One normalised work item. Refused when work is object and bucket or key are missing, "
      .. "or when it is transform and transform or status are." },
    { action = "ignore", doc = "Nothing to do.", fields = {} },
  },

  invariants = function(_, decision, action)
    if action ~= "job" then return nil end
    if decision.work == "object" and not (decision.bucket and decision.key) then
      return "a job of work object needs bucket and key"
    end
    if decision.work == "transform" and not (decision.transform and decision.status) then
      return "a job of work transform needs transform and status"
    end
  end,
}
