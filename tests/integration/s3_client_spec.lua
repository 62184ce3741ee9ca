-- The S3 client against s3rver, through the signing front.
local files = require("support.files")
local cloud = require("support.aws")

describe("S3 client:", function()
  local s3 = cloud.client("s3")
  local POINT = "arn:aws:s3:eu-central-1:111122223333:accesspoint/point"

  before_each(cloud.reset)

  local function with_file(text, run)
    local path = files.write(os.tmpname(), text)
    local ok, problem = pcall(run, path)
    os.remove(path)
    if not ok then error(problem, 0) end
  end

  local function put(key, text, more)
    local input = { Bucket = "bucket", Key = key, Body = text }
    for name, value in pairs(more or {}) do input[name] = value end
    return assert(s3:put_object(input))
  end

  it("PutObject, GetObject, HeadObject and DeleteObject", function()
    local etag = put("a/b.txt", "hello\0", {
      ContentType = "text/plain",
      Metadata = { Owner = "o" },
    }).ETag
    local read = assert(s3:get_object({ Bucket = "bucket", Key = "a/b.txt" }))
    assert.equal("hello\0", read.Body)
    assert.equal(6, read.ContentLength)
    assert.equal("text/plain", read.ContentType)
    assert.equal(etag, read.ETag)
    assert.same({ owner = "o" }, read.Metadata)
    assert.equal(6, assert(s3:head_object({ Bucket = "bucket", Key = "a/b.txt" })).ContentLength)
    assert(s3:delete_object({ Bucket = "bucket", Key = "a/b.txt" }))
    assert.equal("NoSuchKey", select(3, s3:get_object({ Bucket = "bucket", Key = "a/b.txt" })))
    local output, message, code, details = s3:head_object({ Bucket = "bucket", Key = "a/b.txt" })
    assert.is_nil(output)
    assert.equal("NotFound", code, message)
    assert.equal(404, details.status)
  end)

  it("reads ranges and honours conditions", function()
    local etag = put("ranged", "0123456789").ETag
    assert.equal("234", assert(s3:get_object({ Bucket = "bucket", Key = "ranged",
      Range = "bytes=2-4" })).Body)
    local unchanged = assert(s3:get_object({ Bucket = "bucket", Key = "ranged",
      IfNoneMatch = etag }))
    assert.equal(304, unchanged.status)
    assert.equal("", unchanged.Body)
    -- s3rver lets every If-Match pass; S3 answers so:
    cloud.faults({ kind = "status", status = 412, headers = {}, body = "" })
    local refused = { Bucket = "bucket", Key = "ranged", Body = "x", IfNoneMatch = "*" }
    assert.equal("PreconditionFailed", select(3, s3:put_object(refused)))
    assert.equal("*", cloud.requests()[4].headers["if-none-match"])
  end)

  it("takes keys as strange as files have", function()
    for _, key in ipairs({ "with space", "plus+and&and=", "percent%20", "umlaut-äöü",
      "semi;colon,comma",
      "quote'\"<>", "(brackets)[x]", "tilde~star*" }) do
      put(key, key)
      assert.equal(key, assert(s3:get_object({ Bucket = "bucket", Key = key })).Body)
    end

    local listed = {}
    for page in s3:pages("ListObjectsV2", { Bucket = "bucket", MaxKeys = 3 }) do
      for _, object in ipairs(page.Contents) do listed[object.Key] = object.Size end
    end

    for _, key in ipairs({ "with space", "plus+and&and=", "percent%20", "umlaut-äöü" }) do
      assert.equal(#key, listed[key], key)
    end
  end)

  it("signs dots and double slashes of a key as they are", function()
    for _, key in ipairs({ "a//b", "/a", "a/../b", "./a", "a/" }) do
      -- s3rver knows no such keys; the front checks the signature before it answers for it.
      cloud.faults({ kind = "status", status = 200, headers = {}, body = "" })
      assert(s3:put_object({ Bucket = "bucket", Key = key, Body = "x" }))
      assert.equal("/bucket/" .. key, cloud.requests()[1].url)
      cloud.reset()
    end
  end)

  it("ListObjectsV2 gives prefixes, sizes and pages", function()
    for i = 1, 5 do put(("list/%d/file"):format(i), ("x"):rep(i)) end
    local page = assert(s3:list_objects_v2({ Bucket = "bucket", Prefix = "list/",
      Delimiter = "/" }))
    assert.equal(5, #page.CommonPrefixes)
    assert.equal("list/1/", page.CommonPrefixes[1].Prefix)
    assert.same({}, page.Contents)
    local all = assert(s3:all("ListObjectsV2",
      { Bucket = "bucket", Prefix = "list/", MaxKeys = 2 }))
    assert.equal(5, #all)
    assert.equal(5, all[5].Size)
    assert.matches("^%d%d%d%d%-", all[1].LastModified)
    local none = assert(s3:list_objects_v2({ Bucket = "bucket", Prefix = "nothing/" }))
    assert.same({}, none.Contents)
    assert.is_false(none.IsTruncated)
  end)

  it("streams bodies from and to files", function()
    local text = ("0123456789abcdef"):rep(300000)
    with_file(text, function(from)
      assert(s3:put_object({ Bucket = "bucket", Key = "large", body_file = from }))
      with_file("old", function(to)
        local read = assert(s3:get_object({ Bucket = "bucket", Key = "large", output_file = to }))
        assert.is_nil(read.Body)
        assert.equal(#text, read.body_bytes)
        assert.equal(text, files.read(to))
        assert.equal("NoSuchKey", select(3,
          s3:get_object({ Bucket = "bucket", Key = "none", output_file = to })))
        assert.equal(text, files.read(to))
      end)
    end)

    assert.equal("FileFailed", select(3, s3:put_object({ Bucket = "bucket", Key = "x",
      body_file = "/nowhere" })))
  end)

  it("uploads in parts, and gives up cleanly", function()
    local half = ("p"):rep(5 * 1024 * 1024)
    with_file(half .. "tail", function(path)
      local upload = assert(s3:create_multipart_upload({ Bucket = "bucket",
        Key = "parts" })).UploadId
      local parts = {}
      for number, slice in ipairs({ { 0, #half }, { #half, 4 } }) do
        local part = assert(s3:upload_part({ Bucket = "bucket", Key = "parts", UploadId = upload,
          PartNumber = number, body_file = path, body_offset = slice[1], body_length = slice[2] }))
        parts[number] = { PartNumber = number, ETag = part.ETag }
      end

      assert(s3:complete_multipart_upload({ Bucket = "bucket", Key = "parts", UploadId = upload,
        MultipartUpload = { Parts = parts } }))
    end)

    assert.equal(#half + 4, assert(s3:head_object({ Bucket = "bucket",
      Key = "parts" })).ContentLength)
    cloud.faults({ kind = "status", status = 204, headers = {}, body = "" }) -- s3rver cannot abort
    assert(s3:abort_multipart_upload({ Bucket = "bucket", Key = "parts", UploadId = "u" }))
  end)

  it("reads and writes tags", function()
    put("tagged", "x")
    assert(s3:put_object_tagging({ Bucket = "bucket", Key = "tagged",
      Tagging = { TagSet = { { Key = "a", Value = "1 2" }, { Key = "c", Value = "" } } } }))
    local tags = assert(s3:get_object_tagging({ Bucket = "bucket", Key = "tagged" })).TagSet
    table.sort(tags, function(a, b) return a.Key < b.Key end)
    assert.equal("1 2", tags[1].Value)
    assert.equal("c", tags[2].Key)
  end)

  it("finds an error in an answer that begins with 200", function()
    cloud.faults({ kind = "status", status = 200,
      headers = { ["Content-Type"] = "application/xml" },
      body =
        "<Error><Code>AccessDenied</Code><Message>m</Message><RequestId>r</RequestId></Error>" })
    local output, message, code, details =
      s3:complete_multipart_upload({ Bucket = "bucket", Key = "parts",
      UploadId = "u", MultipartUpload = { Parts = {} } })
    assert.is_nil(output)
    assert.equal("AccessDenied", code, message)
    assert.equal("r", details.request_id)
  end)

  describe("addresses", function()
    local function located(bucket, environment, region)
      local address = require("weir.aws.s3_address")
      local getenv = cloud.environment(environment or { AWS_ENDPOINT_URL = false })
      local client = require("weir.aws").client("s3", { getenv = getenv })
      local place, message, code = address.locate(client, nil, { Bucket = bucket }, region
        or "eu-west-1")
      if not place then return nil, message, code end

      return place.url, place.region
    end

    it("of buckets, aliases and access points", function()
      for bucket, url in pairs({
        bucket = "https://bucket.s3.eu-west-1.amazonaws.com",
        ["with.dots"] = "https://s3.eu-west-1.amazonaws.com/with.dots",
        ["my-ap-abc123-ext-s3alias"] =
          "https://my-ap-abc123-ext-s3alias.s3.eu-west-1.amazonaws.com",
        [POINT] = "https://point-111122223333.s3-accesspoint.eu-central-1.amazonaws.com",
      }) do assert.equal(url, (located(bucket))) end
      assert.equal("eu-central-1", select(2, located(POINT)))
      assert.equal("https://bucket.s3.cn-north-1.amazonaws.com.cn",
        (located("bucket", nil, "cn-north-1")))
    end)

    it("refuses what is none", function()
      for _, bucket in ipairs({ "", "a", "../x", "a..b", "bucket/key", "evil.com#", "b b",
        "arn:aws:s3:::bucket",
        "arn:aws:s3::111122223333:accesspoint/x.mrap", "arn:aws:s3:eu-west-1:1:accesspoint/x",
        "arn:aws:s3:evil.com/:111122223333:accesspoint/x",
          "arn:aws:s3-outposts:eu-west-1:111122223333:x" }) do
        assert.equal("InvalidBucket", select(3, located(bucket)), bucket)
      end
    end)

    it("refuses buckets of other protocols in words", function()
      for bucket, words in pairs({ ["data--use1-az4--x-s3"] =
        "S3 Express One Zone %(directory%) bucket",
        ["logs--eu--op-s3"] = "S3 on Outposts access point",
        ["ap--use1-az4--xa-s3"] = "access point of an S3 Express", ["x--op-s3"] = "Outposts",
        ["alias.mrap"] = "multi%-region access point",
        ["arn:aws:s3express:us-east-1:111122223333:bucket/data--use1-az4--x-s3"] =
          "S3 Express One Zone",
        ["arn:aws:s3express:us-east-1:111122223333:accesspoint/point"] = "S3 Express One Zone",
        ["arn:aws:s3-outposts:us-west-2:111122223333:outpost/op-1/accesspoint/p"] = "Outposts",
        ["arn:aws:s3-object-lambda:us-west-2:111122223333:accesspoint/p"] = "Object Lambda",
        ["arn:aws:s3::111122223333:accesspoint/mfzwi23gnjvgw.mrap"] =
          "multi%-region access point" }) do
        local url, message, code = located(bucket)
        assert.is_nil(url)
        assert.equal("InvalidBucket", code)
        assert.matches(words .. ".* which weir does not support", message)
      end
    end)

    it("refuses an access point of another partition than its region or the client's", function()
      local point = "arn:%s:s3:%s:111122223333:accesspoint/point"
      for arn, region in pairs({ [point:format("aws", "cn-north-1")] = "cn-north-1",
        [point:format("aws-cn", "cn-north-1")] = "eu-west-1",
        [point:format("aws-eusc", "eusc-de-east-1")] = "eu-central-1" }) do
        local url, message, code = located(arn, nil, region)
        assert.is_nil(url, arn)
        assert.equal("InvalidBucket", code)
        assert.matches("in the partition aws", message)
      end
    end)

    it("are reached under a configured endpoint, access points in their own region", function()
      local port = cloud.front.port
      local local_s3 = cloud.client("s3", { getenv = cloud.environment(
        { AWS_ENDPOINT_URL_S3 = "http://localhost:" .. port }) })
      assert(local_s3:put_object({ Bucket = POINT, Key = "k e y", Body = "through the point" }))
      local seen = cloud.requests()[1]
      assert.equal("point-111122223333.localhost:" .. port, seen.headers.host)
      assert.equal("eu-central-1", seen.region)
      assert.equal("through the point", assert(local_s3:get_object({ Bucket = POINT,
        Key = "k e y" })).Body)
      assert(local_s3:put_object({ Bucket = "with.dots", Key = "k", Body = "dots" }))
      assert.equal("/with.dots/k", cloud.requests()[3].url)
    end)
  end)
end)
