-- weir version: what this program is made of, so that two machines can be compared.
local build = require "weir.build"
local json = require "weir.json"

-- The chart library of the pages is text inside the program; the layer has no pages.
local function with_pages(about)
  local found = package.searchers[2]("weir.page.assets")
  if type(found) ~= "function" then return about end
  local version = require("weir.page.assets").dygraphs.version
  about.libraries[#about.libraries + 1] = { name = "dygraphs", version = version }

  return about
end

local function print_text(out, about)
  out:printf("weir %s", about.version)
  out:printf("Lua %s: Debian's lua5.4 %s, patched (%s)", about.lua.version, about.lua.package,
    table.concat(about.lua.patches, ", "))

  -- curl tells what it is made of itself, its TLS library first.
  local libraries = {}
  for i, library in ipairs(about.libraries) do
    libraries[i] = library.name .. " " .. library.version:match("^%S+ ?%S*")
  end

  out:printf("with %s", table.concat(libraries, ", "))
  out:printf("built by %s for %s", about.compiler, about.architecture)
  out:printf("build %s, the same on every processor", about.id)
end

return {
  name = "version",
  summary = "tell the versions of weir, its Lua and its libraries",
  description = {
    [[Policies run on weir's own Lua: Debian's source package with patches that make decisions the
      same in every process and on every machine. The development build and the layer have the
      same.]],
  },
  options = { { long = "json", doc = "print one JSON object" } },
  exits = { { 0, "fine" } },
  examples = {
    { "weir version", "the versions, for people" },
    { "weir version --json", "the same, for programs" },
  },
  run = function(given, screen)
    local about = with_pages(build.describe())
    if given.json then
      screen.out:print(json.encode(about))
    else
      print_text(screen.out, about)
    end

    return 0
  end,
}
