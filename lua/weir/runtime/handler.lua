-- Which handler _HANDLER names: one of weir's own ("routing", or "routing.handler" where a tool
-- insists on a dot and the package has no such file), or FILE.METHOD of the function's package.
-- FILE.lua stands in LAMBDA_TASK_ROOT and returns a table whose METHOD is
--
--   function(event, ask, effects) → result | nil, message, code
--
-- as the handlers of lua/weir/handlers/ have it; METHOD_example, where it is there, is an event for
-- `weir run --example`. A result that is a function is a streamed
-- response: it is called with write(text) for each part.
local files = require "weir.files"
local handlers = require "weir.handlers"

local handler = {}

local NO_SUCH_HANDLER = "Runtime.NoSuchHandler"

local function own(name)
  local found = name and handlers.find(name)
  return found and { name = name, asks = found.asks, run = found.run }
end

-- "routing.handler", unless the package has a routing.lua.
local function own_with_dot(name, root)
  local plain = name:match("^([%w_]+)%.handler$")
  if not plain then return nil end
  if root and files.stat(("%s/%s.lua"):format(root, plain)) then return nil end

  return own(plain)
end

-- The file and its method, not yet run: → { name =, path =, chunk =, method = } | nil, message
local function in_package(root, file, method, name)
  local path = ("%s/%s.lua"):format(root, file:gsub("%.", "/"))
  local chunk, message = loadfile(path, "t")
  if not chunk then return nil, message end

  return { name = name, path = path, file = file, chunk = chunk, method = method, root = root }
end

local function unknown(name)
  local close = require("weir.suggest")(name, handlers.names)
  if close then return ("there is no handler '%s'; did you mean '%s'?"):format(name, close) end
  return ("there is no handler '%s'; handlers are: %s, or FILE.METHOD of the function's package")
    :format(name, table.concat(handlers.names, ", "))
end

-- locate(name, root) → a handler of weir's own, as find answers, or a file of the package whose Lua
-- is well-formed and was not run; or nil, message.
function handler.locate(name, root)
  local found = own(name) or own_with_dot(name, root)
  if found then return found end

  local file, method = name:match("^([%w_%-/%.]+)%.([%a_][%w_]*)$")
  if file and root and not file:find("..", 1, true) then
    return in_package(root, file, method, name)
  end

  return nil, unknown(name)
end

local function run_package(located)
  package.path = located.root .. "/?.lua;" .. located.root .. "/?/init.lua"
  package.cpath = ""
  local module = located.chunk(located.file)
  if type(module) == "table" and type(module[located.method]) == "function" then
    return {
      name = located.name,
      run = module[located.method],
      example = module[located.method .. "_example"],
      from_package = true,
    }
  end

  return nil, ("_HANDLER is '%s', and %s does not return a table with a function '%s'")
    :format(located.name, located.path, located.method), NO_SUCH_HANDLER
end

-- find(name, root) → { name =, run =, asks = kind?, from_package = true?, example = } | nil,
-- message, code.
-- Raises what the file raises.
function handler.find(name, root)
  if not name or name == "" then
    return nil, "_HANDLER is not set; handlers are: " .. table.concat(handlers.names, ", "),
      NO_SUCH_HANDLER
  end

  local found, message = handler.locate(name, root)
  if not found then return nil, ("_HANDLER is '%s': %s"):format(name, message), NO_SUCH_HANDLER end
  if found.run then return found end
  return run_package(found)
end

return handler
