-- The bill of materials of the layer, in CycloneDX form, on standard output: what is inside, from
-- which Debian package, under which licence, built with what. It holds no time and no serial
-- number: the same inputs give the same bytes.
--   weir lua deploy/layer/bom.lua LAYER_DIRECTORY LUA_DIRECTORY ARCHITECTURE WEIR_VERSION COMPILER
local json = require("weir.json")

local layer, lua, architecture, version, compiler = table.unpack(arg)
assert(compiler,
  "expected bom.lua LAYER_DIRECTORY LUA_DIRECTORY ARCHITECTURE WEIR_VERSION COMPILER")

-- Which file of downloads/ stands for the part: upstream's archive, or Debian's package.
local ORIGINAL, PACKAGE = "%.orig%.tar%.%w+$", "%.deb$"

local musl = "musl-dev:" .. (architecture == "arm64" and "arm64" or "amd64")

local PARTS = {
  { name = "ca-certificates", package = "ca-certificates", licence = "MPL-2.0", file = PACKAGE },
  { name = "curl", package = "curl", licence = "curl", file = ORIGINAL },
  { name = "expat", package = "expat", licence = "MIT", file = ORIGINAL },
  { name = "lua", package = "lua5.4", licence = "MIT", file = ORIGINAL, directory = lua },
  { name = "mbedtls", package = "mbedtls", licence = "Apache-2.0", file = ORIGINAL },
  { name = "musl", package = musl, source = "musl", licence = "MIT", file = PACKAGE },
  { name = "zlib", package = "zlib", licence = "Zlib", file = ORIGINAL },
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

local function component(part)
  local debian = download(part, "VERSION"):match("[^\n]+")
  local source = part.source or part.package
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
    licenses = { { license = { id = part.licence } } },
    properties = properties,
  }
end

local components = {}
for i, part in ipairs(PARTS) do components[i] = component(part) end

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
