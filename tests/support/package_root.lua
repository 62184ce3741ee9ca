-- An empty root (support.empty_root) with a package of the command-line program installed in it.
--
--   local root = package_root.new("tarball", "x86_64")      or "debian"
--   package_root.missing("tarball", "x86_64")   why it cannot be tested here; nil when it can
--   root.prefix                                 "/usr/local" or "/usr"
--   package_root.file("debian", "arm64")        where the package is built
--   package_root.dpkg(root, "--remove weir")    dpkg on that root
local empty_root = require "support.empty_root"
local files = require "support.files"

local package_root = { machine = empty_root.machine }

local PREFIXES = { tarball = "/usr/local", debian = "/usr" }
local DEBIAN = { x86_64 = "amd64", arm64 = "arm64" }

function package_root.file(form, architecture)
  local pattern = form == "tarball" and ("build/package/weir-*-%s.tar.gz"):format(architecture)
    or ("build/package/weir_*_%s.deb"):format(DEBIAN[architecture])
  local pipe <close> = assert(io.popen("ls -d " .. pattern .. " 2>/dev/null", "r"))

  return pipe:read("l")
end

-- Why this package cannot be tested here; nil when it can.
function package_root.missing(form, architecture)
  if not package_root.file(form, architecture) then
    return "the package is not built; run ./dev test-package"
  end

  return empty_root.missing(architecture)
end

function package_root.dpkg(root, words)
  empty_root.shell("PATH=/usr/sbin:/usr/bin:/sbin:/bin dpkg --root=%s " .. words .. " >/dev/null",
    root.path)
end

local function install_tarball(root, architecture)
  empty_root.shell("mkdir -p %s", root.path .. root.prefix)
  empty_root.shell("tar -xzf %s --strip-components=1 -C %s",
    package_root.file("tarball", architecture), root.path .. root.prefix)
end

-- Into a root that has a database of packages, and nothing in it.
local function install_debian(root, architecture)
  root:write("/var/lib/dpkg/status", "")
  empty_root.shell("mkdir -p %s/info %s/updates", root.path .. "/var/lib/dpkg",
    root.path .. "/var/lib/dpkg")
  if architecture ~= empty_root.machine then
    package_root.dpkg(root, "--add-architecture " .. DEBIAN[architecture])
  end

  package_root.dpkg(root, "--install "
    .. files.quote(package_root.file("debian", architecture)))
end

function package_root.new(form, architecture)
  local prefix = PREFIXES[form]
  local root = empty_root.new(architecture, prefix .. "/bin/weir")
  root.prefix = prefix
  if form == "tarball" then
    install_tarball(root, architecture)
  else
    install_debian(root, architecture)
  end

  return root
end

return package_root
