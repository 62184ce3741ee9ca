-- Handler realtime_inference: through the real clients to S3 and an endpoint; and its plan.
local handlers = require "weir.handlers"
local json = require "weir.json"
local run = require "support.run"
local workflow = require "support.workflow"

local cloud = workflow.cloud

local BYTES = {}
for i = 0, 255 do BYTES[i + 1] = string.char(i) end
BYTES = table.concat(BYTES)

describe("realtime_inference", function()
  local s3 = cloud.client "s3"

  before_each(function()
    cloud.reset()
    assert(s3:put_object { Bucket = "bucket", Key = "in/a b.bin", Body = BYTES, ContentType = "image/tiff" })
    cloud.reset()
  end)

  local function infer(more)
    local event = { bucket = "bucket", key = "in/a b.bin", endpoint_name = "e", output_path = "s3://bucket/out/" }
    for name, value in pairs(more or {}) do event[name] = value end
    return handlers.run(handlers.find "realtime_inference", event, nil, workflow.effects())
  end

  local function requested(operation)
    local found = {}
    for _, request in ipairs(cloud.requests()) do
      if request.operation == operation then found[#found + 1] = request end
    end
    return found
  end

  it("sends a file's bytes as they are and keeps the answer", function()
    local report = infer()
    assert.same({ variant = "a", output_bytes = 256 }, workflow.fine(report))
    local object = assert(s3:get_object { Bucket = "bucket", Key = "out/in/a b.bin.out" })
    assert.same({ BYTES, "image/tiff" }, { object.Body, object.ContentType })
    assert.same({ 1, { Endpoint = "e", Variant = "a" } }, { workflow.metric(report, "FilesInferred") })
  end)

  it("asks for what the event says: content type, variant, component", function()
    workflow.fine(infer { content_type = "application/x-image", accept = "application/json", target_variant = "b",
      inference_component_name = "c", output_path = "s3://bucket" })
    local headers = requested("InvokeEndpoint")[1].headers
    assert.same({ "application/x-image", "application/json", "b", "c" }, { headers["content-type"], headers.accept,
      headers["x-amzn-sagemaker-target-variant"], headers["x-amzn-sagemaker-inference-component"] })
    assert(s3:get_object { Bucket = "bucket", Key = "in/a b.bin.out" })
  end)

  it("takes JSON null for absent, and a prefix without its slash", function()
    workflow.fine(infer { content_type = json.null, accept = json.null, output_path = "s3://bucket/deep/er" })
    assert(s3:get_object { Bucket = "bucket", Key = "deep/er/in/a b.bin.out" })
  end)

  it("leaves out the mark of a folder, which is no file: nothing is asked, nothing is written", function()
    assert.same({ variant = json.null, output_bytes = 0 }, workflow.fine(infer { key = "in/", size = 0 }))
    assert.same({}, cloud.requests())
  end)

  it("refuses what an endpoint cannot take before it is read", function()
    local message = workflow.fails("FileTooLarge", infer { size = 26214401 })
    assert.matches("26214401 bytes, an endpoint takes 26214400", message, 1, true)
    assert.same({}, cloud.requests())
    workflow.fine(infer { size = 26214400 })
  end)

  it("fails with the service's code, and writes nothing", function()
    workflow.fails("NoSuchKey", infer { key = "nothing" })
    workflow.fails("ModelError", infer { endpoint_name = "broken" })
    assert.same({}, requested("PutObject"))
  end)

  it("refuses an event that says too little", function()
    for _, name in ipairs { "bucket", "key", "endpoint_name", "output_path" } do
      assert.matches(name, workflow.fails("InvalidEvent", infer { [name] = json.null }), 1, true)
    end
    workflow.fails("InvalidEvent", infer { output_path = "/tmp" })
    workflow.fails("InvalidEvent", infer { accept = 7 })
  end)

  it("plans both calls, dry", function()
    local event = json.encode { bucket = "b", key = "k", endpoint_name = "e", output_path = "s3://r/p/" }
    local result = run { "run", "realtime_inference", "-e", "-", "--json", "-p", "policies", stdin = event }
    assert.equal(0, result.status, result.stderr)
    local report = json.decode(result.stdout)
    assert.same({ "InvokeEndpoint", "PutObject" }, { report.plan[1].operation, report.plan[2].operation })
    assert.equal("p/k.out", report.plan[2].input.Key)
  end)

  it("shows what it did, of bytes only their number", function()
    local event = json.encode { bucket = "bucket", key = "in/a b.bin", endpoint_name = "e",
      output_path = "s3://bucket/out/" }
    local result = run { "run", "realtime_inference", "-e", "-", "--json", "--live", "-p", "policies", stdin = event,
      env = { AWS_ENDPOINT_URL = cloud.front.url, AWS_REGION = "eu-west-1", HOME = "/nowhere",
        AWS_ACCESS_KEY_ID = cloud.front.key_id, AWS_SECRET_ACCESS_KEY = cloud.front.secret } }
    assert.equal(0, result.status, result.stderr)
    local report = json.decode(result.stdout)
    assert.same({ 256, "(256 bytes)" }, { report.result.output_bytes, report.plan[1].input.Body })
  end)
end)
