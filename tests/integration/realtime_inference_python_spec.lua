-- realtime_inference in place of the Python handler: its events, its names, its defaults.
local workflow = require "support.workflow"
local world = require "support.inference_world"

local cloud = workflow.cloud
local handle, requested = world.handle, world.requested
local s3 = world.s3

describe("realtime_inference in place of the Python handler", function()
  before_each(world.reset)

  local function invoke(more, settings)
    workflow.settings = { compatible_output = "true", endpoint_name = "e" }
    for name, value in pairs(settings or {}) do workflow.settings[name] = value end
    local event = { s3_uri = "s3://bucket/text.json" }
    for name, value in pairs(more or {}) do event[name] = value end

    return handle(event)
  end

  before_each(function()
    assert(s3:put_object { Bucket = "bucket", Key = "text.json", Body = '{"é":1}',
      ContentType = "text/plain" })
  end)

  it("answers in its names, with its defaults, and writes nothing", function()
    local result = workflow.fine(invoke())
    assert.same({ '{"é":1}', "a" }, { result.prediction, result.variant_name })
    for _, name in ipairs { "latency_ms", "invoke_latency_ms", "download_latency_ms" } do
      assert.equal(result[name], tonumber(("%.2f"):format(result[name])))
      result[name] = nil
    end

    result.prediction, result.variant_name = nil, nil
    assert.same({}, result)
    local headers = requested("InvokeEndpoint")[1].headers
    assert.same({ "application/json", "application/json" }, {
      headers["content-type"],
      headers.accept,
    })

    assert.equal(1, #requested "PutObject") -- that of this test
  end)

  it("takes its event: types, alias, and an output path beside it", function()
    workflow.fine(invoke({ content_type = "text/csv", accept_type = "text/xml" }))
    local headers = requested("InvokeEndpoint")[1].headers
    assert.same({ "text/csv", "text/xml" }, { headers["content-type"], headers.accept })
    cloud.reset()
    assert(s3:put_object { Bucket = "bucket", Key = "text.json", Body = "1" })
    local result = workflow.fine(invoke({ s3_uri = "s3://elsewhere/text.json",
      output_path = "s3://bucket/out" },
      { s3_access_point_alias = "bucket" }))
    assert.equal("1", result.prediction)
    assert.equal("1", assert(s3:get_object { Bucket = "bucket", Key = "out/text.json.out" }).Body)
  end)

  it("tries as often as MAX_RETRIES says, three times without", function()
    for setting, attempts in pairs { [""] = 4, ["0"] = 1, ["1"] = 2 } do
      cloud.reset()
      assert(s3:put_object { Bucket = "bucket", Key = "text.json", Body = "1" })
      local settings = {
        endpoint_name = "broken",
        max_retries = setting ~= "" and setting or nil,
      }

      workflow.fails("ModelError", invoke({}, settings))
      assert.equal(attempts, #requested "InvokeEndpoint")
    end

    workflow.fails("InvalidSetting", invoke({}, { max_retries = "11" }))
  end)

  it("carries an answer that is not text as base64", function()
    assert(s3:put_object { Bucket = "bucket", Key = "text.json", Body = "\255\0" })
    local result = workflow.fine(invoke())
    assert.same({ "/wA=", "base64" }, { result.prediction, result.prediction_encoding })
  end)

  it("answers in our names without COMPATIBLE_OUTPUT, the prediction with them", function()
    local result = workflow.fine(invoke({}, { compatible_output = "false" }))
    assert.same({ variant = "a", output_bytes = 8, prediction = '{"é":1}' }, result)
    assert.equal("text/plain", requested("InvokeEndpoint")[1].headers["content-type"])
  end)

  it("refuses what says too little, or two things", function()
    for _, more in ipairs { { s3_uri = "text.json" }, { s3_uri = "s3://bucket/" },
      { bucket = "b" } } do
      workflow.fails("InvalidEvent", invoke(more))
    end

    assert.matches("ENDPOINT_NAME", workflow.fails("InvalidEvent",
      invoke({}, { endpoint_name = "" })), 1, true)
  end)
end)
