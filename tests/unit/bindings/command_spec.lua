local command = require("weir.command")
local process = require("weir.process")

describe("weir.command.run", function()
  it("passes arguments untouched by any shell, and collects the output", function()
    local result = assert(command.run({ argv = { "printf", "%s|", "a b", "$HOME", "`id`", "" } }))
    assert.same({ exit_status = 0, output = "a b|$HOME|`id`||" }, result)
  end)

  it("gives the exit status", function()
    assert.equal(3, assert(command.run({ argv = { "sh", "-c", "exit 3" } })).exit_status)
  end)

  it("names what went wrong, without the output", function()
    local function fails(code, argv, more)
      local request = { argv = argv }
      for key, value in pairs(more or {}) do request[key] = value end
      local result, message, actual = command.run(request)
      assert.is_nil(result)
      assert.equal(code, actual)
      assert.not_matches("hush", message)
    end

    fails("NotStarted", { "/nowhere/program" })
    fails("Signalled", { "sh", "-c", "echo hush; kill -9 $$" })
    fails("OutputTooLarge", { "yes", "hush" }, { max_output_bytes = 1000 })
    local before = process.clock()
    fails("Timeout", { "sh", "-c", "echo hush; sleep 5 & sleep 5" }, { timeout_ms = 60 })
    fails("Timeout", { "sh", "-c", "exec >/dev/null; sleep 5" }, { timeout_ms = 60 })
    assert.is_true(process.clock() - before < 2000)
  end)

  it("raises on a caller's mistake", function()
    for _, request in ipairs({ {}, { argv = {} }, { argv = { 5 } }, { argv = { "a\0b" } },
      { argv = { "true" }, timeout_ms = 0 }, { argv = { "true" }, shell = true } }) do
      assert.is_false((pcall(command.run, request)))
    end
  end)
end)
