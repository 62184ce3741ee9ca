-- How failures and findings are shown.
local files = require "support.files"
local json = require "weir.json"
local messages = require "weir.cli.messages"
local screens = require "support.screen"

describe("a finding", function()
  local folder, path

  setup(function()
    folder = files.directory { ["a.lua"] = "local x\r\n\tif a == b then\r" .. ("y"):rep(161)
      .. "\n" .. ("z"):rep(160) .. "\nlocal \27ä, wörld = 1\n" }
    path = folder .. "/a.lua"
  end)

  teardown(files.remove_all)

  local function shown(line, column, more)
    local finding = { file = path, line = line, column = column, severity = "error",
      code = "W101", message = "it is wrong" }
    for name, value in pairs(more or {}) do finding[name] = value end
    local screen = screens.new()
    messages.findings(screen.out, { finding })
    return (screen.text_out():gsub(path, "a.lua", 1))
  end

  it("has its place, its line, and a caret under it with what to do", function()
    assert.equal([[
a.lua:2:5: error[W101] it is wrong
    2 |  if a == b then
      |     ^^^^^^ write this
]], shown(2, 5, { size = 6, hint = "write this" }))
  end)

  it("has one caret where it has no size, and none where it has no column", function()
    assert.equal([[
a.lua:1:7: error[W101] it is wrong
    1 | local x
      |       ^
]], shown(1, 7))
    assert.equal([[
a.lua:1: error[W101] it is wrong
    1 | local x
      = write this
]], shown(1, 0, { hint = "write this" }))
    assert.equal(shown(1, 0), shown(1, nil))
  end)

  it("has its caret behind the line where the line ends too early", function()
    assert.truthy(shown(1, 8):find("\n      |        ^\n", 1, true), shown(1, 8))
    assert.truthy(shown(1, 1):find("\n      | ^\n", 1, true), shown(1, 1))
  end)

  it("of loading says what the source adds: a hint, or the place of a call", function()
    local source = files.directory { ["p.lua"] = "if a = b then return 1 end\n",
      ["q.lua"] = "local function decide()\n  batch { because = 'x' }\nend\n" }
    local syntax = { file = source .. "/p.lua", line = 1, severity = "error", code = "W003",
      message = "'then' expected near '='" }
    local screen = screens.new()
    messages.findings(screen.out, { syntax })
    assert.truthy(screen.text_out():find("==", 1, true), screen.text_out())

    local json_screen = screens.new()
    syntax.hint = nil
    messages.findings_json(json_screen.out, { syntax, { file = source .. "/p.lua", line = 1,
      severity = "error", code = "W101", message = "'then' expected near '='" } })
    local first, second = json_screen.text_out():match("^(.-)\n(.-)\n$")
    assert.truthy(json.decode(first).hint:find("==", 1, true))
    assert.is_nil(json.decode(second).hint)
  end)

  it("goes without a line that is too long, that is not there, or of no file", function()
    local bare = ": error[W101] it is wrong\n      = do it\n"
    assert.equal("a.lua:3:1" .. bare, shown(3, 1, { hint = "do it" }))
    assert.equal("a.lua:99:1" .. bare, shown(99, 1, { hint = "do it" }))
    assert.equal("a.lua" .. bare, shown(0, 1, { hint = "do it" }))
    assert.equal("/nowhere:1:1" .. bare, shown(1, 1, { file = "/nowhere", hint = "do it" }))
    assert.truthy(shown(4, 1):find(("z"):rep(160), 1, true))
  end)

  it("has nothing in it that a terminal would obey, and a caret at the right place", function()
    assert.equal([[
a.lua:5:7: error[W101] bad \x1b
    5 | local \x1bä, wörld = 1
      |       ^^^^^ \x07
]], shown(5, 7, { size = 3, message = "bad \27", hint = "\7" }))
    assert.truthy(shown(5, 12, { size = 6 }):find("\n      |              ^^^^^\n", 1, true),
      shown(5, 12, { size = 6 }))
  end)

  it("as JSON has what is known of it", function()
    local screen = screens.new()
    messages.findings_json(screen.out, {
      { file = path, line = 1, column = 7, size = 1, severity = "error", code = "W101",
        message = "m", hint = "h" },
      { file = path, line = 0, column = 0, severity = "warning", code = "W102", message = "n" },
    })
    local first, second = screen.text_out():match("^(.-)\n(.-)\n$")
    assert.same({ file = path, line = 1, column = 7, severity = "error", code = "W101",
      message = "m", hint = "h" }, json.decode(first))
    assert.same({ file = path, severity = "warning", code = "W102", message = "n" },
      json.decode(second))
  end)
end)

describe("a failure", function()
  local function fail(failure, verb, is_json)
    local screen = screens.new()
    screen.json = is_json or false
    local status = messages.failure(screen, verb, failure)
    return status, screen.text_err(), screen.text_out()
  end

  local FAILURE = { message = "no \27 file", hint = "look", next = "weir help", code = "NotFound",
    exit = 6, more = { at = 3 } }

  it("says the verb, what happened, and what to do, and has its status", function()
    assert.same({ 6, "weir: decide: no \\x1b file; look\nNext: weir help\n", "" },
      { fail(FAILURE, "decide") })
    assert.same({ 2, "weir: short\n", "" }, { fail({ message = "short", exit = 2 }) })
  end)

  it("is an object on standard output with --json, too", function()
    local status, err, out = fail(FAILURE, "decide", true)
    assert.equal(6, status)
    assert.equal("weir: decide: no \\x1b file; look\nNext: weir help\n", err)
    assert.same({ error = "no \27 file", hint = "look", code = "NotFound", exit = 6, at = 3 },
      json.decode(out))
  end)
end)

describe("a policy set that does not load", function()
  local FINDINGS = { { file = "p.lua", line = 0, severity = "error", code = "W003",
    message = "broken" } }

  local function refused(code, is_json)
    local screen = screens.new()
    screen.json = is_json or false
    local status = messages.refusal(screen, "decide", "set", FINDINGS, code)
    return status, screen.text_err(), screen.text_out()
  end

  it("is told with its findings, and status 3", function()
    assert.same({ 3, "p.lua: error[W003] broken\nweir: decide: the policy set set does not load\n"
      .. "Next: weir check set\n", "" }, { refused() })
  end)

  it("has status 7 where it is not what its digest says", function()
    assert.equal(7, (refused "DigestMismatch"))
    assert.same({ 3, 3, 7, 6 }, { messages.load_status(nil), messages.load_status "X",
      messages.load_status "DigestMismatch", messages.load_status "OutOfMemory" })
  end)

  it("for want of memory is told without findings, which may be wrong", function()
    assert.same({ 6, "weir: decide: not enough memory to load the policy set set\n", "" },
      { refused "OutOfMemory" })
  end)

  it("is told as JSON: each finding, then the failure", function()
    local _, err, out = refused(nil, true)
    assert.equal("weir: decide: the policy set set does not load\nNext: weir check set\n", err)
    local first, second = out:match("^(.-)\n(.-)\n$")
    assert.equal("W003", json.decode(first).code)
    assert.same({ "PolicySetRefused", 3 },
      { json.decode(second).code, json.decode(second).exit })
  end)
end)
