local files = require "weir.files"
local run = require "support.run"

describe("weir.files", function()
  local directory
  setup(function() directory = run.directory { ["a.txt"] = "0123456789", empty = "" } end)
  teardown(function() run.remove(directory) end)

  local function fails(code, message, ...)
    local value, text, found = ...
    assert.is_nil(value)
    assert.equal(code, found)
    assert.equal(message, text)
  end

  it("reads up to a limit, and no further", function()
    assert.equal("0123456789", files.read(directory .. "/a.txt", 10))
    assert.equal("", files.read(directory .. "/empty", 1))
    fails("TooLarge", directory .. "/a.txt: is larger than the limit",
      files.read(directory .. "/a.txt", 9))
    fails("TooLarge", "/dev/zero: is larger than the limit", files.read("/dev/zero", 100000))
  end)

  it("says what is wrong", function()
    fails("NotFound", directory .. "/b: no such file or directory",
      files.read(directory .. "/b", 1))
    fails("IsDirectory", directory .. ": is a directory, not a file", files.read(directory, 1))
    fails("NotDirectory", directory .. "/a.txt/x: not a directory",
      files.read(directory .. "/a.txt/x", 1))
    fails("NotDirectory", directory .. "/a.txt: not a directory", files.list(directory .. "/a.txt"))
    fails("NotFound", directory .. "/b: no such file or directory", files.stat(directory .. "/b"))
    fails("NotFound", directory .. "/b: no such file or directory", files.open(directory .. "/b"))
  end)

  it("lists names without . and ..", function()
    local names = files.list(directory)
    table.sort(names)
    assert.same({ "a.txt", "empty" }, names)
  end)

  it("tells files from directories", function()
    assert.equal("directory", files.stat(directory).type)
    assert.equal("other", files.stat("/dev/null").type)
    local status = files.stat(directory .. "/a.txt")
    assert.equal("file", status.type)
    assert.equal(10, status.size)
    assert.is_true(math.abs(status.modified_ns // 1000000000 - os.time()) < 60)
  end)

  it("tells what can be run", function()
    assert.is_true(files.stat("/bin/sh").executable)
    assert.is_false(files.stat(directory .. "/a.txt").executable)
  end)

  it("follows links and dots to where a path is", function()
    assert(os.execute(("ln -s empty '%s/link'"):format(directory)))
    local roundabout = ("%s/./../%s/link"):format(directory, directory:match("[^/]+$"))
    assert.equal(directory .. "/empty", files.absolute(roundabout))
    local found, message, code = files.absolute(directory .. "/nowhere")
    assert.same({ nil, directory .. "/nowhere: no such file or directory", "NotFound" },
      { found, message, code })
    assert(os.remove(directory .. "/link"))
  end)

  it("reads piece by piece, closes once, and refuses to read on", function()
    local file = assert(files.open(directory .. "/a.txt"))
    assert.equal("0123456789", file:read())
    assert.equal("", file:read())
    file:close()
    file:close()
    assert.has_error(function() file:read() end, "expected file:read() on an open file")
  end)

  it("gives descriptors back", function()
    for _ = 1, 3000 do
      local file <close> = assert(files.open(directory .. "/empty"))
      assert.equal("", file:read())
    end
  end)

  it("raises on a caller's mistake, with the expected call", function()
    for _, call in ipairs {
      function()
        files.read()
      end, function() files.read("a") end, function() files.read("a", 0) end,
      function() files.read("a\0b", 1) end, function() files.read("", 1) end,
        function() files.read("a", 1, 2) end,
    } do
      assert.error_matches(call, "expected weir%.files%.read%(path, limit in bytes%)")
    end

    assert.error_matches(function() files.list(3) end, "expected weir%.files%.list%(path%)")
    assert.error_matches(function() files.stat({}) end, "expected weir%.files%.stat%(path%)")
    assert.error_matches(function() files.open("\0") end, "expected weir%.files%.open%(path%)")
  end)
end)

describe("weir.sha256", function()
  it("agrees with sha256sum", function()
    local sha256 = require "weir.sha256"
    assert.equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", sha256.hex(""))
    assert.equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      sha256.hex("abc"))
    assert.error_matches(function() sha256.hex(3) end, "expected weir%.sha256%.hex%(text%)")
  end)
end)
