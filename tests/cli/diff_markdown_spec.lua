-- What weir diff writes for a comment on a pull request.
local json_schema = require "support.json_schema"
local run = require "support.run"

describe("weir diff --markdown", function()
  local folder

  local ROUTING = [[
return policy {
  kind = "routing",
  params = {
    threshold = integer { %d, min = 1, doc = "files" },
    %s
  },
  decide = function(facts, params)
    %s
    if facts.file_count < params.threshold then return realtime { because = "few" } end
    return batch { because = "%%d files", facts.file_count }
  end,
  examples = { { given = { file_count = 0 }, expect = "realtime" } },
}
]]

  local function set(name, threshold, params, code)
    run.write(("%s/%s/routing.lua"):format(folder, name),
      ROUTING:format(threshold, params or "", code or ""))
  end

  setup(function()
    folder = run.directory()
    set("old", 10)
    set("twenty", 20, 'price_realtime = number { 0.5, doc = "USD" },')
    set("failing", 10, nil, 'if facts.file_count > 17 then error("`|@all <b>\\n#1") end')
    local policies = assert(require("weir.policy_set").load(folder .. "/old"))
    local lines = {}
    for i = 1, 24 do
      lines[i] = policies:record("routing", ('{"file_count":%d}'):format(i), { id = "id-" .. i })
    end

    run.write(folder .. "/day.jsonl", table.concat(lines, "\n") .. "\n")
  end)
  teardown(function() run.remove(folder) end)

  local function diff(...)
    local words = { "diff", ... }
    words.directory = folder
    return run(words)
  end

  it("says what changes, by reason, of which share of the traffic, and at what cost", function()
    local result = diff("old", "twenty", "day.jsonl", "--markdown")
    assert.equal(1, result.status)
    assert.equal("", result.stderr)
    assert.equal([[
## ⚠️ Policies: **10 of 24 decisions change (41.7 %)**

`old` → `twenty`

| policy | what changed |
|---|---|
| `routing` | `price_realtime is new: 0.5, threshold 10 → 20` |

### What changes, by reason

| decisions | of all | change | line | first example |
|--:|--:|---|---|---|
| 10 | 41.7 % | `routing` `batch → realtime` | `twenty/routing.lua:9` | `10 files` → `few` |

### Share of the traffic

| decision | before | after |  | share |
|---|--:|--:|--:|---|
| `routing batch` | 15 | 5 | −10 | 62.5 % → 20.8 % |
| `routing realtime` | 9 | 19 | +10 | 37.5 % → 79.2 % |

### Cost of these decisions

| kind | before | after |  | by the parameters |
|---|--:|--:|--:|---|
| `routing` | 4.50 | 9.50 | +5.00 (+111.1 %) | `price_realtime`, without `batch` |

<sub>
Decided again: `day.jsonl`. Digest `sha256:X`
</sub>
]], (result.stdout:gsub("sha256:%x+", "sha256:X")))
  end)

  it("tells a small share from none", function()
    set("rare", 10, nil, 'if facts.file_count == 24 then return serverless { because = "odd" } end')
    local files = {}
    local one = run.read(folder .. "/day.jsonl"):match("[^\n]+\n$")
    run.write(folder .. "/few.jsonl", (run.read(folder .. "/day.jsonl"):gsub("[^\n]+\n$", "")))
    run.write(folder .. "/last.jsonl", one)
    for i = 1, 49 do files[i] = "few.jsonl" end
    files[50] = "last.jsonl"
    local shown = diff("old", "rare", "--markdown", table.unpack(files)).stdout
    assert.matches("1 of 1,128 decisions change %(< 0%.1 %%%)", shown)
    assert.truthy(shown:find("| `routing serverless` | 0 | 1 | +1 | 0.0 % → < 0.1 % |", 1, true),
      shown)
  end)

  it("says that nothing changes", function()
    local result = diff("old", "old", "day.jsonl", "--markdown")
    assert.equal(0, result.status)
    assert.matches("^## ✅ Policies: none of 24 decisions changes\n\n`old` → `old`\n\n"
      .. "The policies are the same%.\n\n<sub>\n", result.stdout)
  end)

  it("shows failures first, and untrusted texts in code spans that nothing breaks out of",
    function()
    local result = diff("old", "failing", "day.jsonl", "--markdown")
    assert.equal(4, result.status)
    assert.matches("^## ❌ Policies: %*%*7 of 24 decisions fail%*%*\n", result.stdout)
    local row = result.stdout:match("### What fails\n\n[^\n]+\n[^\n]+\n([^\n]+)\n")
    assert.truthy(row:find("'¦@all <b>", 1, true), row)
    local _, bars = row:gsub("|", "")
    assert.equal(6, bars)
    local _, ticks = row:gsub("`", "")
    assert.equal(0, ticks % 2)
    assert.matches("^## ❌ Policies: %*%*7 of 24 decisions fail%*%* %(7 before%)\n",
      diff("failing", "failing", "day.jsonl", "--markdown").stdout)
  end)

  it("is short, however much changes", function()
    local policies = assert(require("weir.policy_set").load(folder .. "/old"))
    local lines = {}
    for i = 1, 300 do
      lines[i] = policies:record("routing",
        ('{"file_count":1,"prefix":"%s"}'):format(("%03d|`"):format(i):rep(200)),
          { id = ("x"):rep(100) .. i })
    end

    run.write(folder .. "/many.jsonl", table.concat(lines, "\n") .. "\n")
    -- One reason a line of the policy: sixty of them.
    local code = {}
    for i = 1, 60 do
      code[i] = ('if facts.prefix and string.sub(facts.prefix, 1, 3) == "%03d" then\n return '
        .. 'components { because = "%%s", facts.prefix } end\n'):format(i)
    end

    set("sixty", 10, nil, table.concat(code))
    local files = { "many.jsonl" }
    for i = 2, 40 do files[i] = "day.jsonl" end
    local result = diff("old", "sixty", "--markdown", table.unpack(files))
    assert.equal(1, result.status)
    assert.matches("\n… and 50 more decisions for 50 other reasons%.\n", result.stdout)
    assert.matches("`day%.jsonl`, 35 more%. Digest", result.stdout)
    local _, count = result.stdout:gsub("\n", "")
    assert.is_true(count <= 60, count)
    assert.is_true(#result.stdout < 8192, #result.stdout)
  end)

  it("--json prints objects that fit their schema, with --all too, and of failures", function()
    run.write(folder .. "/bad.jsonl", '{"schema":"weir.decision/1"}\n')
    for _, words in ipairs {
      { "old", "twenty", "day.jsonl" }, { "old", "failing", "day.jsonl", "--all" },
      { "failing", "old", "day.jsonl", "--all" }, { "old", "twenty", "bad.jsonl", "none.jsonl" },
      { "old", "none", "day.jsonl" }, { "old", "twenty" },
    } do
      local printed = diff("--json", table.unpack(words)).stdout
      assert(json_schema.check("docs/json/diff.schema.json", printed, { lines = true }))
    end
  end)

  it("writes to standard output alone", function()
    for _, other in ipairs { { "--json" }, { "--html", "-" } } do
      local result = diff("old", "twenty", "day.jsonl", "--markdown", table.unpack(other))
      assert.equal(2, result.status)
      assert.matches("both write to standard output; give one of them", result.stderr)
    end
  end)
end)
