-- The hosts of every service in every partition, plain, for FIPS and dual-stack, against AWS's own
-- endpoint rules; and what a configured endpoint does to them.
local aws = require("weir.aws")
local configuration = require("weir.aws.configuration")
local endpoint = require("weir.aws.endpoint")
local json = require("weir.json")
local oracle = require("oracles.oracle")
local partitions = require("weir.aws.partitions")
local run = require("support.run")
local s3_address = require("weir.aws.s3_address")

-- Regions that no partition lists: they go by the partition's pattern, or are taken for "aws".
local UNLISTED = { "us-east-9", "ap-middle-12", "us-gov-north-9", "cn-south-9", "us-iso-north-1",
  "us-isob-south-2",
  "eu-isoe-east-3", "us-isof-west-3", "eusc-de-north-2", "eusc-fr-west-1", "xx-nowhere-1",
    "us-gov-1" }
-- AWS's package for AppConfigData is not installed: its rules are those of the others.
local SERVICES = { "bedrock_runtime", "cloudwatch", "dynamodb", "eventbridge", "rekognition",
  "sagemaker",
  "sagemaker_runtime", "ssm", "stepfunctions", "sts" }

local known = assert(json.decode(oracle.ask("endpoints.mjs", { '{"regions":true}' })[1]))

local function all_regions()
  local regions = { table.unpack(UNLISTED) }
  for _, partition in ipairs(known) do
    for _, region in ipairs(partition.regions) do
      if not region:find("%-global$") then regions[#regions + 1] = region end
    end
  end

  return regions
end

local function getenv_of(values)
  values.HOME = values.HOME or "/nowhere"
  return function(name) return values[name] end
end

local function variables(fips, dual_stack)
  return { AWS_USE_FIPS_ENDPOINT = fips and "true" or nil,
    AWS_USE_DUALSTACK_ENDPOINT = dual_stack and "true" or "false" }
end

-- Every question with both settings, each way.
local function questions(services, buckets)
  local list = {}
  for _, service in ipairs(services) do
    for _, region in ipairs(all_regions()) do
      for bits = 0, 3 do
        for _, bucket in ipairs(buckets or { false }) do
          list[#list + 1] = { service = service, region = region, fips = bits & 1 == 1,
            dualStack = bits & 2 == 2,
            bucket = bucket or nil }
        end
      end
    end
  end

  return list
end

local function compare(list, ask)
  local answers, wrong = oracle.ask("endpoints.mjs", list), {}
  for i, question in ipairs(list) do
    local expected = assert(json.decode(answers[i]))
    local url, message = ask(question)
    if expected.error then
      if url then
        wrong[#wrong + 1] = ("%s: %s, AWS refuses: %s"):format(json.encode(question), url,
          expected.error)
      end
    elseif url ~= expected.url then
      wrong[#wrong + 1] = ("%s: %s, AWS has %s"):format(json.encode(question), url or message,
        expected.url)
    end
  end

  assert.same({}, wrong)
  assert.is_true(#list > 100)
end

describe("AWS's partitions", function()
  it("are those of AWS's own data, with FIPS and dual-stack hosts in all", function()
    assert.is_true(#known >= 8)
    for _, partition in ipairs(known) do
      assert.is_true(partition.all, partition.name)
      for _, region in ipairs(partition.regions) do
        if not region:find("%-global$") then
          local found = partitions.of_region(region)
          assert.same({ partition.name, partition.suffix, partition.dual_stack_suffix },
            { found.name, found.suffix, found.dual_stack_suffix }, region)
        end
      end
    end
  end)

  it("have the hosts of AWS's rules, for all services but S3", function()
    compare(questions(SERVICES), function(question)
      local settings = configuration.new { getenv = getenv_of(variables(question.fips,
        question.dualStack)) }
      return endpoint.resolve(aws.service(question.service).service, settings, question.region)
    end)
  end)

  it("have the hosts of AWS's rules for S3's buckets, aliases and access points", function()
    local buckets = { "bucket", "with.dots", "my-ap-abc123-ext-s3alias" }
    for _, partition in ipairs(known) do
      local region = partition.regions[#partition.regions]
      buckets[#buckets + 1] = ("arn:%s:s3:%s:111122223333:accesspoint/point"):format(partition.name,
        region)
    end

    compare(questions({ "s3" }, buckets), function(question)
      local client = aws.client("s3", { getenv = getenv_of(variables(question.fips,
        question.dualStack)) })
      local place, message = s3_address.locate(client, nil, { Bucket = question.bucket },
        question.region)
      return place and place.url, message
    end)
  end)

  -- The hosts of AWS's rules, plain, for FIPS, for dual-stack and for both; FIPS has none in China.
  local function compare_hosts(name, input, expected)
    for region, hosts in pairs(expected) do
      for bits = 0, 3 do
        local settings = variables(bits & 1 == 1, bits & 2 == 2)
        local client = require("weir.aws." .. name).new({ getenv = getenv_of(settings) })
        local place, message = client.service.locate(client, nil, input, region)
        local host = hosts[bits + 1]
        assert.equal(host and "https://" .. host or nil, place and place.url, region)
        if not host then assert.matches("has no FIPS endpoints", message) end
        if place and hosts.region then assert.equal(hosts.region, place.region) end
      end
    end
  end

  it("have one host for IAM each", function()
    compare_hosts("iam", {}, {
      ["eu-west-3"] = { region = "us-east-1", "iam.amazonaws.com", "iam-fips.amazonaws.com",
        "iam.global.api.aws", "iam-fips.global.api.aws" },
      ["cn-northwest-1"] = { region = "cn-north-1", "iam.cn-north-1.amazonaws.com.cn", false,
        "iam.global.api.amazonwebservices.com.cn", false },
      ["us-gov-east-1"] = { region = "us-gov-west-1", "iam.us-gov.amazonaws.com",
        "iam.us-gov.amazonaws.com", "iam.us-gov.api.aws", "iam.us-gov.api.aws" },
      ["us-iso-west-1"] = { region = "us-iso-east-1", "iam.us-iso-east-1.c2s.ic.gov",
        "iam-fips.us-iso-east-1.c2s.ic.gov", "iam.api.aws.ic.gov", "iam-fips.api.aws.ic.gov" },
      ["us-isob-west-1"] = { region = "us-isob-east-1", "iam.us-isob-east-1.sc2s.sgov.gov",
        "iam-fips.us-isob-east-1.sc2s.sgov.gov", "iam.api.aws.scloud", "iam-fips.api.aws.scloud" },
      ["eu-isoe-west-1"] = { region = "eu-isoe-west-1", "iam.eu-isoe-west-1.cloud.adc-e.uk",
        "iam-fips.cloud.adc-e.uk", "iam.api.cloud-aws.adc-e.uk",
        "iam-fips.api.cloud-aws.adc-e.uk" },
      ["us-isof-east-1"] = { region = "us-isof-south-1", "iam.us-isof-south-1.csp.hci.ic.gov",
        "iam-fips.csp.hci.ic.gov", "iam.api.aws.hci.ic.gov", "iam-fips.api.aws.hci.ic.gov" },
      ["eusc-de-east-1"] = { region = "eusc-de-east-1", "iam.eusc-de-east-1.amazonaws.eu",
        "iam-fips.amazonaws.eu", "iam.api.amazonwebservices.eu",
        "iam-fips.api.amazonwebservices.eu" },
    })
  end)

  it("have S3's control API under the account", function()
    local function hosts(region, suffix, fips)
      local control = "111122223333.s3-control"
      return {
        ("%s.%s.%s"):format(control, region, suffix),
        fips and ("%s-fips.%s.%s"):format(control, region, suffix),
        ("%s.dualstack.%s.%s"):format(control, region, suffix),
        fips and ("%s-fips.dualstack.%s.%s"):format(control, region, suffix),
      }
    end

    compare_hosts("s3control", { AccountId = "111122223333" }, {
      ["eu-west-1"] = hosts("eu-west-1", "amazonaws.com", true),
      ["us-iso-east-1"] = hosts("us-iso-east-1", "c2s.ic.gov", true),
      ["cn-north-1"] = hosts("cn-north-1", "amazonaws.com.cn", false),
    })
  end)

  it("have AppConfigData under its own name", function()
    local service = require("weir.aws.appconfigdata").service
    local function host(region, fips)
      return endpoint.resolve(service, configuration.new { getenv = getenv_of(variables(fips)) },
        region)
    end

    assert.equal("https://appconfigdata.eusc-de-east-1.amazonaws.eu", host("eusc-de-east-1"))
    assert.equal("https://appconfigdata-fips.us-east-1.amazonaws.com", host("us-east-1", true))
    assert.equal("https://appconfigdata.us-gov-east-1.amazonaws.com", host("us-gov-east-1", true))
  end)
end)

describe("an endpoint that is configured", function()
  local folder
  local FILES = {
    config = [[
[default]
region = eu-west-2
[profile local]
region = eu-west-1
endpoint_url = http://127.0.0.1:4566/
services = dev
[services dev]
sfn =
  endpoint_url = http://127.0.0.1:8083   # Step Functions Local
sagemaker_runtime =
  endpoint_url = http://127.0.0.1:8080/base
[profile plain]
region = eu-west-1
[profile ignoring]
endpoint_url = http://127.0.0.1:1
ignore_configured_endpoint_urls = true
[profile lost]
services = nowhere
[profile broken-services]
services = broken
[services broken]
nonsense
[profile fips]
use_fips_endpoint = TRUE
[profile both]
use_dualstack_endpoint = true
endpoint_url = http://127.0.0.1:1
[profile odd]
use_fips_endpoint = yes
]],
  }

  setup(function() folder = run.directory(FILES) end)
  teardown(function() run.remove(folder) end)

  -- → the URL of a service | nil, message, code
  local function located(service, given, config)
    local values = { AWS_CONFIG_FILE = folder .. "/config" }
    for name, value in pairs(given or {}) do values[name] = value end
    config = config or {}
    config.getenv = getenv_of(values)

    return endpoint.resolve(aws.service(service).service, configuration.new(config), "eu-west-1")
  end

  it("comes from the client, a variable, the profile's services or the profile, in this order",
  function()
    local profile = { AWS_PROFILE = "local" }
    assert.equal("http://127.0.0.1:8083", located("stepfunctions", profile))
    assert.equal("http://127.0.0.1:8080/base", located("sagemaker_runtime", profile))
    assert.equal("http://127.0.0.1:4566", located("dynamodb", profile))
    profile.AWS_ENDPOINT_URL = "http://127.0.0.1:2"
    assert.equal("http://127.0.0.1:2", located("stepfunctions", profile))
    profile.AWS_ENDPOINT_URL_SFN = "http://127.0.0.1:3"
    assert.equal("http://127.0.0.1:3", located("stepfunctions", profile))
    assert.equal("http://127.0.0.1:2", located("dynamodb", profile))
    assert.equal("http://127.0.0.1:4", located("stepfunctions", profile,
      { endpoint = "http://127.0.0.1:4" }))
    assert.equal("http://127.0.0.1:4566", located("s3", {}, { profile = "local" }))
  end)

  it("comes from the profile that the AWS CLI would use", function()
    assert.equal("http://127.0.0.1:8083", located("stepfunctions",
      { AWS_DEFAULT_PROFILE = "local" }))
    assert.equal("http://127.0.0.1:8083",
      located("stepfunctions", { AWS_PROFILE = "local", AWS_DEFAULT_PROFILE = "ignoring" }))
    local _, _, code = located("stepfunctions", {
      AWS_PROFILE = "",
      AWS_DEFAULT_PROFILE = "missing",
    })

    assert.equal("NoSuchProfile", code)
  end)

  it("may have a name with an underscore, as containers have", function()
    assert.equal("http://local_stack:4566",
      located("stepfunctions", { AWS_ENDPOINT_URL = "http://local_stack:4566/" }))
  end)

  it("is AWS's own where none is configured, an empty variable included", function()
    local own = "https://states.eu-west-1.amazonaws.com"
    assert.equal(own, located("stepfunctions", {}))
    assert.equal(own, located("stepfunctions", { AWS_PROFILE = "plain", AWS_ENDPOINT_URL = "",
      AWS_ENDPOINT_URL_SFN = "" }))
    assert.equal(own, located("stepfunctions", { AWS_PROFILE = "" }))
  end)

  it("is ignored when the variable or the profile says so, but for the client's own", function()
    local own = "https://states.eu-west-1.amazonaws.com"
    assert.equal(own, located("stepfunctions", { AWS_PROFILE = "ignoring" }))
    assert.equal(own, located("stepfunctions", { AWS_PROFILE = "local",
      AWS_IGNORE_CONFIGURED_ENDPOINT_URLS = "true" }))
    assert.equal("http://127.0.0.1:1", located("stepfunctions",
      { AWS_PROFILE = "ignoring", AWS_IGNORE_CONFIGURED_ENDPOINT_URLS = "false" }))
    assert.equal("http://127.0.0.1:4", located("stepfunctions", { AWS_PROFILE = "ignoring" },
      { endpoint = "http://127.0.0.1:4" }))
  end)

  it("is never replaced by AWS's own because of a mistake", function()
    for _, case in ipairs {
      { { AWS_PROFILE = "missing" }, "NoSuchProfile", "'missing' is in neither" },
      { { AWS_PROFILE = "lost" }, "InvalidConfiguration", "services section 'nowhere' is not in" },
      { { AWS_PROFILE = "broken-services" }, "InvalidConfiguration",
        "config:%d+: a line must read" },
      { { AWS_CONFIG_FILE = folder }, "InvalidConfiguration", "cannot read" },
      { { AWS_PROFILE = "both" }, "InvalidEndpoint", "^dual%-stack endpoints are AWS's own" },
      { { AWS_PROFILE = "local", AWS_USE_FIPS_ENDPOINT = "true" }, "InvalidEndpoint",
        "^FIPS endpoints are AWS's own" },
      { { AWS_PROFILE = "odd" }, "InvalidConfiguration", "must be true or false" },
      { { AWS_USE_DUALSTACK_ENDPOINT = "1" }, "InvalidConfiguration",
        "AWS_USE_DUALSTACK_ENDPOINT .* must be" },
      { { AWS_IGNORE_CONFIGURED_ENDPOINT_URLS = "ja" }, "InvalidConfiguration",
        "must be true or false" },
      { { AWS_ENDPOINT_URL = "127.0.0.1:1" }, "InvalidEndpoint", "AWS_ENDPOINT_URL is not a URL" },
    } do
      local url, message, code = located("stepfunctions", case[1])
      assert.is_nil(url)
      assert.equal(case[2], code, message)
      assert.matches(case[3], message)
    end
  end)

  it("gives way to a profile's FIPS setting, which a variable overrules", function()
    assert.equal("https://states-fips.eu-west-1.amazonaws.com",
      located("stepfunctions", { AWS_PROFILE = "fips" }))
    assert.equal("https://states.eu-west-1.amazonaws.com",
      located("stepfunctions", { AWS_PROFILE = "fips", AWS_USE_FIPS_ENDPOINT = "false" }))
  end)

  it("reaches STS of a profile's role and web identity", function()
    -- Nothing listens at these ports: the failure names the service that was asked.
    run.write(folder .. "/token", "a web identity token")
    run.write(folder .. "/roles",
      ("[profile web]\nregion = eu-west-3\nrole_arn = arn:aws:iam::111122223333:role/r\n"
      .. "web_identity_token_file = ~/token\nendpoint_url = http://127.0.0.1:1\n"))
    local client = aws.client("ssm", { max_attempts = 1,
      getenv = getenv_of { AWS_CONFIG_FILE = folder .. "/roles",
      AWS_PROFILE = "web", HOME = folder } })
    local _, message, code = client:get_parameter { Name = "/x" }
    assert.equal("ConnectFailed", code, message)
    assert.matches("sts AssumeRoleWithWebIdentity: ConnectFailed", message)
  end)
end)

describe("regions", function()
  it("that are not one are refused with a remedy", function()
    for region, remedy in pairs { ["aws-global"] = "name one, such as us%-east%-1",
      ["fips-us-east-1"] = "AWS_USE_FIPS_ENDPOINT=true",
      ["us-gov-west-1-fips"] = "AWS_USE_FIPS_ENDPOINT=true",
      ["evil.com/"] = "such as eu%-west%-1" } do
      local _, message, code = aws.client("ssm", { region = region,
        getenv = getenv_of {} }):get_parameter { Name = "/x" }
      assert.equal("InvalidRegion", code)
      assert.matches(remedy, message)
    end
  end)

  it("come from the client, a variable or the profile; an empty variable is unset", function()
    local folder = run.directory {
      config = "[default]\nregion = eu-west-2\n[profile p]\nregion = eu-west-3\n",
    }

    local function region(given, config)
      given.AWS_CONFIG_FILE = folder .. "/config"
      config = config or {}
      config.getenv = getenv_of(given)

      return configuration.new(config):region()
    end

    assert.equal("eu-west-2", region { AWS_REGION = "", AWS_DEFAULT_REGION = "", AWS_PROFILE = "" })
    assert.equal("eu-west-3", region { AWS_PROFILE = "p" })
    assert.equal("us-east-1", region { AWS_PROFILE = "p", AWS_DEFAULT_REGION = "us-east-1" })
    assert.equal("us-east-2", region { AWS_REGION = "us-east-2", AWS_DEFAULT_REGION = "us-east-1" })
    assert.equal("us-west-1", region({ AWS_REGION = "us-east-2" }, { region = "us-west-1" }))
    run.remove(folder)
  end)
end)
