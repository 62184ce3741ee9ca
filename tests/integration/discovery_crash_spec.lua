-- Handler discovery when its process is killed, by SIGKILL, before and after every call to AWS: it
-- is called again, and in the end the manifest has each new or changed object once, the checkpoint
-- has seen them all, and nothing is new.
local cloud = require "support.aws"
local json = require "weir.json"
local mortal_handler = require "support.mortal_handler"

local s3 = cloud.client "s3"

describe("discovery in a process that is killed", function()
  local mortal

  setup(function()
    mortal = mortal_handler.new { BUCKET = "bucket", OUTPUT_BUCKET = "bucket", PREFIX = "crash/" }
  end)

  teardown(function() mortal:remove() end)

  local function put(key, text)
    assert(s3:put_object { Bucket = "bucket", Key = "crash/" .. key, Body = text or key })
  end

  local function remove(prefix)
    for _, object in ipairs(assert(s3:all("ListObjectsV2",
      { Bucket = "bucket", Prefix = prefix }))) do
      assert(s3:delete_object { Bucket = "bucket", Key = object.Key })
    end
  end

  -- One invocation, which lists so many pages of two objects → nil: it was killed; else its answer
  local function invoke(run, pages)
    local status, output = mortal:run("discovery",
      json.encode { run = run, page_size = 2, max_pages = pages })
    if status == "killed" then return nil end
    assert.equal(0, status, output)
    local result = output:match("\nresult%s+(%b{})")
    return assert(json.decode(result))
  end

  -- Until it comes to its end → its answer, and how often it was killed.
  local function discover(run, pages)
    local deaths = 0
    for _ = 1, 10 do
      local answer = invoke(run, pages)
      if answer and answer.done then return answer, deaths end
      deaths = deaths + (answer and 0 or 1)
    end

    error("it never comes to its end")
  end

  local function keys_of(answer)
    local keys = {}
    for number = 1, answer.parts do
      local part = assert(s3:get_object { Bucket = "bucket",
        Key = ("%spart-%06d.jsonl"):format(answer.manifest_key:match("^(.*/)"), number) })
      for line in part.Body:gmatch("[^\n]+") do
        keys[#keys + 1] = json.decode(line).key:match("^crash/(.*)")
      end
    end

    table.sort(keys)

    return keys
  end

  -- A bucket whose six objects were seen; then one keeps its name and changes, and two are new.
  local function prepare()
    remove "crash/"
    remove "weir/"
    for _, key in ipairs { "a", "b", "c", "d", "e", "f" } do put(key) end
    assert.same({ "a", "b", "c", "d", "e", "f" }, keys_of(discover("first", 9)))
    put("c", "C")
    put "bb"
    put "g"
    cloud.reset()
  end

  it("at any call: each object once, and nothing is new afterwards", function()
    prepare()
    local expected = discover("second", 3)
    local calls = #cloud.requests()
    assert.same({ "bb", "c", "g" }, keys_of(expected))
    assert.same({ 8, 2, 1 }, { expected.listed, expected.new, expected.changed })
    assert.is_true(calls >= 10, calls)

    -- After a call is as before the next one.
    for call = 1, calls + 1 do
      prepare()
      local faults, kind = {}, call <= calls and "kill_before" or "kill_after"
      for n = 1, math.min(call, calls) - 1 do faults[n] = { kind = "pass" } end
      faults[#faults + 1] = { kind = kind, pid_file = mortal.pid_file }
      cloud.faults(table.unpack(faults))
      local answer, deaths = discover("second", 3)
      assert.equal(1, deaths, call)
      assert.same({ "bb", "c", "g" }, keys_of(answer), call)
      assert.equal(expected.manifest_key, answer.manifest_key, call)
      assert.equal(0, discover("third", 9).total_objects, call)
    end
  end)
end)
