-- What the handler `replay_shard` takes and gives (weir.declarations).
return {
  event = {
    { name = "Items", type = "list", required = true, doc = "the files, each { Key }" },
    { name = "BatchInput", type = "object", required = true, by_handler = true,
      doc = "{ bucket, policies, old }: where files and bundles are" },
  },
  settings = {},
  answer = "{ files, policies, old }: a digest and counts for each file",
  example = {
    Items = { { Key = "2026/day.jsonl" } },
    BatchInput = { bucket = "logs", policies = "s3://results/policies.bundle" },
    world = {
      ["s3.GetObject"] = {
        ["2026/day.jsonl"] = { Body = "START\n" },
        ["policies.bundle"] = {
          Body = '{"schema":"weir.bundle/1","digest":"sha256:f9bfd632878863979300e3f8cf4bf2e92ce7'
            .. 'bf4d0c06db31fff32fab659a57fb","files":[\n{"path":"routing.lua","digest":"sha256:9b'
            .. 'b90f0caae59eea36e2067d7d69462078a3fe469721931de8942b61301c4049","text":"return pol'
            .. 'icy { kind = \\"routing\\", decide = function() return batch { because = \\"b\\" }'
            .. ' end, examples = { { given = { file_count = 1 }, expect = \\"batch\\" } } }\\n"}\n'
            .. ']}\n',
        },
      },
    },
  },
}
