-- The AWS fast paths, each in turn with its peers from npm (aws_peers.mjs). Both sides must make
-- the same: the same signature, the same items, the same metrics.
--   ./dev bench aws
package.path = "tests/?.lua;tests/bench/?.lua;" .. package.path
local contest = require "contest"
local dynamodb = require "weir.dynamodb"
local emf = require "weir.emf"
local files = require "support.files"
local json = require "weir.json"
local sigv4 = require "weir.sigv4"

local SIGNATURES, PAGES, METRICS = contest.count(20000), contest.count(100), contest.count(20000)
local ITEMS = 1000

local function peer(name, count, ...)
  local words = { "env", "AWS_EMF_ENVIRONMENT=Lambda", "node", "tests/bench/aws_peers.mjs", name,
    count, ... }
  return function() return contest.ask(table.unpack(words)) end
end

-- An item of a job table; about 500 bytes as DynamoDB's JSON, twelve attributes.
local function job(i)
  return {
    pk = ("JOB#%08d"):format(i),
    sk = "STATE#2026-11-22T03:04:05.678Z",
    state = "running",
    file_count = i % 40,
    total_bytes = i * 1048576,
    ratio = (i % 10) / 10,
    bucket = "storage-ext-s3alias",
    prefix = ("volumes/vol%02d/incoming/2026/11/22/"):format(i % 12),
    ttl = 1795316645 + i,
    retried = i % 7 == 0,
    tags = { team = "imaging", model = "classifier", stage = "champion" },
    files = { "scan-0001.tiff", "scan-0002.tiff", "scan-0003.tiff", "scan-0004.tiff" },
  }
end

-- Signatures ----------------------------------------------------------------------------------

local function put_item_body()
  local item = job(1)
  item.note = ("n"):rep(850)
  return '{"TableName":"jobs","Item":' .. dynamodb.encode(item) .. "}"
end

local body = put_item_body()
local TOKEN = ("FwoGZXIvYXdzEBYaDH/+"):rep(40)

-- aws4 signs the length of the body, smithy's signer does not: each is compared with its like.
local function sign(length)
  return sigv4.sign({
    method = "POST",
    url = "https://dynamodb.eu-central-1.amazonaws.com/",
    service = "dynamodb",
    region = "eu-central-1",
    time = "20261122T030405Z",
    body = body,
    headers = {
      ["content-type"] = "application/x-amz-json-1.0",
      ["content-length"] = length,
      ["x-amz-target"] = "DynamoDB_20120810.PutItem",
    },
    credentials = {
      access_key_id = "AKIDEXAMPLE",
      secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
      session_token = TOKEN,
    },
  })
end

local function our_signatures(length)
  return function()
    local rate = contest.rate(SIGNATURES, function() sign(length) end)
    return rate, sign(length).authorization
  end
end

local body_file = files.write(os.tmpname(), body)
local SIGNING = ("both sign a PutItem of %d bytes, with a token of %d bytes, at a given time; "
  .. "the signatures are equal"):format(#body, #TOKEN)

contest.row {
  name = "sigv4",
  peer = "aws4",
  unit = "signatures/s of processor time",
  equal_work = SIGNING,
  ours = our_signatures(tostring(#body)),
  theirs = peer("aws4", SIGNATURES, body_file),
  target = { of = "ours", least = 300000 },
}

contest.row {
  name = "sigv4",
  peer = "@smithy/signature-v4",
  unit = "signatures/s of processor time",
  equal_work = SIGNING,
  ours = our_signatures(),
  theirs = peer("smithy", SIGNATURES, body_file),
}
os.remove(body_file)

-- Items ---------------------------------------------------------------------------------------

local function page()
  local items = {}
  for i = 1, ITEMS do items[i] = dynamodb.encode(job(i)) end
  return '{"Items":[' .. table.concat(items, ",") .. ('],"Count":%d,"ScannedCount":%d}')
    :format(ITEMS, ITEMS)
end

local page_text = page()
local page_file = files.write(os.tmpname(), page_text)

contest.row {
  name = "dynamodb page",
  peer = "@aws-sdk/util-dynamodb",
  unit = "pages/s of processor time",
  equal_work = ("both make tables of the same %d items, a page of %d bytes; as JSON they are equal")
    :format(ITEMS, #page_text),
  ours = function()
    local rate = contest.rate(PAGES, function() dynamodb.decode_reply(page_text) end)
    return rate, json.encode(dynamodb.decode_reply(page_text).Items)
  end,
  theirs = peer("util-dynamodb", PAGES, page_file),
  -- 3,000 pages/s were aimed at where this peer made 507.
  target = { of = "ratio", least = 5.9 },
}
os.remove(page_file)

-- Metrics -------------------------------------------------------------------------------------

-- What both write of the last of the metrics, without the time of day.
local function metrics_of(line)
  local written = json.decode(line)
  return json.encode {
    service = written.service,
    requestId = written.requestId,
    Decisions = written.Decisions,
    DecisionTime = written.DecisionTime,
    directives = written._aws.CloudWatchMetrics,
  }
end

local function our_metrics()
  local path = os.tmpname()
  local writer = emf.new({
    namespace = "weir",
    dimensions = { service = "routing" },
    properties = { requestId = "4f1c8a2e" },
  })

  local function write_to(file)
    return function(i)
      writer:metric("Decisions", 1, "Count")
      writer:metric("DecisionTime", i % 100, "Microseconds")
      writer:flush(file)
    end
  end

  local nowhere = assert(io.open("/dev/null", "w"))
  local rate = contest.rate(METRICS, write_to(nowhere))
  nowhere:close()
  local file = assert(io.open(path, "w"))
  write_to(file)(METRICS)
  file:close()
  local line = files.read(path)
  os.remove(path)

  return rate, line
end

for _, one in ipairs {
  { peer = "@aws-lambda-powertools/metrics", ask = "powertools", least = 6 },
  { peer = "aws-embedded-metrics", ask = "embedded-metrics" },
} do
  contest.row {
    name = "emf",
    peer = one.peer,
    unit = "lines/s of processor time",
    equal_work = "both write a line of two metrics, a dimension and a property to /dev/null, "
      .. "one write a line; the metrics are equal",
    ours = our_metrics,
    theirs = peer(one.ask, METRICS),
    same = function(ours, theirs) return metrics_of(ours) == metrics_of(theirs) end,
    target = one.least and { of = "ratio", least = one.least },
  }
end
