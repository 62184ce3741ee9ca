-- The bill of materials of the layer or of a package, in CycloneDX form, on standard output: what
-- is inside, from which Debian package, under which licence, built with what. It holds no time and
-- no serial number: the same inputs give the same bytes.
--   weir lua deploy/bom.lua LAYER_DIRECTORY LUA_DIRECTORY ARCHITECTURE WEIR_VERSION COMPILER
--     [MAP INSTALLED_DIRECTORY]
-- MAP is the linker's, of a package's program: its libraries are the parts, and one that is unknown
-- here is an error. INSTALLED_DIRECTORY has what deploy/package/build.sh noted of this machine's
-- files.
local json = require("weir.json")

local layer, lua, architecture, version, compiler, map, installed = table.unpack(arg)
assert(compiler, "expected bom.lua LAYER_DIRECTORY LUA_DIRECTORY ARCHITECTURE WEIR_VERSION "
  .. "COMPILER [MAP INSTALLED_DIRECTORY]")

-- Which file of downloads/ stands for the part: upstream's archive, or Debian's package.
local ORIGINAL, PACKAGE = "%.orig%.tar%.%w+$", "%.deb$"

local musl = "musl-dev:" .. (architecture == "arm64" and "arm64" or "amd64")

-- library: the archive that is linked; a part without one is a file beside the program, or in it.
local PARTS = {
  { name = "ca-certificates", package = "ca-certificates", licence = "MPL-2.0", file = PACKAGE },
  { name = "curl", package = "curl", licence = "curl", file = ORIGINAL, library = "libcurl.a" },
  { name = "expat", package = "expat", licence = "MIT", file = ORIGINAL, library = "libexpat.a" },
  {
    name = "lua",
    package = "lua5.4",
    licence = "MIT",
    file = ORIGINAL,
    directory = lua,
    library = "libweir_lua.a",
  },
  {
    name = "mbedtls",
    package = "mbedtls",
    licence = "Apache-2.0",
    file = ORIGINAL,
    library = "libmbedcrypto.a",
  },
  {
    name = "musl",
    package = musl,
    source = "musl",
    licence = "MIT",
    file = PACKAGE,
    library = "libc.a",
  },
  { name = "zlib", package = "zlib", licence = "Zlib", file = ORIGINAL, library = "libz.a" },
}

-- Those of a package only. What this machine has installed is in the form of a download.
local PARTS_OF_PACKAGES = {
  {
    name = "dygraphs",
    package = "dygraphs",
    licence = "MIT",
    file = "%.js$",
    directory = installed,
  },
  {
    name = "libgcc",
    package = "libgcc",
    expression = "GPL-3.0-or-later WITH GCC-exception-3.1",
    file = "%.a$",
    directory = installed,
    library = "libgcc.a",
  },
  {
    name = "libmicrohttpd",
    package = "libmicrohttpd",
    expression = "LGPL-2.1-or-later OR eCos-2.0",
    file = ORIGINAL,
    library = "libmicrohttpd.a",
  },
}

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("a")
  file:close()

  return text
end

-- A file that fetch.sh left beside what it downloaded for the part.
local function download(part, name)
  return read(("%s/downloads/%s/%s"):format(part.directory or layer, part.package, name))
end

-- The name and the sum of the part's file, from what fetch.sh noted when apt had checked it.
local function archive(part)
  for sum, name in download(part, "SHA256SUMS"):gmatch("(%x+)  ([^\n]+)\n") do
    if name:find(part.file) then return name, sum end
  end

  error("no archive of " .. part.package .. " among the downloads")
end

local function property(name, value)
  return { name = "weir:" .. name, value = value }
end

-- The names of our own patches to Lua, which fetch.sh noted when it applied them.
local function patches()
  local names = {}
  for name in read(lua .. "/patched/STAMP"):gmatch("([^%s]+)%.patch") do
    names[#names + 1] = name
  end

  return table.concat(names, " ")
end

-- The name of Debian's package of a file that this machine has installed, as build.sh noted it.
local function package_of(part)
  local is_installed = installed and part.directory == installed
  return is_installed and download(part, "PACKAGE"):match("[^\n]+") or part.source or part.package
end

local function component(part)
  local debian = download(part, "VERSION"):match("[^\n]+")
  local source = package_of(part)
  local name, sum = archive(part)
  local properties = { property("source-package", source), property("archive", name) }
  if part.package == "lua5.4" then properties[3] = property("patches", patches()) end

  return {
    type = "library",
    name = part.name,
    version = debian,
    purl = "pkg:deb/debian/" .. source .. "@" .. debian:gsub("[^%w.~-]", function(c)
      return ("%%%02X"):format(c:byte())
    end) .. (part.file == ORIGINAL and "?arch=source" or ""),
    hashes = { { alg = "SHA-256", content = sum } },
    licenses = { part.licence and { license = { id = part.licence } }
      or { expression = part.expression } },
    properties = properties,
  }
end

-- The names of the archives that the linker took something from, but for weir's own.
local function linked_libraries()
  local linked = {}
  for library in read(map):gmatch("([%w_.-]+%.a)%(") do
    local is_ours = library:find("^libweir_") and library ~= "libweir_lua.a"
    if not is_ours then linked[library] = true end
  end

  assert(next(linked), map .. " names no library") -- any order: only whether there is one
  return linked
end

-- What the linker's map says, in order; an archive that no part stands for is not passed over.
local function linked_parts()
  local linked, parts = linked_libraries(), table.move(PARTS, 1, #PARTS, 1, {})
  table.move(PARTS_OF_PACKAGES, 1, #PARTS_OF_PACKAGES, #parts + 1, parts)
  table.sort(parts, function(a, b) return a.name < b.name end)

  local chosen = {}
  for _, part in ipairs(parts) do
    if not part.library or linked[part.library] then chosen[#chosen + 1] = part end
    if part.library then linked[part.library] = nil end
  end

  local unknown = next(linked) -- any order: one is named
  if unknown then error(unknown .. " is linked, and not in the bill of materials") end
  return chosen
end

local components = {}
for i, part in ipairs(map and linked_parts() or PARTS) do components[i] = component(part) end

local bom = {
  bomFormat = "CycloneDX",
  specVersion = "1.5",
  version = 1,
  metadata = {
    component = {
      type = "application", name = "weir", version = version,
      properties = { property("architecture", architecture) },
    },
    tools = { components = { { type = "application", name = "gcc", version = compiler } } },
  },
  components = components,
}
print(json.encode(bom, { indent = 2 }))
