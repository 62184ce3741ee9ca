-- Recordings of a trial, written line by line and not by any policy, so that what a report must say
-- of them is known: vision-13 against vision-12, a look every five minutes from 2026-11-20 08:05
-- on.
--
--   trial_recording.write(path, looks[, change]) → path
--
-- Looks 1 to 5 hold for requests, the 6th ramps to 20 %, the others hold for the errors, and the
-- last one rolls back. Each window has 1,000 requests, of which vision-13 gets 100, from look 7 on
-- 200; in the last one 30 of them fail. change(entry, i) alters a line before it is written.
local files = require "support.files"
local json = require "weir.json"

local trial_recording = { START = 1795161600 }

local function window(requests, errors, p99)
  return { requests = requests, errors = errors, seconds = 300,
    latency_ms = { p50 = p99 / 3, p95 = p99 * 0.8, p99 = p99 } }
end

local function variants(i, last)
  local share = i > 6 and 0.2 or 0.1
  local requests = math.tointeger(share * 1000)
  local failed = last and 30 or 0
  local new, old = window(requests, failed, 190 + i), window(1000 - requests, 1, 200)
  new.share, old.share = share, 1 - share

  return {
    { name = "vision-12", stage = "champion", approval = "Approved", weight = 1 - share,
      recent = old,
      window = { requests = 900 * i, errors = i, seconds = 300 * i } },
    { name = "vision-13", stage = "challenger", approval = "Approved", weight = share, recent = new,
      window = { requests = 100 * i, errors = failed, seconds = 300 * i } },
  }
end

local function evidence(i, last)
  return {
    method = "always_valid", confidence = 0.95,
    error_rate = {
      low = last and 0.01 or -0.02 / i,
      high = last and 0.05 or 0.04 / i,
      estimate = last and 0.03 or 0,
    },
    latency = { low = -0.3 / i, high = i > 2 and 0.6 / i or nil, estimate = 0.1 / i },
    champion_requests = 900 * i, champion_errors = i, successes = 100 * i,
    sample_ratio_p = 0.4, sample_ratio_shift = 0.01,
  }
end

local function decision(i, last)
  if last then
    return { action = "rollback", variant = "vision-13", to = "vision-12" },
      "30 of 200 requests failed; the limit is 5%"
  elseif i == 6 then
    return { action = "ramp", variant = "vision-13", weight = 0.2 }, "no worse than vision-12"
  elseif i < 6 then
    return { action = "hold", needs = ("%d more requests"):format(600 - 100 * i) },
      ("vision-13 has answered %d of 600 requests"):format(100 * i)
  end

  return { action = "hold", needs = "more requests" }, "its error rate may be higher"
end

local function line_of(i, last, change)
  local now = trial_recording.START + 300 * i
  local decided, because = decision(i, last)
  local entry = {
    schema = "weir.decision/1", id = "look-" .. i, time = os.date("!%Y-%m-%dT%H:%M:%S.000Z", now),
    kind = "promotion",
    policy = { name = "promotion", digest = "sha256:" .. ("0"):rep(64) }, host = "0.1.0",
    params = {
      error_tolerance = 0.002,
      latency_tolerance = 0.1,
      min_requests = 600,
      max_error_rate = 0.05,
    },
    overrides = json.array {}, decision = decided, because = because, redacted = json.array {},
    eval_us = 1,
    facts = { now = now, endpoint = "vision", champion = "vision-12", challenger = "vision-13",
      minutes_since_change = 60, variants = variants(i, last), evidence = evidence(i, last) },
  }

  if change then change(entry, i) end

  return json.encode(entry)
end

function trial_recording.write(path, looks, change)
  local lines = {}
  for i = 1, looks do lines[i] = line_of(i, i == looks, change) end
  return files.write(path, table.concat(lines, "\n") .. "\n")
end

return trial_recording
