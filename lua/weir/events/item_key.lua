-- item_key(prefix, name) → the key of an item of the claims table: prefix .. name, or the digest of
-- that behind the prefix, where it would be longer than DynamoDB takes.
local sha256 = require "weir.sha256"

-- In bytes.
local MAX_KEY = 2048

return function(prefix, name)
  local key = prefix .. name
  if #key <= MAX_KEY then return key end

  return prefix .. "sha256:" .. sha256.hex(key)
end
