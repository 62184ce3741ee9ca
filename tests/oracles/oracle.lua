-- Asks an independent implementation from npm: hands a script of this directory one JSON document
-- a line and gives back its answers, one a line.
local files = require("support.files")

local M = {}

-- An empty table is a list otherwise.
M.EMPTY_MAP = {}

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\" }

-- JSON of strings, numbers, booleans, lists and maps, written here so that no module under test
-- has a part in the question.
function M.json(value)
  local kind = math.type(value) or type(value)
  if kind == "string" then
    return '"' .. value:gsub('[%c"\\\127]', function(c)
      return escapes[c] or ("\\u%04x"):format(c:byte())
    end) .. '"'
  elseif kind == "float" then
    return ("%.17g"):format(value)
  elseif value == M.EMPTY_MAP then
    return "{}"
  elseif kind == "table" then
    local parts = {}
    if #value > 0 or next(value) == nil then
      for i, element in ipairs(value) do parts[i] = M.json(element) end
      return "[" .. table.concat(parts, ",") .. "]"
    end

    for name, member in pairs(value) do
      parts[#parts + 1] = M.json(name) .. ":" .. M.json(member)
    end

    return "{" .. table.concat(parts, ",") .. "}"
  end

  return tostring(value)
end

function M.ask(script, questions)
  local lines = {}
  for i, question in ipairs(questions) do
    lines[i] = (type(question) == "string" and question or M.json(question)) .. "\n"
  end

  local path = files.write(os.tmpname(), table.concat(lines))
  local pipe = assert(io.popen(("node tests/oracles/%s <%s"):format(script, path)))
  local answers = {}
  for line in pipe:lines() do answers[#answers + 1] = line end
  local ok = pipe:close()
  os.remove(path)
  assert(ok, script .. " failed: is tests/node_modules there? ./dev test installs it")
  assert(#answers == #questions, ("%s answered %d of %d questions"):format(script, #answers,
    #questions))
  return answers
end

return M
