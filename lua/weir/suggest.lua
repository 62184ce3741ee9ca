-- "Did you mean …?": the nearest of some names, when it is near enough to be a slip.
local text = require "weir.text"

-- fileCount, FILE-COUNT and file_count are one name to whoever mistypes it.
local function fold(name)
  return (name:gsub("(%l)(%u)", "%1_%2"):lower():gsub("[^%w]+", ""))
end

-- suggest(name, names) → the nearest of names, or nil. Names longer than 64 bytes are not slips.
local function suggest(name, names)
  local folded = fold(name)
  local best, least = nil, text.likely_distance(#folded) + 1

  for _, candidate in ipairs(names) do
    local known = fold(candidate)
    local distance = text.edit_distance(folded, known)
    -- As many edits as letters would make any name of any other.
    if distance and distance < least and distance < #known then
      best, least = candidate, distance
    end
  end

  return best
end

return suggest
