-- What the handler `routing` takes and gives (weir.declarations).
return {
  event = {
    { name = "objects", also = { "Contents" }, type = "list",
      doc = "the files, each { key, size }; or ListObjectsV2's own" },
    { name = "file_count", fact = "routing" },
    { name = "total_bytes", fact = "routing" },
    { name = "largest_bytes", fact = "routing" },
    { name = "inference_type", fact = "routing" },
    { name = "endpoint_status", fact = "routing" },
    { name = "endpoint_name", type = "text",
      doc = "asked for its status, where the event does not say it" },
    { name = "volume", fact = "routing" },
    { name = "prefix", fact = "routing" },
    { name = "deadline_seconds", fact = "routing" },
  },
  settings = {},
  answer = "{ action, because, file_count }: the branch of the state machine",
  example = { file_count = 3, total_bytes = 52428800, largest_bytes = 4194304 },
}
