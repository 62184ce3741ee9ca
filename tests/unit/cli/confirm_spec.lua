local confirm = require "weir.cli.confirm"
local files = require "support.files"
local native = require "weir.terminal"

describe("weir.cli.confirm", function()
  local is_terminal, folder = native.is_terminal, nil

  before_each(function() folder = files.directory {} end)

  after_each(function()
    native.is_terminal = is_terminal
    io.input(io.stdin)
    files.remove(folder)
  end)

  local function ask(answer)
    local shown = {}
    local writer = {
      write = function(_, ...) shown[#shown + 1] = table.concat { ... } end,
      flush = function() end,
    }

    native.is_terminal = function() return true end
    files.write(folder .. "/answer", answer)
    io.input(folder .. "/answer")

    return confirm.ask({ out = writer, err = writer }, {}, "Go on?"), table.concat(shown)
  end

  it("takes y and yes for a yes, and nothing else", function()
    for _, answer in ipairs { "y\n", "Y\n", "yes\n", "YES" } do
      assert.is_true((ask(answer)), answer)
    end

    for _, answer in ipairs { "\n", "n\n", "no\n", "yeah\n", " y\n", "1\n" } do
      assert.is_false((ask(answer)), answer)
    end
  end)

  it("takes the end of the input for a no", function()
    assert.is_false((ask ""))
  end)

  it("shows the question and the answer that is meant", function()
    assert.equal("Go on? [y/N] ", (select(2, ask "y")))
  end)

  it("asks nobody with --yes", function()
    native.is_terminal = function() error "asked" end
    assert.is_true(confirm.ask(nil, { yes = true }, "Go on?"))
  end)

  it("is a mistake of usage where nobody can be asked", function()
    native.is_terminal = function() return false end
    local answer, message, hint = confirm.ask(nil, {}, "Go on?")
    assert.is_nil(answer)
    assert.matches("the standard input is not a terminal", message, 1, true)
    assert.matches("--yes", hint, 1, true)
  end)
end)
