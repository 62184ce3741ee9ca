-- The first columns of every line that tells of a stack, each as wide as the widest of all lines:
-- its name, the account, the region.
--
--   stack_columns.new(list) → columns       list: whatever has a name and a region
--   columns:of(out, name, account id, region) → text, of which the name stands out
local terminal = require "weir.cli.terminal"

local stack_columns = {}

local Columns = {}
Columns.__index = Columns

function stack_columns.new(list)
  local self = setmetatable({ name = 0, region = 0 }, Columns)
  for _, each in ipairs(list) do
    self.name = math.max(self.name, terminal.width(each.name))
    self.region = math.max(self.region, terminal.width(each.region))
  end

  return self
end

local function space_after(text, width)
  return (" "):rep(width - terminal.width(text)) -- "" for one that was not known before
end

function Columns:of(out, name, account, region)
  return table.concat {
    out:paint("bold", terminal.printable(name)), space_after(name, self.name), "  ",
    account, " ", region, space_after(region, self.region),
  }
end

return stack_columns
