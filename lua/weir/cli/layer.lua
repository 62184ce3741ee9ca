-- A layer on this machine: a directory that holds `bootstrap`, or the zip that is published,
-- unpacked for as long as it is used.
local command = require "weir.command"
local files = require "weir.files"
local terminal = require "weir.cli.terminal"

local layer = {}

local UNPACKED_LIMIT = 262144000 -- Lambda's, for code and layers together
local LISTING_LIMIT = 16 * 1024 * 1024
local UNZIP_MS = 120000

local function output_of(argv, limit)
  local result, message = command.run {
    argv = argv,
    timeout_ms = UNZIP_MS,
    max_output_bytes = limit or 65536,
  }

  if not result then return nil, message end
  if result.exit_status ~= 0 then
    return nil, ("%s ended with status %d"):format(argv[1], result.exit_status)
  end

  return result.output
end

-- unzip strips paths that would leave the directory; a layer that has such paths is refused.
local function leaves(name)
  if name:sub(1, 1) == "/" or name:find("\\", 1, true) then return true end
  return ("/" .. name .. "/"):find("/../", 1, true)
end

local function check_entries(path)
  local listing, message = output_of({ "unzip", "-Z1", path }, LISTING_LIMIT)
  if not listing then
    return nil, ("%s is not a zip that can be read (%s)"):format(path, message)
  end

  for name in listing:gmatch("[^\n]+") do
    if leaves(name) then
      return nil, ("%s holds '%s', which leaves the layer's directory"):format(path,
        terminal.printable(name))
    end
  end

  local totals = output_of { "unzip", "-Zt", path }
  local bytes = totals and tonumber(totals:match("(%d+) bytes uncompressed"))
  if not bytes then return nil, ("%s does not say how large it is"):format(path) end
  if bytes > UNPACKED_LIMIT then
    return nil, ("%s unpacks to %s; Lambda's limit is %s"):format(path, terminal.bytes(bytes),
      terminal.bytes(UNPACKED_LIMIT))
  end

  return true
end

local function remove(directory) command.run { argv = { "rm", "-rf", "--", directory } } end

local function unpack_zip(path)
  local ok, problem = check_entries(path)
  if not ok then return nil, problem end
  local directory, message = output_of { "mktemp", "-d", "--tmpdir", "weir-layer.XXXXXXXX" }
  if not directory then return nil, "cannot make a temporary directory: " .. message end
  directory = directory:gsub("\n$", "")
  ok, problem = output_of { "unzip", "-q", "-o", path, "-d", directory }
  if not ok then
    remove(directory)
    return nil, ("%s cannot be unpacked: %s"):format(path, problem)
  end

  return directory
end

-- What Lambda would refuse with Runtime.InvalidEntrypoint is said before anything starts.
local function check_bootstrap(directory)
  local bootstrap = directory .. "/bootstrap"
  local status = files.stat(bootstrap)
  if not status or status.type ~= "file" then
    return nil, directory .. " holds no file 'bootstrap'"
  end

  if not status.executable then
    return nil, bootstrap .. " is not executable; Lambda needs mode 0755"
  end

  return true
end

-- open(path) → { directory=, bootstrap= }, to be closed (<close>), or nil, message, code: what
-- the file system says, or NotALayer.
function layer.open(path)
  local absolute, problem, code = files.absolute(path)
  if not absolute then return nil, problem, code end
  local opened = setmetatable({ directory = absolute }, {
    __close = function(self)
      if self.temporary then remove(self.directory) end
    end,
  })

  if files.stat(absolute).type ~= "directory" then
    opened.directory, problem = unpack_zip(absolute)
    if not opened.directory then return nil, problem, "NotALayer" end
    opened.temporary = true
  end

  local ok
  ok, problem = check_bootstrap(opened.directory)
  if not ok then
    getmetatable(opened).__close(opened)
    return nil, problem, "NotALayer"
  end

  opened.bootstrap = opened.directory .. "/bootstrap"

  return opened
end

return layer
