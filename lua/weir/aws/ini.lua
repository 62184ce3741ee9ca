-- AWS's shared configuration files: sections of `key = value`, with one level of nesting.
--
--   [profile a]
--   region = eu-west-1        # a comment must follow white space
--   s3 =
--     addressing_style = path → { s3 = { addressing_style = "path" } }
--
-- Messages name file and line and never quote a line: it may hold a secret.
local ini = {}

local SIZE_MAX = 1 << 20

local function fail(file, line, message)
  return nil, ("%s:%d: %s"):format(file, line, message), "InvalidConfiguration"
end

-- Without the white space at both ends. One pattern with "(.-)%s*$" would look at every run of spaces
-- once for each of its characters.
local function trim(text)
  local from = text:find("%S")
  return from and text:match(".*%S", from) or ""
end

-- "#" and ";" begin a comment at the start of a value or after white space.
local function without_comment(value)
  if value:find("^[#;]") then return "" end
  local from = value:find("%s[#;]")
  return trim(from and value:sub(1, from - 1) or value)
end

-- The name between the brackets, quotes removed: `profile "a b"` and `profile a b` are the same.
local function section_name(line)
  local inside, rest = line:match("^%[([^%]]*)%](.*)$")
  if not inside then return nil end
  inside, rest = trim(inside), trim(rest)
  if rest ~= "" and not rest:find("^[#;]") then return nil end
  local kind, name = inside:match("^(%S+)%s+(.+)$")
  if not kind then return inside ~= "" and (inside:match('^"(.-)"$') or inside) or nil end
  return kind .. " " .. (name:match('^"(.*)"$') or name:match("^'(.*)'$") or name)
end

local function split_pair(line)
  local key, value = line:match("^([^=]*)=(.*)$")
  key = key and trim(key)
  if not key or key == "" or key:find("%s") then return nil end
  return key:lower(), without_comment(trim(value))
end

local Reader = {}
Reader.__index = Reader

function Reader:open_section(line)
  local name = section_name(line)
  if not name then return "a section must read [name]" end
  self.sections[name] = self.sections[name] or {}
  self.section, self.parent = self.sections[name], nil
end

-- An indented line belongs to the key above it, which then holds a table instead of a text.
function Reader:add_nested(line)
  local key, value = split_pair(line)
  if not key then return "an indented line must read key = value" end
  if type(self.section[self.parent]) ~= "table" then
    if self.section[self.parent] ~= "" then return "an indented line follows a key that has a value" end
    self.section[self.parent] = {}
  end
  self.section[self.parent][key] = value
end

function Reader:add_pair(line)
  local key, value = split_pair(line)
  if not key then return "a line must read key = value" end
  self.section[key], self.parent = value, key
end

function Reader:add_line(line)
  local content = trim(line)
  if content == "" or content:find("^[#;]") then return end
  if content:find("^%[") and not line:find("^%s") then return self:open_section(content) end
  if not self.section then return "a key stands before the first section" end
  if line:find("^%s") and self.parent then return self:add_nested(content) end
  return self:add_pair(content)
end

-- parse(text, file) → { [section] = { [key] = value } } | nil, message, "InvalidConfiguration".
-- A section that appears twice is one section; of a repeated key the last value counts.
function ini.parse(text, file)
  if #text > SIZE_MAX then return fail(file, 1, "the file is larger than 1 MiB") end
  local reader = setmetatable({ sections = {} }, Reader)
  local number = 0
  text = text:gsub("^\239\187\191", ""):gsub("\r\n?", "\n")
  for line in (text .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    if line:find("%z") then return fail(file, number, "the line contains a NUL byte") end
    local problem = reader:add_line(line)
    if problem then return fail(file, number, problem) end
  end
  return reader.sections
end

return ini
