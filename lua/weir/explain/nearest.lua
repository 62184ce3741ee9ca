-- The nearest change that makes a policy decide otherwise: one fact or parameter at a time, found
-- by deciding again.
--
--   find { set =, kind =, facts = table, params = table of all, policy =, schema =, traced =,
--          failed = true for a decision that failed }
--       → { flips =, ties =, tried =, same =, refused =, failed =, places =, by = }
--
-- flips: one for each place that has any, the nearest first: { what =, path =, from =, to =,
--   distance =, action =, because =, file =, line = }; `from` and `to` are nil for absent.
-- ties: how many are as near as the first.
-- by: "action", or "decision" when no change gives another action and the flips change the rest of
--   the decision.
-- same, refused, failed: how many of those tried decided the same, were not allowed by the kind,
--   and made the policy fail.
local json = require "weir.json"
local places = require "weir.explain.places"
local sorted_pairs = require "weir.sorted_pairs"
local values = require "weir.explain.values"

local BISECTIONS = 64
local CLOSE = 1e-9

local nearest = {}

-- The constant that a condition of the source compares with: `facts.volume == "in/"`, `n < 10`.
local function constant_of(condition)
  local text = condition:match('== (".*")$')
  if text then return (json.decode(text)) end

  return tonumber(condition:match("[<>=] (%-?%d[%d.e+-]*)$"))
end

-- What was compared with, what the conditions that were not reached compare with, and the values
-- of the parameters; without repetitions. Of compared numbers also how far apart they were.
local function seen_of(traced, params)
  local seen, known = { numbers = {}, texts = {}, gaps = {} }, {}
  local function add(value)
    local list = type(value) == "string" and seen.texts or seen.numbers
    local is_useful = type(value) == "string" or type(value) == "number" and value == value
    if is_useful and not known[value] then
      known[value] = true
      list[#list + 1] = value
    end
  end

  for _, comparison in ipairs(traced.comparisons) do
    local left = comparison.left and comparison.left.value
    local right = comparison.right and comparison.right.value
    add(left)
    add(right)
    if type(left) == "number" and type(right) == "number" then
      table.insert(seen.gaps, math.abs(left - right))
    end
  end

  for _, branch in ipairs(traced.branches) do add(constant_of(branch.condition)) end
  for _, value in sorted_pairs(params) do add(value) end

  return seen
end

-- Deciding --------------------------------------------------------------------------------------

local Search = {}
Search.__index = Search

function Search:decide()
  return self.set:decide(self.kind, json.encode(self.facts), {
    params_json = json.encode(self.params),
  })
end

-- Does this change flip the decision? The answer, or nil.
function Search:try(place, value)
  local root = place.what == "fact" and self.facts or self.params
  if value == values.ABSENT then value = nil end
  local answer, code
  places.with_value(root, place, value, function()
    local _
    answer, _, code = self:decide()
  end)

  local counts = self.counts
  counts.tried = counts.tried + 1
  if not answer then
    local is_refused = code == "InvalidFacts" or code == "InvalidParams"
    counts[is_refused and "refused" or "failed"] = counts[is_refused and "refused" or "failed"] + 1
    return nil
  end

  local flipped = self.flipped(answer)
  if not flipped then counts.same = counts.same + 1 end

  return flipped and answer or nil
end

-- Numbers ---------------------------------------------------------------------------------------

local function middle(field, a, b)
  if field.type == "integer" then return (a + b) // 2 end
  return a + (b - a) / 2
end

local function is_adjacent(field, a, b)
  if field.type == "integer" then return math.abs(a - b) <= 1 end
  return math.abs(a - b) <= CLOSE * math.max(math.abs(a), math.abs(b))
end

-- A float with few digits that is as near, or the value itself.
function Search:rounded(place, value, answer)
  if place.field.type == "integer" then return value, answer end
  local least = values.distance(place.value, value)
  for digits = 1, 9 do
    local short = tonumber(("%." .. digits .. "g"):format(value))
    local distance = values.distance(place.value, short)
    if distance > 0 and distance <= least * 1.0001 + CLOSE then
      local again = self:try(place, short + 0.0)
      if again then return short + 0.0, again end
    end
  end

  return value, answer
end

-- The change nearest to what is there in one direction, as far away as `most`: the first step that
-- flips, and then the place between it and the step before at which it begins to.
function Search:in_direction(place, direction, most)
  local before = place.value
  local after, answer
  for _, value in ipairs(values.steps(place, direction, self.seen)) do
    if values.distance(place.value, value) > most + CLOSE then break end
    answer = self:try(place, value)
    if answer then
      after = value
      break
    end

    before = value
  end

  if not after then return nil end
  for _ = 1, BISECTIONS do
    if is_adjacent(place.field, before, after) then break end
    local between = middle(place.field, before, after)
    local found = self:try(place, between)
    if found then
      after, answer = between, found
    else
      before = between
    end
  end

  return self:rounded(place, after, answer)
end

-- Places ----------------------------------------------------------------------------------------

local function flip(place, value, answer)
  if value == values.ABSENT then value = nil end

  return {
    what = place.what,
    path = place.path,
    from = place.value,
    to = value,
    distance = values.distance(place.value, value),
    action = answer.action,
    because = answer.because,
    file = answer.file,
    line = answer.line,
  }
end

-- The nearest flip at this place, or nil.
function Search:at(place)
  local best
  local function take(value, answer)
    if value == nil then return end
    local found = flip(place, value, answer)
    if not best or found.distance < best.distance then best = found end
  end

  if type(place.value) == "number" then
    take(self:in_direction(place, -1, 1))
    take(self:in_direction(place, 1, best and best.distance or 1))
  end

  if best then return best end
  for _, value in ipairs(values.discrete(place, self.seen)) do
    if value ~= place.value then
      local answer = self:try(place, value)
      if answer then
        take(value, answer)
        break
      end
    end
  end

  return best
end

-- Distances that differ by less than a billionth are the same.
local function rank(found) return math.floor(found.distance / CLOSE + 0.5) end

local function order(a, b)
  if rank(a) ~= rank(b) then return rank(a) < rank(b) end
  if a.what ~= b.what then return a.what == "fact" end
  return a.path < b.path
end

function Search:all(list)
  local flips = {}
  for _, place in ipairs(list) do flips[#flips + 1] = self:at(place) end
  table.sort(flips, order)

  return flips
end

local function ties(flips)
  local count = 0
  for i = 2, #flips do
    if rank(flips[i]) == rank(flips[1]) then count = count + 1 end
  end

  return count
end

function nearest.find(options)
  local now = options.traced
  local search = setmetatable({
    set = options.set,
    kind = options.kind,
    facts = options.facts,
    params = options.params,
    seen = seen_of(now, options.params),
    counts = { tried = 0, same = 0, refused = 0, failed = 0 },
  }, Search)
  local list = places.of_facts(options.schema, options.facts)
  for _, place in ipairs(places.of_params(options.policy, options.params)) do
    list[#list + 1] = place
  end

  local by = "action"
  search.flipped = function(answer) return options.failed or answer.action ~= now.action end
  local flips = search:all(list)
  if #flips == 0 and not options.failed then
    by = "decision"
    search.flipped = function(answer) return answer.decision ~= now.decision end
    flips = search:all(list)
  end

  local counts = search.counts
  counts.flips, counts.ties, counts.places, counts.by = flips, ties(flips), #list, by

  return counts
end

return nearest
