-- The small policies that the finding pages show: a routing policy around some lines of decide.

local example = {}

-- Lines of a text, each after the indent.
local function indented(text, indent)
  return (text:gsub("([^\n]+)", indent .. "%1"))
end

-- A complete routing policy. decide holds its lines; params, when given, those of its parameters.
function example.routing(decide, params)
  local parts = { 'return policy {\n  kind = "routing",\n' }
  if params then parts[#parts + 1] = "  params = {\n" .. indented(params, "    ") .. "\n  },\n" end
  parts[#parts + 1] = "  decide = function(facts" .. (params and ", params" or "") .. ")\n"
  parts[#parts + 1] = indented(decide, "    ") .. "\n  end,\n}\n"
  return table.concat(parts)
end

return example
