-- S3: objects of buckets and access points, listings, multipart uploads, tags.
--
-- `Bucket` is a bucket, an access point's alias or its ARN. Bodies may be files: `output_file` for
-- what is read (put in place in one step, only on success), `body_file` for what is written.
-- Answers of conditional reads: GetObject and HeadObject with IfNoneMatch give status = 304.
local client = require "weir.aws.client"
local s3_address = require "weir.aws.s3_address"
local s3_text = require "weir.aws.s3_text"
local sha256 = require "weir.sha256"

local MINUTES = 60000

local function complete_upload_xml(input)
  local parts = {}
  for i, part in ipairs(input.MultipartUpload.Parts) do
    parts[i] = ("<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>")
      :format(part.PartNumber, s3_text.escape(part.ETag))
  end

  return ('<CompleteMultipartUpload xmlns="%s">%s</CompleteMultipartUpload>')
    :format(s3_text.NAMESPACE, table.concat(parts))
end

local function tagging_xml(input)
  local tags = {}
  for i, tag in ipairs(input.Tagging.TagSet) do
    tags[i] = ("<Tag><Key>%s</Key><Value>%s</Value></Tag>")
      :format(s3_text.escape(tag.Key), s3_text.escape(tag.Value))
  end

  return ('<Tagging xmlns="%s"><TagSet>%s</TagSet></Tagging>')
    :format(s3_text.NAMESPACE, table.concat(tags))
end

local function decode_listing(output)
  output.Contents, output.CommonPrefixes = output.Contents or {}, output.CommonPrefixes or {}
  if output.EncodingType ~= "url" then return end
  s3_text.decode_members({ output }, "Prefix")
  s3_text.decode_members({ output }, "Delimiter")
  s3_text.decode_members({ output }, "StartAfter")
  s3_text.decode_members(output.Contents, "Key")
  s3_text.decode_members(output.CommonPrefixes, "Prefix")
end

local function tag_set(output)
  local set = output.TagSet
  output.TagSet = type(set) == "table" and set.Tag or {}
end

-- Over TLS a file is sent without a hash of its content, which would mean reading it twice.
local function sign_payload(request)
  if not request.body_file then return true end
  if request.url:find("^https:") then
    request.payload_hash = "UNSIGNED-PAYLOAD"
    return true
  end

  local hash, message, code = sha256.file(request.body_file, request.body_offset,
    request.body_length)
  request.payload_hash = hash

  return hash, message, code
end

-- The members of answers that are not texts, in headers and in XML.
local TYPES = {
  BucketKeyEnabled = "boolean",
  ContentLength = "integer",
  DeleteMarker = "boolean",
  EventBridgeConfiguration = "structure",
  IsLatest = "boolean",
  IsRestoreInProgress = "boolean",
  IsTruncated = "boolean",
  KeyCount = "integer",
  MaxKeys = "integer",
  MaxUploads = "integer",
  MissingMeta = "integer",
  PartsCount = "integer",
  Size = "integer",
  TagCount = "integer",
}

local function merged(...)
  local all = {}
  for _, headers in ipairs { ... } do
    for member, name in pairs(headers) do all[member] = name end -- any order: no two have one name
  end

  return all
end

local CHARGED = { RequestCharged = "x-amz-request-charged" }
local VERSION = { VersionId = "x-amz-version-id" }
local CHECKSUMS = {
  ChecksumCRC32 = "x-amz-checksum-crc32",
  ChecksumCRC32C = "x-amz-checksum-crc32c",
  ChecksumCRC64NVME = "x-amz-checksum-crc64nvme",
  ChecksumSHA1 = "x-amz-checksum-sha1",
  ChecksumSHA256 = "x-amz-checksum-sha256",
  ChecksumType = "x-amz-checksum-type",
}
local ENCRYPTION = {
  ServerSideEncryption = "x-amz-server-side-encryption",
  SSEKMSKeyId = "x-amz-server-side-encryption-aws-kms-key-id",
  BucketKeyEnabled = "x-amz-server-side-encryption-bucket-key-enabled",
}
local CUSTOMER_KEY = {
  SSECustomerAlgorithm = "x-amz-server-side-encryption-customer-algorithm",
  SSECustomerKeyMD5 = "x-amz-server-side-encryption-customer-key-MD5",
}
local CONTEXT = { SSEKMSEncryptionContext = "x-amz-server-side-encryption-context" }
local EXPIRATION = { Expiration = "x-amz-expiration" }

local OBJECT_HEADERS = merged(CHARGED, VERSION, CHECKSUMS, ENCRYPTION, CUSTOMER_KEY, EXPIRATION, {
  AcceptRanges = "Accept-Ranges",
  CacheControl = "Cache-Control",
  ContentDisposition = "Content-Disposition",
  ContentEncoding = "Content-Encoding",
  ContentLanguage = "Content-Language",
  ContentLength = "Content-Length",
  ContentRange = "Content-Range",
  ContentType = "Content-Type",
  DeleteMarker = "x-amz-delete-marker",
  ETag = "ETag",
  Expires = "Expires",
  ExpiresString = "Expires",
  LastModified = "Last-Modified",
  MissingMeta = "x-amz-missing-meta",
  ObjectLockLegalHoldStatus = "x-amz-object-lock-legal-hold",
  ObjectLockMode = "x-amz-object-lock-mode",
  ObjectLockRetainUntilDate = "x-amz-object-lock-retain-until-date",
  PartsCount = "x-amz-mp-parts-count",
  ReplicationStatus = "x-amz-replication-status",
  Restore = "x-amz-restore",
  StorageClass = "x-amz-storage-class",
  TagCount = "x-amz-tagging-count",
  WebsiteRedirectLocation = "x-amz-website-redirect-location",
})
local HEAD_HEADERS = merged(OBJECT_HEADERS, { ArchiveStatus = "x-amz-archive-status" })
local PART_HEADERS = merged(CHARGED, CHECKSUMS, ENCRYPTION, CUSTOMER_KEY, { ETag = "ETag" })
local PUT_HEADERS = merged(PART_HEADERS, VERSION, CONTEXT, EXPIRATION,
  { Size = "x-amz-object-size" })
local COPY_PART_HEADERS = merged(CHARGED, ENCRYPTION, CUSTOMER_KEY,
  { CopySourceVersionId = "x-amz-copy-source-version-id" })
local COPY_HEADERS = merged(COPY_PART_HEADERS, VERSION, CONTEXT, EXPIRATION)
local COMPLETE_HEADERS = merged(CHARGED, VERSION, ENCRYPTION, EXPIRATION)
local CREATE_HEADERS = merged(CHARGED, ENCRYPTION, CUSTOMER_KEY, CONTEXT, {
  AbortDate = "x-amz-abort-date",
  AbortRuleId = "x-amz-abort-rule-id",
  ChecksumAlgorithm = "x-amz-checksum-algorithm",
  ChecksumType = "x-amz-checksum-type",
})

local OWNER = "x-amz-expected-bucket-owner"
local READ_HEADERS = {
  IfMatch = "If-Match",
  IfNoneMatch = "If-None-Match",
  Range = "Range",
  ExpectedBucketOwner = OWNER,
}
local WRITE_HEADERS = {
  ExpectedBucketOwner = OWNER,
  IfMatch = "If-Match",
  IfNoneMatch = "If-None-Match",
  ContentType = "Content-Type",
  ContentEncoding = "Content-Encoding",
  CacheControl = "Cache-Control",
  Tagging = "x-amz-tagging",
  ContentMD5 = "Content-MD5",
}

local COPY_SOURCE_HEADERS = {
  CopySource = "x-amz-copy-source",
  CopySourceIfMatch = "x-amz-copy-source-if-match",
  CopySourceIfNoneMatch = "x-amz-copy-source-if-none-match",
}

return client.service {
  name = "s3",
  id = "S3",
  host = "s3",
  signing_name = "s3",
  protocol = "rest_xml",
  without_fips = "aws-cn",
  types = TYPES,
  content_sha256 = true,
  locate = s3_address.locate,
  finish = sign_payload,
  operations = {
    GetObject = {
      method = "GET",
      path = "/{Key+}",
      accepts = 304,
      output_payload = "Body",
      members = "Bucket* Key* IfMatch IfNoneMatch Range VersionId output_file",
      headers = READ_HEADERS,
      query = { VersionId = "versionId" },
      output_headers = OBJECT_HEADERS,
      target = "Key",
      timeout_ms = 15 * MINUTES,
    },
    HeadObject = {
      method = "HEAD",
      path = "/{Key+}",
      accepts = 304,
      members = "Bucket* Key* IfMatch IfNoneMatch Range VersionId ExpectedBucketOwner",
      headers = READ_HEADERS,
      query = { VersionId = "versionId" },
      output_headers = HEAD_HEADERS,
      target = "Key",
    },
    PutObject = {
      method = "PUT",
      path = "/{Key+}",
      payload = "Body",
      members = "Bucket* Key* Body body_file body_offset body_length ContentType ContentEncoding "
        .. "CacheControl ContentMD5 Metadata Tagging IfMatch IfNoneMatch ExpectedBucketOwner",
      headers = WRITE_HEADERS,
      output_headers = PUT_HEADERS,
      target = "Key",
      changes = true,
      timeout_ms = 15 * MINUTES,
    },
    DeleteObject = {
      method = "DELETE",
      path = "/{Key+}",
      members = "Bucket* Key* VersionId",
      query = { VersionId = "versionId" },
      output_headers = merged(CHARGED, VERSION, { DeleteMarker = "x-amz-delete-marker" }),
      target = "Key",
      changes = true,
    },
    ListObjectsV2 = {
      method = "GET",
      path = "/",
      xml_answer = true,
      after = decode_listing,
      fixed_query = { ["list-type"] = "2", ["encoding-type"] = "url" },
      members = "Bucket* Prefix Delimiter StartAfter ContinuationToken MaxKeys FetchOwner",
      query = {
        Prefix = "prefix",
        Delimiter = "delimiter",
        StartAfter = "start-after",
        ContinuationToken = "continuation-token",
        MaxKeys = "max-keys",
        FetchOwner = "fetch-owner",
      },
      lists = { "Contents", "CommonPrefixes", "ChecksumAlgorithm" },
      output_headers = CHARGED,
      paging = {
        input = "ContinuationToken",
        output = "NextContinuationToken",
        more = "IsTruncated",
        items = "Contents",
      },
      target = "Bucket",
    },
    CreateMultipartUpload = {
      method = "POST",
      path = "/{Key+}",
      fixed_query = { uploads = "" },
      xml_answer = true,
      members = "Bucket* Key* ContentType ContentEncoding CacheControl Metadata Tagging",
      headers = WRITE_HEADERS,
      output_headers = CREATE_HEADERS,
      target = "Key",
      changes = true,
    },
    UploadPart = {
      method = "PUT",
      path = "/{Key+}",
      payload = "Body",
      output_headers = PART_HEADERS,
      members = "Bucket* Key* UploadId* PartNumber* Body body_file body_offset body_length "
        .. "ContentMD5",
      headers = { ContentMD5 = "Content-MD5" },
      query = { UploadId = "uploadId", PartNumber = "partNumber" },
      target = "Key",
      changes = true,
      timeout_ms = 15 * MINUTES,
    },
    -- CopySource is "bucket/key" or an access point's "ARN/object/key", percent-encoded.
    CopyObject = {
      method = "PUT",
      path = "/{Key+}",
      xml_answer = true,
      output_member = "CopyObjectResult",
      members = "Bucket* Key* CopySource* CopySourceIfMatch CopySourceIfNoneMatch "
        .. "MetadataDirective TaggingDirective ContentType ContentEncoding CacheControl Metadata "
        .. "Tagging IfMatch IfNoneMatch",
      headers = merged(WRITE_HEADERS, COPY_SOURCE_HEADERS, {
        MetadataDirective = "x-amz-metadata-directive",
        TaggingDirective = "x-amz-tagging-directive",
      }),
      output_headers = COPY_HEADERS,
      target = "Key",
      changes = true,
      timeout_ms = 15 * MINUTES,
    },
    UploadPartCopy = {
      method = "PUT",
      path = "/{Key+}",
      xml_answer = true,
      output_member = "CopyPartResult",
      members = "Bucket* Key* UploadId* PartNumber* CopySource* CopySourceRange CopySourceIfMatch "
        .. "CopySourceIfNoneMatch",
      headers = merged(COPY_SOURCE_HEADERS, { CopySourceRange = "x-amz-copy-source-range" }),
      query = { UploadId = "uploadId", PartNumber = "partNumber" },
      output_headers = COPY_PART_HEADERS,
      target = "Key",
      changes = true,
      timeout_ms = 15 * MINUTES,
    },
    CompleteMultipartUpload = {
      method = "POST",
      path = "/{Key+}",
      xml = complete_upload_xml,
      xml_answer = true,
      members = "Bucket* Key* UploadId* MultipartUpload*",
      query = { UploadId = "uploadId" },
      output_headers = COMPLETE_HEADERS,
      target = "Key",
      changes = true,
      timeout_ms = 15 * MINUTES,
    },
    AbortMultipartUpload = {
      method = "DELETE",
      path = "/{Key+}",
      members = "Bucket* Key* UploadId*",
      query = { UploadId = "uploadId" },
      output_headers = CHARGED,
      target = "Key",
      changes = true,
    },
    GetObjectTagging = {
      method = "GET",
      path = "/{Key+}",
      fixed_query = { tagging = "" },
      xml_answer = true,
      lists = { "Tag" },
      members = "Bucket* Key* VersionId",
      query = { VersionId = "versionId" },
      after = tag_set,
      output_headers = VERSION,
      target = "Key",
    },
    PutObjectTagging = {
      method = "PUT",
      path = "/{Key+}",
      fixed_query = { tagging = "" },
      xml = tagging_xml,
      members = "Bucket* Key* VersionId Tagging*",
      query = { VersionId = "versionId" },
      output_headers = VERSION,
      target = "Key",
      changes = true,
    },
  },
}
