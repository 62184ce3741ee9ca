-- A root directory with nothing in it but what a spec puts there: no libraries, no /proc, no /dev,
-- no shell. Programs run there through chroot, so as root only.
--
--   local root = empty_root.new("arm64", "/usr/bin/weir")   the program that root:run starts
--   empty_root.missing("arm64")     why such a program cannot run here; nil when it can
--   root:write("/etc/resolv.conf", "…")         also copy, read, delete, list
--   local result = root:run { "decide", "routing", "-e", "/facts.json", env = { NAME = "value" } }
--   result.status, result.stdout, result.stderr
--   root:command("/usr/bin/weir")   the words that run a program in there
--   root:remove()
--
-- A program of the other architecture runs on qemu, copied into the root.
local files = require "support.files"


local empty_root = {}
empty_root.__index = empty_root

local EMULATORS = { arm64 = "/usr/bin/qemu-aarch64-static", x86_64 = "/usr/bin/qemu-x86_64-static" }

local function output(command)
  local pipe = assert(io.popen(command, "r"))
  local text = pipe:read("a")
  pipe:close()

  return text
end

local machine = output("uname -m"):match("%S+"):gsub("aarch64", "arm64")
empty_root.machine = machine

local function shell(format, ...)
  local words = { ... }
  for i, word in ipairs(words) do words[i] = files.quote(word) end
  local command = format:format(table.unpack(words))
  assert(os.execute(command), command)
end

-- Runs a command of this machine's shell; each %s is a word.
empty_root.shell = shell

function empty_root.missing(architecture)
  if output("id -u"):match("%d+") ~= "0" then return "chroot needs root" end
  if architecture == machine or files.exists(EMULATORS[architecture]) then return nil end
  return "the other processor needs qemu-user-static"
end

function empty_root.new(architecture, program)
  local self = setmetatable({ path = files.directory(), program = program }, empty_root)
  if architecture ~= machine then
    shell("cp %s %s", EMULATORS[architecture], self.path .. "/emulator")
    self.emulated = true
  end

  return self
end

-- The files below it, in order, but for the emulator.
function empty_root:list()
  local found = output(("cd %s && find . -type f ! -path ./emulator | sort"):format(
    files.quote(self.path)))
  local names = {}
  for name in found:gmatch("%.([^\n]+)") do names[#names + 1] = name end

  return names
end

function empty_root:write(name, text)
  files.write(self.path .. name, text)
end

function empty_root:copy(from, name)
  shell("mkdir -p %s && cp -r %s %s", (self.path .. name):match("^(.*)/"), from, self.path .. name)
end

function empty_root:read(name) return files.read(self.path .. name) end

function empty_root:delete(name) shell("rm -rf %s", self.path .. name) end

function empty_root:command(program)
  local words = { "/usr/sbin/chroot", self.path }
  if self.emulated then words[#words + 1] = "/emulator" end
  words[#words + 1] = program

  return words
end

-- given.env is the whole environment.
function empty_root:run(given)
  local words = { "env", "-i" }
  for name, value in pairs(given.env or {}) do
    words[#words + 1] = files.quote(name .. "=" .. value)
  end

  for _, list in ipairs { self:command(self.program), given } do
    for _, word in ipairs(list) do words[#words + 1] = files.quote(word) end
  end

  local out, err, input = os.tmpname(), os.tmpname(), os.tmpname()
  files.write(input, given.stdin or "")
  local _, how, status = os.execute(("%s <%s >%s 2>%s"):format(table.concat(words, " "), input, out,
    err))
  local result = { status = how == "exit" and status or 128 + status }
  for name, path in pairs { stdout = out, stderr = err, input = input } do
    result[name] = files.read(path)
    os.remove(path)
  end

  return result
end

function empty_root:remove() files.remove(self.path) end

return empty_root
