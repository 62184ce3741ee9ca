-- The file of an incident, which `weir capsule` packs and `weir replay` opens. It is a recording as
-- well, of JSON lines:
--
--   {"schema":"weir.capsule/1",…}              the header (weir.cli.capsule_pack)
--   {"schema":"weir.capsule-policies/1","bundle":…}   the policy set, as weir bundle writes one
--   {"schema":"weir.decision/1",…} …           the decisions, in the order of their times
--   {"schema":"weir.capsule-end/1","digest":…} SHA-256 of all bytes before this line
--
-- A decision that cannot be decided again, because its policy used facts that are masked, has the
-- member `used`: their places.
local files = require "weir.files"
local json = require "weir.json"
local sha256 = require "weir.sha256"

local capsule_file = { SCHEMA = "weir.capsule/1", POLICIES = "weir.capsule-policies/1" }

local HEAD = '{"schema":"weir.capsule'
local END = '{"schema":"weir.capsule-end/1","digest":"sha256:%s"}\n'
local END_BYTES = #END:format(("0"):rep(64))
local MOST_BYTES = 256 * 1024 * 1024

local function head_and_tail(path)
  local file <close> = io.open(path, "rb")
  if not file then return "", "" end

  local head = file:read(#HEAD) or ""
  local size = file:seek("end") or 0
  file:seek("set", math.max(0, size - END_BYTES))
  return head, file:read(END_BYTES) or ""
end

-- Whether a file is a capsule or a part of one, by its first and last line. A pipe is not read.
function capsule_file.is(path)
  local status = path ~= "-" and files.stat(path)
  if not status or status.type ~= "file" then return false end

  local head, tail = head_and_tail(path)
  return head == HEAD or tail:find("weir.capsule-end/1", 1, true) ~= nil
end

-- The text of a capsule from its lines.
function capsule_file.text(lines)
  local text = table.concat(lines, "\n") .. "\n"
  return text .. END:format(sha256.hex(text))
end

local function damaged(path)
  return nil, path .. " is not what its digest says: it was damaged or changed", "DigestMismatch"
end

-- The header, the policies and what cannot be decided again: → capsule | nil
local function parse(body)
  local capsule, number = { used = {} }, 0
  for line in body:gmatch("([^\n]*)\n") do
    number = number + 1
    if number == 1 then
      capsule.header = json.decode(line)
    elseif number == 2 then
      capsule.policies = json.decode(line)
    elseif line:find('"used":', 1, true) then
      local record = json.decode(line)
      capsule.used[number] = record and record.used
    end
  end

  local header, policies = capsule.header, capsule.policies
  local is_known = type(header) == "table" and header.schema == capsule_file.SCHEMA
    and type(policies) == "table" and policies.schema == capsule_file.POLICIES
  return is_known and capsule or nil
end

-- read(path) → { header =, bundle = text, used = { [line] = places } } | nil, message, code
function capsule_file.read(path)
  local text, message, code = files.read(path, MOST_BYTES)
  if not text then return nil, message, code end

  local body = text:sub(1, -END_BYTES - 1)
  if text:sub(-END_BYTES) ~= END:format(sha256.hex(body)) then return damaged(path) end

  local capsule = parse(body)
  if not capsule then
    return nil, path .. " is a capsule of a version that this program does not know",
      "InvalidCapsule"
  end

  return { header = capsule.header, bundle = capsule.policies.bundle, used = capsule.used }
end

return capsule_file
