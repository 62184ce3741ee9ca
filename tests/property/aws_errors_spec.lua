-- Answers of every shape through the readers of both families of protocols: always a failure with a
-- code that names it, never a raise, whatever a service, a proxy or an attacker sends.
local failure = require("weir.aws.failure")
local json_protocol = require("weir.aws.protocols.json")
local property = require("support.property")
local query = require("weir.aws.protocols.query")
local rest_xml = require("weir.aws.protocols.rest_xml")
local retry = require("weir.aws.retry")

describe("AWS answers, whatever they are:", function()
  local piece = property.element({ "{", "}", "[", "]", '"__type"', '"code"', '"message"',
    '"Message"', ":", ",",
    '"x#Throttling:y"', "null", "1", '""', '"\\ud800"', "<Error>", "</Error>", "<Code>", "</Code>",
      "x", "<Message>",
    "</Message>", "<ErrorResponse>", "</ErrorResponse>", "<html>", "&amp;", "\0", "\255", " " })
  local text = property.map(property.array(piece, { max = 24 }), table.concat)
  local whole = property.element({
    '{"__type":"a#B:c","message":5}',
    '{"__type":{},"code":[]}',
    "[]",
    "null",
    '"x"',
    '{"code":"","Message":"m"}',
    "<Error><Code>C</Code></Error>",
    "<Error><Code><Code/></Code></Error>",
    "<ErrorResponse><Error><Code>C</Code><Message>m</Message></Error>"
      .. "<RequestId>r</RequestId></ErrorResponse>",
    "<ErrorResponse/>",
    "<ListBucketResult/>",
    "<ListBucketResult><EncodingType>url</EncodingType><Contents/>"
      .. "<CommonPrefixes>x</CommonPrefixes><Prefix><a/></Prefix></ListBucketResult>",
    "<AssumeRoleResponse><AssumeRoleResult>x</AssumeRoleResult></AssumeRoleResponse>",
  })
  local body = property.one_of({ text, whole })
  local status = property.element({ 200, 301, 400, 404, 429, 500, 503 })
  local header = property.element({ "", "Code", "a#Code:x", "#", ":", ";Sender", ("y"):rep(300) })

  local function response(parts)
    local headers = { ["x-amzn-errortype"] = parts[3] ~= "" and parts[3] or nil,
      ["x-amzn-query-error"] = parts[4] ~= "" and parts[4] or nil }
    return {
      status = parts[2],
      body = parts[1],
      body_bytes = #parts[1],
      headers = headers,
      elapsed_ms = 1,
    }
  end

  local function check(result)
    assert.is_string(result.code)
    assert.is_true(#result.code > 0 and #result.code <= 128)
    assert.is_string(result.message)
    assert.is_true(#result.message <= 2000)
    retry.classify(result)
  end

  it("errors", function()
    property.check("errors", property.tuple({ body, status, header, header }), function(parts)
      check(failure.from_json(response(parts), {}))
      check(failure.from_xml(response(parts)))
      check(rest_xml.parse_error(response(parts)))
    end, { cases = 3000 })
  end)

  it("successes", function()
    local listing = require("weir.aws.s3").service.operations.ListObjectsV2
    property.check("successes", property.tuple({ body, status, header, header }), function(parts)
      for _, parse in ipairs({
        function(r) return json_protocol.parse({}, {}, r) end,
        function(r) return query.parse({}, { name = "AssumeRole" }, r) end,
        function(r)
          local output, problem = rest_xml.parse(nil, listing, r)
          if output then listing.after(output) end
          return output, problem
        end,
      }) do
        local output, problem = parse(response(parts))
        if output then assert.is_table(output) else check(problem) end
      end
    end, { cases = 3000 })
  end)
end)
