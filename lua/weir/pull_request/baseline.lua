-- Known findings that a set is accepted with: a file of them, which `weir check --write-baseline`
-- writes and `--baseline` reads. New ones are still reported.
--
-- A finding is known by its file inside the set, its code and its message, not by its line, which
-- every edit above it moves. Only what reading the source finds can be accepted.
local files = require "weir.files"
local json = require "weir.json"

local baseline = {}

local SCHEMA = "weir.baseline/1"
local LIMIT = 16 * 1024 * 1024

local function is_acceptable(finding) return finding.code:find("^W[12]") ~= nil end

-- The file inside the set: the same from wherever the set is checked.
local function inside(directory, file)
  local prefix = directory == "/" and "/" or directory .. "/"
  return file:sub(1, #prefix) == prefix and file:sub(#prefix + 1) or file
end

local function key_of(file, code, message) return table.concat({ file, code, message }, "\0") end

-- Takes what can be accepted out of a list; → those.
function baseline.acceptable(list)
  local kept, accepted = {}, {}
  for _, finding in ipairs(list) do
    table.insert(is_acceptable(finding) and accepted or kept, finding)
  end

  for i = 1, #list do list[i] = kept[i] end

  return accepted
end

-- text(list) → a baseline of findings, each as { directory =, finding = }; and how many they are.
function baseline.text(list)
  local entries, by_key = json.array({}), {}
  for _, each in ipairs(list) do
    local finding = each.finding
    local file = inside(each.directory, finding.file)
    local key = key_of(file, finding.code, finding.message)

    if by_key[key] then
      by_key[key].count = by_key[key].count + 1
    else
      local entry = { file = file, code = finding.code, message = finding.message, count = 1 }
      by_key[key] = entry
      entries[#entries + 1] = entry
    end
  end

  return json.encode({ schema = SCHEMA, findings = entries }, { indent = 2 }) .. "\n", #list
end

local function is_entry(entry)
  return type(entry) == "table" and type(entry.file) == "string" and type(entry.code) == "string"
    and type(entry.message) == "string" and math.type(entry.count) == "integer" and entry.count > 0
end

local Baseline = {}
Baseline.__index = Baseline

-- read(path) → baseline | nil, message, code
function baseline.read(path)
  local text, message, code = files.read(path, LIMIT)
  if not text then return nil, message, code end
  local value, why = json.decode(text)
  if value == nil then return nil, ("%s: %s"):format(path, why), "InvalidBaseline" end
  local list = type(value) == "table" and value.schema == SCHEMA and value.findings
  if type(list) ~= "table" then
    return nil, ("%s is not a baseline: it has no schema %s"):format(path, SCHEMA),
      "InvalidBaseline"
  end

  local left = {}
  for i, entry in ipairs(list) do
    if not is_entry(entry) or not is_acceptable(entry) then
      return nil, ("%s: findings[%d] is not a finding that can be accepted"):format(path, i),
        "InvalidBaseline"
    end

    local key = key_of(entry.file, entry.code, entry.message)
    left[key] = (left[key] or 0) + entry.count
  end

  return setmetatable({ left = left }, Baseline)
end

-- Takes the known ones out of the list of a set; → those.
function Baseline:accept(directory, list)
  local kept, known = {}, {}
  for _, finding in ipairs(list) do
    local key = key_of(inside(directory, finding.file), finding.code, finding.message)
    local left = self.left[key] or 0
    if left > 0 then
      self.left[key] = left - 1
      known[#known + 1] = finding
    else
      kept[#kept + 1] = finding
    end
  end

  for i = 1, #list do list[i] = kept[i] end

  return known
end

-- How many accepted findings are gone: the file can be written again.
function Baseline:gone()
  local count = 0
  for _, left in pairs(self.left) do count = count + left end -- any order: adds up
  return count
end

return baseline
