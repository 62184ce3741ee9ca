local run = require "support.run"
local terminal = require "weir.cli.terminal"

describe("printable text", function()
  local cases = {
    { "plain", "plain" },
    { "größe 日本", "größe 日本" },
    { "\27[31mred\27[0m", "\\x1b[31mred\\x1b[0m" },
    { "a\0b\tc\nd\re\127", "a\\x00b\\tc\\nd\\re\\x7f" },
    { "c1 \u{9b}31m", "c1 \\u{9b}31m" },
    { "bidi \u{202e}txt.exe", "bidi \\u{202e}txt.exe" },
    { "zero\u{200b}width\u{feff}", "zero\\u{200b}width\\u{feff}" },
    { "bad \xff\xfe ü \xc3", "bad \\xff\\xfe ü \\xc3" },
    { "surrogate \xed\xa0\x80", "surrogate \\xed\\xa0\\x80" },
  }

  for _, case in ipairs(cases) do
    it("shows " .. case[2] .. " harmlessly", function() assert.equal(case[2],
      terminal.printable(case[1])) end)
  end

  it("costs no more than its length", function()
    local started = os.clock()
    terminal.printable(("\xff"):rep(1000000))
    terminal.printable(("ü\27"):rep(300000))
    assert.is_true(os.clock() - started < 5)
  end)

  it("is cut at whole characters", function()
    assert.equal("äö…", terminal.excerpt("äöüß", 3))
    assert.equal("äöüß", terminal.excerpt("äöüß", 4))
  end)
end)

describe("numbers and tables", function()
  it("groups digits", function()
    for number, text in pairs { [0] = "0", [999] = "999", [1000] = "1,000", [4812] = "4,812",
      [-1234567] = "-1,234,567",
      [1234.5] = "1,234.5" } do
      assert.equal(text, terminal.thousands(number))
    end
  end)

  it("counts one and many", function()
    assert.equal("1 event", terminal.count(1, "event"))
    assert.equal("0 events", terminal.count(0, "event"))
    assert.equal("4,812 policies", terminal.count(4812, "policy", "policies"))
  end)

  it("measures columns, not bytes", function()
    for text, width in pairs { abc = 3, ["äöü"] = 3, ["日本"] = 4, ["e\u{301}"] = 1,
      ["\27[1mx\27[0m"] = 1 } do
      assert.equal(width, terminal.width(text))
    end
  end)

  it("aligns columns of wide and coloured text", function()
    assert.same({ "日本  1,009  x", "b         7  y" },
      terminal.table({ { "日本", "1,009", "x" }, { "\27[1mb\27[0m", "7", "y" } },
        { "left", "right" }) and
      terminal.table({ { "日本", "1,009", "x" }, { "b", "7", "y" } }, { "left", "right" }))
  end)

  it("wraps words", function()
    assert.same({ "  aa bb", "  cc" }, terminal.wrap("aa bb cc", 8, "  "))
    assert.same({ "  " .. ("x"):rep(20) }, terminal.wrap(("x"):rep(20), 8, "  "))
  end)
end)

describe("colour", function()
  local function coloured(given)
    table.insert(given, 1, "help")
    return run(given).stdout:find("\27[", 1, true) ~= nil
  end

  it("is for terminals only", function()
    assert.is_true(coloured { terminal = true })
    assert.is_false(coloured {})
  end)

  it("is never used with NO_COLOR or --no-color, even on a terminal", function()
    assert.is_false(coloured { terminal = true, env = { NO_COLOR = "1" } })
    assert.is_false(coloured { "check", "--no-color", terminal = true })
    assert.is_false(coloured { env = { NO_COLOR = "1", FORCE_COLOR = "1" } })
  end)

  it("is not used on a dumb terminal, and an empty NO_COLOR means nothing", function()
    assert.is_false(coloured { terminal = true, env = { TERM = "dumb" } })
    assert.is_true(coloured { terminal = true, env = { NO_COLOR = "" } })
  end)

  it("can be forced", function()
    assert.is_true(coloured { env = { FORCE_COLOR = "1" } })
    assert.is_true(coloured { env = { CLICOLOR_FORCE = "1" } })
    assert.is_false(coloured { env = { CLICOLOR_FORCE = "0" } })
  end)
end)

describe("a progress line", function()
  local SCRIPT = [[
    local screen = require("weir.cli.terminal").open {}
    screen.err:progress("3 of 9")
    screen.err:print("done")
  ]]

  it("is shown on a terminal and gone before the next line", function()
    local path = run.write(os.tmpname(), SCRIPT)
    local result = run { "lua", path, terminal = true }
    os.remove(path)
    assert.truthy(result.stdout:find("\r\27[K3 of 9\r\27[Kdone", 1, true))
  end)

  it("is not written to a file", function()
    assert.equal("done\n", run({ "lua", "-", stdin = SCRIPT }).stderr)
  end)
end)
