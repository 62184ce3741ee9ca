-- weir explain: what was compared, by how much, and the nearest change.
local json = require "weir.json"
local json_schema = require "support.json_schema"
local run = require "support.run"

local RECORDING = "tests/recordings/working-day.jsonl.gz"

describe("weir explain", function()
  local directory
  teardown(function() if directory then run.remove(directory) end end)

  local function explain(facts, ...)
    return run { "explain", "routing", "-p", "policies", ..., stdin = facts }
  end

  it("shows each condition with its values, its margin, and the nearest changes", function()
    local result = explain('{"file_count": 12}')
    assert.equal(0, result.status, result.stderr)
    assert.equal([[
batch: 12 files, at or above 10
  decided at policies/routing.lua:40

Conditions, in the order of their evaluation
  policies/routing.lua:16  facts.largest_bytes                   absent                      no
  policies/routing.lua:18  facts.inference_type == "none"        absent is not "none"        no
  policies/routing.lua:21  status                                absent                      no
  policies/routing.lua:24  largest                               absent                      no
  policies/routing.lua:30  facts.inference_type == "serverless"  absent is not "serverless"  no
  policies/routing.lua:33  facts.inference_type == "components"  absent is not "components"  no
  policies/routing.lua:37  count < params.threshold              12 >= 10                    no  by 2 (16.7 %)

Nearest changes that make it decide otherwise, each of one fact or parameter alone
  threshold (parameter)  10 → 13                23.1 %  realtime    12 files, below 13
  file_count             12 → 9                   25 %  realtime    9 files, below 10
  inference_type         absent → "serverless"       1  serverless  the endpoint is serverless
Tried 449 changes at 10 places, one at a time: 446 decide the same, 0 are not allowed, 0 fail.
]], result.stdout)
  end)

  it("finds changes that hold: deciding on each gives what was told", function()
    local told = json.decode(explain('{"file_count": 12}', "--json").stdout)
    for _, flip in ipairs(told.nearest.flips) do
      local facts = { file_count = 12 }
      local set = {}
      if flip.what == "fact" then
        facts[flip.path] = flip.to
      else
        set = { "--set", flip.path .. "=" .. flip.to }
      end

      local result = run { "decide", "routing", "-p", "policies", "--json", set[1], set[2],
        stdin = json.encode(facts) }
      assert.equal(flip.action, json.decode(result.stdout).action, flip.path)
    end

    assert.equal(3, #told.nearest.flips)
  end)

  it("explains a recorded decision with its parameters", function()
    local result = run { "explain", RECORDING .. ":1091", "-p", "policies", "--limit", "5" }
    assert.equal(0, result.status, result.stderr)
    assert.matches("recorded in " .. RECORDING .. ":1091: ramp: no worse than", result.stdout,
      1, true)
    assert.matches("Conditions, in the order of their evaluation: the last 5 of 119", result.stdout,
      1, true)
    assert.matches("good_looks >= params.good_looks ", result.stdout, 1, true)
    assert.matches("  … and 39 more places", result.stdout, 1, true)
  end)

  it("says that nothing was found, and what was tried", function()
    directory = run.directory { ["routing.lua"] = "return policy { kind = 'routing', "
      .. "decide = function() return batch { because = 'always' } end }" }
    local result = run { "explain", "routing", "-p", directory, stdin = '{"file_count": 1}' }
    assert.matches("No change of one fact or one parameter was found to change the decision",
      result.stdout, 1, true)
    assert.matches("Tried %d+ changes at 8 places", result.stdout)
  end)

  it("explains a policy that fails, with exit status 4", function()
    local failing = run.directory { ["routing.lua"] = "return policy { kind = 'routing', "
      .. "decide = function(facts) if facts.total_bytes > 5 then return batch { because = 'x' } "
      .. "end return realtime { because = 'y' } end }" }
    local result = run { "explain", "routing", "-p", failing, stdin = '{"file_count": 1}' }
    assert.equal(4, result.status)
    assert.matches("attempt to compare", result.stdout, 1, true)
    assert.matches("facts.total_bytes > 5  absent > 5  error", result.stdout, 1, true)
    assert.matches("total_bytes  absent → 0  1  realtime  y", result.stdout, 1, true)
    local text =
      run { "explain", "routing", "-p", failing, "--json", stdin = '{"file_count": 1}' }.stdout
    assert(json_schema.check("docs/json/explain.schema.json", text))
    run.remove(failing)
  end)

  it("prints JSON of its schema", function()
    assert(json_schema.check("docs/json/explain.schema.json", explain('{"file_count":12}',
      "--json").stdout))
    local result = run { "explain", RECORDING .. ":1", "-p", "policies", "--json" }
    assert(json_schema.check("docs/json/explain.schema.json", result.stdout))
    local told = json.decode(result.stdout)
    assert.equal("ignore", told.nearest.flips[1].action)
    assert.equal("job", told.recorded.action)
  end)

  it("knows a kind and facts of the set's own", function()
    local own = run.directory {
      ["kinds/routing.lua"] = "return { kind = 'routing', facts = { "
        .. "{ name = 'hour', type = 'integer', min = 0, max = 23, doc = 'of the day' } } }",
      ["routing.lua"] = "return policy { kind = 'routing', decide = function(facts) "
        .. "if facts.hour and facts.hour >= 18 then return batch { because = 'night' } end "
        .. "return realtime { because = 'day' } end }",
    }
    local result = run { "explain", "routing", "-p", own, stdin = '{"file_count": 1, "hour": 12}' }
    assert.equal(0, result.status, result.stderr)
    assert.matches("  hour  12 → 18  33.3 %  batch  night", result.stdout, 1, true)
    run.remove(own)
  end)

  it("refuses what it cannot explain, and says what to do", function()
    for _, case in ipairs {
      { { "explain", "rooting", "-p", "policies" }, 2, "did you mean 'routing'?" },
      { { "explain", RECORDING .. ":999999", "-p", "policies" }, 2,
        "there is no decision in this line" },
      { { "explain", "/nonexistent.jsonl:1", "-p", "policies" }, 6, "/nonexistent.jsonl" },
      { { "explain", RECORDING .. ":1", "-p", "policies", "-e", "x" }, 2, "facts are given twice" },
      { { "explain", "routing", "-p", "policies", "-e", "/nonexistent" }, 6, "/nonexistent" },
      { { "explain", "routing", "-p", "policies", "--limit", "x" }, 2, "is not a count" },
      { { "explain", "routing", "-p", "policies", "--set", "threshold=0" }, 2, "threshold" },
    } do
      case[1].stdin = "{}"
      local result = run(case[1])
      assert.equal(case[2], result.status, table.concat(case[1], " "))
      assert.matches(case[3], result.stderr, 1, true)
    end

    local result = explain("{}")
    assert.equal(2, result.status)
    assert.matches('field "file_count" is missing', result.stderr, 1, true)
    assert.matches("Next: weir help routing", result.stderr, 1, true)
  end)

  it("does not show a secret of the facts", function()
    local token = ("AAAAKgAAAAIAAAAAAAAAA" .. ("x"):rep(300))
    local result = run { "explain", "mapping", "-p", "policies", "--json",
      stdin = json.encode { event = { TaskToken = token, source = "aws.s3" } } }
    assert.equal(0, result.status, result.stderr)
    assert.equal("ignore", json.decode(result.stdout).decision.action)
    assert.is_nil(result.stdout:find(token, 1, true))
    assert.is_nil(result.stderr:find(token, 1, true))
  end)
end)
