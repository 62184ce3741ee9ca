-- The corpus of tests/determinism has one digest: in the development build, and in the layers of
-- both architectures. And each names the very Lua that the others have.
local determinism = require "support.determinism"
local json = require "weir.json"
local layer_root = require "support.layer_root"
local run = require "support.run"

-- An emulated processor takes its time.
local PATIENCE = 1200

for _, architecture in ipairs { "x86_64", "arm64" } do
  describe("the same decisions in the " .. architecture .. " layer", function()
    local missing, root = layer_root.missing(architecture), nil

    setup(function()
      if missing then return end
      root = layer_root.new(architecture)
      root:copy(determinism.set, "/set")
      determinism.write_recording(root.path .. "/corpus.jsonl")
    end)

    teardown(function() if root then root:remove() end end)

    local function does(what, body)
      if missing then pending(what .. ": " .. missing) else it(what, body) end
    end

    does("has the Lua of the development build", function()
      local here = json.decode(run({ "version", "--json" }).stdout)
      local there = json.decode(root:run({ "version", "--json" }).stdout)
      assert.same(here.lua, there.lua)
      assert.equal(architecture, there.architecture)
    end)

    does("gives the corpus of texts the digest of the development build", function()
      local here = run {
        "replay",
        root.path .. "/corpus.jsonl",
        "-p",
        determinism.set,
        "--quiet",
        timeout = PATIENCE,
      }

      local there = root:run {
        "replay",
        "/corpus.jsonl",
        "-p",
        "/set",
        "--quiet",
        timeout = PATIENCE,
      }

      assert.equal(assert(determinism.digest(here.stdout)), determinism.digest(there.stdout),
        there.stderr)
    end)
  end)
end
