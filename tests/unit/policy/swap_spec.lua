-- Threats 17 and 20: the same decisions in every process, and every decision wholly of one version
-- of a set, whatever happens to its directory meanwhile.
local policy_folder = require("support.policy_folder")
local policy_set = require("weir.policy_set")
local run = require("support.run")

local WEIR = run.quote(run.program)
local FACTS = '{"file_count":1}'

describe("threat 17: a hundred processes", function()
  teardown(policy_folder.remove_all)

  local POLICY = [[
    local names = {}
    for name in pairs(string) do names[#names + 1] = name end
    return policy { kind = "mapping", decide = function(facts)
      local seen = {}
      for key, value in pairs(facts.event) do seen[#seen + 1] = key .. "=" .. tostring(value) end
      local set = { [-3] = 1, [2^53] = 2, [1.5] = 4, [true] = 5, x = 6 }
      for key, value in pairs(set) do seen[#seen + 1] = type(key) .. value end
      seen[#seen + 1] = tostring(names) .. tostring(pairs)
        .. string.format("%.17g %s", 0.1 + 0.2, 1e100)
      return ignore { because = table.concat(seen, " ") .. table.concat(names, " ") }
    end }
  ]]

  it("give one digest", function()
    local set = policy_folder.load({ ["mapping.lua"] = POLICY })
    local lines = {}
    for i = 1, 20 do
      lines[i] = assert(set:record("mapping",
        ('{"event":{"k%d":1,"b":2.5,"a":true,"c":{"x":[]},"é":null,"%d":"t"}}')
        :format(i * 7919 % 101, i), { id = tostring(i), eval_us = 0 }))
    end

    local folder = policy_folder.new()
    local recording = policy_folder.write(folder, "recording.jsonl", table.concat(lines, "\n")
      .. "\n")
    local script = policy_folder.write(folder, "digest.lua", ([[
      local summary = assert(require("weir.replay").run {
        set = assert(require("weir.policy_set").load(%q)), recordings = { %q }, jobs = 1,
      })
      print(summary.digest, summary.identical)]]):format(set:directory(), recording))
    local output = assert(io.popen(("for i in $(seq 100); do %s lua %s; done 2>&1"):format(WEIR,
      script)))
    local digests, count = {}, 0
    for line in output:lines() do
      digests[line], count = true, count + 1
    end

    output:close()
    local first = next(digests)
    assert.equal(100, count)
    assert.is_nil(next(digests, first))
    assert.matches("^sha256:%x+\t20$", first)
  end)
end)

describe("threat 20: a directory that is replaced all the time", function()
  teardown(policy_folder.remove_all)

  local ROUTING = [[
local helper = require "lib.helper"
-- %s
return policy { kind = "routing", decide = function()
  return batch { because = "%s " .. helper.version }
end }
]]

  local function files(version)
    return { ["routing.lua"] = ROUTING:format(("x"):rep(5000), version),
      ["lib/helper.lua"] = ("return { version = %q }\n"):format(version) }
  end

  local function write_version(folder, version)
    for name, text in pairs(files(version)) do policy_folder.write(folder, name, text) end
  end

  -- Runs a shell script until `work` is done.
  local function beside(script, work)
    local flag = policy_folder.new() .. "/stop"
    local output = assert(io.popen(("while [ ! -e %s ]; do %s; done 2>&1"):format(flag, script)))
    local ok, problem = pcall(work)
    assert(io.open(flag, "w")):close()
    local complaints = output:read("a")
    output:close()
    if not ok then error(problem, 0) end

    return complaints
  end

  -- Refreshes and decides until both were done `rounds` times and the writer was seen at work;
  -- returns how often each answer and each result came.
  local function refresh_and_decide(set, rounds)
    local answers, results, start, round = {}, {}, os.time(), 0
    while round < rounds or (results.swapped or 0) < 5 or (results.refused or 0) < 1 do
      round = round + 1
      local result = set:refresh()
      results[result] = (results[result] or 0) + 1
      local because = assert(set:decide("routing", FACTS)).because
      answers[because] = (answers[because] or 0) + 1
      if os.time() - start > 20 then break end -- a sanitizer's build, a busy machine
    end

    return answers, results
  end

  it("gives whole versions when it is renamed into place", function()
    local root = policy_folder.new()
    write_version(root .. "/one", "one")
    write_version(root .. "/two", "two")
    write_version(root .. "/bad", "bad")
    policy_folder.write(root .. "/bad", "routing.lua", "return policy { kind = 'routing' }")
    policy_folder.run("ln -s one " .. root .. "/current")
    local set = assert(policy_set.load(root .. "/current"))
    beside(("cd %s; for v in one two bad; do ln -sfn $v next && mv -T next current; sleep 0.003; "
      .. "done"):format(root),
      function()
        local answers, results = refresh_and_decide(set, 10000)
        assert.is_true((results.swapped or 0) >= 5, "the writer was too slow for this test")
        assert.is_true((results.refused or 0) > 0)
        answers["one one"], answers["two two"] = nil, nil
        assert.is_nil(next(answers))
      end)
  end)

  it("never mixes versions when files are written in place", function()
    local folder = policy_folder.new()
    write_version(folder, "one")
    local set = assert(policy_set.load(folder))
    local writer = policy_folder.write(policy_folder.new(), "writer.lua", ([[
      local versions = { one = %q, two = %q }
      local helpers = { one = %q, two = %q }
      local function write(name, text, from, to)
        local file = assert(io.open(%q .. name, from == 1 and "wb" or "ab"))
        file:write(text:sub(from, to)) file:close()
      end
      for round = 1, 20 do
        local version = round %% 2 == 0 and "one" or "two"
        write("/routing.lua", versions[version], 1, 2600)
        write("/routing.lua", versions[version], 2601, -1)
        write("/lib/helper.lua", helpers[version], 1, -1)
        os.execute("sleep 0.0" .. round %% 7)
      end]]):format(files("one")["routing.lua"], files("two")["routing.lua"],
      files("one")["lib/helper.lua"], files("two")["lib/helper.lua"], folder))
    local complaints = beside(WEIR .. " lua " .. writer, function()
      local answers, results = refresh_and_decide(set, 100)
      assert.is_true((results.swapped or 0) > 1, "the writer was too slow for this test")
      -- Written file by file, a set is on disk in halves, too: it may be seen so when the writer
      -- rests there. What no write ever finished must not be.
      for answer in pairs(answers) do assert.matches("^%a%a%a %a%a%a$", answer) end
    end)

    assert.equal("", complaints)
  end)

  it("keeps the last good version while a bad one is there", function()
    local folder = policy_folder.new()
    write_version(folder, "one")
    local set = assert(policy_set.load(folder))
    local digest = set:digest()
    for _, bad in ipairs({ "syntax error", "", "error('x')", "while true do end",
      "return policy { kind = 'x' }" }) do
      policy_folder.write(folder, "routing.lua", bad)
      local result, findings = set:refresh()
      assert.equal("refused", result)
      assert.matches("^W0", findings[1].code)
      assert.equal("one one", set:decide("routing", FACTS).because)
      assert.equal(digest, set:digest())
    end

    policy_folder.run("rm -r " .. folder)
    assert.equal("refused", (set:refresh()))
    assert.equal("one one", set:decide("routing", FACTS).because)
    write_version(folder, "two")
    assert.equal("swapped", (set:refresh()))
    assert.equal("two two", set:decide("routing", FACTS).because)
    assert.equal("same", (set:refresh()))
  end)
end)
