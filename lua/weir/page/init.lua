-- A page for people: one HTML file that needs nothing else, made of a title, a sentence that says
-- the most important, and sections of texts, tables, charts, strips and bars.
--
--   local page = require "weir.page"
--   local p = page.new {
--     kicker = "weir replay",                      -- what kind of page this is
--     title = "working-day.jsonl.gz",
--     sentence = "All 7,624 decisions are the recorded ones.",
--     tone = "good",                               -- good, bad, warn, open: colours the sentence
--   }
--   p:facts { { "Policies", "policies" }, { "Digest", "sha256:…", code = true } }
--   p:section("Decisions", "How often each was made.")
--   p:table { … }      lua/weir/page/table.lua
--   p:chart { … }      lua/weir/page/chart.lua
--   p:strip { … }      lua/weir/page/cells.lua: checks by looks, coloured
--   p:stack(…)         lua/weir/page/cells.lua: a cell for a table: shares of a whole, coloured
--   p:bar(share)       the same: one share of a whole, as a bar
--   p:code("facts", value)                         a value as indented JSON, which a reader opens
--   local html = p:html()
--
-- Every text is plain text and is escaped here: callers never write HTML. The same calls give the
-- same bytes; there is no clock in a page. A Content-Security-Policy allows the page's own script
-- and style, by their digests, and nothing from anywhere.
local assets = require "weir.page.assets"
local bytes = require "weir.bytes"
local cells = require "weir.page.cells"
local chart = require "weir.page.chart"
local json = require "weir.json"
local process = require "weir.process"
local sha256 = require "weir.sha256"
local tables = require "weir.page.table"
local text = require "weir.page.text"

local page = {}

local Page = {}
Page.__index = Page

local TONES = { good = true, bad = true, warn = true, open = true }

function page.new(given)
  assert(type(given) == "table" and given.title and given.sentence and TONES[given.tone or "open"],
    "expected page.new{title=text, sentence=text, kicker=text?, tone='good'|'bad'|'warn'|'open'}")
  return setmetatable({
    title = given.title,
    kicker = given.kicker or "weir",
    sentence = given.sentence,
    tone = given.tone or "open",
    parts = {},
    charts = 0,
    widths = {},
    open = false,
  }, Page)
end

function Page:add(html) self.parts[#self.parts + 1] = html end

-- A heading, and perhaps a sentence under it. What is added next belongs to it.
function Page:section(title, sentence)
  if self.open then self:add("</section>") end
  self.open = true
  self:add("<section>\n<h2>" .. text.html(title) .. "</h2>")
  if sentence then self:text(sentence) end
end

-- A sentence as the one on top, for a part of the page.
function Page:sentence_of(sentence, tone)
  assert(TONES[tone], "expected a tone of good, bad, warn or open")
  self:add(('<p class="sentence %s">%s</p>'):format(tone, text.html(sentence)))
end

function Page:heading(title) self:add("<h3>" .. text.html(title) .. "</h3>") end

function Page:text(sentence) self:add("<p>" .. text.html(sentence) .. "</p>") end

-- A smaller text, such as what was left off.
function Page:note(sentence) self:add('<p class="note">' .. text.html(sentence) .. "</p>") end

-- Names with their values: a list of {name, value, code = true}.
function Page:facts(list)
  local items = {}
  for i, fact in ipairs(list) do
    local value = text.html(fact[2])
    if fact.code then value = "<code>" .. value .. "</code>" end
    items[i] = ("<dt>%s</dt><dd>%s</dd>"):format(text.html(fact[1]), value)
  end

  self:add("<dl>" .. table.concat(items, "\n") .. "</dl>")
end

function Page:table(given) self:add(tables.html(given)) end

function Page:chart(given)
  self.charts = self.charts + 1
  self:add(chart.html(given, self.charts))
end

function Page:strip(given)
  self.charts = self.charts + 1
  self:add(cells.strip(given, self.charts))
end

-- A class for a share of a width, 0 to 1: a style attribute would not be allowed.
function Page:width(share)
  local mille = math.floor(share * 1000 + 0.5)
  self.widths[mille] = true
  return "w" .. mille
end

-- A cell for a table: shares of a whole as coloured, labelled fields; see cells.stack.
function Page:stack(shares) return cells.stack(shares, self) end

function Page:bar(share) return cells.bar(share, self) end

local CODE = '<details><summary>%s</summary>\n<pre><code>%s</code></pre>\n</details>'

-- A value as JSON. What is longer than a page should be is cut, and says so.
local MOST_LINES = 120

function Page:code(name, value)
  local lines = {}
  for line in (json.encode(value, { indent = 2 }) .. "\n"):gmatch("(.-)\n") do
    lines[#lines + 1] = text.html(text.cut(line, 300))
    if #lines == MOST_LINES then
      lines[#lines + 1] = "…"
      break
    end
  end

  self:add(CODE:format(text.html(name), table.concat(lines, "\n")))
end

-- The document -----------------------------------------------------------------------------------

local function digest(source)
  local raw = sha256.hex(source):gsub("%x%x", function(pair)
    return string.char(tonumber(pair, 16))
  end)

  return "'sha256-" .. bytes.base64(raw) .. "'"
end

local LICENCE = [[
/* dygraphs %s, https://dygraphs.com. Copyright (c) 2006-2023 Dan Vanderkam and other contributors.
Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions: The above copyright notice and this
permission notice shall be included in all copies or substantial portions of the Software. THE
SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT
LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT.
IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN
CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE. */
]]

local DOCUMENT = [[
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="%s">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>%s</title>
<style>%s</style>
</head>
<body>
<main>
<header>
<p class="kicker">%s</p>
<h1>%s</h1>
<p class="sentence %s">%s</p>
</header>
%s
<footer>Made by weir %s. All times are UTC.</footer>
</main>
%s
</body>
</html>
]]

local ALLOWED =
  "default-src 'none'; script-src %s; style-src %s; base-uri 'none'; form-action 'none'"

function Page:style()
  local rules, numbers = {}, {}
  for mille in pairs(self.widths) do numbers[#numbers + 1] = mille end -- any order: sorted below
  table.sort(numbers)
  for i, mille in ipairs(numbers) do rules[i] = (".w%d{width:%.1f%%}"):format(mille, mille / 10) end

  return assets.dygraphs.style .. assets.style .. table.concat(rules, "\n")
end

-- The scripts, dygraphs first where there is a chart to draw.
function Page:scripts()
  if self.charts == 0 then return {} end
  return { LICENCE:format(assets.dygraphs.version) .. assets.dygraphs.script, assets.script }
end

local NO_SCRIPT =
  "<noscript><p>Charts are drawn by a script, which does not run here. The tables hold the "
  .. "same values.</p></noscript>"

function Page:html()
  if self.open then self:add("</section>") end
  self.open = false

  local style, sources, scripts = self:style(), {}, {}
  for i, script in ipairs(self:scripts()) do
    sources[i], scripts[i] = digest(script), "<script>" .. script .. "</script>"
  end

  if #scripts > 0 then table.insert(scripts, 1, NO_SCRIPT) end

  local allowed = ALLOWED:format(#sources > 0 and table.concat(sources, " ") or "'none'",
    digest(style))
  local title, kicker = text.html(self.title), text.html(self.kicker)
  return DOCUMENT:format(allowed, title .. " – " .. kicker, style, kicker, title, self.tone,
    text.html(self.sentence), table.concat(self.parts, "\n"), process.version,
    table.concat(scripts, "\n"))
end

return page
