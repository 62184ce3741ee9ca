-- What counts of requests allow to say.

-- Counts from which a rate can be taken.
local function is_known(window)
  return window and window.requests and window.requests > 0
    and window.errors and window.errors <= window.requests
end

-- Both ends of Wilson's interval of a rate. z = 3.29 is one chance in a thousand, which leaves room
-- for a look every few minutes.
local function rate_between(window)
  local z, n = 3.29, window.requests
  local rate, square = window.errors / n, z * z / n
  local half = z * math.sqrt(rate * (1 - rate) / n + square / (4 * n))
  return (rate + square / 2 - half) / (1 + square), (rate + square / 2 + half) / (1 + square)
end

-- "412 more requests, about 9 min at the current rate"
local function more_requests(missing, window)
  if not (window and window.seconds and window.requests and window.requests > 0) then
    return string.format("%d more requests", missing)
  end
  local minutes = math.ceil(missing * window.seconds / window.requests / 60)
  if minutes < 180 then
    return string.format("%d more requests, about %d min at the current rate", missing, minutes)
  end
  return string.format("%d more requests, about %d h at the current rate", missing,
    math.ceil(minutes / 60))
end

return { is_known = is_known, rate_between = rate_between, more_requests = more_requests }
