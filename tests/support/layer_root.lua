-- A root directory with nothing in it but a built layer at /opt, as in Lambda but emptier: no
-- libraries, no /proc, no /dev, no shell. Programs run there through chroot, so as root only.
--
--   local root = layer_root.new("x86_64")       layer_root.missing("x86_64") says why not
--   root:write("/etc/resolv.conf", "…")         also copy, read, delete
--   local result = root:run { "decide", "routing", "-e", "/facts.json", env = { NAME = "value" } }
--   result.status, result.stdout, result.stderr
--   root:command("/opt/bootstrap")  the words that run a program in there
--   root:remove()
--
-- The program is `bootstrap` under the name `weir`: by the former it would serve the Runtime API.
-- That of the other architecture runs on qemu, copied into the root.
local files = require "support.files"

local layer_root = {}
layer_root.__index = layer_root

local EMULATORS = { arm64 = "/usr/bin/qemu-aarch64-static", x86_64 = "/usr/bin/qemu-x86_64-static" }

local function output(command)
  local pipe = assert(io.popen(command, "r"))
  local text = pipe:read("a")
  pipe:close()

  return text
end

local machine = output("uname -m"):match("%S+"):gsub("aarch64", "arm64")
layer_root.machine = machine

local function shell(format, ...)
  local words = { ... }
  for i, word in ipairs(words) do words[i] = files.quote(word) end
  local command = format:format(table.unpack(words))
  assert(os.execute(command), command)
end

function layer_root.zip(architecture)
  return "build/layer/weir-layer-" .. architecture .. ".zip"
end

-- Why this layer cannot be tested here; nil when it can.
function layer_root.missing(architecture)
  if not files.exists(layer_root.zip(architecture)) then
    return "the layer is not built; run ./dev test-layer"
  end

  if output("id -u"):match("%d+") ~= "0" then return "chroot needs root" end
end

function layer_root.new(architecture)
  local self = setmetatable({ path = files.directory() }, layer_root)
  shell("unzip -q %s -d %s", layer_root.zip(architecture), self.path .. "/opt")
  shell("ln %s %s", self.path .. "/opt/bootstrap", self.path .. "/opt/weir")
  if architecture ~= machine then
    shell("cp %s %s", EMULATORS[architecture], self.path .. "/emulator")
    self.emulated = true
  end

  return self
end

function layer_root:write(name, text)
  files.write(self.path .. name, text)
end

function layer_root:copy(from, name)
  shell("mkdir -p %s && cp -r %s %s", (self.path .. name):match("^(.*)/"), from, self.path .. name)
end

function layer_root:read(name) return files.read(self.path .. name) end

function layer_root:delete(name) shell("rm -rf %s", self.path .. name) end

function layer_root:command(program)
  local words = { "/usr/sbin/chroot", self.path }
  if self.emulated then words[#words + 1] = "/emulator" end
  words[#words + 1] = program

  return words
end

-- given.env is the whole environment.
function layer_root:run(given)
  local words = { "env", "-i" }
  for name, value in pairs(given.env or {}) do
    words[#words + 1] = files.quote(name .. "=" .. value)
  end

  for _, list in ipairs { self:command("/opt/weir"), given } do
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

function layer_root:remove() files.remove(self.path) end

return layer_root
