-- Whether an event of `weir match` may hold a secret: what its bytes tell agrees with reading it.
local pattern = require("weir.pattern")
local property = require("support.property")
local secret = require("weir.secret")

local NAMES = { "id", "", "version", "token", "tokenizer", "maxTokens", "SecretArn", "x-api-key",
  "pass word", "expires", "eyes", "[redacted]", "Key", "size", "signature", "Iz", "a?b",
  ("n"):rep(300), "AAAAKgAAAA" }
local TEXTS = { "", "x", "aws.s3", "a text with spaces", "[redacted]", "[1]", "[1, 2, 3, 4, 5, 6]",
  "{", "a{", "{ braces of thirteen", "eyJhIjoxfQ", "eyJhIjoxfQeyJhIjoxfQ", "expires in a minute",
  "W3siYSI6MX1dW3siYSI6MX1d", "a=b", "a name=a value of it", "a?token=x", "100%", "a&b",
  " leading space of it", "AAAAKgAAAA", "xAAAAKgAAAAx", "QUFBQUtnQUFBQ", "FBQUFLZ0FBQU",
  "BQUFBS2dBQUFB", ("x"):rep(255), ("x"):rep(256), ("xy "):rep(200), ("-"):rep(300), "K and Q",
  "ünïcode", "\\u0041", "\\n", "\\\"", "a\\\\b", "20:15", "a,b", "}", ":" }
local BLANKS = { "", "", "", " ", "\t", "\r", "\n", " \r\n" }

local function build(choices)
  local at = 0
  local function pick(list)
    at = at + 1
    return list[(choices[at] or 0) % #list + 1]
  end

  local value
  local function blank() return pick(BLANKS) end
  local function string(list) return blank() .. '"' .. pick(list) .. '"' .. blank() end
  local function object(depth)
    local parts, used = {}, {}
    for i = 1, pick { 1, 2, 3 } do
      local name = string(NAMES)
      local trimmed = name:match "^%s*(.-)%s*$"
      if not used[trimmed] then parts[#parts + 1] = name .. ":" .. value(depth - 1) end
      used[trimmed] = i
    end
    return blank() .. "{" .. table.concat(parts, ",") .. "}" .. blank()
  end

  function value(depth)
    local kind = pick { "text", "text", "text", "number", "word", "array", "object" }
    if kind == "text" or depth == 0 then return string(TEXTS) end
    if kind == "number" then return blank() .. pick { "1", "-0.5e3" } .. blank() end
    if kind == "word" then return blank() .. pick { "true", "null" } .. blank() end
    if kind == "object" then return object(depth) end
    return blank() .. "[" .. value(depth - 1) .. "," .. value(depth - 1) .. "]" .. blank()
  end

  return object(3)
end

describe("an event that misses", function()
  -- One matcher for all: it remembers names that it has seen.
  local matcher = assert(pattern.compile('{"no such name":["x"]}'))

  it("has a key exactly if nothing in it may be a secret", function()
    local clean, total = 0, 0
    property.check("clean", property.array(property.int(0, 100000), { min = 0, max = 40 }),
      function(choices)
        local event = build(choices)
        local _, key = matcher:explain(event)
        local expected = secret.is_clean(event, {})
        total = total + 1
        if expected then clean = clean + 1 end
        if (key ~= nil) ~= expected then
          error(("%s\n  has %s key, and secret.is_clean says %s"):format(event,
            key and "a" or "no", tostring(expected)), 0)
        end
      end, { cases = 20000 })
    assert.is_true(total < 1000 or (clean > total // 20 and clean < total - total // 20))
  end)
end)
