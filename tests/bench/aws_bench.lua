-- The AWS fast paths and their peers from npm in one run, in turn so that a busy machine disturbs
-- both:
--   build/dev/weir lua tests/bench/aws_bench.lua [ROUNDS]
-- A line a comparison: what, ours per CPU second, theirs (medians of the rounds), the ratio with
-- its spread over the rounds, the least we aim at.
package.path = "tests/?.lua;" .. package.path
local files = require("support.files")
local dynamodb = require("weir.dynamodb")
local emf = require("weir.emf")
local sigv4 = require("weir.sigv4")

local ROUNDS = math.tointeger(tonumber(arg[1] or 5)) or error("expected: aws_bench.lua [ROUNDS]")

local function measure(count, work)
  collectgarbage()
  local start = os.clock()
  for i = 1, count do work(i) end

  return count / (os.clock() - start)
end

local function median(samples)
  local sorted = table.move(samples, 1, #samples, 1, {})
  table.sort(sorted)
  return sorted[(#sorted + 1) // 2]
end

-- An item of a job table; about 1.4 KB as DynamoDB's JSON, twelve attributes.
local function job(i)
  return {
    pk = ("JOB#%08d"):format(i), sk = "STATE#2026-11-22T03:04:05.678Z", state = "running",
    file_count = i % 40, total_bytes = i * 1048576, ratio = (i % 10) / 10,
      bucket = "storage-ext-s3alias",
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

-- One round of the peers: name → per second.
local function ask_peers(body_file, page_file)
  local command = "AWS_EMF_ENVIRONMENT=Lambda node tests/bench/aws_peers.mjs %s %s 2>&1 >/dev/null"
  local pipe = assert(io.popen(command:format(body_file, page_file)))
  local results = {}

  for line in pipe:lines() do
    local name, per_second = line:match("^(%S+) (%d+)$")
    if name then results[name] = math.tointeger(per_second) else io.stderr:write(line, "\n") end
  end

  pipe:close()

  return results
end

local body, page_text = put_item_body(), page()

local TOKEN = ("FwoGZXIvYXdzEBYaDH/+"):rep(40)

local function sign()
  return sigv4.sign({
    method = "POST", url = "https://dynamodb.eu-central-1.amazonaws.com/", service = "dynamodb",
    region = "eu-central-1", body = body,
    headers = {
      ["content-type"] = "application/x-amz-json-1.0",
        ["x-amz-target"] = "DynamoDB_20120810.PutItem",
    },
    credentials = {
      access_key_id = "AKIDEXAMPLE", secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
      session_token = TOKEN,
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

-- The same as aws_peers.mjs adds up.
local function items_sum()
  local sum = 0
  for _, item in ipairs(dynamodb.decode_reply(page_text).Items) do
    sum = sum + item.ttl + item.total_bytes + #item.files + #item.tags.model
    for _ in pairs(item) do sum = sum + 1 end
  end

  return sum
end

local COMPARISONS = {
  { what = "sigv4", peer = "sigv4-aws4", aim = 1.3 },
  { what = "sigv4", peer = "sigv4-smithy" },
  { what = "dynamodb", peer = "dynamodb-util", aim = 3 },
  { what = "emf", peer = "emf-powertools", aim = 6 },
  { what = "emf", peer = "emf-embedded-metrics" },
}

local function report(row)
  if #row.theirs == 0 then
    print(("%-12s %s did not answer: run ./dev bench, which installs it"):format(row.what,
      row.peer))
    return
  end

  local ratio = median(row.ratios)
  print(("%-12s %10.0f/s   %-22s %10.0f/s   %6.2f times (%.2f to %.2f)%s"):format(row.what,
    median(row.ours),
    row.peer, median(row.theirs), ratio, math.min(table.unpack(row.ratios)),
      math.max(table.unpack(row.ratios)),
    row.aim and ("   aim %.1f %s"):format(row.aim, ratio >= row.aim and "met" or "not met") or ""))
end

local body_file, page_file = write_file(body), write_file(page_text)
for _, row in ipairs(COMPARISONS) do row.ours, row.theirs, row.ratios = {}, {}, {} end

for _ = 1, ROUNDS do
  local ours = {
    sigv4 = measure(20000, sign),
    dynamodb = measure(20, function() dynamodb.decode_reply(page_text) end),
    emf = measure(20000, write_metrics),
  }

  local peers = ask_peers(body_file, page_file)
  if peers["items-sum"] then
    assert(peers["items-sum"] == items_sum(), "the page is decoded otherwise")
  end

  for _, row in ipairs(COMPARISONS) do
    local theirs = peers[row.peer]
    if theirs then
      row.ours[#row.ours + 1], row.theirs[#row.theirs + 1] = ours[row.what], theirs
      row.ratios[#row.ratios + 1] = ours[row.what] / theirs
    end
  end
end
os.remove(body_file)
os.remove(page_file)

print(("PutItem body of %d bytes, token of %d; page of 1000 items, %d bytes; medians of %d rounds")
  :format(#body, #TOKEN, #page_text, ROUNDS))
for _, row in ipairs(COMPARISONS) do report(row) end
