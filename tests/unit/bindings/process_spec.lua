-- weir.process.write: several texts as one.
local files = require("support.files")
local run = require("support.run")

local function written(source)
  local folder = files.directory { ["write.lua"] = source }
  local result = run { "lua", folder .. "/write.lua" }
  files.remove(folder)
  assert.same({ 0, "" }, { result.status, result.stderr })
  return result.stdout
end

describe("weir.process.write", function()
  it("writes its texts one after the other, empty ones and zero bytes included", function()
    assert.equal("a\0b\nc", written 'require("weir.process").write(1, "a\\0b", "", "\\n", "c")')
  end)

  it("takes as many texts as there are, of any size", function()
    local text = written [[
      local texts = {}
      for i = 1, 100 do texts[i] = ("%d,"):format(i):rep(i * 20) end
      assert(require("weir.process").write(1, table.unpack(texts)))]]
    local wanted = {}
    for i = 1, 100 do wanted[i] = ("%d,"):format(i):rep(i * 20) end
    assert.equal(table.concat(wanted), text)
  end)
end)
