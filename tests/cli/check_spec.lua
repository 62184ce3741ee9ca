local json = require "weir.json"
local run = require "support.run"

local GOOD = [[
return policy {
  kind = "routing",
  decide = function(facts) return batch { because = "%d files", facts.file_count } end,
  examples = { { given = { file_count = 3 }, expect = "batch" } },
}
]]
-- In a branch that no example takes: those that are taken fail at once.
local MISTAKEN = GOOD:gsub("facts%.file_count }", "facts.file_count > 9 and facts.fileCount or 0 }")

describe("weir check", function()
  local directory
  before_each(function() directory = run.directory() end)
  after_each(function() run.remove(directory) end)

  local function check(files, ...)
    for name, text in pairs(files) do run.write(directory .. "/" .. name, text) end
    return run { "check", directory, ... }
  end

  it("says what it checked, status 0", function()
    local result = check { ["routing.lua"] = GOOD }
    assert.equal(0, result.status)
    assert.equal("", result.stderr)
    assert.matches("^limits: worst example %d+ instructions, ", result.stdout)
    assert.matches(": 1 file, 1 policy, 1 example, 0 errors, 0 warnings%.  Next: weir replay ",
      result.stdout)
  end)

  it("shows the place, the source, a caret and what was meant, status 1", function()
    local result = check { ["routing.lua"] = MISTAKEN }
    assert.equal(1, result.status)
    local lines = {}
    for line in result.stdout:gmatch("[^\n]+") do lines[#lines + 1] = line end
    assert.equal(directory .. "/routing.lua:3:96: error[W101] facts of kind routing have no field "
      .. "'facts.fileCount'",
      lines[1])
    assert.equal("    3 | " .. MISTAKEN:match("\n(  decide[^\n]*)"), lines[2])
    assert.equal("      | " .. (" "):rep(95) .. "^^^^^^^^^ did you mean 'file_count'?", lines[3])
    assert.matches("1 error, 0 warnings%.  Next: weir help W101$", lines[#lines])
  end)

  it("ends with 3 when the set does not load, and still reads the other files", function()
    local result = check { ["routing.lua"] = MISTAKEN, ["mapping.lua"] = "return policy {" }
    assert.equal(3, result.status)
    assert.matches("mapping%.lua:1: error%[W003%]", result.stdout)
    assert.matches("routing%.lua:3:96: error%[W101%]", result.stdout)
  end)

  it("names a directory that is missing or empty", function()
    local missing = run { "check", directory .. "/none" }
    assert.equal(3, missing.status)
    assert.matches("error%[W001%]", missing.stdout)
    assert.equal(3, check({}).status)
  end)

  it("checks one file in its directory, and shows that file's findings only", function()
    run.write(directory .. "/mapping.lua",
      'return policy { kind = "mapping", decide = function() return ignore {} end }')
    check { ["routing.lua"] = MISTAKEN }
    local result = run { "check", directory .. "//routing.lua" }
    assert.equal(1, result.status)
    assert.matches("routing%.lua:3:96: error%[W101%]", result.stdout)
    assert.is_nil(result.stdout:find("mapping.lua", 1, true))
    run.write(directory .. "/mapping.lua", "return policy {")
    local elsewhere = run { "check", directory .. "/routing.lua" }
    assert.equal(3, elsewhere.status)
    assert.matches("the set does not load because of other files", elsewhere.stdout)
    local here = run { "check", "routing.lua", directory = directory }
    assert.matches("^routing%.lua:3:96: error", here.stdout)
  end)

  it("takes ./policies without PATH", function()
    run.write(directory .. "/x", "")
    assert(os.execute("mkdir " .. directory .. "/policies"))
    run.write(directory .. "/policies/routing.lua", GOOD)
    local result = run { "check", directory = directory }
    assert.equal(0, result.status)
    assert.matches("\npolicies: 1 file", result.stdout)
  end)

  it("says so when there is no policy set at all", function()
    -- A copy, beside which there are no policies, whatever is beside the program itself.
    local copy = directory .. "/bin/weir"
    local command = "mkdir %s/bin && cp %s %s"
    assert(os.execute(command:format(run.quote(directory), run.quote(run.program),
      run.quote(copy))))
    local result = run { "check", directory = directory, program = copy }
    assert.equal(3, result.status, result.stderr)
    assert.matches("there is no policy set: none of ./policies, ", result.stderr, 1, true)
  end)

  it("prints one JSON object per finding with --json", function()
    local result = check({ ["routing.lua"] = MISTAKEN }, "--json")
    assert.equal(1, result.status)
    assert.same({
      file = directory .. "/routing.lua", line = 3, column = 96, severity = "error", code = "W101",
      message = "facts of kind routing have no field 'facts.fileCount'",
        hint = "did you mean 'file_count'?",
    }, json.decode(result.stdout))

    local fine = json.decode(check({ ["routing.lua"] = GOOD }, "--json").stdout)
    assert.same({ "summary", directory, 1, 1, 1 },
      { fine.type, fine.path, fine.files, fine.policies, fine.examples })
  end)

  it("does not let a policy's text steer the terminal", function()
    local result = check { ["routing.lua"] = MISTAKEN:gsub("%%d files", "\27[2Jgone\u{202e}") }
    assert.is_nil(result.stdout:find("\27", 1, true))
    assert.matches("\\x1b%[2Jgone\\u{202e}", result.stdout)
  end)

  it("colours on a terminal", function()
    check { ["routing.lua"] = MISTAKEN }
    local result = run { "check", directory, terminal = true }
    assert.truthy(result.stdout:find("\27[1;31merror[W101]\27[0m", 1, true))
  end)
end)
