local ini = require("weir.aws.ini")

describe("weir.aws.ini", function()
  local function parse(text)
    local sections, problems = assert(ini.parse(text, "config"))
    assert.same({}, problems)
    return sections
  end

  -- problem: what is wrong with `section`, "" being the file.
  local function notes(section, text, problem)
    local sections, problems = assert(ini.parse(text, "config"))
    assert.is_table(sections)
    assert.is_string(problems[section], text)
    assert.matches("^config:" .. problem, problems[section])
    for _, each in pairs(problems) do assert.not_matches("hush", each) end

    return sections
  end

  it("reads sections, comments and quotes", function()
    assert.same({
      default = { region = "eu-west-1", output = "" },
      ["profile a b"] = { role_arn = "arn:aws:iam::1:role/x#y", key = "v;w" },
      ["profile quoted"] = { k = "v" }, ["single"] = { k = "v = w" },
    }, parse [=[
# a comment
; another
[default]   # after a section
region=eu-west-1   # after white space
output =
[profile "a b"]
  role_arn = arn:aws:iam::1:role/x#y
key = v;w ; comment
[profile 'quoted']
k=v
["single"]
K = v = w
]=])
  end)

  it("nests indented lines under a key without a value", function()
    assert.same({ p = { s3 = { addressing_style = "path", x = "1" }, after = "2" } },
      parse("[p]\ns3 =\n  addressing_style = path\n\tx=1 # note\nafter = 2\n"))
    assert.same({ p = { s3 = { x = "2" } } }, parse("[p]\ns3 =\n x = 1\n   x = 2\n  [y z] = 3\n"))
  end)

  it("continues a value over the lines that are indented deeper than its key", function()
    assert.same({ p = { credential_process = "tool\n--flag\n--x = y # kept", b = "1" } },
      parse("[p]\ncredential_process = tool # note\n  --flag  \n# between\n\n\t--x = y # kept\nb "
        .. "= 1\n"))
    assert.same({ p = { a = "1\n2", b = "3" } }, parse("[p]\n  a = 1\n    2\n  b = 3\n"))
    assert.same({ p = { a = "1\n[q]" } }, parse("[p]\na = 1\n [q]\n"))
  end)

  it("takes sections whose lines are all indented alike", function()
    assert.same({ p = { a = "1", b = "2", c = "3" }, q = { a = "4" } },
      parse("[p]\n  a = 1\n  # note\n  b = 2\n c = 3\n[q]\na = 4\n"))
    assert.same({ p = { a = "1" }, q = { a = "4" } }, parse("  [p]\n  a = 1\n  [q]\n  a = 4\n"))
  end)

  it("takes every line end, a byte order mark, and joins repeated sections", function()
    assert.same({ a = { x = "2", y = "3" } }, parse("\239\187\191[a]\r\nx=1\rx=2\n[a]\ny=3"))
    assert.same({ ["profile a"] = { x = "1", y = "2" }, b = {} },
      parse("[profile a]\nx=1\n[b]\n[ profile\t'a' ]\ny = 2"))
    assert.same({}, parse(""))
  end)

  it("leaves alone what it does not know", function()
    assert.same({ ["sso-session s"] = { sso_region = "x" }, ["plugins"] = { a = "b" },
      ["[profile x y]"] = { k = "v" },
      a = { known = "1" } },
        parse("[sso-session s]\nsso_region = x\n[plugins]\na=b\n[profile x y]\nk = v\n"
      .. "[a]\na key = 2\n  and more\nknown = 1\n"))
  end)

  it("names the line of a mistake for its section, and never what is on it", function()
    notes("", "key = hush\n", "1: a key stands before the first section")
    notes("a", "[a]\nhush\n", "2: a line must read key = value")
    notes("hush", "[a]\n\n[hush\n", "3: a section must read %[name%]")
    notes("a", "[a] hush\n", "1: a section")
    notes("", "[]\n", "1: a section")
    notes("a", "[a]\n= hush\n", "2: a line")
    notes("a", "[a]\nx =\n hush\n", "3: a line that is indented after an empty value")
    notes("a", "[a]\nx = hu\0sh\n", "2: the line contains a NUL byte")
    notes("a", "[a]\nhush\n[b]\n= hush\n[a]\nhush\n", "2:")
  end)

  it("keeps what it can read beside a mistake", function()
    assert.same({ a = { x = "1", y = "2" }, b = { z = "3" } },
      notes("a", "[a]\nx = 1\nhush\ny = 2\n[b]\nz = 3\n", "3:"))
    assert.same({ a = { x = "1" }, ["profile b"] = { y = "2" } },
      notes("profile b", "[a]\nx = 1\n[profile b # hush\ny = 2\n", "3:"))
    assert.same({ a = { x = "1" } }, notes("", "[a]\nx = 1\n[]\ny = 2\n", "3:"))
  end)

  it("refuses files that are not text of this kind", function()
    for text, reason in pairs { [("x"):rep(2000000)] = "the file is larger",
      ["\xff\xfe[\0a\0"] = "UTF%-16",
      ["\xfe\xff\0["] = "UTF%-16" } do
      local sections, message, code = ini.parse(text, "config")
      assert.is_nil(sections)
      assert.equal("InvalidConfiguration", code)
      assert.matches("^config:1: .*" .. reason, message)
    end
  end)

  it("reads long runs of white space in one go", function()
    local spaces = (" "):rep(200000)
    assert.same({ a = { x = "1" .. spaces .. "2" } }, parse("[a]\nx = 1" .. spaces .. "2\n"))
    assert.same({ a = {} }, parse("[a]\nx" .. spaces .. "y = 2\n"))
    notes("a hush", "[a" .. spaces .. "hush\n", "1: a section must read")
    notes("a", "[a]" .. spaces .. "hush\n", "1: a section must read")
    assert.same({ a = {} }, parse("[a]\n" .. spaces .. "\n#\n" .. spaces .. "\n"))
  end)
end)
