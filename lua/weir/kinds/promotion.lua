-- Kind `promotion`: what becomes of a challenger that is tried against the champion. The host
-- asks on a schedule, as often as it likes, with everything that was measured as facts.
--
-- An absent count is *no data*; a count of 0 is *zero errors*. CloudWatch gives no series for
-- what never happened, so the handler that gathers facts must decide which of the two it saw.
--
-- What a kind file returns is described in docs/kinds.md. Loaded by the policy engine, which
-- also runs `invariants` inside the sandbox, and by weir.kinds.reference.

local LAST_SECOND = 253402300799 -- 9999-12-31T23:59:59Z

local function milliseconds(name, doc)
  return { name = name, type = "number", min = 0, unit = "milliseconds", doc = doc }
end

local WINDOW = {
  { name = "from", type = "integer", min = 0, max = LAST_SECOND, unit = "epoch seconds",
    doc = "when the window begins" },
  { name = "to", type = "integer", min = 0, max = LAST_SECOND, unit = "epoch seconds",
    doc = "when it ends; what happens then is not in it" },
  { name = "seconds", type = "integer", min = 1, max = 100000000, unit = "seconds",
    doc = "length of the window" },
  { name = "share", type = "number", min = 0, max = 1,
    doc = "share of the traffic that the variant was to get" },
  { name = "warming", type = "flag",
    doc = "too soon after a change of weights or instances to count for anything" },
  { name = "requests", type = "integer", min = 0, max = 1000000000000,
    doc = "requests answered or failed; absent: no data" },
  { name = "errors", type = "integer", min = 0, max = 1000000000000,
    doc = "requests that failed; 0 means that none failed, absent that nobody knows" },
  { name = "latency_ms", type = "record", doc = "latency of the answers", fields = {
    milliseconds("mean", "arithmetic mean"), milliseconds("p50", "median"),
    milliseconds("p90", "90th percentile"),
    milliseconds("p95", "95th percentile"), milliseconds("p99", "99th percentile"),
  } },
}

local VARIANT = {
  { name = "name", type = "text", min_size = 1, max_size = 63, required = true,
    doc = "the variant's name" },
  { name = "stage", type = "choice", values = { "champion", "challenger", "retired", "failed" },
    doc = "its place in the life of a model" },
  { name = "weight", type = "number", min = 0, max = 1, doc = "its share of the traffic now" },
  { name = "approval", type = "choice",
    values = { "Approved", "PendingManualApproval", "Rejected" },
    doc = "ModelApprovalStatus of its package in the registry; absent when it is in none" },
  { name = "window", type = "record", fields = WINDOW,
    doc = "what it did in this trial, warm-ups left out" },
  { name = "recent", type = "record", fields = WINDOW,
    doc = "what it did in the last window, for guardrails" },
}

local function count(name, doc)
  return { name = name, type = "number", min = 0, max = 1e15, doc = doc }
end

-- The upper end of a latency's interval may be beyond what the data reach.
local function ends(may_be_open)
  return {
    { name = "low", type = "number", required = true, doc = "lower end" },
    { name = "high", type = "number", required = not may_be_open,
      doc = may_be_open and "upper end; absent while the data do not reach it" or "upper end" },
    { name = "estimate", type = "number", doc = "what the data say without caution" },
  }
end

local function interval(name, doc)
  return { name = name, type = "record", doc = doc, fields = ends(false) }
end

local function latency(name, doc)
  local fields = ends(true)
  fields[#fields + 1] = { name = "dispersion", type = "number", min = 1,
    doc = "how much more than by chance the latencies of each hour vary, which the interval is "
      .. "wide enough for; absent below ten hours, and where it is not at all" }
  return { name = name, type = "record", doc = doc, fields = fields }
end

local QUANTILE = {
  { name = "quantile", type = "number", min = 0, max = 1, required = true,
    doc = "such as 0.99 for p99" },
  { name = "champion_ms", type = "record", unit = "milliseconds", required = true,
    doc = "the champion's latency there, standardised to the challenger's times",
    fields = ends(true) },
  { name = "challenger_ms", type = "record", unit = "milliseconds", required = true,
    doc = "the challenger's", fields = ends(true) },
}

local STEP = {
  count("requests", "requests of the challenger"),
  { name = "error_rate_low", type = "number", doc = "lower end, as error_rate.low" },
  { name = "latency_low", type = "number", doc = "lower end, as latency.low" },
}

local EVIDENCE = {
  { name = "method", type = "choice", values = { "always_valid", "fixed_horizon" },
    doc = "always_valid intervals hold at every look; fixed_horizon ones only at one look planned "
      .. "ahead" },
  { name = "confidence", type = "number", min = 0, max = 1,
    doc = "confidence of the intervals, such as 0.95" },
  interval("error_rate",
    "error rate of the challenger minus that of the champion, as a fraction"),
  latency("latency",
    "p99 of the challenger relative to the champion's: 0.1 is ten percent slower"),
  latency("latency_p50",
    "the same of the median, which is known from ten times fewer requests"),
  { name = "quantiles", type = "list", max_items = 20,
    of = { type = "record", fields = QUANTILE },
    doc = "latencies of both over the whole trial, each interval valid at every look" },
  count("requests", "requests of the challenger that the error rate is taken from"),
  count("errors", "those of them that failed"),
  count("champion_requests", "requests of the champion, standardised to the challenger's times: "
    .. "need not be whole"),
  count("champion_errors", "those of them that failed"),
  count("successes", "requests of the challenger that the latency is taken from"),
  count("champion_successes", "the same of the champion, standardised"),
  { name = "dispersion", type = "number", min = 1,
    doc = "how much more than by chance the error rates of the windows vary: 1 is not at all" },
  { name = "step", type = "record", fields = STEP,
    doc = "the same comparison since the weights last changed, the lower ends only" },
  { name = "sample_ratio_p", type = "number", min = 0, max = 1,
    doc = "p-value of the observed split of requests against the configured one" },
  { name = "sample_ratio_shift", type = "number", min = -1,
    doc = "requests of the challenger relative to what it should have got: -0.05 is 5 % too few" },
  { name = "sample_ratio_minutes", type = "integer", min = 0, unit = "minutes",
    doc = "since the split was first found broken (p below 0.001); absent while it is not" },
}

local ORDER = {
  { name = "action", type = "choice", values = { "rollback", "hold" }, required = true,
    doc = "what is ordered" },
  { name = "to", type = "text", max_size = 63, doc = "for a rollback: the variant to go back to" },
  { name = "by", type = "text", max_size = 256, doc = "who ordered it" },
  { name = "reason", type = "text", max_size = 1024, doc = "why" },
}

local HISTORY = {
  { name = "at", type = "integer", min = 0, max = LAST_SECOND, required = true,
    unit = "epoch seconds", doc = "when" },
  { name = "action", type = "choice", values = { "promote", "ramp", "hold", "rollback" },
    required = true, doc = "what was done" },
  { name = "variant", type = "text", doc = "to which variant" },
  { name = "weight", type = "number", min = 0, max = 1,
    doc = "its share of the traffic from then on" },
}

local function find(variants, name)
  for _, variant in ipairs(variants) do
    if variant.name == name then return variant end
  end
end

-- What must be true of a variant before any policy may give it more traffic.
local function not_promotable(facts, variant)
  local name = variant.name
  if name == facts.champion then return name .. " is the champion already" end
  if variant.approval ~= "Approved" then
    return ("%s is not an Approved model package (%s)")
      :format(name, variant.approval or "no approval status")
  end

  if variant.stage == "retired" or variant.stage == "failed" then
    return name .. " is " .. variant.stage
  end
end

-- A variant without traffic has no data, and its first step is what gets it some.
local function not_measured(variant, action)
  local window, name = variant.window, variant.name
  if action == "ramp" and variant.weight == 0 then return end
  if not (window and window.errors and (window.requests or 0) > 0) then
    return name .. " has no data"
  end
end

return {
  kind = "promotion",
  doc = "What becomes of a challenger: promote it, give it more traffic, hold, or roll it back.",

  facts = {
    { name = "now", type = "integer", min = 0, max = LAST_SECOND, required = true,
      unit = "epoch seconds", doc = "when the facts were gathered; a policy has no other clock" },
    { name = "champion", type = "text", min_size = 1, max_size = 63, required = true,
      doc = "the variant that serves as the standard" },
    { name = "challenger", type = "text", min_size = 1, max_size = 63,
      doc = "the variant to judge; absent when none is running" },
    { name = "variants", type = "list", min_items = 1, max_items = 10, required = true,
      unique_by = "name",
      of = { type = "record", fields = VARIANT },
      doc = "the variants of the endpoint" },
    { name = "evidence", type = "record", fields = EVIDENCE,
      doc = "comparison of the challenger with the champion over the whole trial" },
    { name = "minutes_since_start", type = "integer", min = 0, unit = "minutes",
      doc = "since the trial began" },
    { name = "minutes_since_change", type = "integer", min = 0, unit = "minutes",
      doc = "since weights or instances last changed" },
    { name = "good_looks", type = "integer", min = 0, max = 1000000,
      doc = "the good_looks of the decision before, when that was to hold" },
    { name = "order", type = "record", fields = ORDER,
      doc = "an operator's order, obeyed before any analysis" },
    { name = "history", type = "list", max_items = 100, of = { type = "record", fields = HISTORY },
      doc = "earlier decisions that were carried out, in any order" },
    { name = "endpoint", type = "text", max_size = 63, doc = "the endpoint's name" },
  },

  decisions = {
    { action = "promote", fields = {
      { name = "variant", type = "text", required = true, doc = "the variant's name" },
    }, doc = "Make the variant the champion. Refused unless it is a variant other than the "
      .. "champion, its package is Approved, it is neither retired nor failed, and its requests "
      .. "and errors are known." },
    { action = "ramp", fields = {
      { name = "variant", type = "text", required = true, doc = "the variant's name" },
      { name = "weight", type = "number", min = 0, max = 1, required = true,
        doc = "its new share" },
    }, doc = "Give the variant a larger share of the traffic, below 1, and judge it again. Refused "
      .. "like promote, but that a variant of weight 0 needs no data for its first share." },
    { action = "hold", doc = "Change nothing for now.", fields = {
      { name = "needs", type = "text", min_size = 1, required = true,
        doc = "what is missing, in words an operator can act on" },
      { name = "requests", type = "integer", min = 0,
        doc = "how many more requests that takes, when it can be told" },
      { name = "good_looks", type = "integer", min = 0, max = 1000000,
        doc = "how many looks in a row, this one included, were good enough to go on" },
    } },
    { action = "rollback", fields = {
      { name = "variant", type = "text", required = true,
        doc = "the variant that loses its traffic" },
      { name = "to", type = "text", required = true, doc = "the variant that takes it over" },
    }, doc = "Take the variant out of the traffic. Valid in every state, as long as both are "
      .. "variants." },
  },

  invariants = function(facts, decision, action)
    if action == "hold" then return nil end
    local variant = find(facts.variants, decision.variant)
    if not variant then
      return action .. " names " .. decision.variant .. ", which is not a variant of this endpoint"
    end

    if action == "rollback" then
      if decision.to == decision.variant then
        return "rollback goes from " .. decision.to .. " to itself"
      end

      if not find(facts.variants, decision.to) then
        return "rollback goes to " .. decision.to .. ", which is not a variant of this endpoint"
      end

      return nil
    end

    local broken = not_promotable(facts, variant) or not_measured(variant, action)
    if broken then return broken end
    if action ~= "ramp" then return nil end
    if not (decision.weight > (variant.weight or 0) and decision.weight < 1) then
      return "a ramp gives more than the current weight and less than 1"
    end
  end,
}
