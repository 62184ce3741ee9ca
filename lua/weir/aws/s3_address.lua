-- The host of an S3 request: a bucket, an access point's alias, or an access point's ARN.
--
--   bucket or alias   https://{name}.s3.{region}.amazonaws.com/{key}
--   name with a dot   https://s3.{region}.amazonaws.com/{name}/{key}: no certificate fits a.b.s3…
--   access point ARN  https://{name}-{account}.s3-accesspoint.{ARN's region}.amazonaws.com/{key}
--
-- FIPS adds "-fips" to the word s3 or s3-accesspoint, dual-stack puts ".dualstack" after it.
local endpoint = require "weir.aws.endpoint"
local partitions = require "weir.aws.partitions"

local s3_address = {}

local function fail(message, ...)
  return nil, message:format(...), "InvalidBucket"
end

-- Endings of names, and services of ARNs, that need another protocol than plain S3's.
local OTHERS = {
  ["--x-s3"] = "an S3 Express One Zone (directory) bucket",
  ["--xa-s3"] = "an access point of an S3 Express One Zone (directory) bucket",
  ["--op-s3"] = "an S3 on Outposts access point",
  ["--table-s3"] = "an S3 table bucket",
  [".mrap"] = "a multi-region access point",
  s3express = "an S3 Express One Zone (directory) bucket",
  ["s3-outposts"] = "of S3 on Outposts",
  ["s3-object-lambda"] = "an S3 Object Lambda access point",
}

local function check_kind(bucket)
  local ending = bucket:match(".*(%-%-%a+%-s3)$") or bucket:match("%.mrap$")
  local other = OTHERS[ending] or OTHERS[bucket:match("^arn:[^:]*:([^:]*):")]
  if not other then return true end
  return fail("'%s' is %s, which weir does not support; use a general purpose bucket",
    bucket:sub(1, 80), other)
end

-- arn:aws:s3:eu-west-1:111122223333:accesspoint/name (":" before the name is accepted as well).
local function parse_arn(arn)
  local partition, region, account, name =
    arn:match("^arn:(aws[%l-]*):s3:([%w-]*):(%d+):accesspoint[/:]([%l%d][%l%d-]*)$")
  if not partition then
    return fail("'%s' is not the ARN of an S3 access point", arn:sub(1, 200))
  end

  if not endpoint.check_region(region) then
    return fail("'%s' names no region: multi-region access points are not supported", arn)
  end

  if #account ~= 12 then return fail("'%s' has no account of 12 digits", arn) end
  if partitions.of_region(region).name ~= partition then
    return fail("'%s': the region is not in the partition %s", arn, partition)
  end

  return { region = region, label = name .. "-" .. account, partition = partition }
end

local function is_ip(host)
  return host:find("^%[") ~= nil or host:find("^%d+%.%d+%.%d+%.%d+$") ~= nil
end

-- Puts a label before the host of a configured URL. An address in numbers cannot have one.
local function subdomain(url, label)
  local scheme, host, rest = url:match("^(https?://)(%b[])(.*)$")
  if not scheme then scheme, host, rest = url:match("^(https?://)([^:/]+)(.*)$") end
  if is_ip(host) then return url .. "/" .. label end

  return scheme .. label .. "." .. host .. rest
end

local function check_bucket(bucket)
  return #bucket >= 3 and #bucket <= 255 and bucket:find("^[%w][%w%.%-_]*[%w]$")
    and not bucket:find("%.%.")
end

local function fits_host(bucket)
  return #bucket <= 63 and bucket:find("^[%l%d-]+$") ~= nil
end

local function host(word, region, variant)
  local fips, dual_stack = variant.fips and "-fips" or "", variant.dual_stack and ".dualstack" or ""
  return ("%s%s%s.%s.%s"):format(word, fips, dual_stack, region, variant.partition.suffix)
end

local function locate_access_point(arn, place, input)
  local point, message, code = parse_arn(arn)
  if not point then return nil, message, code end
  if point.partition ~= place.variant.partition.name then
    return fail("'%s' is in the partition %s, the client's region in %s", arn, point.partition,
      place.variant.partition.name)
  end

  local url = place.url and subdomain(place.url, point.label)
    or ("https://%s.%s"):format(point.label, host("s3-accesspoint", point.region, place.variant))
  return { url = url, region = point.region, input = input }
end

local function locate_bucket(bucket, place, input)
  if not check_bucket(bucket) then
    return fail("'%s' is not the name of a bucket", bucket:sub(1, 80))
  end

  local base = place.url or "https://" .. host("s3", place.region, place.variant)
  local url = fits_host(bucket) and subdomain(base, bucket) or base .. "/" .. bucket

  return { url = url, region = place.region, input = input }
end

-- What does not depend on the input: { url = the configured one or nil, variant =, region = }.
local function find_place(client, region)
  local url, message, code = endpoint.configured(client.service, client.configuration)
  if message then return nil, message, code end
  local variant
  variant, message, code = endpoint.variant(client.service, client.configuration, region, url)
  if not variant then return nil, message, code end

  return { url = url, variant = variant, region = region }
end

-- locate(client, operation, input, region) → { url =, region =, input = } | nil, message, code
function s3_address.locate(client, _, input, region)
  local message, code
  if not client.place then
    client.place, message, code = find_place(client, region)
    if not client.place then return nil, message, code end
  end

  local bucket = input.Bucket
  if type(bucket) ~= "string" then return fail("Bucket must be a text") end
  local fine
  fine, message, code = check_kind(bucket)
  if not fine then return nil, message, code end
  if bucket:find("^arn:") then return locate_access_point(bucket, client.place, input) end

  return locate_bucket(bucket, client.place, input)
end

return s3_address
