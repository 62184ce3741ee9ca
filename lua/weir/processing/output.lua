-- Where the documents of an object go, and writing them.
--
--   {prefix}{way}/{document}/{key}/{etag}.json     in the output bucket; of a pipeline other than
--                                                  `object`: {pipeline}.{document}
--
-- No two states of any objects share a key: the object's key is escaped so that it can be read
-- back, and what would be longer than S3 takes is named by its digest. A newer state has keys of
-- its own, so nothing that is late can overwrite it.
local json = require "weir.json"
local sha256 = require "weir.sha256"
local sorted_pairs = require "weir.sorted_pairs"

local output = {}

local MAX_KEY = 1024

local function percent(bytes)
  return (bytes:gsub(".", function(byte) return ("%%%02X"):format(byte:byte()) end))
end

-- Readable: only what makes trouble in a path or in XML is escaped, and the sign that escapes.
local function escape_segment(segment)
  if segment == "" then return "%" end
  if segment == "." or segment == ".." then return percent(segment) end
  return (segment:gsub("[\0-\31\127%%\\]", percent))
end

local function escape_key(key)
  return ((key .. "/"):gsub("([^/]*)/", function(segment) return escape_segment(segment) .. "/" end)
    :sub(1, -2))
end

local EXTENSIONS = { table = ".json", string = "" }

-- key(prefix, document, object, content) → the key of one document of the object's state
function output.key(prefix, document, object, content)
  local place = ("%s%s/"):format(prefix, document)
  local extension = EXTENSIONS[type(content)] or ".json"
  local etag = object.etag:gsub("[^%w%-_]", percent)
  local key = ("%s%s/%s%s"):format(place, escape_key(object.key), etag, extension)
  if #key <= MAX_KEY then return key end

  return ("%s%%sha256/%s/%s%s"):format(place, sha256.hex(object.key), etag, extension)
end

-- write(effects, place, object, documents, metadata) → { document → key } | nil, message, code.
-- place: { bucket =, prefix = }; a document is a table, written as JSON, or a text of bytes.
function output.write(effects, place, object, documents, metadata)
  local keys = {}
  for name, content in sorted_pairs(documents) do
    local key = output.key(place.prefix, name, object, content)
    local is_json = type(content) == "table"
    local written, message, code = effects:call {
      service = "s3",
      operation = "PutObject",
      target = key,
      input = {
        Bucket = place.bucket,
        Key = key,
        Body = is_json and json.encode(content) .. "\n" or content,
        ContentType = is_json and "application/json" or "application/octet-stream",
        Metadata = metadata,
      },
    }

    if not written then return nil, message, code end
    keys[name] = key
  end

  return keys
end

return output
