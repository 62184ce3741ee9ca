-- Known findings that a set is accepted with: written, read, and taken out of what is found.
local baseline = require "weir.pull_request.baseline"
local files = require "support.files"
local json = require "weir.json"

local function finding(code, file, message, line)
  return { code = code, file = file or "set/a.lua", message = message or "m", line = line or 1 }
end

-- "FILE:LINE CODE MESSAGE" of each.
local function shown(list)
  local lines = {}
  for i, each in ipairs(list) do
    lines[i] = ("%s:%d %s %s"):format(each.file, each.line, each.code, each.message)
  end

  return lines
end

describe("a baseline", function()
  local folder, path

  setup(function() folder = files.directory() end)
  before_each(function() path = folder .. "/baseline.json" end)
  teardown(files.remove_all)

  local function read(value)
    files.write(path, type(value) == "string" and value or json.encode(value))
    return baseline.read(path)
  end

  local function written(...)
    local list = {}
    for i, each in ipairs { ... } do list[i] = { directory = "set", finding = each } end
    return baseline.text(list)
  end

  it("accepts what reading the source finds, and nothing else", function()
    local list = { finding "W003", finding "W101", finding "W199", finding "W201", finding "W302",
      finding "X101", finding "W" }
    local accepted = baseline.acceptable(list)
    assert.same({ "set/a.lua:1 W101 m", "set/a.lua:1 W199 m", "set/a.lua:1 W201 m" },
      shown(accepted))
    assert.same({ "set/a.lua:1 W003 m", "set/a.lua:1 W302 m", "set/a.lua:1 X101 m",
      "set/a.lua:1 W m" }, shown(list))
  end)

  it("has each finding once, with how often it is there, by its file inside the set", function()
    local text, count = written(finding("W101", "set/a.lua", "m", 1),
      finding("W101", "set/a.lua", "m", 9), finding("W101", "set/lib/b.lua"),
      finding("W102", "set/a.lua"), finding("W101", "elsewhere/a.lua"),
      finding("W101", "settle/a.lua", "n"))
    assert.equal(6, count)
    assert.same({ schema = "weir.baseline/1", findings = {
      { file = "a.lua", code = "W101", message = "m", count = 2 },
      { file = "lib/b.lua", code = "W101", message = "m", count = 1 },
      { file = "a.lua", code = "W102", message = "m", count = 1 },
      { file = "elsewhere/a.lua", code = "W101", message = "m", count = 1 },
      { file = "settle/a.lua", code = "W101", message = "n", count = 1 },
    } }, json.decode(text))
    assert.equal("\n", text:sub(-1))
    assert.equal("a.lua", json.decode((baseline.text { { directory = "/",
      finding = finding("W101", "/a.lua") } })).findings[1].file)
  end)

  it("takes known findings out of the list, on whatever line, as often as they were", function()
    local known = assert(read((written(finding("W101", "set/a.lua", "m", 1),
      finding("W101", "set/a.lua", "m", 2), finding("W201", "set/b.lua")))))
    local list = { finding("W101", "other/a.lua", "m", 5), finding("W101", "other/a.lua", "n"),
      finding("W102", "other/a.lua", "m"), finding("W101", "other/b.lua", "m"),
      finding("W101", "other/a.lua", "m", 6), finding("W101", "other/a.lua", "m", 7) }
    assert.equal(3, known:gone())
    assert.same({ "other/a.lua:5 W101 m", "other/a.lua:6 W101 m" },
      shown(known:accept("other", list)))
    assert.same({ "other/a.lua:1 W101 n", "other/a.lua:1 W102 m", "other/b.lua:1 W101 m",
      "other/a.lua:7 W101 m" }, shown(list))
    assert.equal(1, known:gone())
  end)

  it("adds up what is in the file twice, and may be empty", function()
    local entry = { file = "a.lua", code = "W101", message = "m", count = 2 }
    assert.equal(4, assert(read { schema = "weir.baseline/1", findings = { entry, entry } }):gone())
    assert.equal(0, assert(read((written()))):gone())
  end)

  it("is refused where it is none", function()
    for _, value in ipairs { "[]", "7", '{"findings":[]}', '{"schema":"weir.baseline/2",'
      .. '"findings":[]}', '{"schema":"weir.baseline/1"}',
      '{"schema":"weir.baseline/1","findings":7}' } do
      assert.same({ nil, path .. " is not a baseline: it has no schema weir.baseline/1",
        "InvalidBaseline" }, { read(value) }, value)
    end

    local _, message, code = read "{"
    assert.equal("InvalidBaseline", code)
    assert.equal(path .. ": ", message:sub(1, #path + 2))
    assert.same({ nil, "NotFound" }, { (baseline.read(folder .. "/none")),
      (select(3, baseline.read(folder .. "/none"))) })
  end)

  it("is refused where one of its findings cannot be accepted", function()
    local good = { file = "a.lua", code = "W101", message = "m", count = 1 }
    for name, value in pairs { code = "W003", file = 7, message = false, count = 0 } do
      local bad = {}
      for key, each in pairs(good) do bad[key] = each end
      bad[name] = value
      assert.same({ nil, path .. ": findings[2] is not a finding that can be accepted",
        "InvalidBaseline" }, { read { schema = "weir.baseline/1", findings = { good, bad } } },
        name)
      bad[name] = nil
      assert.is_nil((read { schema = "weir.baseline/1", findings = { bad } }), name)
    end

    good.count = 1.5
    for _, bad in ipairs { 7, "x", good } do
      assert.is_nil((read { schema = "weir.baseline/1", findings = { bad } }))
    end
  end)
end)
