-- Generated requests, signed by weir.sigv4 and by AWS's own signer for JavaScript.
local oracle = require("oracles.oracle")
local property = require("support.property")
local sigv4 = require("weir.sigv4")

local seed = property.seed({ seed = 20261122 })
local count = property.cases(4000)
local random = math.random

local function pick(list) return list[random(#list)] end

local function text(alphabet, least, most)
  local parts = {}
  for i = 1, random(least, most) do parts[i] = pick(alphabet) end
  return table.concat(parts)
end

local segment_parts = {
  "a", "Z", "7", "-", "_", "~", ".", "..", "%20", "%2F", "%3A", "%25", "%E1%88%B4", ":", "@", "!",
    "$",
  "(", ")", "*", "+", ",", ";", "=", "'",
}
local query_parts = {
  "a", "B", "9", "-", ".", "_", "~", "%20", "%2B", "%3D", "%26", "%E2%82%AC", "%7E", "%41", "/",
    ":", "*",
  "!", "'", "(", ")", "+",
}
local header_values = {
  "plain", "  led and trailed  ", "a   b", '"quoted   text"', "one\ttwo", "r\u{e9}sum\u{e9}", "a,b",
  "x=1; y=2", "folded\n over\r\n  lines", "0", "",
}
local header_names = {
  "content-type", "x-amz-target", "X-Amz-Meta-Owner", "x-amz-storage-class", "My-Header1", "accept",
    "range",
  "user-agent", "Expect", "Connection", "x-amzn-trace-id", "proxy-authorization", "cache-control",
    "if-match",
  "content-length", "transfer-encoding", "Amz-Sdk-Request",
}

local function path()
  local segments = {}
  for i = 1, random(0, 5) do segments[i] = pick({ "", ".", "..", text(segment_parts, 1, 6) }) end
  return "/" .. table.concat(segments, "/")
end

local function query()
  local pairs_of = {}
  for i = 1, random(0, 6) do
    local name = pick({ "Param", "Param-3", "param", "list-type", text(query_parts, 1, 4) })
    pairs_of[i] = pick({ name, name .. "=", name .. "=" .. text(query_parts, 1, 6), name .. "=x" })
  end

  return table.concat(pairs_of, "&")
end

-- The headers as weir takes them, and as the other signer does: repeated values already joined.
local function headers(presigning)
  local ours, theirs = {}, {}
  for _ = 1, random(0, 5) do
    local name = pick(header_names)
    if presigning then name = name:lower() end
    local value = pick(header_values)
    -- A header that moves to the query goes there trimmed, by weir alone.
    if presigning and name:find("^x%-amz%-") then value = "plain" end
    if random(5) == 1 then
      ours[name] = { "second", "first", "first" }
      value = "second,first,first"
    else
      ours[name] = value
    end

    theirs[name] = value
  end

  return ours, theirs
end

local function case()
  local presigning = random(4) == 1
  local ours, theirs = headers(presigning)
  local host = pick({
    "example.amazonaws.com",
    "127.0.0.1:9000",
    "bucket.s3.eu-central-1.amazonaws.com",
  })

  local service = pick({ "s3", "service", "dynamodb", "bedrock" })
  local q = {
    method = pick({ "GET", "PUT", "POST", "DELETE", "HEAD" }),
    host = host, path = path(), query = query(), headers = theirs, service = service,
    region = pick({ "us-east-1", "eu-central-1" }), time = random(1400000000, 2000000000),
    id = pick({ "AKIDEXAMPLE", "ASIA0123456789" }),
    secret = pick({ "wJalrXUtnFEMI/K7MDENG+bPxRfi", ("k"):rep(100) }),
    token = random(3) == 1 and "IQoJb3JpZ2luX2VjE+/Example==" or nil,
    body = random(3) > 1 and text({ "x", "{}", "\u{e9}", "\n", "0123456789" }, 0, 40) or nil,
    content_sha256 = random(6) == 1 or nil,
    expires = presigning and random(1, 604800) or nil,
  }

  q.unsigned = service == "s3" and (presigning or random(3) == 1) or nil
  if presigning then q.content_sha256 = nil end

  return q, {
    method = q.method, url = "https://" .. host .. q.path
      .. (q.query ~= "" and "?" .. q.query or ""),
    headers = ours, body = q.body, service = service, region = q.region, time = q.time,
      expires = q.expires,
    payload_hash = q.unsigned and not presigning and "UNSIGNED-PAYLOAD" or nil,
    content_sha256 = q.content_sha256,
    credentials = { access_key_id = q.id, secret_access_key = q.secret, session_token = q.token },
  }
end

describe("weir.sigv4 and @smithy/signature-v4", function()
  it("agree on thousands of generated requests", function()
    math.randomseed(seed)
    local questions, requests = {}, {}
    for i = 1, count do questions[i], requests[i] = case() end
    for i, expected in ipairs(oracle.ask("sigv4.mjs", questions)) do
      local request = requests[i]
      local signed, details
      if request.expires then
        signed, details = sigv4.presign(request)
        signed = signed and signed:match("X%-Amz%-Signature=(%x+)$")
      else
        signed, details = sigv4.sign(request)
        signed = signed and signed.authorization
      end

      assert(signed == expected, ("seed %d, request %d: %s\nexpected %s\ngot      %s\n%s"):format(
        seed, i, oracle.json(questions[i]), expected, tostring(signed),
        type(details) == "table" and details.canonical_request or tostring(details)))
    end
  end)
end)
