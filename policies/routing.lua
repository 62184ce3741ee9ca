-- Small batches go to the endpoint and are answered at once; large ones are cheaper as a batch
-- job. Batch is also the safe way whenever no endpoint can take the files.

return policy {
  kind = "routing",

  params = {
    threshold = integer { 10, min = 1, max = 10000, doc = "files; at or above goes to batch" },
    payload_limit = integer { 6291456, min = 1, max = 26214400,
      doc = "bytes that an endpoint accepts in one request; a larger file goes to batch" },
  },

  decide = function(facts, params)
    local count, largest, status = facts.file_count, facts.largest_bytes, facts.endpoint_status

    if facts.inference_type == "none" then
      return batch { because = "no endpoint is deployed" }
    end
    if status and status ~= "InService" then
      return batch { because = "the endpoint is %s, not InService", status }
    end
    if largest and largest > params.payload_limit then
      return batch { because = "the largest file has %d bytes, an endpoint takes %d",
        largest, params.payload_limit }
    end

    -- These two scale with the files, so the count does not matter.
    if facts.inference_type == "serverless" then
      return serverless { because = "the endpoint is serverless" }
    end
    if facts.inference_type == "components" then
      return components { because = "the endpoint runs inference components" }
    end

    if count < params.threshold then
      return realtime { because = "%d files, below %d", count, params.threshold }
    end
    return batch { because = "%d files, at or above %d", count, params.threshold }
  end,

  examples = {
    { given = { file_count = 9 }, expect = "realtime" },
    { given = { file_count = 10 }, expect = "batch" },
    { given = { file_count = 10 }, params = { threshold = 20 }, expect = "realtime" },
    { given = { file_count = 1, inference_type = "none" }, expect = "batch" },
    { given = { file_count = 500, inference_type = "serverless" }, expect = "serverless" },
    { given = { file_count = 500, inference_type = "components" }, expect = "components" },
    { given = { file_count = 1, largest_bytes = 6291456 }, expect = "realtime" },
    { given = { file_count = 1, largest_bytes = 6291457 }, expect = "batch" },
    { given = { file_count = 1, largest_bytes = 6291457, inference_type = "serverless" }, expect = "batch" },
    { given = { file_count = 1, endpoint_status = "InService" }, expect = "realtime" },
    { given = { file_count = 1, endpoint_status = "Updating" }, expect = "batch" },
  },
}
