-- Searches outputs for a task token: every piece of 12 characters of it, as it is, escaped, and in
-- base64.
--
--   token_search.check(output, token)     raises when a piece is there
--   token_search.QUOTES                   functions(token, at) → the token as somebody may quote it
local bytes = require("weir.bytes")
local json = require("weir.json")

local token_search = {}

local PIECE = 12

-- How a service, or whoever stands before it, may quote a token.
local function each_byte(text, format)
  return (text:gsub(".", function(c) return format:format(c:byte()) end))
end
token_search.QUOTES = {
  function(text) return text end,
  function(text, at) return text:sub(at, at + 2 * PIECE) end,
  function(text, at) return text:sub(1, at + PIECE) .. "\n" .. text:sub(at + PIECE + 1) end,
  function(text) return (text:gsub("/", "\\/")) end,
  function(text) return json.encode(json.encode((text:gsub("/", "\\/")))) end,
  function(text) return each_byte(text, "\\u%04x") end,
  function(text) return each_byte(text, "%%%02X") end,
  function(text)
    return (text:gsub("[/+=]", function(c) return ("%%25%02x"):format(c:byte()) end))
  end,
  function(text) return each_byte(text, "&#%d;") end,
  function(text) return each_byte(text, "&#x%x;") end,
  function(text) return bytes.base64(text) end,
  function(text, at) return bytes.base64(("x"):rep(at % 3) .. text .. "yy") end,
  function(text)
    return (bytes.base64('{"taskToken":"' .. text .. '"}'):gsub("+", "-"):gsub("/", "_"))
  end,
}

-- The output without its escapes, layer by layer: what a reader would see.
local function unescaped(text)
  local function character(digits, base)
    local code = tonumber(digits, base)
    return code < 128 and string.char(code) or "?"
  end

  text = text:gsub("\\+u(%x%x%x%x)", function(digits)
    return character(digits, 16)
  end):gsub("\\", "")
  text = text:gsub("%%2?5?(%x%x)", function(digits) return character(digits, 16) end)
  text = text:gsub("&#x(%x+);", function(digits) return character(digits, 16) end)

  return (text:gsub("&#(%d+);", function(digits) return character(digits, 10) end))
end

local function find_piece(text, whole)
  for at = 1, #whole - PIECE + 1 do
    if text:find(whole:sub(at, at + PIECE - 1), 1, true) then
      return whole:sub(at, at + PIECE - 1)
    end
  end
end

local function around(text, piece)
  local at = text:find(piece, 1, true)
  return text:sub(math.max(1, at - 300), at + 300)
end

-- Raises when an output shows a piece of the token, in any of those ways.
function token_search.check(output, token)
  for _, text in ipairs { output, unescaped(output), (output:gsub("-", "+"):gsub("_", "/")) } do
    local piece = find_piece(text, token)
    if piece then error(("the output shows %s: %s"):format(piece, around(text, piece)), 0) end
    for before = 0, 2 do
      -- The digits that depend on the token alone.
      local digits = bytes.base64(("\0"):rep(before)
        .. token):sub(1 + before + (before > 0 and 1 or 0), -5)
      piece = find_piece(text, digits)
      if piece then error("the output shows the token in base64: " .. around(text, piece), 0) end
    end
  end
end

return token_search
