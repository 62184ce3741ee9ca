-- Kind `weights`: how the traffic of one endpoint is split between its model variants, and
-- which variant one caller gets. With an assignment key the host wants `assign`, without one
-- `weights`.
--
-- What a kind file returns is described in docs/kinds.md. Loaded by the policy engine, which
-- also runs `invariants` inside the sandbox, and by weir.kinds.reference.

local VARIANT = {
  { name = "name", type = "text", min_size = 1, max_size = 63, required = true,
    doc = "the variant's name, as in the endpoint configuration" },
  { name = "weight", type = "number", min = 0, max = 1000000,
    doc = "its weight now; any scale, only the proportions count; absent when nobody has set one" },
  { name = "stage", type = "choice", values = { "champion", "challenger", "retired", "failed" },
    doc = "its place in the life of a model; a retired or failed variant gets no traffic" },
  { name = "serverless", type = "flag",
    doc = "whether it runs on demand: a request may then have 4 MB at most" },
}

local function stages_by_name(variants)
  local stages = {}
  for _, variant in ipairs(variants) do stages[variant.name] = variant.stage or "none" end
  return stages
end

local function gets_no_traffic(stage)
  return stage == "retired" or stage == "failed"
end

local function check_weights(known, weights)
  local sum = 0
  for name, weight in pairs(weights) do -- any order: the sandbox's own pairs sorts
    local stage = known[name]
    if not stage then
      return "weights name " .. name .. ", which is not a variant of this endpoint"
    end

    if not (weight >= 0 and weight < math.huge) then
      return "the weight of " .. name .. " is not a finite share"
    end

    if weight > 0 and gets_no_traffic(stage) then
      return name .. " is " .. stage .. " and gets no traffic"
    end

    sum = sum + weight
  end

  for name in pairs(known) do -- any order: the sandbox's own pairs sorts
    -- UpdateEndpointWeightsAndCapacities would leave its old weight in force.
    if not weights[name] then return "weights leave out " .. name end
  end

  if math.abs(sum - 1) > 1e-9 then return string.format("weights sum to %.12g, not 1", sum) end
end

return {
  kind = "weights",
  doc = "How the traffic of an endpoint is split between its variants, and which variant one "
    .. "caller gets.",

  facts = {
    { name = "variants", type = "list", min_items = 1, max_items = 10, required = true,
      unique_by = "name",
      of = { type = "record", fields = VARIANT },
      doc = "the variants of the endpoint, in its own order" },
    { name = "assignment_key", type = "text", min_size = 1, max_size = 1024,
      doc = "who is asking: a tenant, a volume, a session; present when one variant is wanted" },
    { name = "experiment", type = "text", max_size = 256,
      doc = "name of the experiment: the same key may fall differently in another one" },
    { name = "endpoint", type = "text", max_size = 63, doc = "the endpoint's name" },
  },

  decisions = {
    { action = "weights", fields = {
      { name = "weights", type = "map", of = { type = "number", min = 0, max = 1 }, required = true,
        doc = "share by variant name" },
    }, doc = "Give every variant this share of the traffic. Refused unless the shares are finite, "
      .. "sum to 1 within 1e-9, name every variant and no other, and leave retired and failed ones "
      .. "at 0." },
    { action = "assign", fields = {
      { name = "variant", type = "text", required = true, doc = "the variant's name" },
      { name = "bucket", type = "integer", min = 0, required = true,
        doc = "where the key fell, so that an assignment can be recomputed by hand" },
    }, doc = "Send this caller to one variant. Refused without an assignment_key, and for a "
      .. "variant that is unknown, retired or failed." },
  },

  invariants = function(facts, decision, action)
    local known = stages_by_name(facts.variants)
    if action == "weights" then return check_weights(known, decision.weights) end
    if not facts.assignment_key then return "assign needs an assignment_key among the facts" end
    local stage = known[decision.variant]
    if not stage then return decision.variant .. " is not a variant of this endpoint" end
    if gets_no_traffic(stage) then
      return decision.variant .. " is " .. stage .. " and gets no traffic"
    end
  end,
}
