-- A seeded generator (SplitMix64) for recordings and generated tests. The same seed gives the same
-- values on every machine; math.random does not promise that.
local Random = {}
Random.__index = Random

function Random.new(seed)
  return setmetatable({ state = seed }, Random)
end

-- 64 random bits.
function Random:bits()
  self.state = self.state + 0x9e3779b97f4a7c15
  local z = self.state
  z = (z ~ (z >> 30)) * 0xbf58476d1ce4e5b9
  z = (z ~ (z >> 27)) * 0x94d049bb133111eb

  return z ~ (z >> 31)
end

-- A number from 0 to below 1.
function Random:number()
  return (self:bits() >> 11) * 2.0 ^ -53
end

-- A whole number from low to high, both included.
function Random:integer(low, high)
  return low + (self:bits() >> 1) % (high - low + 1)
end

function Random:chance(probability)
  return self:number() < probability
end

function Random:choice(list)
  return list[self:integer(1, #list)]
end

-- How many of `count` independent tries succeed; exact for few tries, close for many, and with
-- nothing but operations that IEEE 754 fixes to the last bit.
function Random:successes(count, probability)
  if count > 400 then
    local mean, spread = count * probability, math.sqrt(count * probability * (1 - probability))
    local sum = 0
    for _ = 1, 12 do sum = sum + self:number() end

    return math.max(0, math.min(count, math.floor(mean + spread * (sum - 6) + 0.5)))
  end

  local hits = 0
  for _ = 1, count do
    if self:chance(probability) then hits = hits + 1 end
  end

  return hits
end

-- A random UUID, version 4.
function Random:uuid()
  return ("%s-%s-4%s-%s%s-%s"):format(self:hex(8), self:hex(4), self:hex(3),
    self:choice { "8", "9", "a", "b" }, self:hex(3), self:hex(12))
end

-- Lower-case hex digits.
function Random:hex(digits)
  local parts = {}
  for i = 1, digits do parts[i] = ("%x"):format(self:integer(0, 15)) end
  return table.concat(parts)
end

return Random
