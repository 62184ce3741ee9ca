-- weir bundle, and bundles where a verb takes a policy directory.
local run = require "support.run"

describe("weir bundle", function()
  local folder
  before_each(function() folder = run.directory() end)
  after_each(function() run.remove(folder) end)

  it("writes one file, the same each time, and says what is in it", function()
    local one, two = folder .. "/one", folder .. "/two"
    local result = run { "bundle", "policies", "-o", one }
    assert.equal(0, result.status, result.stderr)
    assert.equal("", result.stdout)
    assert.matches("one: 5 policies, [%d.]+ KiB, sha256:%x+\nNext: weir diff policies ",
      result.stderr)
    assert.equal(0, run({ "bundle", "policies", "-o", two }).status)
    assert.equal(run.read(one), run.read(two))
    assert.equal(run.read(one), run({ "bundle", "policies" }).stdout)
  end)

  it("stands wherever a directory does", function()
    local bundle = folder .. "/policies.bundle"
    run { "bundle", "policies", "-o", bundle }
    local decided = run {
      "decide",
      "routing",
      "-e",
      "-",
      "-p",
      bundle,
      stdin = '{"file_count": 12}',
    }

    assert.matches(
      "batch\n  because  12 files, at or above 10\n  where    .*policies.bundle/routing.lua:40",
      decided.stdout)
    assert.equal(0, run({ "check", bundle }).status)
    assert.equal(0, run({ "diff", "policies", bundle, "tests/recordings/lunch-hour.jsonl" }).status)
    assert.equal(0, run({ "replay", "tests/recordings/lunch-hour.jsonl", "-p", bundle }).status)
    assert.equal(run({ "bundle", "policies" }).stdout, run({ "bundle", bundle }).stdout)
  end)

  it("writes nothing for a set that does not verify", function()
    local bad = run.directory { ["routing.lua"] = "return policy { kind = 'routing' }" }
    local result = run { "bundle", bad, "-o", folder .. "/x" }
    run.remove(bad)
    assert.equal(3, result.status)
    assert.matches("does not load; nothing was written", result.stderr)
    assert.is_nil(io.open(folder .. "/x"))
  end)

  it("writes nothing for a set in whose source weir check finds an error, and shows warnings",
    function()
    local policy = [[return policy {
  kind = "routing",
  params = { limit = integer { 5, doc = "files" } },
  decide = function(facts)
    if facts.file_count > 1000 and facts.fil_count then return batch { because = "many" } end
    return realtime { because = "few" }
  end,
  examples = { { given = { file_count = 3 }, expect = "realtime" } },
}
]]
    local directory = run.directory { ["routing.lua"] = policy }
    local refused = run { "bundle", directory, "-o", folder .. "/x" }
    assert.equal(3, refused.status)
    assert.matches("routing.lua:5:42: error[W101]", refused.stderr, 1, true)
    assert.matches("has 1 error; nothing was written\nNext: weir check ", refused.stderr)
    assert.equal("", run({ "bundle", directory }).stdout)
    assert.is_nil(io.open(folder .. "/x"))

    run.write(directory .. "/routing.lua", (policy:gsub("fil_count", "total_bytes")))
    local warned = run { "bundle", directory, "-o", folder .. "/x" }
    run.remove(directory)
    assert.equal(0, warned.status)
    assert.matches("warning[W203]", warned.stderr, 1, true)
    assert.matches('"stamp":{"build":"', run.read(folder .. "/x"), 1, true)
  end)

  it("says when it cannot write", function()
    local result = run { "bundle", "policies", "-o", folder .. "/no/such/x" }
    assert.equal(6, result.status)
    assert.matches("No such file or directory", result.stderr)
  end)

  it("keeps the old bundle when the new one cannot be put in place", function()
    local result = run { "bundle", "policies", "-o", folder }
    assert.equal(6, result.status)
    assert.matches(folder .. ": Is a directory", result.stderr, 1, true)
    assert.is_nil(io.open(folder .. ".part"))
  end)

  it("writes into what is not a file, such as a pipe or a device, and leaves it there", function()
    os.execute("mkfifo " .. folder .. "/pipe")
    os.execute(("cat <%s/pipe >%s/read &"):format(folder, folder))
    assert.equal(0, run({ "bundle", "policies", "-o", folder .. "/pipe" }).status)
    assert.is_true((os.execute(("test -p %s/pipe"):format(folder))))
    local result = run { "bundle", "policies", "-o", "/dev/stdout" }
    assert.equal(0, result.status)
    assert.equal(run({ "bundle", "policies" }).stdout, result.stdout)
  end)

  it("is checked where it is used: a damaged one is refused", function()
    run.write(folder .. "/damaged", run({ "bundle", "policies" }).stdout:gsub("below", "under"))
    local result = run {
      "decide",
      "routing",
      "-e",
      "-",
      "-p",
      folder .. "/damaged",
      stdin = '{"file_count": 12}',
    }

    assert.equal(7, result.status)
    assert.matches("error%[W013%] its file '[%w/]+%.lua' is not what its digest says",
      result.stderr)
    assert.equal(7, run({ "check", folder .. "/damaged" }).status)
  end)
end)
