-- Texts inside S3's XML: what is written is escaped, and keys of listings come percent-encoded,
-- because XML cannot hold every key.
--
--   s3_text.escape(text) → text
--   s3_text.decode(text) → text
--   s3_text.decode_members(elements, name)   the member `name` of each element, decoded in place
local s3_text = {}

s3_text.NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"

function s3_text.escape(text)
  return (text:gsub("[&<>\"'\r\n]", function(c) return ("&#%d;"):format(c:byte()) end))
end

-- "+" is a space there.
function s3_text.decode(text)
  return (text:gsub("%+", " "):gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end))
end

function s3_text.decode_members(elements, name)
  for _, element in ipairs(elements) do
    if type(element) == "table" and type(element[name]) == "string" then
      element[name] = s3_text.decode(element[name])
    end
  end
end

return s3_text
