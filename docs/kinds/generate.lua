-- weir lua docs/kinds/generate.lua: writes the reference pages of all kinds, from the root of the
-- repository. Run it after editing lua/weir/kinds/ and building.
for _, page in ipairs(require("weir.kinds.reference").pages()) do
  local file = assert(io.open(page.path, "wb"))
  assert(file:write(page.text))
  assert(file:close())
end
