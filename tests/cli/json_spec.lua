-- What verbs print with --json fits docs/json/VERB.schema.json, which documents it; failures too.
local files = require "support.files"
local json = require "weir.json"
local json_schema = require "support.json_schema"
local run = require "support.run"

local LUNCH = "tests/recordings/lunch-hour.jsonl"

-- Whose output their own specs hold to their schema.
local ELSEWHERE = {
  bench = true, capsule = true, check = true, diff = true, example = true, explain = true,
  explore = true, new = true, shadow = true, stubs = true, test = true,
  cleanup = true, deploy = true, doctor = true, registry = true,
  compare = true, emulate = true, watch = true,
}

-- verb → list of runs: words, what stands on standard input, the exit status.
local RUNS = {
  bundle = { { { "policies", "-o", "BUNDLE" }, "", 0 } },
  decide = {
    { { "routing", "-e", "-" }, '{"file_count": 12}', 0 },
    { { "routing", "-e", "-", "--set", "threshold=20" }, '{"file_count": 12}', 0 },
    { { "weights", "-e", "-" }, '{"variants": [{"name": "a"}, {"name": "b"}]}', 0 },
  },
  match = {
    { { '{"a": [1]}', "-" }, '{"a": 1}\n{"a": 2}\n{"b": {"c": 3}}', 1 },
    { { '{"a": [{"prefix": "x"}], "b": [1]}', "-" }, '{"a": "y"}', 1 },
    { { '{"a": [1]}', "README.md" }, "", 1 },
  },
  permissions = {
    { { "routing", "--set", "endpoint_name=e" }, "", 0 },
    { { "deploy" }, "", 0 },
    { { "cleanup", "--region", "eu-west-1", "--account", "111122223333" }, "", 0 },
  },
  replay = {
    { { LUNCH }, "", 0 },
    { { "EDITED", "--set", "threshold=3" }, "", 4 },
    { { LUNCH, "--set", "threshold=3" }, "", 1 },
    { { "EDITED", LUNCH, "--quiet" }, "", 4 },
  },
  report = { { { "tests/recordings/working-day.jsonl.gz" }, "", 0 } },
  run = {
    { { "routing", "-e", "-" }, '{"file_count": 12}\n{"file_count": -1}\n{}', 2 },
    { { "event_map", "-e", "-" }, '{"source": "aws.s3"}', 6 },
  },
  simulate = { { { "--runs", "2", "--scenario", "no-change" }, "", 0 } },
  version = { { {}, "", 0 } },
}

describe("--json", function()
  local folder, edited

  setup(function()
    folder = files.directory()
    local lines = files.read(LUNCH):gsub('"file_count":%d+', '"file_count":1', 3)
      :gsub('"mapping"', '"maping"', 1) .. "{ not JSON\n"
    edited = files.write(folder .. "/edited.jsonl", lines)
  end)

  teardown(files.remove_all)

  it("of every verb has a schema, which some output is held to", function()
    local cli = require "weir.cli"
    for _, name in ipairs(cli.verbs) do
      local has_json = false
      for _, option in ipairs(cli.verb(name).options or {}) do
        has_json = has_json or option.long == "json"
      end

      local path = ("docs/json/%s.schema.json"):format(name)
      if has_json then
        assert.truthy(files.exists(path), path .. " is missing")
        assert.truthy(RUNS[name] or ELSEWHERE[name], "no output of " .. name .. " is held to it")
      end
    end
  end)

  for verb, runs in pairs(RUNS) do -- any order: each verb is on its own
    it("of " .. verb .. " fits its schema", function()
      for _, each in ipairs(runs) do
        local words = { verb, table.unpack(each[1]) }
        for i, word in ipairs(words) do
          if word == "EDITED" then words[i] = edited end
          if word == "BUNDLE" then words[i] = folder .. "/policies.bundle" end
        end

        words[#words + 1] = "--json"
        words.stdin = each[2]
        local result = run(words)
        assert.equal(each[3], result.status, result.stderr)
        assert.is_true(json_schema.check(("docs/json/%s.schema.json"):format(verb), result.stdout,
          { lines = true }))
      end
    end)

    it("of " .. verb .. " tells a mistake as an object with error, code and exit", function()
      local result = run { verb, "--nonsense", "--json" }
      local failure = json.decode(result.stdout)
      assert.same({ "string", "Usage", 2 }, { type(failure.error), failure.code, failure.exit })
    end)
  end
end)
