-- The templates of deploy/cloudformation, and an estate to try them with: the parameters of each
-- template when everything is on, in the accounts where it belongs.
local files = require "support.files"
local json = require "weir.json"
local oracle = require "oracles.oracle"
local permission_runs = require "support.permission_runs"

local templates = {}

templates.WORKLOAD, templates.STORAGE, templates.SHARED = "222222222222", "111111111111", "333333333333"
templates.REGION = "ap-northeast-1"
templates.BOUNDARY = ("arn:aws:iam::%s:policy/weir-boundary"):format(templates.WORKLOAD)
templates.EXTERNAL_ID = "an-external-id-of-222222222222"

function templates.path(name) return ("deploy/cloudformation/%s.yaml"):format(name) end

local ACCESS_POINT = permission_runs.names.bucket

-- What a template is given besides its switches.
templates.values = {
  boundary = { Prefix = "weir", DataBuckets = "weir-*", StorageAccountId = templates.STORAGE },
  core = {
    ArtifactBucket = "weir-artifacts",
    LayerKey = "weir/layer.zip",
    CodeKey = "weir/code.zip",
    AslKey = "weir/inference.asl.json",
    PolicySource = "s3://weir-policies/live/bundle.lua",
    AccessPointArn = ACCESS_POINT,
    SourceBucket = "weir-files",
    OutputBucket = permission_runs.names.output_bucket,
    EndpointName = permission_runs.names.endpoint_name,
    ModelName = "segmentation-v3",
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
  for switch in files.read(templates.path(name)):gmatch("\n  (Enable%w+):\n") do given[switch] = "true" end
  for key, value in pairs(templates.values[name] or {}) do given[key] = value end
  for key, value in pairs(more or {}) do given[key] = value or nil end
  return given
end

function templates.place(account, stack)
  return { account = account or templates.WORKLOAD, region = templates.REGION, stack = stack or "weir-core" }
end

-- ask{ { check =, file =, … }, … } → their answers, decoded
function templates.ask(questions)
  local texts, answers = {}, {}
  for i, question in ipairs(questions) do texts[i] = json.encode(question) end
  for i, answer in ipairs(oracle.ask("templates.mjs", texts)) do answers[i] = assert(json.decode(answer)) end
  return answers
end

return templates
