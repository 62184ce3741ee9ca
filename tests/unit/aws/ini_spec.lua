local ini = require("weir.aws.ini")

describe("weir.aws.ini", function()
  local function fails(text, place)
    local sections, message, code = ini.parse(text, "config")
    assert.is_nil(sections)
    assert.equal("InvalidConfiguration", code)
    assert.matches("^config:" .. place, message)
    assert.not_matches("hush", message)
  end

  it("reads sections, comments and quotes", function()
    assert.same({
      default = { region = "eu-west-1", output = "" },
      ["profile a b"] = { role_arn = "arn:aws:iam::1:role/x#y", key = "v;w" },
      ["profile quoted"] = { k = "v" }, ["single"] = { k = "v = w" },
    }, assert(ini.parse([=[
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
]=], "config")))
  end)

  it("nests indented lines under the key above", function()
    assert.same({ p = { s3 = { addressing_style = "path", x = "1" }, after = "2" } },
      assert(ini.parse("[p]\ns3 =\n  addressing_style = path\n\tx=1\nafter = 2\n", "config")))
  end)

  it("takes every line end, a byte order mark, and joins repeated sections", function()
    assert.same({ a = { x = "2", y = "3" } },
      assert(ini.parse("\239\187\191[a]\r\nx=1\rx=2\n[a]\ny=3", "config")))
    assert.same({}, assert(ini.parse("", "config")))
  end)

  it("names the line of a mistake and never what is on it", function()
    fails("key = hush\n", "1: a key stands before the first section")
    fails("[a]\nhush\n", "2: a line must read key = value")
    fails("[a]\n\n[hush\n", "3: a section must read %[name%]")
    fails("[a] hush\n", "1: a section")
    fails("[]\n", "1: a section")
    fails("[a]\n= hush\n", "2: a line")
    fails("[a]\nx = 1\n y = hush\n", "3: an indented line follows a key that has a value")
    fails("[a]\nx =\n hush\n", "3: an indented line")
    fails("[a]\nx = hu\0sh\n", "2: the line contains a NUL byte")
    fails(("x"):rep(2000000), "1: the file is larger")
  end)

  it("reads long runs of white space in one go", function()
    local spaces, started = (" "):rep(200000), os.clock()
    assert.same({ a = { x = "1" .. spaces .. "2" } }, ini.parse("[a]\nx = 1" .. spaces .. "2\n", "config"))
    fails("[a]\nx" .. spaces .. "hush = 2\n", "2: a line must read")
    fails("[a" .. spaces .. "hush\n", "1: a section must read")
    fails("[a]" .. spaces .. "hush\n", "1: a section must read")
    assert.same({ a = {} }, ini.parse("[a]\n" .. spaces .. "\n#\n" .. spaces .. "\n", "config"))
    assert.is_true(os.clock() - started < 20)
  end)
end)
