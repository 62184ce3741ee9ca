-- The AWS fast paths and their peers from npm in one run:
--   build/dev/weir lua tests/bench/aws_bench.lua
-- A line a comparison: what, ours per CPU second, theirs, the ratio, the least we aim at.
package.path = "tests/?.lua;" .. package.path
local files = require("support.files")
local dynamodb = require("weir.dynamodb")
local emf = require("weir.emf")
local sigv4 = require("weir.sigv4")

local RUNS = 7

local function measure(count, work)
  local best = math.huge
  for _ = 1, RUNS do
    collectgarbage()
    local start = os.clock()
    for i = 1, count do work(i) end
    best = math.min(best, os.clock() - start)
  end
  return count / best
end

-- An item of a job table; about 1.4 KB as DynamoDB's JSON, twelve attributes.
local function job(i)
  return {
    pk = ("JOB#%08d"):format(i), sk = "STATE#2026-11-22T03:04:05.678Z", state = "running",
    file_count = i % 40, total_bytes = i * 1048576, ratio = (i % 10) / 10, bucket = "storage-ext-s3alias",
    prefix = ("volumes/vol%02d/incoming/2026/11/22/"):format(i % 12), ttl = 1795316645 + i,
      retried = i % 7 == 0,
    tags = { team = "imaging", model = "classifier", stage = "champion" },
    files = { "scan-0001.tiff", "scan-0002.tiff", "scan-0003.tiff", "scan-0004.tiff" },
  }
end

local function put_item_body()
  local item = job(1)
  item.note = ("n"):rep(850)
  return '{"TableName":"jobs","Item":' .. dynamodb.encode(item) .. "}"
end

local function page()
  local items = {}
  for i = 1, 1000 do items[i] = dynamodb.encode(job(i)) end
  return '{"Items":[' .. table.concat(items, ",") .. '],"Count":1000,"ScannedCount":1000}'
end

local function write_file(text) return files.write(os.tmpname(), text) end

local function ask_peers(body, page_text)
  local body_file, page_file = write_file(body), write_file(page_text)
  local command = "AWS_EMF_ENVIRONMENT=Lambda node tests/bench/aws_peers.mjs %s %s 2>&1 >/dev/null"
  local pipe = assert(io.popen(command:format(body_file, page_file)))
  local results = {}
  for line in pipe:lines() do
    local name, per_second = line:match("^(%S+) (%d+)$")
    if name then results[name] = tonumber(per_second) else io.stderr:write(line, "\n") end
  end
  pipe:close()
  os.remove(body_file)
  os.remove(page_file)
  return results
end

local body, page_text = put_item_body(), page()

local function sign()
  return sigv4.sign({
    method = "POST", url = "https://dynamodb.eu-central-1.amazonaws.com/", service = "dynamodb",
    region = "eu-central-1", body = body,
    headers = {
      ["content-type"] = "application/x-amz-json-1.0", ["x-amz-target"] = "DynamoDB_20120810.PutItem",
    },
    credentials = {
      access_key_id = "AKIDEXAMPLE", secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    },
  })
end

local nowhere = assert(io.open("/dev/null", "w"))
local writer = emf.new({
  namespace = "weir", dimensions = { service = "routing" }, properties = { requestId = "4f1c8a2e" },
})

local function write_metrics(i)
  writer:metric("Decisions", 1, "Count")
  writer:metric("DecisionTime", i % 100, "Microseconds")
  writer:flush(nowhere)
end

local ours = {
  sigv4 = measure(50000, sign),
  dynamodb = measure(20, function() dynamodb.decode_reply(page_text) end),
  emf = measure(50000, write_metrics),
}
local peers = ask_peers(body, page_text)

local function report(what, mine, peer, least)
  local theirs = peers[peer]
  if not theirs then
    print(("%-12s %10.0f/s   %s did not answer: run ./dev bench, which installs it"):format(what, mine, peer))
    return
  end
  print(("%-12s %10.0f/s   %-22s %10.0f/s   %6.2f times%s"):format(what, mine, peer, theirs, mine / theirs,
    least and (" (aim: %.1f)"):format(least) or ""))
end

print(("PutItem body of %d bytes; page of 1000 items, %d bytes"):format(#body, #page_text))
report("sigv4", ours.sigv4, "sigv4-aws4", 1.3)
report("sigv4", ours.sigv4, "sigv4-smithy")
report("dynamodb", ours.dynamodb, "dynamodb-util", 3)
report("emf", ours.emf, "emf-powertools", 6)
report("emf", ours.emf, "emf-embedded-metrics")
