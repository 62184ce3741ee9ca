-- The layer's runtime under load: policies that change while it serves, its memory, and its death.
-- build/dev/tests/runtime_feeder and `weir emulate` play Lambda.
local cloud = require "support.aws"
local emulators = require "support.emulator"
local json = require "weir.json"
local lambda = require "support.lambda"
local layer_root = require "support.layer_root"
local policy_set = require "weir.policy_set"
local process = require "weir.process"
local run = require "support.run"

local FEEDER = run.program:match("^(.*/)[^/]*$") .. "tests/runtime_feeder"
local EVENT = '{"file_count":12}'

-- A version of a set of two files: the answer names what each says, and every mixture passes its
-- examples.
local function version(name)
  return {
    ["routing.lua"] = ([[local helper = require("helper")
return policy {
  kind = "routing",
  decide = function() return batch { because = "%s and " .. helper.name } end,
  examples = { { given = { file_count = 1 }, expect = "batch" } },
}
]]):format(name),
    ["helper.lua"] = ('return { name = "%s" }\n'):format(name),
  }
end

local function bad(name)
  local files = version(name)
  files["routing.lua"] = files["routing.lua"]:gsub('expect = "batch"', 'expect = "realtime"')
  return files
end

describe("the runtime of the layer", function()
  local missing = layer_root.missing(layer_root.machine)
  local root, runtime, emulator

  before_each(function()
    if missing then return end
    root = layer_root.new(layer_root.machine)
  end)

  after_each(function()
    if runtime then runtime:stop() end
    if emulator then emulator:close() end
    runtime, emulator = nil, nil
    if root then root:remove() end
  end)

  local function does(what, body)
    if missing then pending(what .. ": " .. missing) else it(what, body) end
  end

  -- Feeds the bootstrap these counts of invocations.
  local function feed(environment, counts, prefix)
    local words = { FEEDER, EVENT }
    for _, count in ipairs(counts) do words[#words + 1] = tostring(count) end
    words[#words + 1] = "--"
    for _, list in ipairs { prefix or {}, root:command("/opt/bootstrap") } do
      table.move(list, 1, #list, #words + 1, words)
    end

    local all = { _HANDLER = "routing", LAMBDA_TASK_ROOT = "/var/task", WEIR_POLICY_SOURCE = false }
    for name, value in pairs(environment) do all[name] = value end
    runtime = lambda.start(all, { command = words })
  end

  -- → the feeder's reports, and the runtime's log
  local function finish()
    local result = runtime:wait()
    runtime = nil
    assert.equal(0, result.status, result.stderr:sub(-2000))
    local reports = {}
    for line in result.stdout:gmatch("[^\n]+") do reports[#reports + 1] = json.decode(line) end

    return reports, result.stderr
  end

  -- Every answer is one of the two versions' and whole; both came.
  local function check_answers(report, expected)
    local total, seen = 0, {}
    for _, answer in ipairs(report.answers) do
      local because = answer.body.because
      assert.equal("response", answer.to, json.encode(answer.body))
      assert.is_true(because == "old and old" or because == "new and new", because)
      seen[because], total = true, total + answer.count
    end

    assert.equal(expected, total)
    assert.is_true(seen["old and old"] and seen["new and new"])
  end

  -- Calls change(i) for i = 1, 2, … from the first decision on until the feeder ends; → how often
  local function change_while_running(change)
    while not runtime:has_ended() and not runtime:messages():find("weir.decision/1", 1, true) do
      process.sleep(1)
    end

    local changes = 0
    while not runtime:has_ended() do
      changes = changes + 1
      change(changes)
    end

    return changes
  end

  does("decides 10,000 times wholly by the old or wholly by the new directory, never a bad one",
    function()
    local sets = { old = version("old"), new = version("new"), bad = bad("bad") }
    for name, files in pairs(sets) do
      for file, text in pairs(files) do root:write(("/sets/%s/%s"):format(name, file), text) end
    end

    local base = root.path .. "/sets/"
    local order = { "new", "bad", "old", "new", "old", "bad" }
    local function link(name, at)
      assert(os.execute(("ln -s %s %s"):format(name, run.quote(base .. at))))
    end

    link("old", "current")
    -- A link is renamed into place, the way to change a directory at once.
    feed({ AWS_LAMBDA_MAX_CONCURRENCY = "4", WEIR_POLICY_SOURCE = "/sets/current",
      WEIR_POLICY_POLL_SECONDS = "0" }, { 10000 })
    local changes = change_while_running(function(i)
      link(order[(i - 1) % #order + 1], "next")
      assert(os.rename(base .. "next", base .. "current"))
      process.sleep(i % 5)
    end)

    local reports, log = finish()
    check_answers(reports[1], 10000)
    assert.is_true(changes >= 20, changes)
    assert.matches("the policy set was swapped", log, 1, true)
    assert.matches("is refused: [^\n]*routing%.lua", log)
  end)

  does("decides 10,000 times wholly by the old or wholly by the new bundle in S3, never a bad one",
    function()
    cloud.reset()
    local s3, key = cloud.client("s3"), "load/" .. process.new_id()
    local bundles = {}
    for name in pairs { old = 1, new = 1 } do
      local directory = run.directory(version(name))
      bundles[name] = assert(assert(policy_set.load(directory)):bundle())
      run.remove(directory)
    end

    bundles.bad = bundles.new:gsub("new", "bad") -- its digests say otherwise
    local order = { "new", "bad", "old", "bad" }
    local function put(name)
      assert(s3:put_object { Bucket = "bucket", Key = key, Body = bundles[name] })
    end

    put("old")
    feed({ AWS_LAMBDA_MAX_CONCURRENCY = "4", WEIR_POLICY_SOURCE = "s3://bucket/" .. key,
      -- often enough that both versions come, however fast it serves
      WEIR_POLICY_POLL_SECONDS = "0.01",
      AWS_ENDPOINT_URL = cloud.front.url, AWS_REGION = "eu-west-1",
        AWS_ACCESS_KEY_ID = cloud.front.key_id,
      AWS_SECRET_ACCESS_KEY = cloud.front.secret }, { 10000 })
    change_while_running(function(i)
      put(order[(i - 1) % #order + 1])
      process.sleep(20) -- or the four wait for s3rver most of the time
    end)

    local reports, log = finish()
    check_answers(reports[1], 10000)
    assert.matches("the policy set was swapped", log, 1, true)
    assert.matches("is not what its digest says", log, 1, true)
  end)

  does("needs no more memory after 100,000 invocations than after 10,000", function()
    feed({}, { 10000, 90000 }, { "sh", "-c", 'exec "$@" >/dev/null', "sh" })
    local reports = finish()
    local first, last = reports[1].resident_kb, reports[2].resident_kb
    assert.equal(1, #reports[2].answers)
    assert.equal("response", reports[2].answers[1].to)
    assert.is_true(first > 0 and last <= 8 * 1024, last)
    assert.is_true(last - first < 512, ("%d KiB, then %d KiB"):format(first, last))
  end)

  -- A layer that `weir emulate` starts in the empty root.
  local function layer_directory()
    local words = {}
    for i, word in ipairs(root:command("/opt/bootstrap")) do words[i] = run.quote(word) end
    local directory = run.directory {
      bootstrap = "#!/bin/sh\nexec " .. table.concat(words, " ") .. '\n',
    }

    assert(os.execute("chmod 755 " .. run.quote(directory .. "/bootstrap")))

    return directory
  end

  does("can be killed at any moment: callers get an error or a whole answer, and the next is "
    .. "served", function()
    local directory = layer_directory()
    emulator = emulators.start {
      layer = directory,
      "--handler",
      "routing",
      "--concurrency",
      "4",
      "--timeout",
      "60",
    }

    local events = {}
    for i = 1, 16 do events[i] = { file_count = 12 } end
    local expected = emulator:invoke(events[1]).body
    -- Kills the emulator's children, at moments that drift against the invocations'.
    local stop = os.tmpname()
    local killer = assert(io.popen(([[
      n=0
      while [ -e %s ]; do
        n=$((n + 1))
        sleep 0.0$((n %% 7))$((n %% 10))
        for child in $(cat /proc/%d/task/*/children); do kill -KILL "$child" 2>/dev/null; done
      done; echo $n]]):format(stop, emulator.pid), "r"))
    local whole, killed = 0, 0
    while whole < 500 or killed < 20 do
      for _, response in ipairs(emulator:all(events)) do
        assert.equal(200, response.status)
        if response.headers["x-amz-function-error"] then
          local failure = json.decode(response.body)
          assert.equal("Runtime.ExitError", failure.errorType)
          assert.matches("signal: killed", failure.errorMessage, 1, true)
          killed = killed + 1
        else
          assert.equal(expected, response.body)
          whole = whole + 1
        end
      end
    end

    os.remove(stop)
    assert.is_true(killer:read("n") > 0)
    killer:close()
    -- Each environment may have been killed once more after the last answer.
    local answer
    for _ = 1, 5 do
      answer = emulator:invoke(events[1]).body
      if answer == expected then break end
      assert.equal("Runtime.ExitError", json.decode(answer).errorType)
    end

    assert.equal(expected, answer)
    run.remove(directory)
  end)
end)
