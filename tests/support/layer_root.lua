-- An empty root (support.empty_root) with a built layer at /opt, as in Lambda but emptier.
--
--   local root = layer_root.new("x86_64")       layer_root.missing("x86_64") says why not
--   layer_root.zip("x86_64")                    where the layer is built; layer_root.machine
--
-- The program is `bootstrap` under the name `weir`: by the former it would serve the Runtime API.
local empty_root = require "support.empty_root"
local files = require "support.files"

local layer_root = { machine = empty_root.machine }

function layer_root.zip(architecture)
  return "build/layer/weir-layer-" .. architecture .. ".zip"
end

-- Why this layer cannot be tested here; nil when it can.
function layer_root.missing(architecture)
  if not files.exists(layer_root.zip(architecture)) then
    return "the layer is not built; run ./dev test-layer"
  end

  return empty_root.missing(architecture)
end

function layer_root.new(architecture)
  local root = empty_root.new(architecture, "/opt/weir")
  empty_root.shell("unzip -q %s -d %s", layer_root.zip(architecture), root.path .. "/opt")
  empty_root.shell("ln %s %s", root.path .. "/opt/bootstrap", root.path .. "/opt/weir")

  return root
end

return layer_root
