-- Which facts are present where: a set of paths, such as facts.evidence.latency, and what a
-- condition adds to it. For weir.lint.absent, which walks through the code; `self` is its walk,
-- with types =, ids = and count = of locals that hold parts of the facts, and given = parameter of
-- a local function → the field that every caller gives without knowing that it is there.
--
--   presence.optional(self, node)                 → field, path: the node is a field that may be
--                                                   absent; nil for anything else
--   presence.learn(self, node, outcome, present)  adds what is present where the condition is true
--                                                   (outcome true), or false
--   presence.trust(self, node, present)           adds every path that the node mentions
--   presence.copy(present), both(a, b), add(present, path)
local tree = require "weir.lint.tree"
local values = require "weir.lint.values"

local presence = {}

-- Paths ---------------------------------------------------------------------------------------

-- A text for the part of the facts that an expression stands for, or nil. Locals that are set once
-- are the expression they were set to.
local function path_of(self, node, depth)
  node = tree.strip(node)
  if node.tag == "Name" then
    local binding = node.binding
    if not binding or binding.assigned or depth > 50 then return nil end
    local value = binding.value and tree.strip(binding.value)
    if value and (value.tag == "Name" or value.tag == "Index") then
      return path_of(self, value, depth + 1)
    end

    if value then return nil end
    if not self.ids[binding] then
      self.count = self.count + 1
      self.ids[binding] = "#" .. self.count
    end

    return self.ids[binding]
  end

  if node.tag ~= "Index" then return nil end
  if node.key.tag ~= "String" and node.key.tag ~= "Number" then return nil end
  local object = path_of(self, node.object, depth)

  return object and object .. "." .. tostring(node.key.value)
end

-- The field of the schema that an expression stands for when it may be absent: → field, path
function presence.optional(self, node)
  node = tree.strip(node)
  local seen = 0
  while node.tag == "Name" do -- a local for a field
    local binding = node.binding
    if not binding or binding.assigned or seen > 50 then return nil end
    if self.given[binding] then return self.given[binding], path_of(self, node, 0) end
    if not binding.value then return nil end
    node, seen = tree.strip(binding.value), seen + 1
  end

  if node.tag ~= "Index" or node.key.tag ~= "String" then return nil end

  local record = self.types:of(node.object)
  local field = record and record.type == "record" and not record.is_params and self.types:of(node)
  if not field or not field.name or field.required then return nil end
  local path = path_of(self, node, 0)
  if path then return field, path end
end

-- What is known ---------------------------------------------------------------------------------

function presence.copy(present)
  local new = {}
  for path in pairs(present) do new[path] = true end -- any order: copies a set
  return new
end

function presence.both(a, b)
  local new = {}
  for path in pairs(a) do new[path] = b[path] end -- any order: makes a set
  return new
end

-- A path is present, and so are those that it leads through.
function presence.add(present, path)
  while path do
    present[path] = true
    path = path:match("^(.*)%.[^.]*$")
  end
end

-- Whatever is mentioned may have been tested in a way that is not understood here.
function presence.trust(self, node, present)
  tree.walk({ node }, function(inner)
    if inner.tag ~= "Index" and inner.tag ~= "Name" then return end
    local _, path = presence.optional(self, inner)
    if path then presence.add(present, path) end
  end)
end

local function is_nil(node) return tree.strip(node).tag == "Nil" end

-- type(x), or nil: → the expression that is asked about
local function asked_type(node)
  local call = tree.strip(node)
  return call.tag == "Call" and tree.global(call.callee) == "type" and call.args[1] or nil
end

-- One side of == or ~=: → whether it is understood, the path that is present then, or nil.
-- equal: both sides are the same.
local function learn_side(self, side, other, equal)
  other = tree.strip(other)
  local _, path = presence.optional(self, side)
  if path and is_nil(other) then return true, not equal and path or nil end
  if path then
    local known = values.class(self.types, other) and not presence.optional(self, other)
    return known, known and equal and path or nil
  end

  local asked = asked_type(side)
  if not asked or other.tag ~= "String" then return false end
  _, path = presence.optional(self, asked)
  return path ~= nil, (other.value ~= "nil") == equal and path or nil
end

local function learn_equality(self, node, outcome, present)
  local understood = false
  for _, pair in ipairs { { node.left, node.right }, { node.right, node.left } } do
    local known, path = learn_side(self, pair[1], pair[2], (node.operator == "==") == outcome)
    understood = understood or known
    if path then presence.add(present, path) end
  end

  if not understood then presence.trust(self, node, present) end
end

-- What both ways of `a and b` being false, or of `a or b` being true, have in common.
local function learn_either(self, node, outcome, present)
  local left, right = presence.copy(present), presence.copy(present)
  presence.learn(self, node.left, outcome, left)
  presence.learn(self, node.left, not outcome, right)
  presence.learn(self, node.right, outcome, right)
  for path in pairs(presence.both(left, right)) do -- any order: makes a set
    present[path] = true
  end
end

-- Adds what is present when the condition is true (outcome true), or false.
function presence.learn(self, node, outcome, present)
  node = tree.strip(node)
  if node.tag == "Unary" and node.operator == "not" then
    return presence.learn(self, node.operand, not outcome, present)
  end

  local operator = node.tag == "Binary" and node.operator
  if operator == "and" and outcome or operator == "or" and not outcome then
    presence.learn(self, node.left, outcome, present)
    return presence.learn(self, node.right, outcome, present)
  elseif operator == "and" or operator == "or" then
    return learn_either(self, node, outcome, present)
  elseif operator == "==" or operator == "~=" then
    return learn_equality(self, node, outcome, present)
  end

  local _, path = presence.optional(self, node)
  if operator or not path then return presence.trust(self, node, present) end
  if outcome then presence.add(present, path) end
end

return presence
