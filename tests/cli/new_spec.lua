local json = require "weir.json"
local json_schema = require "support.json_schema"
local kinds = require "weir.kinds"
local run = require "support.run"

describe("weir new", function()
  local folder

  before_each(function() folder = run.directory() end)
  after_each(function() run.remove(folder) end)

  local function weir(...)
    local words = { ... }
    words.directory = folder
    return run(words)
  end

  it("lists what it wrote: a routing policy, a recording, a page, a workflow, and what editors "
    .. "read", function()
    local result = weir("new", "mine")
    assert.equal(0, result.status)
    assert.equal("mine/.github/workflows/policies.yml\nmine/.luarc.json\n"
      .. "mine/.weir/.gitignore\nmine/.weir/stubs.lua\n"
      .. "mine/README.md\nmine/examples/routing.jsonl\nmine/routing.lua\n", result.stdout)
    assert.equal("Next: weir check mine, then weir test mine\n", result.stderr)
  end)

  for _, kind in ipairs(kinds) do
    it("begins with a policy of kind " .. kind .. " that checks clean, and passes its tests",
      function()
      assert.equal(0, weir("new", "a/mine", "--kind", kind).status)
      local check = weir("check", "a/mine")
      assert.equal(0, check.status, check.stdout)
      local test = weir("test", "a/mine", "--min-coverage", "80") -- as the workflow asks
      assert.equal(0, test.status, test.stdout)
      assert.matches(" 0 fail\n", test.stdout)
      assert.matches("100%.0 %% %(%d+ of %d+%) of lines", test.stdout)
      -- What the policy says itself is not a mistake.
      local explored = weir("explore", kind, "-p", "a/mine", "--tries", "20000").stdout
      assert.matches("20,000 fact sets tried", explored)
      assert.is_nil(explored:find("\n  fails  ", 1, true), explored)
      local replay = weir("replay", "a/mine/examples/" .. kind .. ".jsonl", "-p", "a/mine")
      assert.equal(0, replay.status, replay.stdout)
    end)
  end

  it("makes several kinds in one set", function()
    assert.equal(0, weir("new", "mine/", "-k", "weights", "-k", "routing", "-k", "weights").status)
    local check = weir("check", "mine")
    assert.equal(0, check.status)
    assert.matches("mine: 2 files, 2 policies, ", check.stdout)
    local page = run.read(folder .. "/mine/README.md")
    assert.matches("| `weights%.lua` | How the traffic [^\n]+ |\n| `routing%.lua` | ", page)
  end)

  it("takes an empty directory, and overwrites nothing", function()
    assert.equal(0, weir("new", ".").status)
    run.write(folder .. "/routing.lua", "mine")
    local again = weir("new", ".")
    assert.equal(6, again.status)
    assert.equal("weir: new: . is not empty; nothing was written; name a directory to be made\n",
      again.stderr)
    assert.equal("mine", run.read(folder .. "/routing.lua"))
    local file = weir("new", "routing.lua")
    assert.equal(6, file.status)
    assert.equal("mine", run.read(folder .. "/routing.lua"))
  end)

  it("names a kind that there is not, and what may be meant", function()
    local result = weir("new", "mine", "--kind", "rooting")
    assert.equal(2, result.status)
    assert.matches("unknown kind 'rooting'; did you mean 'routing'%?", result.stderr)
    assert.is_nil(os.rename(folder .. "/mine", folder .. "/x"))
  end)

  it("says when the directory cannot be made", function()
    run.write(folder .. "/file", "")
    local result = weir("new", "file/mine")
    assert.equal(6, result.status)
    assert.matches("^weir: new: file/mine", result.stderr)
  end)

  it("names the set in the workflow as the repository does", function()
    assert(os.execute("mkdir " .. folder .. "/.git"))
    weir("new", "./policies")
    local workflow = run.read(folder .. "/policies/.github/workflows/policies.yml")
    assert.truthy(workflow:find('POLICIES: "policies"\n', 1, true))
    assert.truthy(workflow:find('RECORDING: "policies/examples/routing.jsonl"\n', 1, true))
    weir("new", folder .. "/other")
    assert.truthy(run.read(folder .. "/other/.github/workflows/policies.yml")
      :find('POLICIES: "."\n', 1, true))
  end)

  it("prints one object with --json, which fits its schema", function()
    local result = weir("new", "mine", "--json")
    assert.equal(7, #json.decode(result.stdout).files)
    assert(json_schema.check("docs/json/new.schema.json", result.stdout))
  end)
end)
