local files = require("support.files")
local bytes = require("weir.bytes")
local sha256 = require("weir.sha256")

describe("weir.bytes", function()
  it("computes the CRC that DynamoDB sends", function()
    assert.equal(0xcbf43926, bytes.crc32("123456789"))
    assert.equal(0, bytes.crc32(""))
  end)

  it("encodes base64", function()
    for plain, text in pairs({ [""] = "", f = "Zg==", fo = "Zm8=", foo = "Zm9v",
      ["\0\255"] = "AP8=" }) do
      assert.equal(text, bytes.base64(plain))
    end
  end)

  it("raises on a caller's mistake", function()
    assert.error_matches(function() bytes.crc32(5) end, "bytes%.crc32%(text")
    assert.error_matches(function() bytes.base64() end, "expected weir%.bytes%.base64%(text%)")
  end)
end)

describe("weir.sha256.file", function()
  local path = os.tmpname()

  setup(function() files.write(path, ("0123456789"):rep(20000)) end)

  teardown(function() os.remove(path) end)

  it("is the digest of the file, or of a part", function()
    assert.equal(sha256.hex(("0123456789"):rep(20000)), sha256.file(path))
    assert.equal(sha256.hex("3456"), sha256.file(path, 3, 4))
    assert.equal(sha256.hex("6789"), sha256.file(path, 199996))
    assert.equal(sha256.hex(""), sha256.file(path, 5, 0))
  end)

  it("says what it cannot read", function()
    for _, call in ipairs({ { path, 0, 200001 }, { "/nowhere/x" }, { "/" } }) do
      local digest, message, code = sha256.file(table.unpack(call))
      assert.is_nil(digest)
      assert.equal("FileFailed", code, message)
    end
  end)
end)
