-- What the handler `replay_reduce` takes and gives (weir.declarations).
local json = require "weir.json"

return {
  event = {
    { name = "bucket", type = "text", required = true, doc = "of the files" },
    { name = "prefix", type = "text", min = 0, doc = "what their keys begin with" },
    { name = "started", type = "text", required = true, doc = "when the listing began, ISO 8601" },
    { name = "results", type = "object", required = true,
      doc = "{ Bucket, Key } of the Map's manifest" },
  },
  settings = {},
  answer = "the summary of the whole replay, with one digest",
  example = {
    bucket = "logs",
    prefix = "2026/",
    started = "2026-11-23T12:00:00Z",
    results = { Bucket = "results", Key = "replay/1/manifest.json" },
    world = {
      ["s3.GetObject"] = {
        ["replay/1/manifest.json"] = {
          Body = '{"ResultFiles":{"SUCCEEDED":[{"Key":"replay/1/SUCCEEDED_0.json"}],"FAILED":[],'
            .. '"PENDING":[]}}',
        },
        ["replay/1/SUCCEEDED_0.json"] = {
          Body = '[{"Output":"{\\"files\\":[],\\"policies\\":\\"sha256:0\\"}"}]',
        },
      },
      ["s3.ListObjectsV2"] = { logs = { Contents = json.array {} } },
    },
  },
}
