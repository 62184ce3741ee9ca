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
    local count, status = facts.file_count, facts.endpoint_status
    -- If the largest file's size is not known, no file is larger than all of them together.
    local largest = facts.largest_bytes or facts.total_bytes

    if facts.inference_type == "none" then
      return batch { because = "no endpoint is deployed" }
    end
    if status and status ~= "InService" then
      return batch { because = "the endpoint is %s, not InService", status }
    end
    if largest and largest > params.payload_limit then
      return batch { because = "a file has up to %d bytes, an endpoint takes %d",
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

  -- Examples that turn on a parameter give it, so that they hold whatever its default is.
  examples = {
    { given = { file_count = 9 }, params = { threshold = 10 }, expect = "realtime" },
    { given = { file_count = 10 }, params = { threshold = 10 }, expect = "batch" },
    { given = { file_count = 10 }, params = { threshold = 20 }, expect = "realtime" },
    { given = { file_count = 1, inference_type = "none" }, expect = "batch" },
    { given = { file_count = 500, inference_type = "serverless" }, expect = "serverless" },
    { given = { file_count = 500, inference_type = "components" }, expect = "components" },
    { given = { file_count = 1, largest_bytes = 6291456 }, params = { payload_limit = 6291456 },
      expect = "realtime" },
    { given = { file_count = 1, largest_bytes = 6291457 }, params = { payload_limit = 6291456 },
      expect = "batch" },
    { given = { file_count = 1, total_bytes = 6291457 }, params = { payload_limit = 6291456 },
      expect = "batch" },
    { given = { file_count = 3, largest_bytes = 4000000, total_bytes = 9000000 },
      params = { payload_limit = 6291456 }, expect = "realtime" },
    { given = { file_count = 1, largest_bytes = 6291457, inference_type = "serverless" },
      params = { payload_limit = 6291456 }, expect = "batch" },
    { given = { file_count = 1, endpoint_status = "InService" }, expect = "realtime" },
    { given = { file_count = 1, endpoint_status = "Updating" }, expect = "batch" },
  },
}
