-- What weir check writes for a pull request, and for other programs.
local json = require "weir.json"
local json_schema = require "support.json_schema"
local run = require "support.run"

-- Two parameters that are not used, in lines 4 and 5.
local POLICY = [[
return policy {
  kind = "routing",
  params = {
    one = integer { 1, doc = "files" },%s
    two = integer { 2, doc = "files" },
  },
  decide = function(facts)
    return batch { because = "%%d files", facts.file_count }
  end,
  examples = { { given = { file_count = 3 }, expect = "batch" } },
}
]]

describe("weir check for a pull request", function()
  local folder

  local function write(comment, more)
    local text = POLICY:format(comment or "")
    run.write(folder .. "/set/routing.lua", more and text:gsub("\n}\n$", more) or text)
  end

  before_each(function()
    folder = run.directory()
    write()
  end)
  after_each(function() run.remove(folder) end)

  local function check(...)
    local words = { "check", ... }
    words.directory = folder
    return run(words)
  end

  -- code and line of each finding
  local function findings(result)
    local list = {}
    for line in result.stdout:gmatch("[^\n]+") do
      local found = json.decode(line)
      list[#list + 1] = found.code .. " " .. found.line
    end

    return list
  end

  describe("with an allow", function()
    it("accepts the finding in its line, for a reason", function()
      write " -- weir: allow W203 the dashboard shows it"
      assert.same({ "W203 5" }, findings(check("set", "--json")))
      assert.matches("set: 1 file, 1 policy, 1 example, 0 errors, 1 warning, 1 accepted%.",
        check("set").stdout)
    end)

    it("alone in a line, accepts the finding of the next line of code", function()
      write "\n    -- weir: allow W203 the dashboard shows it\n    -- (see there)\n"
      assert.same({ "W203 4" }, findings(check("set", "--json")))
    end)

    it("wants a reason", function()
      write " -- weir: allow W203"
      local result = check("set")
      assert.same({ "W203 4", "W206 4", "W203 5" }, findings(check("set", "--json")))
      assert.matches("this allow accepts nothing: say why W203 is right here", result.stdout)
    end)

    it("wants a finding of the source", function()
      for code, why in pairs {
        [""] = "name the finding, and the reason",
        ["W007 because"] = "'W007' is not a finding of the source",
        ["W999 because"] = "'W999' is not a finding of the source",
        ["everything"] = "'everything' is not a finding of the source",
      } do
        write(" -- weir: allow " .. code)
        assert.truthy(check("set").stdout:find(why, 1, true), code)
        assert.same({ "W203 4", "W206 4", "W203 5" }, findings(check("set", "--json")))
      end
    end)

    it("is reported when there is nothing to accept", function()
      write " -- weir: allow W101 a field of tomorrow"
      local result = check("set")
      assert.same({ "W203 4", "W207 4", "W203 5" }, findings(check("set", "--json")))
      assert.matches("this allow is not needed: there is no W101 here", result.stdout)
    end)

    it("is a comment, and not a text that looks like one", function()
      write '\n    text = text { "-- weir: allow W203 x", doc = "x" },'
      assert.same({ "W203 4", "W203 5", "W203 6" }, findings(check("set", "--json")))
    end)

    it("leaves no finding of loading out", function()
      write(" -- weir: allow W203 shown",
        " examples = { { given = {}, expect = 'x' } } } -- weir: allow W007 x\n")
      local result = check("set")
      assert.equal(3, result.status)
      assert.matches("error%[W00%d%]", result.stdout)
    end)
  end)

  describe("with a baseline", function()
    it("accepts what is known, wherever it has moved to, and reports what is new", function()
      local written = check("set", "--write-baseline", "known.json")
      assert.equal(0, written.status)
      assert.equal("known.json: 2 findings accepted\n", written.stderr)
      assert.matches("0 warnings, 2 accepted%.", written.stdout)

      write "\n\n    three = integer { 3, doc = 'files' },"
      local result = check("set", "--baseline", "known.json")
      assert.equal(1, result.status)
      assert.matches("set/routing%.lua:6:5: warning%[W203%] parameter 'three' is never used",
        result.stdout)
      assert.is_nil(result.stdout:find("'one'", 1, true))
      assert.matches("1 warning, 2 accepted%.", result.stdout)
      assert.equal("", result.stderr)
    end)

    it("knows a set from wherever it is checked", function()
      check("set", "--write-baseline", "known.json")
      assert.equal(0, check(folder .. "/set", "--baseline", "known.json").status)
      assert.equal(0, run({ "check", ".", "--baseline", "../known.json", directory = folder
        .. "/set" }).status)
      assert.equal(0, check("set/routing.lua", "--baseline", "known.json").status)
    end)

    it("accepts as many of one finding as there were", function()
      local policy = 'return policy {\n  kind = "mapping",\n  decide = function(facts)\n%s'
        .. '    return ignore { because = "x" }\n  end,\n}\n'
      local line = '    if facts.evnt then return ignore { because = "y" } end\n'
      run.write(folder .. "/set/routing.lua", policy:format(line))
      check("set", "--write-baseline", "known.json")
      assert.equal(0, check("set", "--baseline", "known.json").status)
      run.write(folder .. "/set/routing.lua", policy:format(line .. line))
      local result = check("set", "--baseline", "known.json", "--json")
      assert.same({ "W101 5" }, findings(result))
    end)

    it("tells of findings that are gone", function()
      check("set", "--write-baseline", "known.json")
      run.write(folder .. "/set/routing.lua", (POLICY:format(""):gsub("    one = [^\n]*\n", "")))
      local result = check("set", "--baseline", "known.json")
      assert.equal(0, result.status)
      assert.equal("known.json: 1 finding is not there any more\n"
        .. "Next: weir check … --write-baseline known.json\n", result.stderr)
    end)

    it("never accepts what keeps a set from loading", function()
      write("", "  examples = nope }\n")
      local written = check("set", "--write-baseline", "known.json")
      assert.equal(3, written.status)
      assert.is_nil(run.read(folder .. "/known.json"):find("W0", 1, true))
      run.write(folder .. "/known.json",
        '{"schema":"weir.baseline/1","findings":[{"file":"routing.lua",'
        .. '"code":"W007","message":"x","count":1}]}')
      local refused = check("set", "--baseline", "known.json")
      assert.equal(2, refused.status)
      assert.matches("findings%[1%] is not a finding that can be accepted", refused.stderr)
    end)

    for name, case in pairs {
      ["that is not there"] = { nil, 6 },
      ["that is not JSON"] = { "{", 2 },
      ["of another shape"] = { '{"findings":[]}', 2 },
      ["that is a list"] = { "[]", 2 },
      ["with an entry of another shape"] = {
        '{"schema":"weir.baseline/1","findings":'
          .. '[{"file":"a","code":"W203","message":"m","count":0}]}', 2,
      },
    } do
      it("refuses one " .. name, function()
        if case[1] then run.write(folder .. "/known.json", case[1]) end
        local result = check("set", "--baseline", "known.json")
        assert.equal(case[2], result.status)
        assert.matches("^weir: check: known.json", result.stderr)
      end)
    end
  end)

  it("leaves prices to weir diff, those of its own actions only", function()
    write("\n    price_batch = number { 1, doc = 'USD' }, "
      .. "price_promote = number { 1, doc = 'USD' },")
    local shown = check("set").stdout
    assert.is_nil(shown:find("price_batch' is never used", 1, true))
    assert.truthy(shown:find("'price_promote' is never used", 1, true))
  end)

  it("--json prints objects that fit their schema, of findings and of failures", function()
    write "\n    three = intger { 3 },"
    for _, words in ipairs { { "set" }, { "none" }, { "set", "--json" }, { "set", "--nope" } } do
      local printed = check("--json", table.unpack(words)).stdout
      assert(json_schema.check("docs/json/check.schema.json", printed, { lines = true }))
    end
  end)

  it("--github prints one workflow command a finding, with everything escaped", function()
    run.write(folder .. "/a,b:c%/routing.lua", POLICY:format(""))
    local result = check("a,b:c%", "--github")
    assert.equal(1, result.status)
    assert.equal("::warning file=a%2Cb%3Ac%25/routing.lua,line=4,col=5,endColumn=8,title=W203::"
      .. "parameter 'one' is never used; use it, or remove it\n"
      .. "::warning file=a%2Cb%3Ac%25/routing.lua,line=5,col=5,endColumn=8,title=W203::"
      .. "parameter 'two' is never used; use it, or remove it\n", result.stdout)
  end)

  describe("with --sarif", function()
    local function document(...)
      local result = check(...)
      assert(json_schema.check("tests/oracles/sarif_schema.json", result.stdout))
      return json.decode(result.stdout), result
    end

    it("prints one document with rules, results and regions", function()
      local found, result = document("set", "--sarif")
      assert.equal(1, result.status)
      assert.equal("2.1.0", found.version)
      local one = found.runs[1]
      assert.equal("weir", one.tool.driver.name)
      assert.equal(1, #one.tool.driver.rules)
      assert.equal("a parameter that is never used", one.tool.driver.rules[1].shortDescription.text)
      assert.equal(2, #one.results)
      assert.same({ startLine = 4, startColumn = 5, endColumn = 8 },
        one.results[1].locations[1].physicalLocation.region)
      assert.equal("set/routing.lua",
        one.results[1].locations[1].physicalLocation.artifactLocation.uri)
      assert.same({ "W203", 0, "warning" },
        { one.results[2].ruleId, one.results[2].ruleIndex, one.results[2].level })
      assert.equal(1, one.invocations[1].exitCode)
    end)

    it("counts columns in characters, and escapes names", function()
      run.write(folder .. "/mit Ü/routing.lua", [[
return policy {
  kind = "routing",
  decide = function(facts)
    return batch { because = "äöü %d", facts.nope }
  end,
}
]])
      local found = document("mit Ü", "--sarif")
      local location
      for _, each in ipairs(found.runs[1].results) do
        if each.ruleId == "W101" then location = each.locations[1].physicalLocation end
      end

      assert.equal("mit%20%C3%9C/routing.lua", location.artifactLocation.uri)
      assert.same({ startLine = 4, startColumn = 46, endColumn = 50 }, location.region)
    end)

    it("names files from the folder that it is run in", function()
      local found = document("./set", "--sarif")
      local location = found.runs[1].results[1].locations[1].physicalLocation
      assert.equal("set/routing.lua", location.artifactLocation.uri)
      found = document(folder .. "/set", "--sarif")
      location = found.runs[1].results[1].locations[1].physicalLocation
      assert.equal("file://" .. folder .. "/set/routing.lua", location.artifactLocation.uri)
    end)

    it("has accepted findings as suppressed ones", function()
      check("set", "--write-baseline", "known.json")
      write " -- weir: allow W203 shown"
      local found, result = document("set", "--sarif", "--baseline", "known.json")
      assert.equal(0, result.status)
      local kinds = {}
      for i, each in ipairs(found.runs[1].results) do kinds[i] = each.suppressions[1] end
      assert.same({ { kind = "inSource", justification = "shown" }, { kind = "external" } }, kinds)
    end)

    it("has no results for a set without findings, and one document for several", function()
      run.write(folder .. "/clean/routing.lua", (POLICY:format(""):gsub("  params = .-\n  },\n",
        "")))
      local found, result = document("clean", "--sarif")
      assert.equal(0, result.status)
      assert.same({}, found.runs[1].results)
      assert.equal(2, #document("clean", "set", "--sarif").runs[1].results)
      assert.equal(3, select(2, document("none", "clean", "--sarif")).status)
    end)
  end)

  for _, words in ipairs {
    { "--json", "--sarif" }, { "--json", "--github" }, { "--sarif", "--github" },
    { "--baseline", "a", "--write-baseline", "b" },
  } do
    it("takes one of " .. table.concat(words, " "), function()
      local result = check("set", table.unpack(words))
      assert.equal(2, result.status)
      assert.matches("do not go together; give one of them", result.stderr)
    end)
  end
end)
