-- A fleet's replay: the handlers under the emulator, S3 behind the signing front, and the state
-- machine of deploy/ with its Distributed Map expanded (support/distributed_map).
local cloud = require "support.aws"
local distributed_map = require "support.distributed_map"
local emulators = require "support.emulator"
local files = require "support.files"
local json = require "weir.json"
local policy_set = require "weir.policy_set"
local process = require "weir.process"
local run = require "support.run"

local MACHINE = "deploy/state-machines/replay.asl.json"
local COUNTS = { "lines", "decisions", "identical", "changed", "reworded", "failed", "bad_lines",
  "other_lines" }

local front, s3 = cloud.front, cloud.client("s3")

local function variables(more)
  local values = { AWS_ENDPOINT_URL = front.url, AWS_REGION = "eu-west-1",
    AWS_ACCESS_KEY_ID = front.key_id, AWS_SECRET_ACCESS_KEY = front.secret, HOME = "/nowhere" }
  for name, value in pairs(more or {}) do values[name] = value end
  return values
end

local function put(key,
  body) assert(s3:put_object { Bucket = "bucket", Key = key, Body = body }) end

-- A set that sends to batch from 5 files on.
local function edited(folder)
  os.execute(("cp -r policies/. %s"):format(files.quote(folder)))
  local path = folder .. "/routing.lua"
  local text = files.read(path)
  local changed = text:gsub("threshold = integer { 10,", "threshold = integer { 5,")
  assert(changed ~= text)
  files.write(path, changed)

  return folder
end

local function bundle(directory) return assert(assert(policy_set.load(directory)):bundle()) end

-- The same numbers whatever the order: nothing of the summary that names the run.
local function essence(summary)
  local copy = { digest = summary.digest, kinds = {}, changes = {} }
  for _, word in ipairs(COUNTS) do copy[word] = summary[word] end
  for kind, counts in pairs(summary.kinds) do
    if next(counts.is) then copy.kinds[kind] = counts.is end
  end

  return copy
end

describe("a fleet's replay", function()
  local functions, root, folder, new, prefix = {}, nil, nil, nil, nil

  setup(function()
    cloud.reset()
    folder = files.directory()
    new = edited(files.directory())
    root = process.new_id()
    prefix = root .. "/logs/"

    for _, name in ipairs { "replay_shard", "replay_reduce" } do
      functions[name] = emulators.start { "--handler", name, "--timeout", "60", env = variables() }
    end

    -- A day and an hour, cut into files of different folders, forms and sizes.
    os.execute(("zcat tests/recordings/working-day.jsonl.gz | split -l 1600 - %s/day-"):format(
      folder))
    os.execute(
      ("mkdir -p %s/eu/a %s/us; cd %s && mv day-aa eu/a/day-1.jsonl; mv day-ab us/1.jsonl; "
      .. "mv day-ac eu/day.jsonl; gzip day-ad && mv day-ad.gz us/2.jsonl.gz; mv day-ae 'us/day "
      .. "5+.jsonl'")
      :format(folder, folder, folder))
    os.execute(("cp tests/recordings/lunch-hour.jsonl %s/eu/lunch.log; "
      .. "printf 'START\nREPORT\n' >%s/empty.log"):format(folder, folder))
    for _, path in ipairs(files.lines_of("cd " .. folder .. " && find . -type f")) do
      put(prefix .. path:sub(3), files.read(folder .. "/" .. path:sub(3)))
    end

    put(root .. "/old.bundle", bundle("policies"))
    put(root .. "/new.bundle", bundle(new))
  end)

  teardown(function()
    for _, emulator in pairs(functions) do emulator:close() end
    files.remove_all()
  end)

  local function invoke(name)
    return function(payload)
      local response = functions[name]:invoke(payload)
      local answer = assert(json.decode(response.body))
      if response.headers["x-amz-function-error"] then
        return nil, answer.errorType, answer.errorMessage
      end

      return answer
    end
  end

  local function execute(world, more)
    world = world or {}
    world.s3 = s3
    world.functions = world.functions or {}
    world.functions.ShardFunctionArn = world.functions.ShardFunctionArn or invoke "replay_shard"
    world.functions.ReduceFunctionArn = invoke "replay_reduce"
    local input = { bucket = "bucket", prefix = prefix, old = "",
      policies = ("s3://bucket/%s/old.bundle"):format(root),
      results = { bucket = "bucket", prefix = root .. "/results" } }
    for name, value in pairs(more or {}) do input[name] = value end

    return distributed_map.execute(MACHINE, input, world)
  end

  local function diff_input()
    return { old = ("s3://bucket/%s/old.bundle"):format(root),
      policies = ("s3://bucket/%s/new.bundle"):format(root) }
  end

  local function on_laptop(...)
    local words = { ... }
    words[#words + 1], words.env = "--json", variables()
    local result = run(words)
    return assert(json.decode(result.stdout:match("[^\n]+\n$"))), result
  end

  it("gives the digest and the counts of the laptop, whatever the sharding", function()
    local paths = files.lines_of(("find %s -type f"):format(folder))
    local words = { "replay", "-p", "policies" }
    table.move(paths, 1, #paths, #words + 1, words)
    words[#words + 1] = "--json"
    local local_files = assert(json.decode(run(words).stdout:match("[^\n]+\n$")))
    assert.equal(8073, local_files.decisions)

    for _, batch in ipairs { 1, 2, 3, 100 } do
      local summary = assert(execute { batch = batch })
      assert.same(essence(local_files), essence(summary), batch)
      assert.same({ 7, 0, 0 }, { summary.file_count, summary.unreadable_count, summary.repeated })
    end
  end)

  it("does the same from S3 on the laptop", function()
    local uri = "s3://bucket/" .. prefix
    local summary, result = on_laptop("replay", "-p", "policies", uri)
    assert.equal(0, result.status, result.stderr)
    assert.same(essence((assert(execute()))), essence(summary))
    assert.equal(uri .. "empty.log", summary.files[1].recording)
  end)

  it("compares two sets as weir diff does", function()
    local uri = "s3://bucket/" .. prefix
    local on_one = on_laptop("diff", "policies", new, uri)
    local summary = assert(execute({ batch = 2 }, diff_input()))
    assert.same(essence(on_one), essence(summary))
    assert.is_true(summary.changed > 10)

    local function rows(list)
      local texts = {}
      for i, group in ipairs(list) do
        texts[i] = ("%s %s %s %d"):format(group.kind, group.change,
          (group.rule:gsub("^.*/", "")), group.count)
      end

      table.sort(texts)
      return texts
    end

    assert.same(rows(on_one.changes), rows(summary.changes))
    assert.equal("routing.lua", summary.changes[1].rule:match("^[^:]+"))
  end)

  it("writes the whole summary with every file's digest to S3", function()
    local summary = assert(execute())
    local bucket, key = summary.summary:match("^s3://([^/]+)/(.*)$")
    local whole = assert(json.decode(assert(s3:get_object { Bucket = bucket, Key = key }).Body))
    assert.equal(7, #whole.files)
    assert.equal(summary.digest, require("weir.replay").combine(whole.files))
  end)

  it("counts doubled shards once, in any order", function()
    local plain = essence((assert(execute { batch = 2 })))
    local summary = assert(execute { batch = 2, order = function(shards)
      return { shards[4], shards[2], shards[1], shards[2], shards[3], shards[4] }
    end })
    assert.same(plain, essence(summary))
    assert.equal(3, summary.repeated) -- two files, and the one of the last shard
  end)

  it("names the files of lost and failed shards, and has no digest then", function()
    local summary = assert(execute { batch = 2, order = function(shards)
      return { shards[1], shards[2], shards[4] }
    end })
    assert.is_nil(summary.digest)
    assert.equal(2, summary.unreadable_count)
    assert.equal("no shard replayed it", summary.unreadable[1].message)

    local calls = 0
    summary = assert(execute { batch = 1, tolerated = 50, functions = {
      ShardFunctionArn = function(payload)
        if payload.Items[1].Key:find("lunch", 1, true) then
          calls = calls + 1
          return nil, "Lambda.Unknown", "died"
        end

        return invoke "replay_shard"(payload)
      end,
    } })
    assert.equal(5, calls) -- once, and four retries
    assert.is_nil(summary.digest)
    assert.same({ { file = prefix .. "eu/lunch.log",
      message = "its shard failed: Lambda.Unknown" } }, summary.unreadable)
  end)

  it("forgives a shard that fails and is tried again", function()
    local failed = {}
    local summary = assert(execute { batch = 2, functions = {
      ShardFunctionArn = function(payload)
        local key = payload.Items[1].Key
        if not failed[key] then
          failed[key] = true
          return nil, "Sandbox.Timedout", "died"
        end

        return invoke "replay_shard"(payload)
      end,
    } })
    assert.same(essence((assert(execute()))), essence(summary))
  end)

  it("fails as a whole when too many shards fail, and at once when a bundle does not load",
    function()
    local calls = 0
    local output, failure = execute { batch = 1, functions = {
      ShardFunctionArn = function(payload)
        calls = calls + 1
        return invoke "replay_shard"(payload)
      end,
    } }
    assert.truthy(output, failure)
    put(root .. "/broken.bundle", bundle("policies"):gsub("realtime", "realtine"))
    local before = calls
    output, failure = execute({ batch = 1, functions = {
      ShardFunctionArn = function(payload)
        calls = calls + 1
        return invoke "replay_shard"(payload)
      end,
    } }, { policies = ("s3://bucket/%s/broken.bundle"):format(root) })
    assert.same({ nil, "States.ExceedToleratedFailureThreshold" }, { output, failure })
    assert.equal(7, calls - before)
  end)

  it("does not wait for files that came after the start", function()
    local key = prefix .. "later.jsonl"
    local summary = assert(execute { started = "2026-01-01T00:00:00Z", after_map = function()
      put(key, "START\n")
    end })
    assert(s3:delete_object { Bucket = "bucket", Key = key })
    assert.equal(0, summary.unreadable_count)
    assert.is_string(summary.digest)
  end)

  it("tells a file that is gone or damaged apart from a failure", function()
    local damaged = prefix .. "zz-damaged.jsonl.gz"
    put(damaged, (files.read(folder .. "/us/2.jsonl.gz"):sub(1, 5000)))
    local summary = assert(execute { batch = 3 })
    assert.is_nil(summary.digest)
    assert.equal(damaged, summary.unreadable[1].file)
    assert.truthy(summary.unreadable[1].message:find("ends early", 1, true),
      summary.unreadable[1].message)

    local on_one, result = on_laptop("replay", "-p", "policies", "s3://bucket/" .. prefix)
    assert.equal(6, result.status)
    assert.is_nil(on_one.digest)
    assert(s3:delete_object { Bucket = "bucket", Key = damaged })
  end)

  it("does not add up shards of two policy sets", function()
    local shards = 0
    local output, failure = execute { batch = 3, functions = {
      ShardFunctionArn = function(payload)
        shards = shards + 1
        if shards == 2 then payload.BatchInput.policies =
          ("s3://bucket/%s/new.bundle"):format(root) end
        return invoke "replay_shard"(payload)
      end,
    } }
    assert.same({ nil, "PoliciesChanged" }, { output, failure })
  end)

  it("refuses events that it cannot use", function()
    local good = { bucket = "bucket", policies = "s3://bucket/x" }
    for _, case in ipairs {
      { {}, "the event must have Items" },
      { { BatchInput = good }, "the event must have Items" },
      { { Items = json.array { { Key = "k" } } }, "BatchInput must be an object" },
      { { BatchInput = good, Items = json.array {} }, "Items must be a list" },
      { { BatchInput = good, Items = json.array { { Key = "" } } }, "Key must be a text" },
      { { BatchInput = { bucket = "b" }, Items = json.array { { Key = "k" } } },
        "policies must be s3://bucket/key" },
      { { BatchInput = { bucket = "b", policies = "x" }, Items = json.array { { Key = "k" } } },
        "policies must be s3://bucket/key" },
    } do
      local _, failure, cause = invoke "replay_shard"(case[1])
      assert.equal("InvalidEvent", failure)
      assert.truthy(cause:find(case[2], 1, true), cause)
    end

    for _, case in ipairs {
      { { bucket = "b", started = "2026-01-01T00:00:00Z" }, "the event must have results" },
      { { bucket = "b", started = "2026-01-01T00:00:00Z", results = "b/k" },
        "results must be an object" },
      { { bucket = "b", started = "now", results = { Bucket = "b", Key = "k" } },
        "started must be a time" },
    } do
      local _, failure, cause = invoke "replay_reduce"(case[1])
      assert.equal("InvalidEvent", failure)
      assert.truthy(cause:find(case[2], 1, true), cause)
    end
  end)

  describe("from the command line", function()
    local STATE_MACHINE = "arn:aws:states:eu-west-1:111122223333:stateMachine:weir-replay"

    local function queue(...)
      local list = json.array {}
      for i, status in ipairs { ... } do
        local answer = { executionArn = "arn:e", stateMachineArn = STATE_MACHINE, startDate = 1 }
        for name, value in pairs(status) do answer[name] = value end
        list[i] = { body = json.encode(answer) }
      end

      cloud.answers { ["stepfunctions.DescribeExecution"] = list }
    end

    local function weir(...)
      local words = { ... }
      words.env = variables { WEIR_REPLAY_STATE_MACHINE = STATE_MACHINE,
        WEIR_REPLAY_RESULTS = ("s3://bucket/%s/fleet/"):format(root) }
      return run(words)
    end

    -- The input of the execution that was started last.
    local function input()
      local found
      for _, request in ipairs(cloud.requests()) do
        if request.operation == "StartExecution" then found = request.input end
      end

      return assert(json.decode(found.input))
    end

    it("--fleet starts an execution, waits, and prints the one digest", function()
      local uri = "s3://bucket/" .. prefix
      queue({ status = "RUNNING" }, { status = "SUCCEEDED",
        output = json.encode((assert(execute()))) })
      local result = weir("replay", "-p", "policies", uri, "--fleet")
      assert.equal(0, result.status, result.stderr)
      assert.truthy(result.stderr:find("started arn:aws:states:", 1, true), result.stderr)
      local here = run { "replay", "-p", "policies", uri, env = variables() }
      assert.equal(here.stdout, result.stdout)

      -- What the command sent is what the machine takes.
      local sent = input()
      assert.same({ "bucket", prefix, "" }, { sent.bucket, sent.prefix, sent.old })
      local summary = assert(execute({ batch = 3 }, sent))
      assert.equal(here.stdout:match("digest (%S+)"), summary.digest)
    end)

    it("weir diff --fleet prints the groups of all shards", function()
      local uri = "s3://bucket/" .. prefix
      queue { status = "SUCCEEDED", output = json.encode((assert(execute({ batch = 2 },
        diff_input())))) }
      local result = weir("diff", "policies", new, uri, "--fleet")
      assert.equal(1, result.status, result.stderr)
      local here = run { "diff", "policies", new, uri, env = variables() }
      assert.equal(here.stdout:match("[^\n]+ decisions change[^\n]+"),
        result.stdout:match("[^\n]+ decisions change[^\n]+"))
      assert.equal(here.stdout:match("digest %S+"), result.stdout:match("digest %S+"))
      assert.truthy(result.stdout:find("routing  realtime -> batch  routing.lua:", 1, true),
        result.stdout)

      local summary = assert(execute(nil, input()))
      assert.equal(here.stdout:match("digest (%S+)"), summary.digest)
    end)

    it("names lost files, without a digest, with status 6", function()
      queue { status = "SUCCEEDED", output = json.encode((assert(execute { batch = 2,
        order = function(shards) return { shards[1], shards[2], shards[3] } end }))) }
      local result = weir("replay", "-p", "policies", "s3://bucket/" .. prefix, "--fleet")
      assert.equal(6, result.status)
      assert.truthy(result.stderr:find("no shard replayed it", 1, true), result.stderr)
      assert.truthy(result.stdout:find("no digest: 1 recording was not read to the end", 1, true),
        result.stdout)
    end)

    it("tells why an execution failed", function()
      queue { status = "FAILED", error = "States.ExceedToleratedFailureThreshold", cause = "many" }
      local result = weir("replay", "-p", "policies", "s3://bucket/" .. prefix, "--fleet")
      assert.equal(6, result.status)
      assert.truthy(result.stderr:find("the execution failed: "
        .. "States.ExceedToleratedFailureThreshold many", 1, true), result.stderr)
    end)

    it("refuses what it cannot do", function()
      local uri = "s3://bucket/" .. prefix
      for _, case in ipairs {
        { { "replay", uri, "x.jsonl" }, 2, "some recordings are in S3 and some are not" },
        { { "replay", "x.jsonl", "--fleet" }, 2, "--fleet takes one place in S3" },
        { { "replay", uri, uri, "--fleet" }, 2, "--fleet takes one place in S3" },
        { { "replay", uri, "--fleet", "--set", "threshold=5" }, 2,
          "a fleet decides with the policies" },
        { { "replay", uri, "--results", "s3://b/c" }, 2,
          "--results is where a fleet's results go" },
        { { "replay", uri .. "nothing/" }, 6, "there is no object under " .. uri
          .. "nothing/" },
        { { "replay", "s3://no-such-bucket/x" }, 6, "" },
      } do
        table.move({ "-p", "policies" }, 1, 2, #case[1] + 1, case[1])
        local result = weir(table.unpack(case[1]))
        assert.equal(case[2], result.status, case[3] .. result.stderr)
        assert.truthy(result.stderr:find("weir: replay: " .. case[3], 1, true), result.stderr)
      end

      local result = run { "replay", "-p", "policies", uri, "--fleet", env = variables() }
      assert.equal(6, result.status)
      assert.truthy(result.stderr:find("WEIR_REPLAY_STATE_MACHINE", 1, true), result.stderr)
    end)
  end)
end)
