-- `weir emulate` before anything runs: options, layers and zips that are not what they should be.
local emulators = require "support.emulator"
local json = require "weir.json"
local run = require "support.run"

describe("the arguments of weir emulate", function()
  local directory
  before_each(function() directory = run.directory {} end)
  after_each(function() run.remove(directory) end)

  it("are checked before anything is started", function()
    for _, case in ipairs {
      { "no handler is named" },
      { "%-%-port 'x' is not an integer from 0 to 65535", "--port", "x" },
      { "%-%-timeout '901' is not an integer from 1 to 900", "--timeout", "901" },
      { "%-%-timeout '3.0' is not an integer", "--timeout", "3.0" },
      { "%-%-memory '64' is not an integer from 128 to 10240", "--memory", "64" },
      { "%-%-concurrency '0' is not an integer from 1 to 100", "--concurrency", "0" },
      { "%-%-managed '0' is not an integer", "--managed", "0" },
      { "%-%-env 'PLACE' is not NAME=VALUE", "--env", "PLACE" },
      {
        "%-%-env AWS_LAMBDA_RUNTIME_API: Lambda sets this variable itself",
        "--env",
        "AWS_LAMBDA_RUNTIME_API=x",
      },
      { "%-%-env _HANDLER: Lambda sets", "--env", "_HANDLER=x" },
      { "%-%-log%-format 'json' is neither Text nor JSON", "--log-format", "json" },
      { "%-%-log%-level 'LOUD' is not one of TRACE", "--log-level", "LOUD" },
      { "%-%-qualifier 'a b' is not a version or an alias", "--qualifier", "a b" },
      { "%-%-function 'a/b' is not a name of a function", "--function", "a/b" },
    } do
      local arguments = { "emulate", table.unpack(case, 2) }
      if case[1] ~= "no handler is named" then
        table.move({ "--handler", "x" }, 1, 2, #arguments + 1, arguments)
      end

      local result = run(arguments)
      assert.equal(2, result.status, result.stderr)
      assert.matches(case[1], result.stderr)
      assert.matches("\nNext: weir help emulate\n", result.stderr)
    end
  end)

  it("say with --json what is wrong with LAYER and --task-root", function()
    run.write(directory .. "/not.zip", "no zip")
    for _, case in ipairs {
      { "NotFound", directory .. "/absent" },
      { "NotALayer", directory .. "/not.zip" },
      { "NotALayer", directory },
      { "NotFound", "--task-root", directory .. "/absent" },
      { "NotADirectory", "--task-root", directory .. "/not.zip" },
    } do
      local result = run { "emulate", "--json", "--handler", "x.y", table.unpack(case, 2) }
      assert.equal(6, result.status, result.stderr)
      assert.equal(case[1], json.decode(result.stdout).code, result.stdout)
    end
  end)

  it("name a handler that there is, where weir is the runtime", function()
    run.write(directory .. "/mine.lua", "error('this must not run in the emulator')")
    run.write(directory .. "/torn.lua", "return {")
    for _, case in ipairs {
      { "routin", "there is no handler 'routin'; did you mean 'routing'%?" },
      { "quux", "there is no handler 'quux'; handlers are: routing, " },
      { "absent.handle", "cannot open [^\n]*/absent.lua" },
      { "torn.handle", "[^\n]*/torn.lua:1: unexpected symbol" },
      { "../mine.handle", "there is no handler '../mine.handle'" },
    } do
      local result = run { "emulate", "--handler", case[1], "--task-root", directory }
      assert.equal(2, result.status, result.stderr)
      assert.matches("%-%-handler '" .. case[1] .. "': " .. case[2], result.stderr)
      assert.matches("\nNext: ", result.stderr)
    end

    for _, name in ipairs { "routing", "routing.handler", "mine.handle" } do
      local emulator <close> = emulators.start { "--handler", name, "--task-root", directory }
      assert.equal(0, (emulator:stop()))
    end
  end)

  it("name a function that the handler's file names, or are told so at once", function()
    run.write(directory .. "/mine.lua", "local M = {} function M.handle() end return M")
    for name, told in pairs { ["mine.handl"] = true, ["mine.handles"] = true,
      ["mine.handle"] = false } do
      local emulator <close> = emulators.start { "--handler", name, "--task-root", directory }
      local said = emulator:messages()
      assert.equal(told, said:find("nowhere names '" .. name:match("%w+$") .. "'", 1, true) ~= nil,
        said)
      assert.equal(0, (emulator:stop()))
    end
  end)

  it("name a handler that there is, with weir's own layer too", function()
    run.write(directory .. "/bootstrap", "#!/bin/sh\nexit 1\n")
    os.execute("chmod 755 " .. run.quote(directory .. "/bootstrap"))
    run.write(directory .. "/bom.json", '{"metadata":{"component":{"name":"weir"}}}')
    local result = run { "emulate", directory, "--handler", "routin" }
    assert.equal(2, result.status, result.stderr)
    assert.matches("did you mean 'routing'", result.stderr, 1, true)
    for _, bom in ipairs { "[", "[]", '{"metadata":3}',
      '{"metadata":{"component":{"name":"other"}}}' } do
      run.write(directory .. "/bom.json", bom)
      local emulator <close> = emulators.start { "--handler", "routin", layer = directory }
      assert.equal(0, (emulator:stop()))
    end
  end)

  it("say when this build has no emulator", function()
    local preload, loaded = package.preload["weir.emulator"], package.loaded["weir.emulator"]
    package.preload["weir.emulator"], package.loaded["weir.emulator"] = nil, nil
    local status, problem, hint = require("weir.cli.emulate").run({ handler = "x" }, {})
    package.preload["weir.emulator"], package.loaded["weir.emulator"] = preload, loaded
    assert.is_nil(status)
    assert.equal("this build has no emulator", problem)
    assert.matches("WEIR_EMULATOR=ON", hint, 1, true)
  end)

  it("name a layer with a bootstrap that can run", function()
    local function problem(layer)
      local result = run { "emulate", layer, "--handler", "x" }
      assert.equal(6, result.status, result.stderr)
      return result.stderr
    end

    assert.matches("/nowhere: no such file or directory", problem("/nowhere"))
    assert.matches("holds no file 'bootstrap'", problem(directory))
    run.write(directory .. "/bootstrap", "#!/bin/sh\n")
    assert.matches("bootstrap is not executable; Lambda needs mode 0755", problem(directory))
    assert.matches("is not a zip that can be read", problem(directory .. "/bootstrap"))
    assert.equal(6, run({ "emulate", "--handler", "x", "--task-root", "/nowhere" }).status)
  end)

  it("name a port that is free", function()
    local layer = emulators.scripted_layer()
    local emulator <close> = emulators.start { "--handler", "x", layer = layer }
    local result = run { "emulate", layer, "--handler", "x", "--port", tostring(emulator.port) }
    assert.equal(6, result.status)
    assert.matches("cannot listen on 127.0.0.1:" .. emulator.port .. ": Address already in use",
      result.stderr, 1,
      true)
    run.remove(layer)
  end)

  it("give commands to type", function()
    local layer = emulators.scripted_layer()
    local emulator <close> = emulators.start {
      "--handler",
      "x",
      "--function",
      "route-it",
      layer = layer,
    }

    local said = emulator:messages()
    assert.matches("Next: aws lambda invoke --endpoint-url " .. emulator.url
      .. " --function-name route-it ", said,
      1, true)
    local pipe = io.popen("exec " .. said:match("Next: (curl [^\n]*)") .. " 2>/dev/null")
    assert.equal("{}", pipe:read("a"))
    pipe:close()
    run.remove(layer)
  end)
end)

describe("a layer's zip", function()
  local directory, zip, temporary
  before_each(function()
    directory, temporary = emulators.scripted_layer(), run.directory {}
    zip = directory .. "-layer.zip"
  end)

  after_each(function()
    run.remove(directory)
    run.remove(temporary)
    os.remove(zip)
  end)

  local function names_in(path)
    local names = {}
    local pipe = io.popen("ls -A " .. run.quote(path))
    for name in pipe:lines() do names[#names + 1] = name end
    pipe:close()

    return names
  end

  -- A zip of empty files with names that no honest program writes: local entries, the directory of
  -- them, and its end. Mode 0644, written on Unix. `bytes` is how large each says that it is.
  local function write_zip(names, bytes)
    local entries, list = "", ""
    for _, name in ipairs(names) do
      local fields = string.pack("<I2I2I2I2I2I4I4I4I2I2", 20, 0, 0, 0, 0x21, 0, 0, bytes or 0,
        #name, 0)
      list = list .. "PK\1\2" .. string.pack("<I2", 3 << 8 | 20) .. fields
        .. string.pack("<I2I2I2I4I4", 0, 0, 0, 0x81a4 << 16, #entries) .. name
      entries = entries .. "PK\3\4" .. fields .. name
    end

    run.write(zip, entries .. list .. "PK\5\6"
      .. string.pack("<I2I2I2I2I4I4I2", 0, 0, #names, #names, #list, #entries, 0))
  end

  it("is run from a directory of its own, which is gone afterwards", function()
    run.write(directory .. "/data.txt", "data")
    os.execute("chmod 640 " .. run.quote(directory .. "/data.txt"))
    assert(os.execute(("cd %s && zip -q %s bootstrap data.txt"):format(run.quote(directory),
      run.quote(zip))))
    local emulator <close> = emulators.start {
      "--handler",
      "x",
      layer = zip,
      env = { TMPDIR = temporary },
    }

    local seen = json.decode(emulator:invoke({ ["do"] = "environment" }).body)
    local unpacked = seen.LAMBDA_RUNTIME_DIR
    assert.not_equal(directory, unpacked)
    local pipe =
      io.popen(("cd %s && stat -c '%%a %%n' bootstrap data.txt"):format(run.quote(unpacked)))
    assert.equal("755 bootstrap\n640 data.txt\n", pipe:read("a"))
    pipe:close()
    assert.equal(0, (emulator:stop()))
    assert.is_nil(io.open(unpacked .. "/bootstrap"))
    assert.equal(temporary, unpacked:match("^(.*)/[^/]*$"))
    assert.same({}, names_in(temporary))
  end)

  it("is refused when it unpacks to more than Lambda takes", function()
    for bytes, problem in pairs {
      [262144001] = "unpacks to 250.0 MiB; Lambda's limit is 250.0 MiB",
      [262144000] = "cannot be unpacked", -- it is not as large as it says
    } do
      os.remove(zip)
      write_zip({ "bootstrap" }, bytes)
      local result = run { "emulate", zip, "--handler", "x", env = { TMPDIR = temporary } }
      assert.equal(6, result.status, result.stderr)
      assert.matches(problem, result.stderr, 1, true)
    end

    assert.same({}, names_in(temporary))
  end)

  it("is refused when an entry leaves it, or when there is no bootstrap in it", function()
    for _, case in ipairs {
      { "holds '../outside', which leaves", { "bootstrap", "../outside" } },
      { "holds '/etc/outside', which leaves", { "bootstrap", "/etc/outside" } },
      { "holds 'a/../../outside', which leaves", { "bootstrap", "a/../../outside" } },
      { "holds no file 'bootstrap'", { "README" } },
      { "bootstrap is not executable", { "bootstrap" } },
    } do
      os.remove(zip)
      write_zip(case[2])
      local result = run { "emulate", zip, "--handler", "x", env = { TMPDIR = temporary } }
      assert.equal(6, result.status, result.stderr)
      assert.matches(case[1], result.stderr, 1, true)
    end

    assert.same({}, names_in(temporary))
  end)
end)
