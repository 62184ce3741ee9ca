-- The layer's program, in a root with nothing but the layer, says and decides what the development
-- build does, to the byte.
local files = require "support.files"
local layer_root = require "support.layer_root"
local run = require "support.run"

local RECORDING = "tests/recordings/working-day.jsonl.gz"

-- What may differ: the time that a decision took, and where the policies lie.
local function essence(text)
  return (text:gsub("%d[%d,.]* µs", "… µs"):gsub('"eval_us":%d+', ""):gsub("/opt/policies",
    "policies"))
end

for _, architecture in ipairs { "x86_64", "arm64" } do
  describe("the program of the " .. architecture .. " layer", function()
    local missing, root = layer_root.missing(architecture), nil

    setup(function()
      if missing then return end
      root = layer_root.new(architecture)
      root:copy(RECORDING, "/day.jsonl.gz")
    end)

    teardown(function() if root then root:remove() end end)

    -- As busted's `it`, where the layer can run.
    local function does(what, body)
      if missing then pending(what .. ": " .. missing) else it(what, body) end
    end

    local function same(given, here)
      local expected, found = run(here or given), root:run(given)
      assert.equal("", found.stderr)
      assert.equal(essence(expected.stdout), essence(found.stdout))
      assert.equal(expected.status, found.status)
      assert.is_true(#found.stdout > 0)

      return found.stdout
    end

    does("tells its version", function() same { "--version" } end)

    does("decides by the layer's own policies", function()
      for _, count in ipairs { 10, 11, 5000 } do
        local facts = ('{"file_count": %d}'):format(count)
        local said = same { "decide", "routing", "-e", "-", "--json", stdin = facts }
        assert.matches('"/opt/policies/routing%.lua"', said)
      end
    end)

    does("carries the verbs that prove it decides as the laptop does, and names where the others "
      .. "are", function()
      local listed = root:run({ "help" }).stdout
      for _, verb in ipairs { "check", "decide", "replay", "diff", "version" } do
        assert.matches("\n  " .. verb .. " +%l", listed)
      end

      for _, verb in ipairs { "run", "match", "watch", "bundle", "emulate", "completion" } do
        local found = root:run { verb }
        assert.equal(2, found.status)
        assert.matches("'" .. verb .. "' belongs to the command-line program, not to the layer",
          found.stderr, 1,
          true)
        assert.is_nil(listed:find("\n  " .. verb .. " "))
      end
    end)

    does("replays a recorded day to the same digest", function()
      same({ "replay", "/day.jsonl.gz", "--quiet" }, { "replay", RECORDING, "--quiet" })
    end)

    does("reports a policy that does not load as the development build does", function()
      root:write("/bad/routing.lua", "return policy {\n")
      local found = root:run { "check", "/bad" }
      assert.equal(3, found.status)
      assert.matches("/bad/routing%.lua:2:", found.stdout)
    end)

    does("refuses what has to fail, with a status", function()
      assert.equal(2, root:run({ "no-such-verb" }).status)
    end)

    -- Each level of this recursion is 1 KiB of C stack and more: musl's own threads have 128.
    does("has room for recursion as deep as Lua allows, on threads too", function()
      root:write("/deep/routing.lua", [[
        local function nest(depth)
          return (string.gsub("x", "x", function()
            return depth == 0 and "y" or nest(depth - 1)
          end))
        end
        return policy {
          kind = "routing",
          decide = function(facts)
            return batch { because = "%s %d", nest(180), facts.file_count }
          end,
          examples = { { given = { file_count = 9 }, expect = "batch" } },
        }
      ]])
      local given = { "replay", "/day.jsonl.gz", "-p", "/deep", "--jobs", "2", "--quiet" }
      local found = root:run(given)
      local count =
        "gzip -dc tests/recordings/working-day.jsonl.gz | grep -c '\"kind\":\"routing\"'"
      local routed = tonumber(files.lines_of(count)[1])
      local shown = ("routing +batch %d,%03d\n"):format(routed // 1000, routed % 1000)
      assert.matches(shown, found.stdout .. found.stderr)
    end)
  end)
end
