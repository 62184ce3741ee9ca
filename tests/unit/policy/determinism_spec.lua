-- The same set and facts give the same texts, in every process and from every directory: a corpus
-- of expressions that fail or print (tests/determinism) is replayed, and the digests are compared.
local determinism = require("support.determinism")
local policy_folder = require("support.policy_folder")
local run = require("support.run")

-- Longer than what Lua shows of the name of a chunk, and with all that a place could be confused
-- by.
local FAR =
  "a directory whose name/is longer than what is shown of a chunk/and has routing.lua:3: in it"

describe("the corpus of texts", function()
  local recording, far

  setup(function()
    local folder = policy_folder.new()
    recording = folder .. "/corpus.jsonl"
    determinism.write_recording(recording)
    far = policy_folder.new(FAR)
    policy_folder.run(("cp -r %s/* %s"):format(determinism.set, policy_folder.quoted(far)))
  end)

  teardown(policy_folder.remove_all)

  local function replay(set, jobs)
    local result = run { "replay", recording, "-p", set, "--quiet", "--jobs", jobs, timeout = 600 }
    assert.equal(4, result.status, result.stderr) -- a few cases spend their budget, always the same
    return assert(determinism.digest(result.stdout)), result.stdout
  end

  it("is tried to its end", function()
    local result = run { "decide", "routing", "-p", determinism.set, "-e", "-", "--json",
      stdin = ('{"file_count":%d}'):format(determinism.cases) }
    assert.matches("there is no case", result.stdout, 1, true)
  end)

  -- A path that an error mentions is not the directory of the set: it stays in the digest.
  it("has one digest from a directory that its texts mention", function()
    local folder = policy_folder.new()
    for _, name in ipairs { "message", "policies" } do
      policy_folder.run(("cp -r %s %s/%s"):format(determinism.set, folder, name))
      policy_folder.write(folder, name .. "/routing.lua", [[return policy { kind = "routing",
        decide = function() error("see message/1 and policies/2") end }]])
    end

    local digests = {}
    for _, name in ipairs { "message", "policies" } do
      local command = ("cd %s && %s replay %s -p %s --quiet 2>/dev/null"):format(folder,
        run.quote(run.program), recording, name)
      local pipe = assert(io.popen(command))
      digests[name] = assert(determinism.digest(pipe:read("a")), command)
      pipe:close()
    end

    assert.equal(digests.message, digests.policies)
  end)

  it("has one digest in every process, from every directory, with any number of jobs", function()
    local first = replay(determinism.set, "1")
    assert.equal(first, (replay(far, "2")))
    assert.equal(first, (replay(determinism.set, "3")))
  end)

  it("names no directory", function()
    local result = run { "replay", recording, "-p", far, "--json", "--limit",
      tostring(determinism.cases),
      timeout = 600 }
    local checked = 0
    for because in result.stdout:gmatch('"is_because":"(.-)","') do
      assert.is_nil(because:find("whose name", 1, true), because)
      checked = checked + 1
    end

    assert.is_true(checked > determinism.cases / 2)
  end)
end)

describe("an error's place", function()
  teardown(policy_folder.remove_all)

  it("is inside the set, for the policy and for whoever asks it", function()
    local set = policy_folder.load {
      ["routing.lua"] = [[local sizes = require("lib.sizes")
return policy { kind = "routing", decide = function(facts)
  local ok, problem = pcall(sizes.fail)
  if facts.file_count == 1 then error(problem, 0) end
  if facts.file_count == 2 then sizes.fail() end
  return batch { because = "%s", problem }
end, examples = { { given = { file_count = 3 }, expect = "batch" } } }]],
      ["lib/sizes.lua"] =
        "local sizes = {}\nfunction sizes.fail() error('too large') end\nreturn sizes\n",
    }

    for count = 1, 2 do
      local answer, message = set:decide("routing", ('{"file_count":%d}'):format(count))
      assert.is_nil(answer)
      assert.equal("lib/sizes.lua:2: too large", message)
    end

    assert.equal("lib/sizes.lua:2: too large",
      assert(set:decide("routing", '{"file_count":3}')).because)
  end)
end)

describe("what a decision costs", function()
  teardown(policy_folder.remove_all)

  -- Facts long enough to be charged for, which are read for many files only.
  local POLICY = policy_folder.routing("local read = facts.file_count > 1 and facts.prefix\n"
    .. "return batch { because = '%d', read and #read or 0 }")
  local LONG = ('{"file_count":%%d,"prefix":"%s"}'):format(("x"):rep(1024))

  local function cost(set, count)
    local answer = assert(set:decide("routing", LONG:format(count)))
    return answer.instructions
  end

  it("does not follow from what earlier decisions read", function()
    local set = policy_folder.load(POLICY)
    local before = cost(set, 1)
    local reading = cost(set, 2)
    assert.equal(before, cost(set, 1))
    assert.equal(reading, cost(set, 2))
  end)
end)
