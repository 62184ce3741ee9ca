-- docs/pages.md shows what its commands print, and a page that can be made.
local doc_commands = require "support.doc_commands"
local files = require "support.files"
local run = require "support.run"

describe("docs/pages.md", function()
  it("shows what its commands print", function()
    local wrong, count = doc_commands.check("docs/pages.md")
    assert.is_true(count > 2)
    for _, command in ipairs(wrong) do
      error(("line %d: $ %s\n%s"):format(command.line, command.command,
        table.concat(command.output, "\n")))
    end
  end)

  it("shows a page that can be made", function()
    local source = files.read("docs/pages.md"):match("```lua\n(.-)```")
    local result = run { "lua", "-", stdin = source }
    assert.equal("", result.stderr)
    assert.equal(0, result.status)
    assert.truthy(result.stdout:find("12 of 400 objects differ.", 1, true))
    assert.truthy(result.stdout:find("<td>deployed</td>", 1, true))
  end)
end)
