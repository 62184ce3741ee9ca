-- A page of Markdown as a terminal shows it.
local markdown = require "weir.cli.markdown"

local PAGE = [[
# The page of `weir`

A paragraph of two
lines with `some code`.

* first, which
  goes on
* second
- third

| name | what it is |
|---|---|
| `a` | one \| two |
| bc | three |

```lua
return x
```
## End]]

local SHOWN = [[
# The page of weir

A paragraph of two lines with `some code`.

* first, which goes on
* second
- third

name  what it is
`a`   one | two
bc    three

    return x
## End
]]

-- A table that does not fit: each row is a term, what its cells say, and the last cell below.
local WIDE = [[
| name | needed | kind | doc |
|---|---|---|---|
| one | yes | text | what is long enough to go beyond the line |
| two |  | number | short |
]]

local WIDE_SHOWN = [[
  one needed; text
      what is long enough to go
      beyond the line
  two number
      short
]]

describe("a page of Markdown", function()
  local function shown(page, columns, is_coloured)
    local lines = {}
    local out = {
      columns = columns,
      colour = is_coloured,
      print = function(_, ...) lines[#lines + 1] = table.concat { ... } .. "\n" end,
      paint = function(_, style, text)
        return is_coloured and ("<%s %s>"):format(style, text) or text
      end,
    }

    markdown.print(out, page)
    return table.concat(lines)
  end

  it("is shown with its paragraphs filled, its table in columns, and its code set in", function()
    assert.equal(SHOWN, shown(PAGE, 80))
  end)

  it("shows code and headings by colour where there is colour", function()
    local text = shown(PAGE, 80, true)
    assert.matches("<bold # The page of weir>\n", text, 1, true)
    assert.matches("A paragraph of two lines with <cyan some> <cyan code>.\n", text, 1, true)
    assert.matches("<bold name>", text, 1, true)
  end)

  it("shows a table that does not fit row by row", function()
    assert.equal(WIDE_SHOWN, shown(WIDE, 34))
  end)

  it("is never wider than 100 columns", function()
    local text = shown(("word "):rep(60), 400)
    assert.equal(99, #text:match "^[^\n]*") -- 20 words
  end)
end)
