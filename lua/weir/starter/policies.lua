-- The policies that `weir new` begins a set with, one for each kind: small, and right as they are.
local policies = {}

policies.routing = [==[
-- Small batches of files are answered at once by the endpoint; large ones are cheaper as a batch
-- job. Facts and decisions: weir help routing.

return policy {
  kind = "routing",

  params = {
    threshold = integer { 10, min = 1, max = 10000, doc = "files; at or above goes to batch" },
  },

  decide = function(facts, params)
    local count, status = facts.file_count, facts.endpoint_status

    if facts.inference_type == "none" then
      return batch { because = "no endpoint is deployed" }
    end
    if status and status ~= "InService" then
      return batch { because = "the endpoint is %s, not InService", status }
    end

    if count < params.threshold then
      return realtime { because = "%d files, below %d", count, params.threshold }
    end
    return batch { because = "%d files, at or above %d", count, params.threshold }
  end,

  -- They run at every load. One that turns on a parameter gives it.
  examples = {
    { given = { file_count = 9 }, params = { threshold = 10 }, expect = "realtime" },
    { given = { file_count = 10 }, params = { threshold = 10 }, expect = "batch" },
    { given = { file_count = 1, inference_type = "none" }, expect = "batch" },
    { given = { file_count = 1, endpoint_status = "Updating" }, expect = "batch" },
  },
}
]==]

policies.weights = [==[
-- Variants that take traffic share it evenly; one caller always gets the same variant. Facts and
-- decisions: weir help weights.

local BUCKETS = 1000

-- Where a key falls.
local function bucket_of(key)
  local sum = 0
  for i = 1, #key do sum = (sum * 31 + string.byte(key, i)) % BUCKETS end
  return sum
end

return policy {
  kind = "weights",

  decide = function(facts)
    local live, split = {}, {}
    for _, variant in ipairs(facts.variants) do
      split[variant.name] = 0
      if variant.stage ~= "retired" and variant.stage ~= "failed" then
        table.insert(live, variant.name)
      end
    end
    assert(#live > 0, "every variant is retired or failed: none may take traffic")

    if facts.assignment_key then
      local bucket = bucket_of(facts.assignment_key)
      local name = live[bucket % #live + 1]
      return assign { variant = name, bucket = bucket, because = "bucket %d is %s's", bucket, name }
    end

    for _, name in ipairs(live) do split[name] = 1 / #live end
    return weights { weights = split, because = "%d variants share evenly", #live }
  end,

  examples = {
    { given = { variants = { { name = "a" }, { name = "b" } } },
      expect = { action = "weights", weights = { a = 0.5, b = 0.5 } } },
    { given = { variants = { { name = "a" }, { name = "b", stage = "failed" } } },
      expect = { action = "weights", weights = { a = 1, b = 0 } } },
    { given = { variants = { { name = "a", stage = "retired" }, { name = "b" } } },
      expect = { action = "weights", weights = { a = 0, b = 1 } } },
    { given = { variants = { { name = "a" }, { name = "b" } }, assignment_key = "tenant-7" },
      expect = "assign" },
  },
}
]==]

policies.promotion = [==[
-- A challenger that fails too often is rolled back, and so is one that a person orders back;
-- otherwise a person decides. Facts and decisions: weir help promotion.

local function variant_named(facts, name)
  for _, variant in ipairs(facts.variants) do
    if variant.name == name then return variant end
  end
end

return policy {
  kind = "promotion",

  params = {
    max_error_rate = number { 0.05, min = 0, max = 1,
      doc = "share of the challenger's requests that may fail" },
    min_requests = integer { 100, min = 1, max = 1000000,
      doc = "requests of the challenger before its errors count" },
  },

  decide = function(facts, params)
    local name = facts.challenger
    local challenger = name ~= facts.champion and variant_named(facts, name)
    if not (challenger and variant_named(facts, facts.champion)) then
      return hold { needs = "a champion and a challenger", because = "one of them is not there" }
    end
    if facts.order and facts.order.action == "rollback" then
      return rollback { variant = name, to = facts.champion, because = "it was ordered" }
    end

    local window = challenger.window
    if not (window and window.requests and window.errors) then
      return hold { needs = "measurements of " .. name, because = "nothing is known of %s", name }
    end
    if window.requests < params.min_requests then
      return hold { needs = "more requests", requests = params.min_requests - window.requests,
        because = "%d requests, %d are needed", window.requests, params.min_requests }
    end

    local rate = window.errors / window.requests
    if rate > params.max_error_rate then
      return rollback { variant = name, to = facts.champion,
        because = "%.2f %% fail, above %.2f %%", rate * 100, params.max_error_rate * 100 }
    end
    return hold { needs = "a person's approval", because = "%.2f %% fail", rate * 100 }
  end,

  examples = {
    { given = { now = 0, champion = "a", variants = { { name = "a" } } }, expect = "hold" },
    { given = { now = 0, champion = "a", challenger = "b",
        variants = { { name = "a" }, { name = "b" } }, order = { action = "rollback" } },
      expect = { action = "rollback", variant = "b", to = "a" } },
    { given = { now = 0, champion = "a", challenger = "b",
        variants = { { name = "a" }, { name = "b", window = { requests = 10 } } },
        order = { action = "hold" } },
      expect = { action = "hold", needs = "measurements of b" } },
    { given = { now = 0, champion = "a", challenger = "b", variants = { { name = "b" } } },
      expect = "hold" },
    { given = { now = 0, champion = "a", challenger = "b",
        variants = { { name = "a" }, { name = "b" } } },
      expect = { action = "hold", needs = "measurements of b" } },
    { given = { now = 0, champion = "a", challenger = "b",
        variants = { { name = "a" }, { name = "b", window = { requests = 10, errors = 9 } } } },
      params = { min_requests = 100 }, expect = { action = "hold", requests = 90 } },
    { given = { now = 0, champion = "a", challenger = "b",
        variants = { { name = "a" }, { name = "b", window = { requests = 100, errors = 6 } } } },
      params = { max_error_rate = 0.05, min_requests = 100 }, expect = "rollback" },
    { given = { now = 0, champion = "a", challenger = "b",
        variants = { { name = "a" }, { name = "b", window = { requests = 100, errors = 5 } } } },
      params = { max_error_rate = 0.05, min_requests = 100 }, expect = "hold" },
  },
}
]==]

policies.mapping = [==[
-- An object that was written below the prefix is work. Facts and decisions: weir help mapping.

-- The value at these names; nil as soon as one of them is missing.
local function at(value, name, ...)
  if name == nil then return value end
  if type(value) == "table" then return at(value[name], ...) end
end

local function text_at(...)
  local found = at(...)
  if type(found) == "string" and found ~= "" then return found end
end

return policy {
  kind = "mapping",

  params = {
    prefix = text { "inbox/", doc = "what the keys of new work begin with" },
  },

  decide = function(facts, params)
    local event = facts.event
    if at(event, "detail-type") ~= "Object Created" then
      return ignore { unknown = true, because = "it is not an EventBridge event of a new object" }
    end

    -- An event without them must land where somebody sees it.
    local bucket = assert(text_at(event, "detail", "bucket", "name"), "the event has no bucket")
    local key = assert(text_at(event, "detail", "object", "key"), "the event has no key")
    assert(#key <= 1024, "the key is longer than those of S3")
    if string.sub(key, 1, #params.prefix) ~= params.prefix then
      return ignore { because = "%s is not below %s", key, params.prefix }
    end
    local etag = text_at(event, "detail", "object", "etag") or "-"
    return job {
      work = "object", source = "eventbridge", bucket = bucket, key = key,
      idempotency_key = string.format("object:%s:%s:%s", bucket, etag, key),
      because = "an object was written",
    }
  end,

  examples = {
    { given = { event = { ["detail-type"] = "Object Created",
        detail = { bucket = { name = "files" }, object = { key = "inbox/a.csv", etag = "e1" } } } },
      params = { prefix = "inbox/" },
      expect = { action = "job", key = "inbox/a.csv",
        idempotency_key = "object:files:e1:inbox/a.csv" } },
    { given = { event = { ["detail-type"] = "Object Created",
        detail = { bucket = { name = "files" }, object = { key = "other/a.csv" } } } },
      params = { prefix = "inbox/" }, expect = "ignore" },
    { given = { event = { ["detail-type"] = "Object Created",
        detail = { bucket = { name = "files" }, object = { key = "inbox/a.csv", etag = "" } } } },
      params = { prefix = "inbox/" },
      expect = { action = "job", idempotency_key = "object:files:-:inbox/a.csv" } },
    { given = { event = { ["detail-type"] = "Object Created",
        detail = { bucket = { name = "files" }, object = { key = "inbox/a.csv" } } } },
      params = { prefix = "inbox/" }, expect = "job" },
    { given = { event = "a text" }, expect = { action = "ignore", unknown = true } },
    { given = { event = { ["detail-type"] = "Object Deleted" } },
      expect = { action = "ignore", unknown = true } },
  },
}
]==]

policies.review = [==[
-- Labels are accepted when the surest of them is sure enough; a person looks at the others. Facts
-- and decisions: weir help review.

return policy {
  kind = "review",

  params = {
    threshold = number { 70, min = 0, max = 100, doc = "percent; at or above is accepted" },
  },

  decide = function(facts, params)
    local threshold, best = facts.threshold or params.threshold, nil
    for _, label in ipairs(facts.labels) do
      if not best or label.confidence > best.confidence then best = label end
    end

    if not best then return manual_review { because = "nothing was seen in the image" } end
    if best.confidence < threshold then
      return manual_review { because = "%s at %.2f %%, below %.2f %%",
        best.name, best.confidence, threshold }
    end
    return accept { because = "%s at %.2f %%, at or above %.2f %%",
      best.name, best.confidence, threshold }
  end,

  examples = {
    { given = { key = "a.jpg", is_fallback = false,
        labels = { { name = "Cup", confidence = 70 } } },
      params = { threshold = 70 }, expect = "accept" },
    { given = { key = "a.jpg", is_fallback = false,
        labels = { { name = "Cup", confidence = 69 } } },
      params = { threshold = 70 }, expect = "manual_review" },
    { given = { key = "a.jpg", is_fallback = false, threshold = 90,
        labels = { { name = "Mug", confidence = 12 }, { name = "Cup", confidence = 80 } } },
      expect = "manual_review" },
    { given = { key = "a.jpg", is_fallback = false, labels = {} }, expect = "manual_review" },
  },
}
]==]

return policies
