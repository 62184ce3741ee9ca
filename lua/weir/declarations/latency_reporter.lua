-- What the handler `latency_reporter` takes and gives (weir.declarations).
return {
  event = {
    { name = "processing_result", type = "object", doc = "what event_processor answered" },
    { name = "status", type = "text", doc = "of that answer" },
    { name = "stages", type = "object", doc = "of that answer: when each began and ended" },
    { name = "time", type = { "text", "integer" }, by_handler = true,
      doc = "of the event, where nothing else says when the file was written: ISO 8601, or epoch "
        .. "milliseconds" },
    { name = "trigger_mode", type = "text", doc = "else the setting" },
    { name = "error", type = { "object", "text" }, doc = "of an execution that failed" },
  },
  settings = { "trigger_mode", "trigger_mode_seconds", "compatible_output" },
  answer = "{ status, trigger_mode, stages, … }: what was measured",
  example = {
    status = "SUCCESS",
    stages = {
      written = "2026-11-23T12:00:00.000Z",
      delivered = "2026-11-23T12:00:01.250Z",
      started = "2026-11-23T12:00:01.300Z",
      decided = "2026-11-23T12:00:02.100Z",
      processed = "2026-11-23T12:00:02.400Z",
    },
  },
}
