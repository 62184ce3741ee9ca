local job = require("weir.events.job")
local mapping = require("weir.kinds.mapping")

describe("a job", function()
  local WHOLE = { action = "job", work = "object", bucket = "b", key = "k", size = 3, etag = "e",
    idempotency_key = "i", source = "eventbridge", reason = "PutObject", version = "v",
      sequencer = "0A",
    time = "2026-11-20T09:00:01Z" }

  it("falls into its content and how it arrived", function()
    assert.same({ work = "object", bucket = "b", key = "k", size = 3, etag = "e",
      idempotency_key = "i" },
      job.content(WHOLE))
    assert.same({ source = "eventbridge", reason = "PutObject", version = "v", sequencer = "0A",
      time = "2026-11-20T09:00:01Z" }, job.arrival(WHOLE))
  end)

  it("arrived by the fields that the kind documents so, and by no others", function()
    local documented = {}
    for _, field in ipairs(mapping.decisions[1].fields) do
      if field.doc:find("^how it arrived: ") then documented[#documented + 1] = field.name end
    end

    assert.same(job.ARRIVAL, documented)
  end)
end)
