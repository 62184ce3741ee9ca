-- Files, directories and the shell for specs, each in one way. A spec that makes directories calls
-- files.remove_all in its teardown, or files.remove for one of them.
local files = {}

local made = {}

-- One word of a shell command, whatever it holds.
function files.quote(text) return "'" .. tostring(text):gsub("'", "'\\''") .. "'" end

-- Runs a shell command that must succeed.
function files.shell(command)
  local ok, how, status = os.execute(command)
  if not ok then error(("%s %s: %s"):format(how, status, command), 2) end
end

-- What a shell command prints, as a list of lines. A command that fails, or prints nothing, is an
-- error: a loop over its lines would check nothing.
function files.lines_of(command)
  local pipe = assert(io.popen(command))
  local lines = {}
  for line in pipe:lines() do lines[#lines + 1] = line end
  local ok, how, status = pipe:close()
  if not ok then error(("%s %s: %s"):format(how, status, command), 2) end
  if #lines == 0 then error(command .. " prints nothing", 2) end

  return lines
end

-- The bytes of a file.
function files.read(path)
  local file = assert(io.open(path, "rb"))
  local text = assert(file:read("a"))
  file:close()

  return text
end

function files.exists(path)
  local file = io.open(path, "rb")
  return file ~= nil and file:close()
end

-- Writes a file, and the directories above it where they are missing; its path.
function files.write(path, text)
  local file = io.open(path, "wb")
  if not file then
    files.shell("mkdir -p " .. files.quote(path:match("^(.*)/") or "."))
    file = assert(io.open(path, "wb"))
  end

  assert(file:write(text))
  assert(file:close())

  return path
end

-- A new directory that holds these files: name → text.
function files.directory(contents)
  local path = os.tmpname()
  os.remove(path)
  files.shell("mkdir " .. files.quote(path))
  made[#made + 1] = path
  for name, text in pairs(contents or {}) do files.write(path .. "/" .. name, text) end

  return path
end

function files.remove(path) files.shell("rm -rf " .. files.quote(path)) end

-- Removes every directory of files.directory.
function files.remove_all()
  for _, path in ipairs(made) do files.remove(path) end
  made = {}
end

return files
