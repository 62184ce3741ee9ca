-- What the stacks are made of, in S3 under the digest of its content: the layer, the functions'
-- package, the state machines, and templates that are too large for a request.
--
--   artifacts.open(estate) → store | nil: the estate names none | nil, message, code
--   store:parameters(stack) → { ArtifactBucket =, LayerKey =?, CodeKey =?, AslKey =?,
--                               PollingAslKey =? }
--   store:put_all(session, shown) → true | nil, message, code    shown(bucket, key, was_there)
--   store:put_template(session, stack, text) → URL | nil, message, code
--
-- An object is written once (If-None-Match) and never deleted: a roll-back reads the older ones.
-- The bucket must belong to the account that the estate names.
local partitions = require "weir.aws.partitions"
local sha256 = require "weir.sha256"
local sorted_pairs = require "weir.sorted_pairs"

local artifacts = {}

-- Which parameter of which template names which file.
local PARTS = {
  core = { LayerKey = "layer", CodeKey = "code", AslKey = "inference" },
  events = { CodeKey = "code", AslKey = "arrivals", PollingAslKey = "polling" },
  endpoint = { CodeKey = "code" },
  replay = { CodeKey = "code", AslKey = "replay" },
}

local TYPES = { zip = "application/zip", json = "application/json", yaml = "application/yaml" }

local Store = {}
Store.__index = Store

local function files_of(given)
  local folder = given.state_machines or "deploy/state-machines"
  local function state_machine(name)
    return {
      path = ("%s/%s.asl.json"):format(folder, name),
      extension = "json",
      next = "artifacts.state_machines names the folder",
    }
  end

  return {
    layer = { path = given.layer, extension = "zip", next = "./dev layer builds it" },
    code = { path = given.code, extension = "zip", next = "it is a zip that may hold policies/" },
    inference = state_machine "inference",
    arrivals = state_machine "arrivals",
    polling = state_machine "polling",
    replay = state_machine "replay",
  }
end

function artifacts.open(estate)
  local given = estate.artifacts
  if not given then return nil end

  local self = setmetatable({ given = given, prefix = estate.name, files = files_of(given) }, Store)
  for name, file in sorted_pairs(self.files) do
    if file.path then
      local digest, message, code = sha256.file(file.path)
      if not digest then
        return nil, ("the artifact %s: %s; %s"):format(name, message, file.next), code
      end

      file.key = self:key(digest, file.extension)
    end
  end

  return self
end

function Store:key(digest, extension)
  return ("%s/%s.%s"):format(self.prefix, digest, extension)
end

function Store:bucket(stack)
  local names = { account = stack.account.id, region = stack.region }
  return (self.given.bucket:gsub("{(%a+)}", names))
end

function Store:parameters(stack)
  local parts = PARTS[stack.template]
  if not parts then return {} end

  local values = { ArtifactBucket = self:bucket(stack) }
  for parameter, name in sorted_pairs(parts) do values[parameter] = self.files[name].key end

  return values
end

-- → "new" | "there" | nil, message, code
function Store:put(session, stack, object)
  local bucket = self:bucket(stack)
  local client = session:client("s3", stack.account, stack.region)
  local done, message, code = client:put_object {
    Bucket = bucket,
    Key = object.key,
    body_file = object.path,
    Body = object.text,
    ContentType = TYPES[object.extension],
    IfNoneMatch = "*",
    ExpectedBucketOwner = stack.account.id,
  }

  if done then return "new" end
  if code == "PreconditionFailed" then return "there" end
  if code == "NoSuchBucket" then
    message = ("%s; make it first: aws s3 mb s3://%s --region %s"):format(message, bucket,
      stack.region)
  end

  return nil, ("the artifact s3://%s/%s: %s"):format(bucket, object.key, message), code
end

function Store:put_all(session, shown)
  local done = {}
  for _, stack in ipairs(session.all) do
    for _, name in sorted_pairs(PARTS[stack.template] or {}) do
      local object, bucket = self.files[name], self:bucket(stack)
      local place = ("%s %s %s"):format(stack.account.id, bucket, object.key)
      if object.key and not done[place] then
        local how, message, code = self:put(session, stack, object)
        if not how then return nil, message, code end

        done[place] = true
        shown(bucket, object.key, how == "there")
      end
    end
  end

  return true
end

function Store:put_template(session, stack, text)
  local key = self:key(sha256.hex(text), "yaml")
  local object = { key = key, text = text, extension = "yaml" }
  local how, message, code = self:put(session, stack, object)
  if not how then return nil, message, code end

  return ("https://%s.s3.%s.%s/%s"):format(self:bucket(stack), stack.region,
    partitions.of_region(stack.region).suffix, key)
end

return artifacts
