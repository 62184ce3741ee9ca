-- Which handler _HANDLER names: one of weir's own ("routing", or "routing.handler" where a tool insists
-- on a dot and the package has no such file), or FILE.METHOD of the function's package. FILE.lua stands
-- in LAMBDA_TASK_ROOT and returns a table whose METHOD is
--
--   function(event, ask, effects) → result | nil, message, code
--
-- as the handlers of lua/weir/handlers/ have it. A result that is a function is a streamed response: it
-- is called with write(text) for each part.
local files = require "weir.files"
local handlers = require "weir.handlers"

local handler = {}

local function own(name)
  local found = name and handlers.find(name)
  return found and { name = name, asks = found.asks, run = found.run }
end

-- "routing.handler", unless the package has a routing.lua.
local function own_with_dot(name, root)
  local plain = name:match("^([%w_]+)%.handler$")
  if plain and not (root and files.stat(("%s/%s.lua"):format(root, plain))) then return own(plain) end
end

local function from_package(root, file, method, spelled)
  local path = ("%s/%s.lua"):format(root, file:gsub("%.", "/"))
  local chunk, message = loadfile(path, "t")
  if not chunk then return nil, ("_HANDLER is '%s': %s"):format(spelled, message), "Runtime.NoSuchHandler" end
  package.path = root .. "/?.lua;" .. root .. "/?/init.lua"
  package.cpath = ""
  local module = chunk(file)
  if type(module) ~= "table" or type(module[method]) ~= "function" then
    return nil, ("_HANDLER is '%s', and %s returns no table with a function '%s'"):format(spelled, path, method),
      "Runtime.NoSuchHandler"
  end
  return { name = spelled, run = module[method], from_package = true }
end

-- find(name, root) → { name =, run =, asks = kind?, from_package = true? } | nil, message, code.
-- Raises what the file raises.
function handler.find(name, root)
  if not name or name == "" then
    return nil, "_HANDLER is not set; handlers are: " .. table.concat(handlers.names, ", "), "Runtime.NoSuchHandler"
  end
  local found = own(name) or own_with_dot(name, root)
  if found then return found end
  local file, method = name:match("^([%w_%-/%.]+)%.([%a_][%w_]*)$")
  if file and root and not file:find("..", 1, true) then return from_package(root, file, method, name) end
  local close = require("weir.suggest")(name, handlers.names)
  return nil, ("_HANDLER names no handler: '%s'; %s"):format(name, close and ("did you mean '%s'?"):format(close)
    or "handlers are: " .. table.concat(handlers.names, ", ") .. ", or FILE.METHOD of the function's package"),
    "Runtime.NoSuchHandler"
end

return handler
