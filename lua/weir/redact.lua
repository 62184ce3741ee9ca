-- Takes secrets out of what is shown, logged or decided on. A secret is known in three ways:
--
--   by its name    the value of every key whose name says so (weir.secret.names), however deep
--   by its value   whatever was read as a secret in this invocation, wherever it comes again
--   by its look    what begins as task tokens do, or is a run of 256 or more characters of base64;
--                  an object's key only where it begins so
--
-- The last two are found escaped as well: in JSON inside of JSON, in URLs, in base64
-- (weir.secret.redact).
local json = require "weir.json"
local secret = require "weir.secret"
local sorted_pairs = require "weir.sorted_pairs"

local redact = { MARK = "[redacted]" }

-- Knowing -------------------------------------------------------------------------------------

-- The secrets of the invocation; a text inside of a text inside of a text may hold more.
local known, digests = {}, {}

local MAX_DEPTH = 8

-- Each text is searched for each of them. An event with more is not handled: see is_full.
local MOST_KNOWN = 1000

-- Shorter ones may be a part of any text.
local LEAST_BYTES = 6

local note

-- Whether a secret was noted in this invocation.
function redact.knows_any() return known[1] ~= nil end

-- forget(): a new invocation begins.
function redact.forget()
  if redact.knows_any() then known, digests = {}, {} end
end

-- Whether more secrets were noted than are searched for. Then no text is shown.
function redact.is_full() return #known > MOST_KNOWN end

local function note_secret(value)
  if secret.size(value) < LEAST_BYTES or redact.is_full() then return end

  local digest = secret.digest(value)
  if digests[digest] then return end
  digests[digest] = true
  known[#known + 1] = value
end

-- JSON, or a line of JSON after another.
local function note_json(text, depth)
  local value = json.decode(text, { secrets = true })
  if value ~= nil then return note(value, depth + 1) end
  if not text:find("\n", 1, true) then return end
  for line in text:gmatch("[^\r\n]+") do note(line, depth + 1) end
end

-- Values of parameters that are secrets by their names, in URLs and in forms.
local function note_parameters(text)
  for name, value in ("&" .. text):gmatch("[?&]([%w%-_]+)=([^&%s]+)") do
    if redact.is_secret(name) then note_secret(secret.wrap(value)) end
  end
end

local function from_percent(text)
  return (text:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local DIGITS = {}
for i = 1, #ALPHABET do DIGITS[ALPHABET:sub(i, i)] = i - 1 end
DIGITS["-"], DIGITS["_"] = DIGITS["+"], DIGITS["/"]

-- Base64 in either alphabet, padded or not: the bytes, or nil where the text is not base64.
local function from_base64(text)
  local digits = text:match("^([%w+/_%-]+)=*$")
  if not digits then return nil end

  local parts, bits, size = {}, 0, 0
  for digit in digits:gmatch(".") do
    bits, size = (bits << 6 | DIGITS[digit]) & 0xFFFFFF, size + 6
    if size >= 8 then
      size = size - 8
      parts[#parts + 1] = string.char(bits >> size & 0xFF)
    end
  end

  return table.concat(parts)
end

-- What a text may be by its first byte: JSON, percent-encoded JSON, or JSON in base64.
local WRAPPED = {}
for first in ('{[" \t\r\n'):gmatch "." do WRAPPED[first:byte()] = "json" end
for first in ("eWI"):gmatch "." do WRAPPED[first:byte()] = "base64" end
WRAPPED[("%"):byte()] = "percent"

-- Of texts in quotes, as ETags are, only those that hold more.
local function is_json(text)
  return text:find("^%s*[%[{]") or text:find('^%s*"[eWI%%]') or text:find('^%s*".*[{\\]')
end

-- What a text holds that may hold something (weir.secret.candidates).
local function note_text(text, depth)
  if text:find("=", 1, true) then note_parameters(text) end

  local kind = WRAPPED[text:byte()]
  if kind == "json" and is_json(text) then
    note_json(text, depth)
  elseif kind == "percent" then
    note(from_percent(text), depth + 1)
  elseif kind == "base64" and text:find("^.[w-z0-9+/_%-]") then
    local inner = from_base64((text:gsub("[\r\n]+", ""))) -- mail breaks its lines
    if inner then note(inner, depth + 1) end
  else -- JSON after some words, as in a line of a log
    local at = text:find('{"', 1, true)
    if at then note_json(text:match("^%b{}", at) or "", depth) end
  end
end

-- Every event comes through here.
function note(value, depth)
  if depth > MAX_DEPTH then return end
  for _, found in ipairs(secret.candidates(value)) do
    if type(found) == "string" then note_text(found, depth) else note_secret(found) end
  end
end

-- note(value): the secrets of a decoded value are known from now on.
function redact.note(value) note(value, 0) end

-- note_json(text): the same of JSON text, as facts are in a recording.
function redact.note_json(text)
  if not redact.is_clean(text) then note_json(text, 0) end
end

-- noted(value, …) → the same, with the secrets of the value noted.
function redact.noted(value, ...)
  if value ~= nil then redact.note(value) end
  return value, ...
end

-- Hiding --------------------------------------------------------------------------------------

function redact.is_secret(name) return type(name) == "string" and secret.names(name) end

-- A presigned URL signs for everyone who holds it.
local function without_signature(text)
  if not text:find("?", 1, true) and not text:find("&", 1, true) then return text end
  return (text:gsub("([?&][%w%-_]*)(=[^&%s]*)", function(name, value)
    if redact.is_secret(name) then return name .. "=" .. redact.MARK end
    return name .. value
  end))
end

-- text(text) → the text without what is known by its value, by its look, or as a parameter of a
-- URL.
function redact.text(text)
  if redact.is_full() then return redact.MARK end
  return without_signature(secret.redact(text, known))
end

-- An object's key may be any text, also a long run of base64: its length alone does not make it a
-- token. What is known by its value, or begins as Step Functions' tokens do, is taken out of keys.
local IS_KEY = { key = true, Key = true, file_path = true, path = true }
local MOST_KEY = 3 * 1024 -- in bytes, percent-encoded
local TOKEN_BEGINNING = "AAAAKgAAAA"

local function holds_known(key)
  for _, each in ipairs(known) do
    if secret.hide(key, each) ~= key then return true end
  end

  return false
end

local function object_key(key)
  local text = redact.text(key)
  if text == key or redact.is_full() or #key > MOST_KEY then return text end
  if key:find(TOKEN_BEGINNING, 1, true) or holds_known(key) then return text end

  return key
end

-- As RFC 6901 has it.
local function pointer(place, key)
  if math.type(key) == "integer" then return ("%s/%d"):format(place, key - 1) end
  key = tostring(key)
  return place .. "/" .. key:gsub("~", "~0"):gsub("/", "~1")
end

-- A key that shows a secret gets another name, and two of them get two.
local function free_name(copy, name)
  local free, count = name, 1
  while copy[free] ~= nil do
    count = count + 1
    free = ("%s (%d)"):format(name, count)
  end

  return free
end

local copy_of

-- The copy of a member goes under `name`; what was taken out of it is noted with its place.
local function copy_member(copy, key, name, value, found)
  if redact.is_secret(key) and value ~= json.null then
    copy[name] = redact.MARK
    found[#found + 1] = pointer("", name)
    return
  end

  local before = #found
  if name ~= key then found[before + 1] = "" end
  if IS_KEY[key] and type(value) == "string" then
    copy[name] = object_key(value)
    if copy[name] ~= value then found[#found + 1] = "" end
  else
    copy[name] = copy_of(value, found)
  end

  for i = before + 1, #found do found[i] = pointer("", name) .. found[i] end
end

-- A copy without secrets; their places, below the value's own, go into `found`.
function copy_of(value, found)
  local kind = type(value)
  if kind == "number" or kind == "boolean" then return value end
  if kind == "string" then
    local text = redact.text(value)
    if text ~= value then found[#found + 1] = "" end
    return text
  end

  if kind == "userdata" and secret.is(value) then
    found[#found + 1] = ""
    return redact.MARK
  end

  -- A table with a metatable of its own knows how it is shown.
  local is_array = kind == "table" and json.is_array(value)
  if kind ~= "table" or (getmetatable(value) and not is_array) then return value end

  local copy, renamed = is_array and json.array({}) or {}, {}
  for key, item in pairs(value) do -- any order: facts() sorts the places
    local name = type(key) == "string" and redact.text(key) or key
    if name == key then
      copy_member(copy, key, key, item, found)
    else
      renamed[#renamed + 1] = key
    end
  end

  table.sort(renamed)
  for _, key in ipairs(renamed) do
    copy_member(copy, key, free_name(copy, redact.text(key)), value[key], found)
  end

  return copy
end

-- A copy of a value of which nothing is taken out, as most are; or nil.
local function clean_copy(value)
  if not redact.is_full() then return secret.copy(value, known) end
end

-- facts(value) → a copy of a JSON value to decide on and to record, and the sorted list of the
-- places (JSON pointers) of what is taken out.
function redact.facts(value)
  local found = json.array {}
  local copy = clean_copy(value)
  if copy ~= nil then return copy, found end

  copy = copy_of(value, found)
  table.sort(found)
  return copy, found
end

-- is_clean(json) → whether a JSON text holds nothing to note or to take out, as most do: much
-- faster than to do both.
function redact.is_clean(text) return not redact.is_full() and secret.is_clean(text, known) end

-- clean_json(value, parts) → the JSON of a value of which is_clean is true, or nil. parts: nil, or
-- table → its JSON, which was clean when no secret was known.
function redact.clean_json(value, parts)
  if redact.is_full() then return nil end
  return secret.clean_json(value, known, not redact.knows_any() and parts or nil)
end

-- value(value) → a copy for showing.
function redact.value(value)
  local copy = clean_copy(value)
  if copy ~= nil then return copy end
  return (copy_of(value, {}))
end

-- pieces(text, value) → the text without any piece of eight bytes or more of what `value` keeps
-- secret, however deep in it: services quote what they refuse, whole or cut.
function redact.pieces(text, value)
  if type(text) ~= "string" then return text end
  if secret.is(value) then return secret.hide(text, value) end
  if type(value) ~= "table" then return text end
  for _, item in sorted_pairs(value) do text = redact.pieces(text, item) end

  return text
end

return redact
