-- Events in the shapes in which they reach the host. Each function takes what happened to one
-- object, { bucket, volume, key, size, etag, version, sequencer, at, id, request }, and returns
-- the event; `at` is the time as text, with milliseconds.
local events = {}

local ACCOUNT, REGION = "111122223333", "eu-central-1"

-- EventBridge tells whole seconds.
local function second(at) return at:sub(1, 19) .. "Z" end

-- As classic notifications and listings with encoding-type=url write keys.
function events.url_encoded(key)
  return (key:gsub("[^%w%-._~/*]", function(c)
    if c == " " then return "+" end
    return ("%%%02X"):format(c:byte())
  end))
end

local function envelope(source, what, object, resource, detail)
  return {
    version = "0", id = object.id, source = source, ["detail-type"] = what, account = ACCOUNT,
    time = second(object.at), region = REGION, resources = { resource }, detail = detail,
  }
end

function events.object_created(object)
  return envelope("aws.s3", "Object Created", object, "arn:aws:s3:::" .. object.bucket, {
    version = "0", bucket = { name = object.bucket }, reason = object.reason or "PutObject",
    ["request-id"] = object.request, requester = ACCOUNT, ["source-ip-address"] = "10.0.4.17",
    object = { key = object.key, size = object.size, etag = object.etag,
      ["version-id"] = object.version,
      sequencer = object.sequencer },
  })
end

function events.object_deleted(object)
  return envelope("aws.s3", "Object Deleted", object, "arn:aws:s3:::" .. object.bucket, {
    version = "0", bucket = { name = object.bucket }, reason = "DeleteObject",
    ["deletion-type"] = "Permanently Deleted", ["request-id"] = object.request, requester = ACCOUNT,
    object = { key = object.key, sequencer = object.sequencer },
  })
end

-- What an access point might send one day: S3's classic record with a word about the volume.
function events.notification(object)
  return { Records = { {
    eventVersion = "2.3", eventSource = "aws:s3", awsRegion = REGION, eventTime = object.at,
    eventName = "ObjectCreated:" .. (object.reason or "Put"),
    userIdentity = { principalId = "AWS:AROAEXAMPLE" },
    requestParameters = { sourceIPAddress = "10.0.4.17" },
    responseElements = { ["x-amz-request-id"] = object.request },
    s3 = { s3SchemaVersion = "1.0", configurationId = "weir",
      bucket = { name = object.bucket,
        arn = ("arn:aws:s3:%s:%s:accesspoint/%s"):format(REGION, ACCOUNT, object.volume) },
      object = { key = events.url_encoded(object.key), size = object.size, eTag = object.etag,
        sequencer = object.sequencer } },
    fsx = { fileSystemId = "fs-0a1b2c3d4e5f60718", volumeName = object.volume },
  } } }
end

-- One entry of ListObjectsV2, as the poller hands it on.
function events.listed(object, encoding)
  return {
    source = "weir.listing", bucket = object.bucket, volume = object.volume, encoding = encoding,
    object = { Key = encoding and events.url_encoded(object.key) or object.key, Size = object.size,
      ETag = '"' .. object.etag .. '"', LastModified = second(object.at):sub(1, -2) .. ".000Z",
      StorageClass = "FSX_ONTAP" },
  }
end

-- job: { name, model, status, failure, at, id, started, ended }; SageMaker gives some times as
-- text and some in milliseconds, and not always the same ones.
function events.transform(job)
  local arn = ("arn:aws:sagemaker:%s:%s:transform-job/%s"):format(REGION, ACCOUNT, job.name)
  return envelope("aws.sagemaker", "SageMaker Transform Job State Change", job, arn, {
    TransformJobName = job.name, TransformJobArn = arn, TransformJobStatus = job.status,
    FailureReason = job.failure, ModelName = job.model, CreationTime = job.started,
    TransformEndTime = job.ended,
    TransformInput = { DataSource = { S3DataSource = { S3DataType = "ManifestFile",
      S3Uri = ("s3://weir-work-%s/manifests/%s.json"):format(ACCOUNT, job.name) } } },
    TransformOutput = {
      S3OutputPath = ("s3://weir-work-%s/results/%s/"):format(ACCOUNT, job.name)
    },
    TransformResources = { InstanceType = "ml.m5.xlarge", InstanceCount = 1 },
    Tags = {},
  })
end

function events.scheduled(happened)
  return envelope("aws.scheduler", "Scheduled Event", happened,
    ("arn:aws:scheduler:%s:%s:schedule/default/poll"):format(REGION, ACCOUNT), {})
end

return events
