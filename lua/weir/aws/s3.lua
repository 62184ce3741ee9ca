-- S3: objects of buckets and access points, listings, multipart uploads, tags.
--
-- `Bucket` is a bucket, an access point's alias or its ARN. Bodies may be files: `output_file` for
-- what is read (put in place in one step, only on success), `body_file` for what is written.
-- Answers of conditional reads: GetObject and HeadObject with IfNoneMatch give status = 304.
local client = require "weir.aws.client"
local s3_address = require "weir.aws.s3_address"
local sha256 = require "weir.sha256"

local MINUTES = 60000

local function escape(text)
  return (text:gsub("[&<>\"'\r\n]", function(c) return ("&#%d;"):format(c:byte()) end))
end

local function complete_upload_xml(input)
  local parts = {}
  for i, part in ipairs(input.MultipartUpload.Parts) do
    parts[i] = ("<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>"):format(part.PartNumber, escape(part.ETag))
  end
  return ('<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">%s</CompleteMultipartUpload>')
    :format(table.concat(parts))
end

local function tagging_xml(input)
  local tags = {}
  for i, tag in ipairs(input.Tagging.TagSet) do
    tags[i] = ("<Tag><Key>%s</Key><Value>%s</Value></Tag>"):format(escape(tag.Key), escape(tag.Value))
  end
  return ('<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet>%s</TagSet></Tagging>')
    :format(table.concat(tags))
end

-- Keys come percent-encoded, because XML cannot hold every key; "+" is a space there.
local function percent_decode(text)
  return (text:gsub("%+", " "):gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

local function decode_members(elements, name)
  for _, element in ipairs(elements) do
    if type(element) == "table" and type(element[name]) == "string" then
      element[name] = percent_decode(element[name])
    end
  end
end

local function decode_listing(output)
  output.Contents, output.CommonPrefixes = output.Contents or {}, output.CommonPrefixes or {}
  if output.EncodingType ~= "url" then return end
  decode_members({ output }, "Prefix")
  decode_members({ output }, "Delimiter")
  decode_members({ output }, "StartAfter")
  decode_members(output.Contents, "Key")
  decode_members(output.CommonPrefixes, "Prefix")
end

local function tag_set(output)
  local set = output.TagSet
  output.TagSet = type(set) == "table" and set.Tag or {}
end

-- Over TLS a file is not read twice only to be signed.
local function sign_payload(request)
  if not request.body_file then return true end
  if request.url:find("^https:") then
    request.payload_hash = "UNSIGNED-PAYLOAD"
    return true
  end
  local hash, message, code = sha256.file(request.body_file, request.body_offset, request.body_length)
  request.payload_hash = hash
  return hash, message, code
end

local OBJECT_HEADERS = {
  ETag = "ETag", ContentType = "Content-Type", ContentLength = "Content-Length", LastModified = "Last-Modified",
  ContentRange = "Content-Range", ContentEncoding = "Content-Encoding", VersionId = "x-amz-version-id",
  StorageClass = "x-amz-storage-class",
}
local READ_HEADERS = { IfMatch = "If-Match", IfNoneMatch = "If-None-Match", Range = "Range" }
local WRITE_HEADERS = {
  IfMatch = "If-Match", IfNoneMatch = "If-None-Match", ContentType = "Content-Type",
  ContentEncoding = "Content-Encoding", CacheControl = "Cache-Control", Tagging = "x-amz-tagging",
  ContentMD5 = "Content-MD5",
}

return client.service {
  name = "s3", id = "S3", host = "s3", signing_name = "s3", protocol = "rest_xml",
  without_fips = "aws-cn",
  content_sha256 = true, locate = s3_address.locate, finish = sign_payload,
  operations = {
    GetObject = {
      method = "GET", path = "/{Key+}", accepts = 304, output_payload = "Body", integers = { "ContentLength" },
      members = "Bucket* Key* IfMatch IfNoneMatch Range VersionId output_file",
      headers = READ_HEADERS, query = { VersionId = "versionId" }, output_headers = OBJECT_HEADERS,
      target = "Key", timeout_ms = 15 * MINUTES,
    },
    HeadObject = {
      method = "HEAD", path = "/{Key+}", accepts = 304, integers = { "ContentLength" },
      members = "Bucket* Key* IfMatch IfNoneMatch Range VersionId",
      headers = READ_HEADERS, query = { VersionId = "versionId" }, output_headers = OBJECT_HEADERS,
      target = "Key",
    },
    PutObject = {
      method = "PUT", path = "/{Key+}", payload = "Body",
      members = "Bucket* Key* Body body_file body_offset body_length ContentType ContentEncoding CacheControl "
        .. "ContentMD5 Metadata Tagging IfMatch IfNoneMatch",
      headers = WRITE_HEADERS, output_headers = OBJECT_HEADERS,
      target = "Key", changes = true, timeout_ms = 15 * MINUTES,
    },
    DeleteObject = {
      method = "DELETE", path = "/{Key+}", members = "Bucket* Key* VersionId", query = { VersionId = "versionId" },
      target = "Key", changes = true,
    },
    ListObjectsV2 = {
      method = "GET", path = "/", root = "ListBucketResult", after = decode_listing,
      fixed_query = { ["list-type"] = "2", ["encoding-type"] = "url" },
      members = "Bucket* Prefix Delimiter StartAfter ContinuationToken MaxKeys FetchOwner",
      query = { Prefix = "prefix", Delimiter = "delimiter", StartAfter = "start-after",
        ContinuationToken = "continuation-token", MaxKeys = "max-keys", FetchOwner = "fetch-owner" },
      lists = { "Contents", "CommonPrefixes" }, integers = { "Size", "KeyCount", "MaxKeys" },
      booleans = { "IsTruncated" },
      paging = { input = "ContinuationToken", output = "NextContinuationToken", more = "IsTruncated",
        items = "Contents" },
      target = "Bucket",
    },
    CreateMultipartUpload = {
      method = "POST", path = "/{Key+}", fixed_query = { uploads = "" }, root = "InitiateMultipartUploadResult",
      members = "Bucket* Key* ContentType ContentEncoding CacheControl Metadata Tagging", headers = WRITE_HEADERS,
      target = "Key", changes = true,
    },
    UploadPart = {
      method = "PUT", path = "/{Key+}", payload = "Body", output_headers = { ETag = "ETag" },
      members = "Bucket* Key* UploadId* PartNumber* Body body_file body_offset body_length ContentMD5",
      headers = { ContentMD5 = "Content-MD5" }, query = { UploadId = "uploadId", PartNumber = "partNumber" },
      target = "Key", changes = true, timeout_ms = 15 * MINUTES,
    },
    CompleteMultipartUpload = {
      method = "POST", path = "/{Key+}", xml = complete_upload_xml, root = "CompleteMultipartUploadResult",
      members = "Bucket* Key* UploadId* MultipartUpload*", query = { UploadId = "uploadId" },
      target = "Key", changes = true, timeout_ms = 15 * MINUTES,
    },
    AbortMultipartUpload = {
      method = "DELETE", path = "/{Key+}", members = "Bucket* Key* UploadId*", query = { UploadId = "uploadId" },
      target = "Key", changes = true,
    },
    GetObjectTagging = {
      method = "GET", path = "/{Key+}", fixed_query = { tagging = "" }, root = "Tagging", lists = { "Tag" },
      members = "Bucket* Key* VersionId", query = { VersionId = "versionId" }, after = tag_set, target = "Key",
    },
    PutObjectTagging = {
      method = "PUT", path = "/{Key+}", fixed_query = { tagging = "" }, xml = tagging_xml,
      members = "Bucket* Key* VersionId Tagging*", query = { VersionId = "versionId" },
      target = "Key", changes = true,
    },
  },
}
