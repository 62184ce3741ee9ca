local arguments = require "weir.cli.arguments"

local VERB = {
  name = "try",
  positionals = { { name = "ONE" }, { name = "REST", optional = true, many = true } },
  options = {
    { long = "json" },
    { long = "dir", short = "p", value = "DIR" },
    { long = "set", value = "NAME=VALUE", many = true },
  },
}
local RAW = { name = "raw", positionals = { { name = "FILE" },
  { name = "ARG", many = true, optional = true, raw = true } } }

local function parse(...) return arguments.parse(VERB, { ... }) end

local function refused(expected_message, expected_hint, ...)
  local given, message, hint = parse(...)
  assert.is_nil(given)
  assert.equal(expected_message, message)
  assert.equal(expected_hint, hint)
end

describe("arguments", function()
  it("sorts words into positionals", function()
    assert.same({ ONE = "a", REST = { "b", "c" } }, parse("a", "b", "c"))
    assert.same({ ONE = "a", REST = {} }, parse("a"))
  end)

  it("takes a line of standard input for a word, and no other word with a dash", function()
    assert.same({ ONE = "-", REST = { "-:12" } }, parse("-", "-:12"))
    refused("unknown option '-:x'", nil, "-:x")
  end)

  it("takes values in every spelling", function()
    for _, words in ipairs { { "-p", "d" }, { "-pd" }, { "--dir", "d" }, { "--dir=d" } } do
      table.insert(words, "a")
      assert.equal("d", arguments.parse(VERB, words).dir)
    end

    assert.equal("x=y", parse("--dir=x=y", "a").dir)
  end)

  it("gathers repeated options in order", function()
    assert.same({ "a=1", "b=2" }, parse("--set", "a=1", "x", "--set=b=2").set)
  end)

  it("takes options after positionals, and none after --", function()
    assert.is_true(parse("a", "--json").json)
    assert.same({ ONE = "a", REST = { "--json" } }, parse("a", "--", "--json"))
    assert.same({ ONE = "--json", REST = { "-p" } }, parse("--", "--json", "-p"))
  end)

  it("takes - as a word, and as a value", function()
    assert.equal("-", parse("-").ONE)
    assert.equal("-", parse("-p", "-", "a").dir)
  end)

  it("leaves a script's own options alone", function()
    assert.same({ FILE = "f", ARG = { "--json", "--", "-x" } },
      arguments.parse(RAW, { "f", "--json", "--", "-x" }))
    assert.same({ FILE = "f", ARG = { "-x" } }, arguments.parse(RAW, { "--", "f", "-x" }))
  end)

  it("stops judging at --help", function()
    assert.is_true(parse("--help", "--nonsense").help)
    assert.is_true(parse("a", "-h").help)
  end)

  it("names the unknown option, and the likely one", function()
    refused("unknown option '--jsno'", "did you mean '--json'?", "a", "--jsno")
    refused("unknown option '--dri'", "did you mean '--dir'?", "a", "--dri=x")
    refused("unknown option '--frobnicate'", nil, "a", "--frobnicate")
    refused("unknown option '-z'", nil, "a", "-z")
    refused("unknown option '-json'", "did you mean '--json'?", "a", "-json")
  end)

  it("says what is missing, empty, doubled or too much", function()
    refused("option '-p' needs a value", "write -p DIR", "a", "-p")
    refused("option '--dir' has an empty value", "write --dir DIR", "a", "--dir=")
    refused("option '--json' takes no value", nil, "a", "--json=1")
    refused("option '-p' is given twice", "give it once", "a", "--dir=x", "-p", "y")
    refused("ONE is missing", nil)
    refused("ONE is empty", nil, "")
    refused("REST is empty", nil, "a", "b", "")
    assert.same({ FILE = "a", ARG = { "" } }, arguments.parse(RAW, { "a", "" }))
    local given, message = arguments.parse({ name = "none" }, { "x" })
    assert.is_nil(given)
    assert.equal("unexpected argument 'x'", message)
  end)

  it("writes the usage from the declaration", function()
    assert.equal("weir try [--json] [-p DIR] [--set NAME=VALUE]… ONE [REST…]",
      arguments.usage(VERB))
  end)
end)
