-- Every benchmark once, with few and small samples: it runs, the outputs of both sides are the
-- same, and ./dev bench --json has every row. How fast anything is does not matter here.
local files = require "support.files"
local json = require "weir.json"
local run = require "support.run"

-- Of each benchmark the rows in order, "name" or "name | peer"; a layer that is built has more.
local ROWS = {
  aggregate = {
    "aggregate | a loop in Node over arrays",
    "aggregate | a loop in Node over Float64Array",
  },
  aws = {
    "sigv4 | aws4",
    "sigv4 | @smithy/signature-v4",
    "dynamodb page | @aws-sdk/util-dynamodb",
    "emf | @aws-lambda-powertools/metrics",
    "emf | aws-embedded-metrics",
  },
  decide = {
    "a policy of 1,000 branches | a plain function in Lua",
    "a mapping event of 1 MB of small objects | weir.json, into tables",
  },
  determinism = { "corpus", "working day" },
  end_to_end = {
    "put",
    "event_map: event to job",
    "event_processor: claimed, read, judged",
    "event_processor: results written, finished",
    "event_processor, by who called it",
    "put to output | weir polling every 60 s, at most",
    "cold start of a function",
    "put to output, polled, without the wait",
    "on AWS from written to processed | measured with another runtime",
  },
  events = {
    "an event mapped | Node with AWS's Powertools",
    "an event mapped, by the clock | Node with AWS's Powertools",
    "an event mapped | Node without a library",
    "an event mapped, by the clock | Node without a library",
    "memory of a listing, all of it new",
    "memory of a listing, nothing changed",
  },
  json_scan = {
    "citylots, compact",
    "citylots, spaced",
    "ASCII string",
    "string of mixed scripts",
  },
  match = {
    "match, every line matches",
    "match, one line of 100 matches",
    "match, no line matches",
  },
  replay = {
    "replay | a plain JavaScript function",
    "replay | json-logic-js",
    "replay | Cedar (WebAssembly, preparsed)",
    "diff | weir replay",
    "differing lines | weir replay",
  },
  requests = {
    "PutItem to dynalite | AWS's SDK for Node",
    "PutItem to dynalite | AWS's SDK for Node, bundled",
    "GetItem to dynalite | AWS's SDK for Node",
    "GetItem to dynalite | AWS's SDK for Node, bundled",
  },
  runtime = {
    "start, development build | a bare C loop, static",
    "start, development build | Node",
    "start, development build | Node with three SDK clients",
    "start, development build | Node with three SDK clients, bundled",
    "warm cycle, development build | a bare C loop, static",
    "warm cycle, development build | Node",
    "resident memory, development build | Node with three SDK clients",
  },
  worst_case = { "operators", "errors", "functions", "files" },
}

-- Each has a second row, of 1,000 rules beside the 5.
local PATTERNS = {
  "exact | quamina",
  "exact, fields last | quamina",
  "three fields",
  "prefix",
  "suffix",
  "wildcard",
  "wildcard inside",
  "equals-ignore-case",
  "anything-but",
  "numeric",
  "numeric range",
  "nested arrays",
  "nested, two fields",
}
ROWS.pattern = {}
for _, name in ipairs(PATTERNS) do
  table.insert(ROWS.pattern, name)
  table.insert(ROWS.pattern, name:gsub(" | quamina", "") .. ", 1,000 rules | weir with 5 rules")
end

local FIELDS = { "bench", "name", "peer", "unit", "equal_work", "note", "samples", "ours", "theirs",
  "ratio", "ratio_of", "spread", "target", "met" }

local function bench(...) return run { "lua", "tests/bench/run.lua", ... } end

local function is_pair(list) return #list == 2 and list[1] <= list[2] end

describe("./dev bench", function()
  local result, found, names

  setup(function()
    result = bench("--json", "--quick")
    found, names = json.decode(result.stdout), {}
    for _, row in ipairs(found and found.rows or {}) do
      local of = names[row.bench] or {}
      names[row.bench] = of
      if not row.name:find(", layer$") then
        of[#of + 1] = row.peer and ("%s | %s"):format(row.name, row.peer) or row.name
      end
    end
  end)

  it("runs every benchmark", function()
    assert.same({ 0, {} }, { result.status, found.failed }, result.stderr)
    local all = files.lines_of("ls tests/bench/*_bench.* | sed 's/.*\\///; s/_bench.*//'")
    for _, name in ipairs(all) do assert.is_table(names[name], name) end
  end)

  for bench_name, expected in pairs(ROWS) do -- any order: a test each
    it("has every row of " .. bench_name, function()
      local rest = {}
      for _, name in ipairs(names[bench_name]) do
        -- What checking costs alone: indexing needs AVX-512.
        if not name:find("^%a+ only$") then rest[#rest + 1] = name end
      end

      assert.same(expected, rest)
    end)
  end

  it("has every row of simulate", function()
    assert.equal(37, #names.simulate)
    assert.same({ "windows of a minute", "a promotion decision" },
      { table.unpack(names.simulate, 36) })
  end)

  it("has no row twice", function()
    local seen = {}
    for _, row in ipairs(found.rows) do
      local key = table.concat({ row.bench, row.name, row.peer or "" }, "|")
      assert.is_nil(seen[key], key)
      seen[key] = true
    end
  end)

  it("gives each row the fields that its page tells, and no others", function()
    local page, told = files.read("tests/bench/README.md"), {}
    for cells in page:gmatch("\n| (`[^|]+) |") do
      for name in cells:gmatch("`([%w_]+)`") do told[#told + 1] = name end
    end

    assert.same(FIELDS, told)
    local known = {}
    for _, name in ipairs(FIELDS) do known[name] = true end
    for _, row in ipairs(found.rows) do
      for name in pairs(row) do -- any order: each by itself
        assert.is_true(known[name], row.name .. " has " .. name)
      end
    end
  end)

  it("gives each row its medians, its spread, and what work is equal", function()
    for _, row in ipairs(found.rows) do
      assert.is_true(#row.unit > 0 and #row.equal_work > 0, row.name)
      assert.is_true(row.samples >= 1 and row.ours >= 0 and is_pair(row.spread.ours), row.name)
      assert.equal(row.theirs ~= nil, row.ratio ~= nil, row.name)
      if row.theirs then
        assert.is_true(row.peer and is_pair(row.spread.theirs) and is_pair(row.spread.ratio),
          row.name)
      end

      assert.equal(row.target ~= nil, row.met ~= nil, row.name)
    end
  end)

  it("says on which machine it measured", function()
    assert.is_true(#found.machine.processor > 0 and found.machine.load >= 0)
    assert.matches("^%d", found.machine.allowed_cpus)
    assert.matches("^v%d+%.", found.machine.node)
  end)

  it("tells the rows of one benchmark to people", function()
    local told = bench("--quick", "json_scan")
    assert.equal(0, told.status, told.stderr)
    assert.matches("\n== json_scan\n  citylots, compact, GB/s of processor time\n    weir [%d.]+ ",
      told.stdout)
    assert.is_nil(told.stdout:find("== pattern", 1, true))
  end)

  it("refuses a name that no benchmark has, and an option that it does not know", function()
    local name, option = bench("replays"), bench("--fast")
    assert.same({ 2, 2 }, { name.status, option.status })
    assert.matches('there is no benchmark "replays"', name.stderr, 1, true)
    assert.matches("there is no option --fast", option.stderr, 1, true)
  end)
end)
