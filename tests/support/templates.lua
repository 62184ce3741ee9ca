-- The templates of deploy/cloudformation, and an estate to try them with: the parameters of each
-- template when everything is on, in the accounts where it belongs.
local files = require "support.files"
local json = require "weir.json"
local oracle = require "oracles.oracle"
local permission_runs = require "support.permission_runs"

local templates = {}

templates.WORKLOAD, templates.STORAGE, templates.SHARED = "222222222222", "111111111111",
  "333333333333"
templates.REGION = "ap-northeast-1"
templates.BOUNDARY = ("arn:aws:iam::%s:policy/weir-boundary"):format(templates.WORKLOAD)
templates.EXTERNAL_ID = "an-external-id-of-222222222222"

function templates.path(name) return ("deploy/cloudformation/%s.yaml"):format(name) end

local ACCESS_POINT = permission_runs.names.bucket

-- What a template is given besides its switches.
templates.values = {
  boundary = {
    Prefix = "weir",
    DataBucketArns = "arn:aws:s3:::weir-*",
    StorageAccountId = templates.STORAGE,
  },
  core = {
    ArtifactBucket = "weir-artifacts",
    LayerKey = "weir/layer.zip",
    CodeKey = "weir/code.zip",
    AslKey = "weir/inference.asl.json",
    PolicySource = "s3://weir-policies/live/bundle.lua",
    ShadowSource = "s3://weir-policies/shadow/bundle.lua",
    AccessPointArn = ACCESS_POINT,
    SourceBucket = "weir-files",
    OutputBucket = permission_runs.names.output_bucket,
    EndpointName = permission_runs.names.endpoint_name,
    ModelName = "segmentation-v3",
    DeadLetterBucket = permission_runs.names.dead_letter_bucket,
    VariantAssignment = "policy",
    ChampionVariant = "a",
    ChallengerVariant = "b",
    PromotionMode = "act",
    StorageRoleArn = ("arn:aws:iam::%s:role/weir-storage-access-%s"):format(templates.STORAGE,
      templates.WORKLOAD),
    ExternalId = templates.EXTERNAL_ID,
    TokenTableName = "weir-tokens",
    BoundaryArn = templates.BOUNDARY,
    SubnetIds = "subnet-0a,subnet-0b",
    SecurityGroupIds = "sg-0a",
    AlarmTopicArn = ("arn:aws:sns:%s:%s:weir-alerts"):format(templates.REGION, templates.SHARED),
  },
}

templates.values.endpoint = {
  ArtifactBucket = "weir-artifacts",
  LayerArn = ("arn:aws:lambda:%s:%s:layer:weir:3"):format(templates.REGION, templates.WORKLOAD),
  CodeKey = "weir/code.zip",
  PolicySource = templates.values.core.PolicySource,
  ShadowSource = templates.values.core.ShadowSource,
  WeightsMode = "act",
  ImageUri = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/models/segmentation:3",
  ModelDataUrl = "s3://weir-models/segmentation/3.tar.gz",
  EndpointName = permission_runs.names.endpoint_name,
  Variant1ModelDataUrl = "s3://weir-models/segmentation/a.tar.gz",
  Variant2Name = "b",
  Variant2ModelDataUrl = "s3://weir-models/segmentation/b.tar.gz",
  Variant3Name = "c",
  Variant3ModelDataUrl = "s3://weir-models/segmentation/c.tar.gz",
  ServerlessProvisionedConcurrency = "1",
  BoundaryArn = templates.BOUNDARY,
  SubnetIds = "subnet-0a,subnet-0b",
  SecurityGroupIds = "sg-0a",
  AlarmTopicArn = templates.values.core.AlarmTopicArn,
}

templates.values.events = {
  EnableBucket = "false", -- or SourceBucket
  ArtifactBucket = "weir-artifacts",
  LayerArn = ("arn:aws:lambda:%s:%s:layer:weir:3"):format(templates.REGION, templates.WORKLOAD),
  CodeKey = "weir/code.zip",
  AslKey = "weir/arrivals.asl.json",
  PollingAslKey = "weir/polling.asl.json",
  SourceBucket = "weir-files",
  AccessPointArn = ACCESS_POINT,
  KeyPrefix = "in/",
  KeySuffix = ".png",
  StorageRoleArn = templates.values.core.StorageRoleArn,
  ExternalId = templates.EXTERNAL_ID,
  OutputBucket = permission_runs.names.output_bucket,
  ClaimsTableName = permission_runs.names.claims_table,
  BedrockModelId = permission_runs.names.bedrock_model_id,
  ProfiledModelId = (permission_runs.names.bedrock_model_id:gsub("^%l+%.", "")),
  StateMachineArn = permission_runs.names.state_machine,
  DeadLetterBucket = permission_runs.names.dead_letter_bucket,
  PolicySource = templates.values.core.PolicySource,
  ShadowSource = templates.values.core.ShadowSource,
  BoundaryArn = templates.BOUNDARY,
  SubnetIds = "subnet-0a,subnet-0b",
  SecurityGroupIds = "sg-0a",
  AlarmTopicArn = templates.values.core.AlarmTopicArn,
}

templates.values.replay = {
  ArtifactBucket = "weir-artifacts",
  LayerArn = templates.values.events.LayerArn,
  CodeKey = "weir/code.zip",
  AslKey = "weir/replay.asl.json",
  LogBucket = permission_runs.names.log_bucket,
  ResultsBucket = permission_runs.names.results_bucket,
  BoundaryArn = templates.BOUNDARY,
}

templates.values.tokens = { ReplicaRegion = "eu-west-1" }

templates.FILE_ROLE = ("arn:aws:iam::%s:role/weir-%s-realtime-inference"):format(templates.WORKLOAD,
  templates.REGION)

templates.values.storage = {
  WorkloadAccountId = templates.WORKLOAD,
  WorkloadRoleArns = templates.FILE_ROLE,
  ExternalId = templates.EXTERNAL_ID,
  NextExternalId = "the-next-id-of-222222222222",
  BoundaryArn = ("arn:aws:iam::%s:policy/weir-boundary"):format(templates.STORAGE),
  AccessPointArn = ACCESS_POINT,
  AccessPointName = "scans",
  VolumeId = "fsvol-0123456789abcdef0",
  FileSystemUser = "reader",
  VpcId = "vpc-0123456789abcdef0",
  AccessRoleArns = templates.values.core.StorageRoleArn,
}

templates.values.shared = {
  OrganizationId = "o-abcdefghij",
  WorkloadAccountIds = templates.WORKLOAD .. "," .. templates.STORAGE,
  AlertEmail = "all@example.com",
  Account1Id = templates.WORKLOAD,
  Account1Email = "one@example.com",
  Account2Id = "444444444444",
  Account2Email = "two@example.com",
  Account3Id = "555555555555",
  Account3Email = "three@example.com",
}

templates.values.link = {
  SinkArn = ("arn:aws:oam:%s:%s:sink/0123-abcd"):format(templates.REGION, templates.SHARED),
}

templates.values.stacksets = {
  AdministrationRoleArn = ("arn:aws:iam::%s:role/AWSCloudFormationStackSetAdministrationRole")
    :format(templates.SHARED),
  OrganizationalUnitIds = "ou-abcd-01234567",
  Regions = templates.REGION,
  BoundaryTemplateUrl = "https://weir-artifacts.s3.ap-northeast-1.amazonaws.com/boundary.yaml",
  CoreTemplateUrl = "https://weir-artifacts.s3.ap-northeast-1.amazonaws.com/core.yaml",
  LinkTemplateUrl = "https://weir-artifacts.s3.ap-northeast-1.amazonaws.com/link.yaml",
  StorageAccountId = templates.STORAGE,
  AccessPointArn = ACCESS_POINT,
  SinkArn = templates.values.link.SinkArn,
  AlarmTopicArn = templates.values.core.AlarmTopicArn,
  Account1Id = templates.WORKLOAD,
  Account1ExternalId = templates.EXTERNAL_ID,
  Account1ArtifactBucket = "weir-artifacts",
  Account1OutputBucket = "weir-results",
  Account1EndpointName = "segmentation",
  Account2Id = "444444444444",
  Account2ExternalId = "the-external-id-of-444444444444",
  Account3Id = "555555555555",
  Account3ExternalId = "the-external-id-of-555555555555",
}

-- The names of all templates, those of the directory.
function templates.names()
  local names = {}
  for i, path in ipairs(files.lines_of("ls deploy/cloudformation/*.yaml")) do
    names[i] = path:match("([^/]+)%.yaml$")
  end

  return names
end

-- given(name[, more]) → the values with every switch on; `more` replaces some, false takes one away
function templates.given(name, more)
  local given = {}
  for switch in files.read(templates.path(name)):gmatch("\n  (Enable%w+):\n") do
    given[switch] = "true"
  end

  for key, value in pairs(templates.values[name] or {}) do given[key] = value end
  for key, value in pairs(more or {}) do given[key] = value or nil end

  return given
end

function templates.place(account, stack)
  return {
    account = account or templates.WORKLOAD,
    region = templates.REGION,
    stack = stack or "weir-core",
  }
end

-- ask{ { check =, file =, … }, … } → their answers, decoded
function templates.ask(questions)
  local texts, answers = {}, {}
  for i, question in ipairs(questions) do texts[i] = json.encode(question) end
  for i, answer in ipairs(oracle.ask("templates.mjs", texts)) do
    answers[i] = assert(json.decode(answer))
  end

  return answers
end

return templates
