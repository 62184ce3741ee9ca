-- weir.lint reads whatever text there is and never raises: it runs at the start of functions. Texts
-- are the shipped policies with bytes or tokens changed; many of those still compile.
local lexer = require "weir.lint.lexer"
local lint = require "weir.lint"
local property = require "support.property"
local run = require "support.run"

local SOURCES, TOKENS = {}, {}
for i, name in ipairs { "routing", "weights", "promotion", "mapping", "review" } do
  local text = run.read("policies/" .. name .. ".lua")
  SOURCES[i], TOKENS[i] = text, {}
  for _, token in ipairs(lexer.tokens(text)) do
    local word = text:sub(token.at, token.at + token.size - 1)
    if word ~= "" then table.insert(TOKENS[i], word) end
  end
end

-- Other tokens, where they may hurt.
local WORDS = { "facts", "params", "nil", "{", "}", "(", ")", "[", "]", "..", "-", "not", "and",
  "or", '"%d"',
  "function", "end", "then", "goto", "...", "5", "'5'", ".", ":", "batch", "because", "=", "==",
    "local",
  "facts.total_bytes", "::x::", "return", "for", "in", "#", "~", "string.format", ":format",
    "x.y.z" }

local function edit(words, at, how, other)
  at = (at - 1) % #words + 1
  if how == 1 then
    table.remove(words, at)
  elseif how == 2 then
    table.insert(words, at, words[at])
  elseif how == 3 then
    words[at] = WORDS[(other - 1) % #WORDS + 1]
  elseif how == 4 then
    words[at] = words[(other - 1) % #words + 1]
  else
    table.insert(words, at, WORDS[(other - 1) % #WORDS + 1])
  end
end

-- A finding points into the text and has what it is shown with.
local function check_findings(text)
  local lines = select(2, text:gsub("\n", "")) + 1
  for _, finding in ipairs(lint.check(text, "x.lua")) do
    assert.is_true(finding.line >= 1 and finding.line <= lines and finding.column >= 1)
    assert.is_string(finding.message)
    assert.matches("^W%d%d%d$", finding.code)
  end
end

-- What Lua says of a text that it refuses is explained without raising, too.
local function explain(text)
  local loaded, message = load(text, "=x", "t")
  if loaded then return end
  local line = tonumber(message:match("^x:(%d+):")) or 0
  lint.explain(text, { code = "W003", line = line, message = message })
  lint.explain(text, { code = "W014", line = line, message = "this call" })
end

describe("lint", function()
  it("never raises on policies with other tokens", function()
    local step = property.array(property.int(1, 1000000), { min = 3, max = 3 })
    property.check("token edits", property.array(step, { min = 1, max = 4 }), function(steps)
      local file = steps[1][1] % #TOKENS + 1
      local words = table.move(TOKENS[file], 1, #TOKENS[file], 1, {})
      for _, one in ipairs(steps) do edit(words, one[1], one[2] % 5 + 1, one[3]) end
      local text = table.concat(words, " ")
      check_findings(text)
      explain(text)
    end, { cases = 400 })
  end)

  it("never raises on policies with other bytes", function()
    local step = property.array(property.int(0, 1000000), { min = 3, max = 3 })
    property.check("byte edits", property.array(step, { min = 1, max = 5 }), function(steps)
      local text = SOURCES[steps[1][1] % #SOURCES + 1]
      for _, one in ipairs(steps) do
        local at = one[1] % #text + 1
        local byte = one[2] % 3 == 0 and "" or string.char(one[3] % 256)
        text = text:sub(1, at - 1) .. byte .. text:sub(at + one[2] % 2)
      end

      check_findings(text)
      explain(text)
    end, { cases = 200 })
  end)
end)
