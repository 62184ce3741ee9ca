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
    { name = "bucket", type = "text", min_size = 1, max_size = 2048,
      doc = "the one bucket, access point alias or ARN that the handler works for, when it is "
        .. "told" },
    { name = "volume", type = "text", max_size = 256,
      doc = "the volume behind the bucket or access point, when the handler knows it" },
  },

  decisions = {
    { action = "job", fields = {
      { name = "work", type = "text", min_size = 1, max_size = 64, required = true,
        doc = "which pipeline: transform is a transform job to finish; any other name is a "
          .. "pipeline for objects, and object is the one that comes with weir" },
      { name = "idempotency_key", type = "text", min_size = 1, max_size = 2048, required = true,
        doc = "equal for the same work however often and by whichever way it arrives" },
      { name = "bucket", type = "text", min_size = 1, max_size = 2048,
        doc = "object: bucket name, access point alias or access point ARN" },
      { name = "key", type = "text", min_size = 1, max_size = 1024,
        doc = "object: its key, not URL-encoded" },
      { name = "size", type = "integer", min = 0, unit = "bytes", doc = "object: its size" },
      text("etag", "object: its entity tag, without quotes"),
      text("volume", "object: the volume it is on"),
      text("transform", "transform: name of the job"),
      { name = "status", type = "choice", values = { "Completed", "Failed", "Stopped" },
        doc = "transform: how it ended" },
      text("failure", "transform: SageMaker's reason for a failure"),
      text("model", "transform: the model that ran"),
      text("output", "transform: where its results are"),
      { name = "source", type = "text", min_size = 1, max_size = 64, required = true,
        doc = "how it arrived: the way, such as eventbridge, notification, listing, sagemaker" },
      text("reason", "how it arrived: the operation that wrote the object"),
      text("version", "how it arrived: the object's version, in a versioned bucket"),
      text("sequencer", "how it arrived: orders the writes of one key, as right-padded hex digits"),
      text("time", "how it arrived: when it happened; of a listing, when the object was modified"),
    }, doc = "One normalised work item. Refused when work is transform and transform or status are "
      .. "missing, or when it is anything else and bucket or key are. The fields of how it arrived "
      .. "may differ for the same work; all others are the same, whichever way it came." },
    { action = "ignore", doc = "Nothing to do.", fields = {
      { name = "unknown", type = "flag",
        doc = "the policy does not know events of this shape: event_map and discovery keep a "
          .. "dead-letter record of it, until a newer policy does; event_processor and reconcile "
          .. "fail" },
    } },
  },

  invariants = function(_, decision, action)
    if action ~= "job" then return nil end
    if decision.work == "transform" then
      if decision.transform and decision.status then return nil end
      return "a job of work transform needs transform and status"
    end

    if not (decision.bucket and decision.key) then
      return "a job of work object needs bucket and key"
    end
  end,
}
