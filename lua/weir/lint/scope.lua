-- Which declaration each name of a tree stands for. After scope.resolve(block) every Name node
-- has `binding`, or none when it is a global; a binding is
--   { name =, declared = Name node, value = expression or nil, assigned = true when set again,
--     loop = { call =, index = } for the variables of a for-in loop, counts = true for that of a
--     numeric one }.

local scope = {}

local Resolver = {}
Resolver.__index = Resolver

function Resolver:declare(node, extra)
  local binding = extra or {}
  binding.name, binding.declared = node.name, node
  node.binding = binding
  self.scope.names[node.name] = binding

  return binding
end

function Resolver:inside(work)
  local outer = self.scope
  self.scope = { names = {}, outer = outer }
  work()
  self.scope = outer
end

function Resolver:find(name)
  local at = self.scope
  while at and not at.names[name] do at = at.outer end
  return at and at.names[name]
end

function Resolver:func(node)
  self:inside(function()
    for _, param in ipairs(node.params) do self:declare(param) end
    self:block(node.body)
  end)
end

function Resolver:list(nodes)
  for _, node in ipairs(nodes) do self:node(node) end
end

local visit = {}

function visit.Name(self, node) node.binding = self:find(node.name) end
function visit.Index(self, node) self:node(node.object) self:node(node.key) end
function visit.Call(self, node) self:node(node.callee) self:list(node.args) end
function visit.Method(self, node) self:node(node.object) self:list(node.args) end
function visit.Binary(self, node) self:node(node.left) self:node(node.right) end
function visit.Unary(self, node) self:node(node.operand) end
function visit.Paren(self, node) self:node(node.inside) end
function visit.Function(self, node) self:func(node) end
function visit.Table(self, node)
  for _, item in ipairs(node.items) do
    if item.key then self:node(item.key) end
    self:node(item.value)
  end
end

function visit.Local(self, node)
  self:list(node.values)
  for i, name in ipairs(node.names) do self:declare(name, { value = node.values[i] }) end
end
function visit.Assign(self, node)
  self:list(node.values)
  self:list(node.targets)
  for _, target in ipairs(node.targets) do
    if target.tag == "Name" and target.binding then target.binding.assigned = true end
  end
end
function visit.CallStatement(self, node) self:node(node.call) end
function visit.Do(self, node) self:inside(function() self:block(node.body) end) end
function visit.While(self, node)
  self:node(node.condition)
  self:inside(function() self:block(node.body) end)
end
function visit.Repeat(self, node)
  self:inside(function()
    self:block(node.body)
    self:node(node.condition)
  end)
end
function visit.If(self, node)
  for _, clause in ipairs(node.clauses) do
    self:node(clause.condition)
    self:inside(function() self:block(clause.body) end)
  end

  if node.otherwise then self:inside(function() self:block(node.otherwise) end) end
end
function visit.ForNumber(self, node)
  self:list(node.values)
  self:inside(function()
    self:declare(node.name, { counts = true })
    self:block(node.body)
  end)
end
function visit.ForIn(self, node)
  self:list(node.values)
  self:inside(function()
    for i, name in ipairs(node.names) do
      self:declare(name, { loop = { call = node.values[1], index = i } })
    end

    self:block(node.body)
  end)
end
function visit.LocalFunction(self, node)
  self:declare(node.name, { value = node.func })
  self:func(node.func)
end
function visit.FunctionStatement(self, node)
  self:node(node.target)
  if node.target.binding then node.target.binding.assigned = true end
  self:func(node.func)
end
function visit.Return(self, node) self:list(node.values) end

function Resolver:node(node)
  local handler = visit[node.tag]
  if handler then handler(self, node) end
end

function Resolver:block(block)
  for _, statement in ipairs(block) do self:node(statement) end
end

function scope.resolve(block)
  setmetatable({ scope = { names = {} } }, Resolver):block(block)
end

return scope
