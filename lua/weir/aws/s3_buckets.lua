-- S3, what is asked of a whole bucket: all versions in it, uploads that nobody finished, tags. Only
-- the command-line program has it; objects are weir.aws.s3's.
--
-- Listings are percent-encoded on the wire; keys come decoded. A listing goes on from two marks,
-- which weir.aws.pages does not know: callers pass both of them on.
local bytes = require "weir.bytes"
local client = require "weir.aws.client"
local s3 = require "weir.aws.s3"
local s3_address = require "weir.aws.s3_address"
local s3_text = require "weir.aws.s3_text"
local sha256 = require "weir.sha256"

local function delete_xml(input)
  local objects = {}
  for i, object in ipairs(input.Objects) do
    local version = object.VersionId
      and ("<VersionId>%s</VersionId>"):format(s3_text.escape(object.VersionId)) or ""
    objects[i] = ("<Object><Key>%s</Key>%s</Object>"):format(s3_text.escape(object.Key), version)
  end

  return ('<Delete xmlns="%s"><Quiet>true</Quiet>%s</Delete>')
    :format(s3_text.NAMESPACE, table.concat(objects))
end

local function binary(hex)
  return (hex:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end

-- S3 refuses a deletion whose body has no checksum.
local function add_checksum(request)
  if not request.body then return true end
  request.headers["x-amz-checksum-sha256"] = bytes.base64(binary(sha256.hex(request.body)))

  return true
end

-- Elements that repeat, under the names of their members.
local function lists(names)
  return function(output)
    for element, member in pairs(names) do -- any order: each is renamed by itself
      local list = output[element] or {}
      if output.EncodingType == "url" then s3_text.decode_members(list, "Key") end
      output[element], output[member] = nil, list
    end

    if output.EncodingType ~= "url" then return end

    s3_text.decode_members({ output }, "KeyMarker")
    s3_text.decode_members({ output }, "NextKeyMarker")
  end
end

local CHARGED = { RequestCharged = "x-amz-request-charged" }

local function tag_set(output)
  local set = output.TagSet
  output.TagSet = type(set) == "table" and set.Tag or {}
end

return client.service {
  name = "s3",
  id = "S3",
  host = "s3",
  signing_name = "s3",
  protocol = "rest_xml",
  without_fips = "aws-cn",
  types = s3.service.types,
  content_sha256 = true,
  locate = s3_address.locate,
  finish = add_checksum,
  operations = {
    ListObjectVersions = {
      method = "GET",
      path = "/",
      fixed_query = { versions = "", ["encoding-type"] = "url" },
      xml_answer = true,
      lists = { "Version", "DeleteMarker", "CommonPrefixes", "ChecksumAlgorithm" },
      after = lists { Version = "Versions", DeleteMarker = "DeleteMarkers" },
      output_headers = CHARGED,
      members = "Bucket* KeyMarker VersionIdMarker MaxKeys",
      query = {
        KeyMarker = "key-marker",
        VersionIdMarker = "version-id-marker",
        MaxKeys = "max-keys",
      },
      target = "Bucket",
    },
    ListMultipartUploads = {
      method = "GET",
      path = "/",
      fixed_query = { uploads = "", ["encoding-type"] = "url" },
      xml_answer = true,
      lists = { "Upload", "CommonPrefixes" },
      after = lists { Upload = "Uploads" },
      output_headers = CHARGED,
      members = "Bucket* KeyMarker UploadIdMarker",
      query = { KeyMarker = "key-marker", UploadIdMarker = "upload-id-marker" },
      target = "Bucket",
    },
    -- Up to 1,000 of { Key =, VersionId =? }; the answer has those that were not deleted.
    DeleteObjects = {
      method = "POST",
      path = "/",
      fixed_query = { delete = "" },
      xml = delete_xml,
      xml_answer = true,
      lists = { "Error", "Deleted" },
      after = lists { Error = "Errors" },
      output_headers = CHARGED,
      members = "Bucket* Objects*",
      target = "Bucket",
      changes = true,
    },
    GetBucketTagging = {
      method = "GET",
      path = "/",
      fixed_query = { tagging = "" },
      xml_answer = true,
      lists = { "Tag" },
      after = tag_set,
      members = "Bucket*",
      target = "Bucket",
    },
    GetBucketNotificationConfiguration = {
      method = "GET",
      path = "/",
      fixed_query = { notification = "" },
      xml_answer = true,
      lists = { "TopicConfiguration", "QueueConfiguration", "CloudFunctionConfiguration", "Event",
        "FilterRule" },
      names = {
        CloudFunction = "LambdaFunctionArn",
        CloudFunctionConfiguration = "LambdaFunctionConfigurations",
        Event = "Events",
        FilterRule = "FilterRules",
        Queue = "QueueArn",
        QueueConfiguration = "QueueConfigurations",
        S3Key = "Key",
        Topic = "TopicArn",
        TopicConfiguration = "TopicConfigurations",
      },
      members = "Bucket*",
      target = "Bucket",
    },
  },
}
