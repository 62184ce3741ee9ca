-- The host of an S3 request: a bucket, an access point's alias, or an access point's ARN.
--
--   bucket or alias   https://{name}.s3.{region}.amazonaws.com/{key}
--   name with a dot   https://s3.{region}.amazonaws.com/{name}/{key}: no certificate fits a.b.s3…
--   access point ARN  https://{name}-{account}.s3-accesspoint.{ARN's region}.amazonaws.com/{key}
local endpoint = require "weir.aws.endpoint"

local s3_address = {}

local function fail(message, ...)
  return nil, message:format(...), "InvalidBucket"
end

-- arn:aws:s3:eu-west-1:111122223333:accesspoint/name (":" before the name is accepted as well).
local function parse_arn(arn)
  local partition, region, account, name =
    arn:match("^arn:(aws[%l-]*):s3:([%w-]*):(%d+):accesspoint[/:]([%l%d][%l%d-]*)$")
  if not partition then return fail("'%s' is not the ARN of an S3 access point", arn:sub(1, 200)) end
  if not endpoint.check_region(region) then
    return fail("'%s' names no region: multi-region access points are not supported", arn)
  end
  if #account ~= 12 then return fail("'%s' has no account of 12 digits", arn) end
  return { region = region, label = name .. "-" .. account }
end

local function is_ip(host)
  return host:find("^%[") ~= nil or host:find("^%d+%.%d+%.%d+%.%d+$") ~= nil
end

-- Puts a label before the host of a configured URL; on a bare address there are no subdomains.
local function subdomain(url, label)
  local scheme, host, rest = url:match("^(https?://)(%b[])(.*)$")
  if not scheme then scheme, host, rest = url:match("^(https?://)([^:/]+)(.*)$") end
  if is_ip(host) then return url .. "/" .. label end
  return scheme .. label .. "." .. host .. rest
end

local function check_bucket(bucket)
  return #bucket >= 3 and #bucket <= 255 and bucket:find("^[%w][%w%.%-_]*[%w]$") and not bucket:find("%.%.")
end

local function fits_host(bucket)
  return #bucket <= 63 and bucket:find("^[%l%d-]+$") ~= nil
end

-- locate(client, operation, input, region) → { url =, region =, input = } | nil, message, code
function s3_address.locate(client, _, input, region)
  local configured, message, code = endpoint.configured(client.service, client.config, client.getenv)
  if message then return nil, message, code end
  local bucket = input.Bucket
  if type(bucket) ~= "string" then return fail("Bucket must be a text") end
  if bucket:find("^arn:") then
    local point
    point, message, code = parse_arn(bucket)
    if not point then return nil, message, code end
    local url = configured and subdomain(configured, point.label)
      or ("https://%s.s3-accesspoint.%s.%s"):format(point.label, point.region, endpoint.suffix(point.region))
    return { url = url, region = point.region, input = input }
  end
  if not check_bucket(bucket) then return fail("'%s' is not the name of a bucket", bucket:sub(1, 80)) end
  local base = configured or endpoint.default(client.service, region)
  local url = fits_host(bucket) and subdomain(base, bucket) or base .. "/" .. bucket
  return { url = url, region = region, input = input }
end

return s3_address
