-- How far a walk through a listing came, kept in the claims table under a name of its own, so that
-- the next invocation goes on there after a crash or a deadline.
--
--   local progress = progress.of(effects, table, source)   source: as weir.events.listing takes it
--   progress.after       the key behind which to begin; nil: with the first
--   progress:keep(key)   everything up to this key was looked at
--   progress:clear()     the walk came to its end
--   progress.is_item(item) → whether an item of the claims table is such a note
--
-- The item is { object = "progress:…", after = key or absent }. No claim has such a name, because
-- no bucket does. Failures are raised (weir.try).
local item_key = require "weir.events.item_key"
local seen = require "weir.events.seen"
local try = require "weir.try"

local progress = { PREFIX = "progress:" }

local Progress = {}
Progress.__index = Progress

local function id_of(source)
  return item_key(progress.PREFIX, ("%s/%s*%s"):format(source.bucket, seen.escape(source.prefix),
    table.concat(source.suffixes, ",")))
end

local function read(self)
  local output, message, code = self.effects:read {
    service = "dynamodb",
    operation = "GetItem",
    target = self.id,
    input = { TableName = self.table, Key = { object = self.id }, ConsistentRead = true },
  }

  if output then
    local after = output.Item and output.Item.after
    return type(after) == "string" and after or nil
  end

  if self.effects.dry and code == "Unknown" then return nil end
  try.fail(message, code)
end

local function write(self, after)
  try(self.effects:call {
    service = "dynamodb",
    operation = "PutItem",
    target = self.id,
    input = {
      TableName = self.table,
      Item = { object = self.id, after = after and seen.escape(after) },
    },
  })

  self.is_kept = after ~= nil
end

function progress.of(effects, table_name, source)
  local self = setmetatable({ effects = effects, table = table_name, id = id_of(source) }, Progress)
  local after = read(self)
  self.after, self.is_kept = after and seen.unescape(after), after ~= nil

  return self
end

-- Whether an item of the claims table is one of these.
function progress.is_item(item)
  local object = item.object
  return type(object) == "string" and object:sub(1, #progress.PREFIX) == progress.PREFIX
end

function Progress:keep(key) write(self, key) end

function Progress:clear()
  if self.is_kept then write(self, nil) end
end

return progress
