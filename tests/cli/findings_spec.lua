local check = require "weir.cli.check"
local findings = require "weir.findings"
local lint = require "weir.lint"
local run = require "support.run"

local function codes_of(list)
  local codes = {}
  for _, finding in ipairs(list) do codes[finding.code] = true end
  return codes
end

-- Codes written in a source file: "W101" as a word of its own.
local function codes_in(pattern)
  local found = {}
  local pipe = io.popen("grep -rhoE '\"W[0-9]{3}\"' " .. pattern)
  for code in pipe:lines() do found[code:match("W%d+")] = true end
  pipe:close()

  return found
end

describe("the finding pages", function()
  it("explain every code that the program can report", function()
    for code in pairs(codes_in("host lua/weir/lint lua/weir/lint.lua")) do
      assert.is_truthy(findings.entry(code), code)
    end
  end)

  it("are the files in docs/findings", function()
    for _, code in ipairs(findings.codes()) do
      assert.equal(findings.page(code), run.read("docs/findings/" .. code .. ".md"), code)
    end

    local pipe = io.popen("ls docs/findings | wc -l")
    assert.equal(#findings.codes() + 1, tonumber(pipe:read("a")))
    pipe:close()
  end)

  it("are printed by weir help, in any case", function()
    assert.equal(findings.page("W101"), run({ "help", "W101", "--markdown" }).stdout)
    assert.equal(findings.page("W101"), run({ "help", "w101", "--markdown" }).stdout)
  end)

  -- Of a set whose kinds are what the example is about.
  local POLICY = 'return policy { kind = "routing", decide = function() return batch '
    .. '{ because = "x" } end }\n'

  for _, code in ipairs(findings.codes()) do
    local entry = findings.entry(code).example
    if entry then
      it(("%s: the example shows it, the mended one does not"):format(code), function()
        local file = entry.file or "routing.lua"
        local directory = run.directory { ["routing.lua"] = POLICY, [file] = entry.bad }
        local found = codes_of(check.set(directory).findings)
        run.write(directory .. "/" .. file, entry.good)
        local mended = check.set(directory)
        run.remove(directory)
        assert.is_true(found[code])
        assert.is_nil(codes_of(mended.findings)[code])
        assert.is_truthy(mended.set)
        assert.same({}, lint.check(entry.good, file))
      end)
    end
  end
end)
