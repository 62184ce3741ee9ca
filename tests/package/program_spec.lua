-- The command-line program of each package, installed in an empty root, does what the development
-- build does: every part that the layer goes without, too.
local determinism = require "support.determinism"
local emulators = require "support.emulator"
local json = require "weir.json"
local package_root = require "support.package_root"
local run = require "support.run"

local RECORDING = "tests/recordings/lunch-hour.jsonl"

-- An emulated processor takes its time.
local PATIENCE = 300

local function each_package(body)
  for _, architecture in ipairs { "x86_64", "arm64" } do
    for _, form in ipairs { "tarball", "debian" } do body(form, architecture) end
  end
end

each_package(function(form, architecture)
  describe(("the program of the %s %s"):format(architecture, form), function()
    local missing, root, emulator = package_root.missing(form, architecture), nil, nil

    setup(function()
      if missing then return end
      root = package_root.new(form, architecture)
      root:copy(RECORDING, "/day.jsonl")
      root:copy("tests/determinism", "/determinism")
    end)

    after_each(function()
      if emulator then emulator:close() end
      emulator = nil
    end)

    teardown(function() if root then root:remove() end end)

    local function does(what, body)
      if missing then pending(what .. ": " .. missing) else it(what, body) end
    end

    -- Runs in the root; → what it printed.
    local function succeeds(given)
      local found = root:run(given)
      assert.equal(0, found.status, found.stdout .. found.stderr)

      return found.stdout
    end

    does("is the build that the development build is, with the same Lua", function()
      local here = json.decode(run({ "version", "--json" }).stdout)
      local there = json.decode(succeeds { "version", "--json" })
      assert.same({ here.version, here.id, here.lua }, { there.version, there.id, there.lua })
      assert.equal(architecture, there.architecture)
    end)

    does("has every verb of the development build", function()
      assert.equal(run({ "help" }).stdout, succeeds { "help" })
    end)

    does("decides by the policies that came with it", function()
      local said = succeeds {
        "decide", "routing", "-e", "-", "--json", stdin = '{"file_count": 12}',
      }
      local decided = json.decode(said)
      assert.equal("batch", decided.decision.action)
      assert.matches(root.prefix .. "/share/weir/policies/routing.lua", said, 1, true)
    end)

    does("replays a recording to the same digest", function()
      local here = run { "replay", RECORDING, "-q", timeout = PATIENCE }
      local there = succeeds { "replay", "/day.jsonl", "-q" }
      assert.equal(assert(determinism.digest(here.stdout)), determinism.digest(there))
    end)

    does("starts a set, checks it, tests it and writes its stubs", function()
      succeeds { "new", "/set" }
      assert.matches("0 errors, 0 warnings", succeeds { "check", "/set" })
      succeeds { "test", "/set", "-q" }
      succeeds { "stubs", "/set" }
    end)

    does("explores and explains", function()
      local facts = '{"file_count": 12}'
      local given = { "explain", "routing", "-e", "-", "--json", stdin = facts }
      assert.equal("batch", json.decode(succeeds(given)).action)

      local words = { "explore", "routing", "--tries", "5000", "--seed", "1", "--json" }
      local here, there = run(words), root:run(words)
      assert.equal("", there.stderr)
      assert.equal(here.status, there.status)
    end)

    does("draws a page with its charts", function()
      succeeds { "replay", "/day.jsonl", "-q", "--html", "/page.html" }
      assert.is_truthy(root:read("/page.html"):find("Dygraph.PLUGINS", 1, true))
    end)

    -- The other processor's program runs on qemu, which hands what it starts to this machine's
    -- kernel: there the runtime is this machine's.
    does("emulates Lambda", function()
      local arguments = { command = root:command(root.program), "--handler", "routing",
        "--timeout", "60" }
      if architecture ~= package_root.machine then
        local other = package_root.new(form, package_root.machine)
        finally(function() other:remove() end)
        root:copy(other.path .. other.prefix .. "/bin/weir", "/layer/bootstrap")
        root:copy("policies", "/layer/policies")
        arguments.layer = "/layer"
      end

      emulator = emulators.start(arguments)
      local answer = json.decode(emulator:invoke({ file_count = 12 }).body)
      assert.equal("batch", answer.action or answer.decision.action)
      assert.equal(0, (emulator:stop()))
    end)

    does("finds the authorities that came with it", function()
      root:write("/ask.lua", [[
        local answer, message, code = require("weir.http").request {
          url = "https://127.0.0.1:1/", timeout_ms = 5000,
        }
        print(code, message)
      ]])
      local said = succeeds { "lua", "/ask.lua" }
      assert.is_nil(said:find("no CA certificates", 1, true), said)
    end)

    does("refuses a bundle that does not load, with its status", function()
      root:write("/bad/routing.lua", "return policy {\n")
      assert.equal(3, root:run({ "check", "/bad" }).status)
    end)
  end)
end)
