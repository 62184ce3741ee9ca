-- What the source of a handler says that it calls, without running it:
--
--   source.read(path, root) → { requests = { { service =, operation =, input =, place = }, … },
--                               unclear = { { place =, message = }, … } } | nil, message
--
-- Found are requests written as tables ({ service = "s3", operation = "PutObject", … }) and methods
-- of clients (aws.client("s3"):put_object(…)), here and in the files below root that it requires.
-- Members of an input that are texts are known; the others are not. A request whose operation is
-- not written as a text is unclear.
local aws = require "weir.aws"
local files = require "weir.files"
local operation = require "weir.aws.operation"
local parser = require "weir.lint.parser"
local scope = require "weir.lint.scope"
local tree = require "weir.lint.tree"

local source = {}

local MAX_BYTES = 1024 * 1024

local function text_of(node)
  node = node and tree.strip(node)
  -- A local that is written once stands for its value.
  if node and node.tag == "Name" and node.binding and not node.binding.assigned then
    node = node.binding.value and tree.strip(node.binding.value)
  end

  return node and node.tag == "String" and node.value or nil
end

local function known_members(constructor)
  local input = {}
  if not constructor or constructor.tag ~= "Table" then return input end
  for _, item in ipairs(constructor.items) do
    if item.key and item.key.tag == "String" then
      local text = text_of(item.value)
      -- A member counts as given even where its value is not known.
      input[item.key.value] = text or {}
    end
  end

  return input
end

local function service_operation(service, name)
  local module = aws.service(service)
  return module and module.service.operations[name]
end

local Reading = {}
Reading.__index = Reading

function Reading:place(node) return ("%s:%d"):format(self.path, node.at.line) end

function Reading:add(service, name, input, node, has_role)
  local found = self.found
  if not service_operation(service, name) then
    found.unclear[#found.unclear + 1] = {
      place = self:place(node),
      message = ("there is no operation %s of a service %s"):format(name, service),
    }

    return
  end

  found.requests[#found.requests + 1] = {
    service = service,
    operation = name,
    input = input,
    role = has_role and { arn = "${RoleArn}" } or nil,
    place = self:place(node),
  }
end

-- { service = "s3", operation = "PutObject", input = { … } }
function Reading:request(node)
  local service, name = tree.item(node, "service"), tree.item(node, "operation")
  if not (service and name) then return end

  local service_text, name_text = text_of(service), text_of(name)
  if service_text and name_text then
    local input = tree.item(node, "input")
    local has_role = tree.item(node, "role") ~= nil
    return self:add(service_text, name_text, known_members(input and tree.strip(input)), node,
      has_role)
  end

  table.insert(self.found.unclear, {
    place = self:place(node),
    message = "which operation is called is not written here as a text",
  })
end

-- client("s3"), whatever the module is called here.
function Reading:client(node)
  local callee = tree.strip(node.callee)
  local name = callee.tag == "Index" and callee.key.tag == "String" and callee.key.value
    or callee.tag == "Name" and callee.name
  local service = name == "client" and text_of(node.args[1])
  if service and aws.service(service) then self.found.services[service] = true end
end

-- The methods of a client that take the operation's name.
local GENERAL = { call = true, pages = true, all = true }

-- client:put_object{…}, client:call("PutObject", {…})
function Reading:method(node)
  for _, service in ipairs(aws.services) do
    if self.found.services[service] then
      local first, input = text_of(node.args[1]), node.args[2]
      for name in pairs(aws.service(service).service.operations) do -- any order: one at most fits
        local by_name = node.name.name == operation.lua_name(name)
        if by_name then input = node.args[1] end
        if by_name or (first == name and GENERAL[node.name.name]) then
          self:add(service, name, known_members(input and tree.strip(input)), node)
          break
        end
      end
    end
  end
end

local read_file

function Reading:required(node)
  if tree.global(node.callee) ~= "require" then return end
  local name = text_of(node.args[1])
  if not name then return end

  local base = self.root .. "/" .. name:gsub("%.", "/")
  for _, path in ipairs { base .. ".lua", base .. "/init.lua" } do
    if files.stat(path) then return read_file(path, self.root, self.found) end
  end
end

function read_file(path, root, found)
  if found.seen[path] then return true end
  found.seen[path] = true
  local text, message = files.read(path, MAX_BYTES)
  if not text then return nil, message end

  local block, wrong = parser.parse(text)
  if not block then return nil, ("%s:%d: %s"):format(path, wrong.line, wrong.syntax) end
  scope.resolve(block)

  local nodes = tree.index(block)
  local reading = setmetatable({ path = path, root = root, found = found }, Reading)
  for _, node in ipairs(nodes.Call) do
    reading:client(node)
    reading:required(node)
  end

  for _, node in ipairs(nodes.Table) do reading:request(node) end
  for _, node in ipairs(nodes.Method) do reading:method(node) end

  return true
end

function source.read(path, root)
  local found = { requests = {}, unclear = {}, services = {}, seen = {} }
  local ok, message = read_file(path, root, found)
  if not ok then return nil, message end

  return found
end

return source
