-- Writing a whole file: whoever reads it meets the old one or the new one, never a part.
local files = require "weir.files"

local output_file = {}

local function write_to(path, text)
  local file, message = io.open(path, "wb")
  if not file then return nil, message end
  local ok
  ok, message = file:write(text)
  local closed, why = file:close()
  if ok and closed then return true end

  return nil, ("%s: %s"):format(path, message or why)
end

-- A pipe or a device is written to; no file takes its place.
local function is_special(path)
  local status = files.stat(path)
  return path:find("^/dev/") ~= nil or (status ~= nil and status.type == "other")
end

-- write(path, text) → true, or nil, message. Beside the target, then renamed; an older file is
-- replaced.
function output_file.write(path, text)
  if is_special(path) then return write_to(path, text) end
  local part = path .. ".part"
  local ok, message = write_to(part, text)
  if ok then
    ok, message = os.rename(part, path)
    message = message and ("%s: %s"):format(path, (message:gsub("^.*: ", "")))
  end

  if not ok then os.remove(part) end

  return ok, message
end

-- write_all(directory, list) → true, or nil, message. list: { path inside the directory, text };
-- directories that are missing are made.
function output_file.write_all(directory, list)
  for _, file in ipairs(list) do
    local path = directory .. "/" .. file[1]
    local ok, message = files.make_directory((path:match("^(.*)/")))
    if ok then ok, message = output_file.write(path, file[2]) end
    if not ok then return nil, message end
  end

  return true
end

return output_file
