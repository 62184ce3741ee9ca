-- The list of files that SageMaker's batch jobs take (S3DataType ManifestFile): one JSON array of
-- the place that all keys are in, and the keys. It is made of a manifest, part by part, at bounded
-- memory: what is larger than a part of an upload goes up in several.
--
--   batch_manifest.write(effects, bucket, key of a manifest) → "s3://bucket/…/batch-manifest.json"
local json = require "weir.json"
local manifest = require "weir.events.manifest"
local try = require "weir.try"

local batch_manifest = {}

-- S3 refuses smaller parts, except for the last one.
local PART_BYTES = 5 << 20

local Upload = {}
Upload.__index = Upload

local function request(self, operation, more)
  local input = { Bucket = self.bucket, Key = self.key }
  for name, value in pairs(more) do -- any order: copies one key at a time
    input[name] = value
  end

  return try(self.effects:call {
    service = "s3",
    operation = operation,
    target = self.key,
    input = input,
  })
end

function Upload:send(text)
  if not self.id then
    self.id = request(self, "CreateMultipartUpload", { ContentType = "application/json" }).UploadId
  end

  local number = #self.parts + 1
  local answer = request(self, "UploadPart",
    { UploadId = self.id, PartNumber = number, Body = text })
  self.parts[number] = { PartNumber = number, ETag = answer.ETag }
end

function Upload:add(text)
  self.pieces[#self.pieces + 1] = text
  self.bytes = self.bytes + #text
  if self.bytes < PART_BYTES then return end
  self:send(table.concat(self.pieces))
  self.pieces, self.bytes = {}, 0
end

function Upload:finish()
  local rest = table.concat(self.pieces)
  if not self.id then
    return request(self, "PutObject", { Body = rest, ContentType = "application/json" })
  end

  if #rest > 0 then self:send(rest) end
  request(self, "CompleteMultipartUpload",
    { UploadId = self.id, MultipartUpload = { Parts = self.parts } })
end

function batch_manifest.write(effects, bucket, key)
  local index = manifest.open(effects, bucket, key)
  local upload = setmetatable({
    effects = effects,
    bucket = bucket,
    key = index.place .. "batch-manifest.json",
    pieces = {},
    parts = {},
    bytes = 0,
  }, Upload)

  upload:add(('[{"prefix":%s}'):format(json.encode("s3://" .. index.bucket .. "/")))
  for number = 1, #index.lines do
    for _, line in ipairs(manifest.part(effects, index, number)) do
      upload:add(",\n" .. json.encode(manifest.job(line).key))
    end
  end

  upload:add("]\n")
  upload:finish()

  return ("s3://%s/%s"):format(bucket, upload.key)
end

return batch_manifest
