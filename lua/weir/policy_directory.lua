-- Which policy directory is meant when none is named: the caller's own, else the one that came with
-- the program, beside it as in a Lambda layer, or PREFIX/share/weir/policies for a program in
-- PREFIX/bin.
local files = require "weir.files"
local process = require "weir.process"

local policy_directory = {}

-- A directory, or one file: a bundle that is called as the directory would be.
local function is_policy_set(path)
  local status = files.stat(path)
  return status ~= nil and (status.type == "directory" or status.type == "file")
end

-- find(own) → path | nil, message, "NoPolicySet". own may be nil.
function policy_directory.find(own)
  local candidates = { own }
  local beside = (process.executable() or ""):match("^(.*)/[^/]*$")
  if beside then
    candidates[#candidates + 1] = beside .. "/policies"
    candidates[#candidates + 1] = (beside:match("^(.*)/[^/]*$") or "") .. "/share/weir/policies"
  end

  for _, path in ipairs(candidates) do
    if is_policy_set(path) then return path end
  end

  return nil, "there is no policy set: none of " .. table.concat(candidates, ", ")
    .. " is a directory", "NoPolicySet"
end

return policy_directory
