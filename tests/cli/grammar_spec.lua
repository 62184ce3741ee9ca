-- One grammar for all verbs, from what they declare and from what they do. A new verb gets a row in
-- VERBS: without one, or when it departs from what all others do, this fails.
local arguments = require "weir.cli.arguments"
local cli = require "weir.cli"
local files = require "support.files"
local json = require "weir.json"
local json_schema = require "support.json_schema"
local run = require "support.run"

local LUNCH = "tests/recordings/lunch-hour.jsonl"
local FACTS = '{"file_count": 12}'

-- What each verb is about:
--   words    arguments that are right, but for options
--   set      it reads a policy set: "-p", or also by the positional of this name
--   lists    it lists things, so there is --limit
--   input    the words that make it read standard input, and what stands there
--   no_json  why it has no --json
--   spec     where the rest of it is tested
local VERBS = {
  bench = { words = { LUNCH }, set = "DIR", lists = true, input = { { "-" }, LUNCH } },
  bundle = { words = {}, set = "DIR" },
  capsule = { words = { LUNCH }, set = "-p", input = { { "-" }, LUNCH } },
  check = { words = {}, set = "PATH", lists = true },
  cleanup = { words = { "estate.lua" }, spec = "tests/integration/cleanup_spec.lua" },
  compare = {
    words = {},
    set = "-p",
    lists = true,
    spec = "tests/integration/trigger_modes_spec.lua",
  },
  completion = {
    words = { "bash" },
    no_json = "it writes a script",
    spec = "tests/cli/main_spec.lua",
  },
  decide = { words = { "routing" }, set = "-p", input = { { "routing", "-e", "-" }, FACTS } },
  deploy = { words = { "plan", "estate.lua" }, spec = "tests/integration/deploy_plan_spec.lua" },
  diff = {
    words = { "policies", "policies", LUNCH },
    lists = true,
    input = { { "policies", "policies", "-" }, LUNCH },
  },
  doctor = { words = { "estate.lua" }, spec = "tests/integration/doctor_spec.lua" },
  emulate = { words = { "--handler", "routing" } },
  example = { words = { LUNCH .. ":1" }, set = "-p", input = { { "-:189" }, LUNCH } },
  explain = {
    words = { "routing" },
    set = "-p",
    lists = true,
    input = { { "routing", "-e", "-" }, FACTS },
  },
  explore = { words = { "routing" }, set = "-p", lists = true },
  help = { words = {}, set = "-p", no_json = "it writes pages", spec = "tests/cli/main_spec.lua" },
  lua = {
    words = { "-" },
    no_json = "its output is the script's",
    input = { { "-" }, "print(1)" },
  },
  match = { words = { "{}", "-" }, lists = true, input = { { '{"file_count": [12]}' }, FACTS } },
  new = { words = { "DIRECTORY" } },
  permissions = { words = { "routing" }, set = "-p" },
  registry = {
    words = { "list", "group" },
    lists = true,
    spec = "tests/integration/registry_spec.lua",
  },
  replay = { words = { LUNCH }, set = "-p", lists = true, input = { { "-" }, LUNCH } },
  report = { words = { LUNCH }, lists = true, input = { { "-" }, LUNCH } },
  run = { words = { "routing" }, set = "-p", input = { { "routing", "-e", "-" }, FACTS } },
  shadow = { words = { LUNCH }, lists = true, input = { { "-" }, LUNCH } },
  simulate = { words = {}, set = "-p" },
  stubs = { words = {}, set = "DIR" },
  test = { words = {}, set = "DIR", lists = true },
  version = { words = {} },
  watch = { words = { "policies", "--once" }, set = "DIR", lists = true },
}

-- Verbs about the program itself, which README's table leaves out.
local ABOUT_ITSELF = { completion = true, help = true, version = true }

local function option_of(verb, name)
  for _, option in ipairs(arguments.options(verb)) do
    if option.long == name then return option end
  end
end

local function positional_of(verb, name)
  for _, positional in ipairs(verb.positionals or {}) do
    if positional.name == name then return positional end
  end
end

-- words with more behind them
local function with(words, ...)
  local all = table.move(words, 1, #words, 1, {})
  for _, word in ipairs { ... } do all[#all + 1] = word end
  return all
end

describe("the grammar of verbs", function()
  it("has a row for each verb here, and no other", function()
    local listed = {}
    for name in pairs(VERBS) do listed[#listed + 1] = name end -- any order: sorted below
    table.sort(listed)
    local real = table.move(cli.verbs, 1, #cli.verbs, 1, {})
    table.sort(real)
    assert.same(real, listed)
  end)
end)

for _, name in ipairs(cli.verbs) do
  local row, verb = VERBS[name] or { words = {} }, cli.verb(name)

  describe("weir " .. name, function()
    it("says what it is for, what it ends with, and how it is used", function()
      assert.matches("^%l", verb.summary)
      assert.is_true(#verb.description > 0 and #verb.examples > 0 and #verb.exits > 0)
      for _, each in ipairs(verb.exits) do assert.is_true(each[1] >= 0 and each[1] <= 7) end
      for _, option in ipairs(arguments.options(verb)) do
        assert.is_true(#option.doc > 0, option.long)
      end
    end)

    it("has --quiet, --color and --help, and --json unless that makes no sense", function()
      for _, common in ipairs { "quiet", "color", "help" } do
        assert.truthy(option_of(verb, common), common)
      end

      assert.equal(row.no_json == nil, option_of(verb, "json") ~= nil)
    end)

    it("names a policy set by -p, as all others do", function()
      local directory = option_of(verb, "policies")
      assert.equal(row.set ~= nil, directory ~= nil)
      if not directory then return end
      assert.equal("p", directory.short)
      assert.equal("DIR", directory.value)
      if row.set == "-p" then return end

      local positional = assert(positional_of(verb, row.set))
      assert.is_true(positional.optional)
      if positional.many or row.words[1] then return end -- DIR may be a recording there
      local twice = run { name, "policies", "-p", "policies" }
      assert.equal(2, twice.status)
      assert.matches("the policy set is named twice; write DIR or -p DIR", twice.stderr, 1, true)
    end)

    it("has --limit when it lists something, and takes only a count for it", function()
      local limit = option_of(verb, "limit")
      assert.equal(row.lists == true, limit ~= nil)
      if not limit then return end
      for _, bad in ipairs { "x", "-1", "1.5", "1e400" } do
        local result = run(with({ name }, table.unpack(with(row.words, "--limit", bad))))
        assert.equal(2, result.status, result.stdout .. result.stderr)
        local told = ("weir: %s: --limit '%s' is not a count"):format(name, bad)
        assert.matches(told, result.stderr, 1, true)
      end
    end)

    it("refuses an option without its value, an empty one, and one given twice", function()
      for _, option in ipairs(arguments.options(verb)) do
        local as = "--" .. option.long
        if option.value then
          local _, missing = arguments.parse(verb, { as })
          assert.equal(("option '%s' needs a value"):format(as), missing)
          local _, empty = arguments.parse(verb, with({ as, "" }, table.unpack(row.words)))
          assert.equal(("option '%s' has an empty value"):format(as), empty)
        else
          local _, surplus = arguments.parse(verb, with({ as .. "=x" }, table.unpack(row.words)))
          assert.equal(("option '%s' takes no value"):format(as), surplus)
        end

        if option.value and not option.many then
          local value = option.values and option.values[1] or "x"
          local given, twice = arguments.parse({ name = name, options = { option } },
            { as, value, as, value })
          assert.is_nil(given)
          assert.equal(("option '%s' is given twice"):format(as), twice)
        end
      end
    end)

    it("refuses what is missing, empty or too much with status 2 and what to type", function()
      local cases = { { "--color", "purple" }, { "--frobnicate" } }
      local last = (verb.positionals or {})[#(verb.positionals or {})]
      if last and not last.optional then cases[#cases + 1] = {} end
      if not (last and (last.many or last.raw)) then
        cases[#cases + 1] = with(row.words, "a", "b", "c", "d")
      end

      if last and not last.raw then cases[#cases + 1] = { "" } end
      for _, words in ipairs(cases) do
        local result = run(with({ name }, table.unpack(words)))
        local told = table.concat(words, " ") .. ": " .. result.stderr
        assert.equal(2, result.status, told)
        assert.equal("", result.stdout, told)
        assert.matches("^weir: " .. name .. ": [^\n]+\nNext: weir help " .. name .. "\n$",
          result.stderr, told)
      end
    end)

    -- it, where the verb is one of those that this is about
    local function where(applies, what, body) if applies then it(what, body) end end

    where(not row.no_json, "tells a mistake as an object that its schema documents", function()
      local schema = ("docs/json/%s.schema.json"):format(name)
      assert.is_true(files.exists(schema), schema .. " is missing")
      assert(json.decode(files.read(schema)))

      local result = run { name, "--nonsense", "--json" }
      local failure = json.decode(result.stdout)
      assert.same({ "string", "Usage", 2 }, { type(failure.error), failure.code, failure.exit })
      assert(json_schema.check(schema, result.stdout))
    end)

    where(row.input, "reads standard input as '-'", function()
      local words, text = row.input[1], row.input[2]
      local given = with({ name }, table.unpack(words))
      given.stdin = files.exists(text) and files.read(text) or text
      local result = run(given)
      assert.is_true(result.status <= 1 or result.status == 5, result.stdout .. result.stderr)
      assert.is_true(#result.stdout > 0, result.stderr)
    end)

    it("is in the help, in the manual, and in the completions with every option", function()
      assert.matches("\n  " .. name .. " +%l", run({ "help" }).stdout)
      assert.matches('.SS "weir ' .. name, run({ "help", "--man" }).stdout, 1, true)
      for _, shell in ipairs { "bash", "zsh", "fish" } do
        local script = run({ "completion", shell }).stdout
        for _, option in ipairs(arguments.options(verb)) do
          local as = shell == "fish" and "-l " .. option.long or "--" .. option.long
          assert.is_truthy(script:find(as, 1, true), shell .. " lacks " .. as)
        end
      end
    end)

    if not ABOUT_ITSELF[name] then
      it("has a row in README's table", function()
        assert.matches("\n| `weir " .. name .. "[ `]", files.read("README.md"))
      end)
    end

    it("has a spec of its own", function()
      local spec = row.spec or ("tests/cli/%s_spec.lua"):format(name)
      assert.is_true(files.exists(spec), spec .. " is missing")
      assert.is_truthy(files.read(spec):find(name, 1, true), spec .. " does not name " .. name)
    end)
  end)
end

describe("a verb that is asked for JSON", function()
  -- Words that succeed, and the status; without findings and differences, too.
  local QUIET_SUCCESSES = {
    check = { {}, 0 },
    diff = { { "policies", "policies", LUNCH }, 0 },
    match = { { '{"file_count": [12]}', "-" }, 0 },
    replay = { { LUNCH }, 0 },
    watch = { { "policies", LUNCH, "--once" }, 0 },
    shadow = { { LUNCH }, 5 },
    report = { { "tests/recordings/lunch-hour.jsonl" }, 0 },
  }

  for name, case in pairs(QUIET_SUCCESSES) do -- any order: each verb is on its own
    it("prints an object also when " .. name .. " finds nothing", function()
      local given = with({ name }, table.unpack(with(case[1], "--json")))
      given.stdin = FACTS
      local result = run(given)
      assert.equal(case[2], result.status, result.stderr)
      assert(json_schema.check(("docs/json/%s.schema.json"):format(name), result.stdout,
        { lines = true }))
    end)
  end
end)

describe("--limit", function()
  local folder

  setup(function()
    folder = files.directory()
    local mistaken = [[
return policy {
  kind = "routing",
  decide = function(facts)
    if facts.fileCount == 1 then return batch { because = "one" } end
    if facts.files == 1 then return batch { because = "two" } end
    return realtime { because = "none" }
  end,
  examples = {
    { given = { file_count = 1 }, expect = "batch" },
    { given = { file_count = 2 }, expect = "batch" },
  },
}
]]
    files.write(folder .. "/failing/routing.lua", mistaken)
    files.write(folder .. "/mistaken/routing.lua", (mistaken:gsub('"batch" },', '"realtime" },')))
    os.execute(("cp -r policies %s/edited"):format(folder))
    local routing = files.read("policies/routing.lua")
    files.write(folder .. "/edited/routing.lua",
      (routing:gsub("threshold = integer { 10,", "threshold = integer { 20,")))
  end)

  teardown(files.remove_all)

  -- The lines on standard output of a run; "SETS" stands for the folder.
  local function lines_of(words)
    for i, word in ipairs(words) do words[i] = word:gsub("SETS", folder) end
    local lines = {}
    for line in run(words).stdout:gmatch("[^\n]+") do lines[#lines + 1] = line end
    return lines
  end

  it("leaves findings of check and watch out, and says how many", function()
    local all = #lines_of { "check", "SETS/mistaken", "--json" }
    assert.is_true(all > 2)
    assert.equal(1, #lines_of { "check", "SETS/mistaken", "--json", "--limit", "1" })
    local watched = { "watch", "-p", "SETS/mistaken", "--once", "--json", "--limit", "2" }
    assert.equal(2, #lines_of(watched))
    local text = table.concat(lines_of { "check", "SETS/mistaken", "--limit", "1" }, "\n")
    assert.matches(("\n%d more findings\n"):format(all - 1), text, 1, true)
    assert.matches(("%d errors"):format(all), text, 1, true)
  end)

  it("leaves groups of diff out, and says how many", function()
    local words = { "diff", "policies", "SETS/edited", "tests/recordings/working-day.jsonl.gz" }
    local all = json.decode(lines_of(with(words, "--json"))[1])
    local none = json.decode(lines_of(with(words, "--json", "--limit", "0"))[1])
    assert.is_true(#all.changes > 0)
    assert.same({}, none.changes)
    assert.equal(all.changed, none.changed)
    local text = table.concat(lines_of(with(words, "--limit", "0")), "\n")
    assert.matches(("\n  %d more group"):format(#all.changes), text, 1, true)
  end)

  it("leaves results of match out, and counts them", function()
    for limit, expected in ipairs { 1, 2, 3, 3 } do
      local lines = lines_of {
        "match", '{"a": [1]}', "--json", "--limit", tostring(limit),
        stdin = '{"a": 1}\n{"a": 2}\n{"a": 1}\n',
      }
      assert.equal(expected, #lines)
    end

    local counted = run {
      "match", '{"a": [1]}', "--limit", "0", stdin = '{"a": 1}\n{"a": 2}\n{"a": 1}\n',
    }
    assert.same({ 1, "", "2 of 3 events matched\n" },
      { counted.status, counted.stdout, counted.stderr })
  end)

  it("leaves trials of report out, and says how many", function()
    local all = lines_of { "report", LUNCH, "--json" }
    assert.equal(#all - 1, #lines_of { "report", LUNCH, "--json", "--limit", tostring(#all - 2) })
    assert.equal(1, #lines_of { "report", LUNCH, "--json", "--limit", "0" })
    assert.matches("2 more trials", table.concat(lines_of { "report", LUNCH, "--limit", "0" }), 1,
      true)
  end)

  it("leaves failures of test out, and counts them", function()
    local text = table.concat(lines_of { "test", "SETS/failing", "--limit", "1" }, "\n")
    assert.equal(1, select(2, text:gsub(": failed", "")))
    assert.matches("2 fail", text, 1, true)
  end)
end)
