-- What the handler `latency_reporter` takes and gives (weir.declarations).
return {
  event = {
    { name = "processing_result", type = "any", doc = "what event_processor answered" },
    { name = "status", type = "any", doc = "of that answer" },
    { name = "stages", type = "any", doc = "of that answer: when each began and ended" },
    { name = "time", type = "any", doc =
      "of the event, where it is not known when the file was written" },
    { name = "trigger_mode", type = "text", doc = "else the setting" },
    { name = "error", type = "any", doc = "of an execution that failed" },
  },
  settings = { "trigger_mode", "trigger_mode_seconds", "compatible_output" },
  answer = "{ status, trigger_mode, stages, … }: what was measured",
  example = {
    status = "SUCCESS",
    stages = {
      delivery = { from = "2026-11-23T12:00:00.000Z", to = "2026-11-23T12:00:01.250Z" },
    },
  },
}
