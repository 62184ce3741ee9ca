-- AWS's shared configuration files, in the grammar of AWS's SDKs.
--
--   [profile a]               # a comment follows white space, or begins a line
--   region = eu-west-1        ; so does this one
--   credential_process = tool
--     --flag                  → "tool\n--flag"
--   s3 =
--     addressing_style = path → { s3 = { addressing_style = "path" } }
--
-- A line that is indented deeper than its key continues the value, or nests where the value is
-- empty.
-- A section that appears twice is one section; of a repeated key the last value counts. Sections of
-- other kinds, and keys with white space inside, are left alone.
--
-- A line that cannot be read is a problem of its section alone. Problems name file and line and
-- never quote a line, because it may hold a secret.
local ini = {}

local SIZE_MAX = 1 << 20

local function fail(file, line, message)
  return nil, ("%s:%d: %s"):format(file, line, message), "InvalidConfiguration"
end

-- Without the white space at both ends. One pattern with "(.-)%s*$" would look at every run of
-- spaces once for each of its characters.
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

local function unquoted(name)
  return name:match('^"([^"]*)"$') or name:match("^'([^']*)'$") or name
end

-- The name between the brackets, quotes removed: `profile "a b"` is "profile a b". A name without
-- quotes has no white space; a section that breaks this keeps its brackets, so that no profile has
-- its name.
local function normal_name(inside)
  local kind, name = inside:match("^(%S+)%s+(.+)$")
  if not kind or inside:find("^[\"']") then return unquoted(inside) end
  local bare = unquoted(name)
  if bare == name and name:find("%s") then return "[" .. inside .. "]" end

  return kind .. " " .. bare
end

-- The section that a header opens, and what is wrong with the header. A section with a broken
-- header is guessed, because its problem must reach whoever meant it.
local function section_name(line)
  local inside, rest = line:match("^%[([^%]]*)%](.*)$")
  local problem
  if not inside then
    inside, problem = without_comment(line:sub(2)), "a section must read [name]"
  elseif not trim(rest):find("^[#;]") and trim(rest) ~= "" then
    problem = "a section must read [name]"
  end

  inside = trim(inside)
  if inside == "" then return nil, "a section must read [name]" end

  return normal_name(inside), problem
end

-- → key, value | nil, problem. A key with white space inside is not a setting: it comes as "".
local function split_pair(line, problem)
  local key, value = line:match("^([^=]*)=(.*)$")
  key = key and trim(key)
  if not key or key == "" then return nil, problem end
  if key:find("%s") then key = "" end

  return key:lower(), without_comment(trim(value))
end

-- section: where keys go; values: the table that holds the key above (thrown away where that key is
-- not a setting); indent: how far that key is indented.
local NOT_NESTED = "a line that is indented after an empty value must read key = value"

local Reader = {}
Reader.__index = Reader

-- Only the first problem of a section is kept; "" is the file itself.
function Reader:note(problem)
  local name = self.name or ""
  self.problems[name] = self.problems[name] or ("%s:%d: %s"):format(self.file, self.number, problem)
end

function Reader:open_section(line)
  local problem
  self.name, problem = section_name(line)
  self.key, self.section = nil, {} -- what follows a header without a name is not used
  if self.name then
    self.sections[self.name] = self.sections[self.name] or {}
    self.section = self.sections[self.name]
  end

  if problem then self:note(problem) end
end

-- A line that is indented deeper than the key above it belongs to the key.
function Reader:continue_value(line)
  local value = self.values[self.key]
  if type(value) == "string" and value ~= "" then
    self.values[self.key] = value .. "\n" .. line
    return
  end

  local key, nested = split_pair(line, NOT_NESTED)
  if not key then return self:note(nested) end
  if type(value) ~= "table" then
    value = {}
    self.values[self.key] = value
  end

  if key ~= "" then value[key] = nested end
end

function Reader:add_pair(line, indent)
  local key, value = split_pair(line, "a line must read key = value")
  if not key then return self:note(value) end
  if not self.section then return self:note("a key stands before the first section") end
  self.values = key ~= "" and self.section or {}
  self.values[key], self.key, self.indent = value, key, indent
end

function Reader:add_line(line)
  local content = trim(line)
  if content == "" or content:find("^[#;]") then return end
  if content:find("\0", 1, true) then return self:note("the line contains a NUL byte") end
  local indent = #line:match("^%s*")
  if self.key and indent > self.indent then return self:continue_value(content) end
  if content:find("^%[") then return self:open_section(content) end

  return self:add_pair(content, indent)
end

-- parse(text, file) → { [section] = { [key] = value } }, { [section] = problem }
--   | nil, message, "InvalidConfiguration".
-- A value is a text, or a table of nested texts. The problem of the file itself is that of "".
function ini.parse(text, file)
  if #text > SIZE_MAX then return fail(file, 1, "the file is larger than 1 MiB") end
  if text:find("^\xff\xfe") or text:find("^\xfe\xff") then
    return fail(file, 1, "the file is UTF-16 text; save it as UTF-8")
  end

  local reader = setmetatable({ file = file, number = 0, sections = {}, problems = {} }, Reader)
  text = text:gsub("^\239\187\191", ""):gsub("\r\n?", "\n")
  for line in (text .. "\n"):gmatch("(.-)\n") do
    reader.number = reader.number + 1
    reader:add_line(line)
  end

  return reader.sections, reader.problems
end

return ini
