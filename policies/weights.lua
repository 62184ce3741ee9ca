-- Splits the traffic of an endpoint: in proportion to the weights given, or 70/30 when two
-- variants come without any. With an assignment key the answer is one variant, and the same
-- key stays with it for as long as the shares allow.

local BUCKETS = 10000

-- FNV-1a with 64 bits, then MurmurHash3's finaliser: keys that differ in one letter fall far
-- apart. The products wrap around at 64 bits, which is what both hashes ask for.
local function bucket_of(text)
  local hash = 0xcbf29ce484222325
  for i = 1, #text do
    hash = (hash ~ string.byte(text, i)) * 0x100000001b3
  end
  hash = (hash ~ (hash >> 33)) * 0xff51afd7ed558ccd
  hash = (hash ~ (hash >> 33)) * 0xc4ceb9fe1a85ec53
  hash = hash ~ (hash >> 33)
  return (hash >> 1) % BUCKETS
end

-- The variants that may take traffic. The champion comes first, so that it keeps the low
-- buckets and a challenger that grows keeps the keys it has.
local function in_traffic(variants)
  local live = {}
  for _, variant in ipairs(variants) do
    if variant.stage == "champion" then
      table.insert(live, 1, variant)
    elseif variant.stage ~= "retired" and variant.stage ~= "failed" then
      table.insert(live, variant)
    end
  end
  assert(#live > 0, "every variant is retired or failed: none may take traffic")
  return live
end

-- The relative weight of each live variant, and where it comes from.
local function relative(live, params)
  local weights, largest = {}, 0
  for i, variant in ipairs(live) do
    weights[i] = variant.weight or 0
    largest = math.max(largest, weights[i])
  end
  if largest > 0 then
    -- Divided first, so that no sum of large weights can overflow.
    for i in ipairs(weights) do weights[i] = weights[i] / largest end
    return weights, "as weighted"
  end
  if #live == 2 then return { params.first_share, 1 - params.first_share }, "by default" end
  for i in ipairs(weights) do weights[i] = 1 end
  return weights, "evenly"
end

local function shares(live, params)
  local weights, how = relative(live, params)
  local sum = 0
  for _, weight in ipairs(weights) do sum = sum + weight end
  -- Twelve digits are plenty, and 0.3 stays 0.3.
  for i, weight in ipairs(weights) do weights[i] = math.floor(weight / sum * 1e12 + 0.5) / 1e12 end
  return weights, how
end

local function assigned(facts, live, share)
  local bucket = bucket_of((facts.experiment or "") .. "/" .. facts.assignment_key)
  local edge, chosen = 0, nil
  for i, variant in ipairs(live) do
    edge = edge + share[i] * BUCKETS
    if share[i] > 0 then chosen = variant.name end
    if chosen and bucket < edge then break end
  end
  return assign { variant = chosen, bucket = bucket,
    because = "the key falls into bucket %d of %d, which is %s's", bucket, BUCKETS, chosen }
end

return policy {
  kind = "weights",

  params = {
    first_share = number { 0.7, min = 0, max = 1,
      doc = "share of the champion, or of the first variant, when two come without weights" },
  },

  decide = function(facts, params)
    local live = in_traffic(facts.variants)
    local share, how = shares(live, params)
    if facts.assignment_key then return assigned(facts, live, share) end

    local split, words = {}, {}
    for _, variant in ipairs(facts.variants) do split[variant.name] = 0 end
    for i, variant in ipairs(live) do
      split[variant.name] = share[i]
      words[i] = string.format("%s %.4g%%", variant.name, share[i] * 100)
    end
    return weights { weights = split, because = "%s: %s", how, table.concat(words, ", ") }
  end,

  examples = {
    { given = { variants = { { name = "a" }, { name = "b" } } }, params = { first_share = 0.7 },
      expect = { action = "weights", weights = { a = 0.7, b = 0.3 } } },
    { given = { variants = {
        { name = "b", stage = "challenger" }, { name = "a", stage = "champion" },
      } },
      params = { first_share = 0.7 },
      expect = { action = "weights", weights = { a = 0.7, b = 0.3 } } },
    { given = { variants = { { name = "a", weight = 3 }, { name = "b", weight = 1 } } },
      expect = { action = "weights", weights = { a = 0.75, b = 0.25 } } },
    { given = { variants = {
        { name = "a", weight = 1 }, { name = "b", weight = 9, stage = "failed" },
      } },
      expect = { action = "weights", weights = { a = 1, b = 0 } } },
    { given = { variants = { { name = "a" }, { name = "b" } }, assignment_key = "tenant-7" },
      expect = "assign" },
    { given = { variants = { { name = "a", weight = 0 }, { name = "b", weight = 1 } },
        assignment_key = "tenant-7", experiment = "november" },
      expect = { action = "assign", variant = "b" } },
  },
}
