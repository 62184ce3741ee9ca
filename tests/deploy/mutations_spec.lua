-- The proofs themselves: each template is broken in a way that AWS, or nobody, would notice in
-- time, and the check that is for it must say so.
local files = require "support.files"
local templates = require "support.templates"

-- The template's text with one thing changed; raises where there is nothing to change.
local function changed(name, from, to)
  local text = files.read(templates.path(name))
  local first, last = text:find(from, 1, true)
  if not first then error(("%s holds no '%s'"):format(name, from), 2) end

  return text:sub(1, first - 1) .. to .. text:sub(last + 1)
end

-- { check, template, from, to, what a finding says }
local MUTATIONS = {
  -- What CloudFormation itself would refuse, or take and not do.
  { "specified", "core",
    "Type: AWS::Lambda::LayerVersion", "Type: AWS::Lambda::LayerVersions", "there is no type" },
  { "specified", "core", "MemorySize: 128", "Memory: 128", "there is no property Memory" },
  { "specified", "core", "MemorySize: 128", "MemorySize: much", "much is not an integer" },
  {
    "specified",
    "core",
    "StateMachineType: STANDARD",
    "StateMachineType: STANDART",
    "STANDART is none of",
  },
  { "specified", "core",
    "!GetAtt RoutingRole.Arn", "!GetAtt RoutingRole.ARN", "AWS::IAM::Role has no attribute ARN" },
  {
    "specified",
    "core",
    "!GetAtt RoutingRole.Arn",
    "!GetAtt Routeing.Arn",
    "there is no resource Routeing",
  },
  { "specified", "core", "{ S3Bucket: !Ref ArtifactBucket", "{ S3Bucket: !Ref ArtefactBucket",
    "there is nothing called ArtefactBucket" },
  { "specified", "core",
    "endpoint/${EndpointName}", "endpoint/${Endpoint}", "there is nothing called Endpoint" },
  { "specified", "core",
    "      Code: { S3Bucket: !Ref ArtifactBucket, S3Key: !Ref CodeKey }\n", "", "Code is missing" },
  {
    "specified",
    "core",
    "Condition: TokenStore",
    "Condition: TokenShop",
    "there is no condition TokenShop",
  },
  { "specified", "core", "- Tokens\n", "- Token\n", "there is no condition Token" },
  { "specified", "core", "EventPattern: #", "EventPattern: 7 #",
    "must start at the same column" },
  { "specified", "core", "CompatibleRuntimes: [provided.al2023]",
    "CompatibleRuntimes: provided.al2023",
    "must be a list" },
  { "specified", "core", "      SqsManagedSseEnabled: true",
    "      SqsManagedSseEnabled: sometimes",
    "sometimes is neither true nor false" },
  { "specified", "core", "      MessageRetentionPeriod: 1209600",
    "      RedriveAllowPolicy: { sourceQueueArns: [!GetAtt DeadLettersPolicy.Id] }", "cycle: " },
  { "specified", "core", "WEIR_INSTANCE_TYPE: !Ref TransformInstanceType",
    "WEIR_INSTANCE_TYPE: ml.m5.large",
    "Parameters.TransformInstanceType: nothing uses it" },
  { "specified", "core",
    "Description: weir\n", "Description: weir " .. ("x"):rep(14000) .. "\n",
    "bytes; inline it may have" },
  { "specified", "core",
    "Resources:\n", "Transform: AWS::Serverless-2016-10-31\nResources:\n", "has a macro" },
  { "ruled", "core",
    "!Not [!Equals [!Ref EndpointName, \"\"]]\n",
    "!Not [!Equals [!Sub \"${EndpointName}\", \"\"]]\n",
    "Fn::Sub is not carried out here" },
  { "ruled", "core",
    "!Split [\"s3://\", !Sub \"${PolicySource}s3://\"]", "!Split [\"s3://\", !Ref PolicySource]",
    "selects what an empty text does not have" },
  { "ruled", "boundary", "!Join [\",\", !Ref DataBucketArns]",
    "!Join [!Ref Prefix, !Ref DataBucketArns]",
    "Fn::Join takes a text to go between" },
  { "specified", "core", "  # Tables ---", "  Routing: {}\n  # Tables ---", "unique" },

  -- Defect 28: one test, one item. The A/B table's key must have time and a random part.
  -- (tests/deploy/templates_spec.lua compares the keys with deploy/ab-table.json.)

  -- Defect 36: the boundary keeps back what a role is granted.
  { "granted", "core", "dynamodb:Query", "dynamodb:Scan", "its boundary keeps back dynamodb:Scan" },
  -- Defect 37: a role that is named in one template and expected under another name in the next.
  { "ruled", "core",
    "      PermissionsBoundary: !If [HasBoundary, !Ref BoundaryArn, !Ref AWS::NoValue]\n", "",
    "has no permissions boundary" },

  -- A void grant, a missing one, one too many, one too wide.
  { "granted", "core", "Action: sagemaker:DescribeEndpoint", "Action: sagemaker:DescribeEndpoints",
    "IAM has no such action" },
  { "granted", "core", "Action: [dynamodb:PutItem, dynamodb:GetItem, dynamodb:DeleteItem]",
    "Action: [dynamodb:PutItem, dynamodb:GetItem]", "needs dynamodb:DeleteItem" },
  { "granted", "core", "Action: [dynamodb:GetItem, dynamodb:DeleteItem]",
    "Action: [dynamodb:GetItem, dynamodb:DeleteItem, dynamodb:UpdateItem]",
    "grants dynamodb:UpdateItem on" },
  { "granted", "core",
    "transform-job/weir-*", "transform-job/theirs-*", "needs sagemaker:CreateTransformJob" },
  { "granted", "core", "- !Sub ${AccessPointArn}/object/*", "- !Sub ${AccessPointArn}/objects/*",
    "needs s3:GetObject" },
  { "granted", "core", "table/${Table}/index/TransformJobNameIndex",
    "table/${Table}/index/JobIndex",
    "needs dynamodb:Query" },
  { "granted", "core", "{ \"cloudwatch:namespace\": weir }", "{ \"cloudwatch:namespace\": other }",
    "needs cloudwatch:PutMetricData" },
  { "granted", "core", "      Handler: sagemaker_callback", "      Handler: sagemaker_recall",
    "there are no recorded calls of sagemaker_recall" },
  {
    "ruled",
    "core",
    "Action: sagemaker:DescribeEndpoint",
    "Action: sagemaker:*",
    "name each action",
  },
  { "ruled", "core", "      ManagedPolicyArns:\n        - !If",
    "      ManagedPolicyArns:\n        - arn:aws:iam::aws:policy/AmazonS3FullAccess\n        - !If",
    "has a policy of AWS's" },
  { "ruled", "boundary", "arn:${AWS::Partition}:states:*", "arn:${AWS::Partition}:*:*",
    "has a wildcard in the service of an ARN" },

  -- A custom EndpointConfigName, and the rest that AWS takes and nobody wants.
  { "ruled", "endpoint", "    Properties:\n      ProductionVariants:",
    "    Properties:\n      EndpointConfigName: weir\n      ProductionVariants:",
    "has a EndpointConfigName" },
  { "ruled", "endpoint", "      RetainAllVariantProperties: true",
    "      RetainAllVariantProperties: false",
    "resets the weights" },
  { "ruled", "endpoint",
    "variant/${Variant2Name}", "variant/${Variant1Name}", "is the same target as Target1" },
  { "ruled", "endpoint",
    "endpoint/${Endpoint.EndpointName}", "endpoint/${EndpointName}", "does not order itself" },
  { "ruled", "endpoint",
    "MetricName: Invocation5XXErrors", "MetricName: Invocations5XX", "CloudWatch has no metric" },
  { "ruled", "core", "Name: StateMachineArn, Value", "Name: StateMachine, Value",
    "no metric has the dimensions StateMachine" },
  { "ruled", "core", "Default: \"false\"", "Default: \"true\"", "must be \"false\" by default" },
  { "ruled", "core", "    NoEcho: true\n", "", "must be NoEcho" },
  { "ruled", "core",
    "Outputs:\n", "Outputs:\n  Id: { Value: !Sub \"id ${ExternalId}\" }\n", "shows ExternalId" },
  { "ruled", "storage",
    "Outputs:\n", "Outputs:\n  Id: { Value: !Ref NextExternalId }\n", "shows NextExternalId" },
  { "ruled", "core", "    Condition: Workflow\n    UpdateReplacePolicy", "    UpdateReplacePolicy",
    "exists whatever is switched off" },
  {
    "ruled",
    "core",
    "    DeletionPolicy: RetainExceptOnCreate\n",
    "",
    "is deleted with the stack",
  },
  { "ruled", "core",
    "      TimeToLiveSpecification: { AttributeName: ttl, Enabled: true }\n", "",
    "has no time to live" },
  { "ruled", "core",
    "          DeadLetterConfig: { Arn: !GetAtt DeadLetters.Arn }\n          Retry",
    "          Retry",
    "has no dead-letter queue" },
  { "ruled", "core",
    "      SourceArn: !GetAtt TransformJobsRule.Arn\n", "", "lets any resource of the service in" },
  { "ruled", "core",
    "      LoggingConfig: { LogGroup: !Ref RoutingLog }\n", "",
    "logs where nothing ends the retention" },
  { "ruled", "core",
    "      Tags: [{ Key: \"weir:stack\", Value: !Ref AWS::StackName }]\n", "",
    "lacks the tag weir:stack" },
  { "ruled", "core",
    "    Description: Of the functions; the layer must be of the same.\n", "",
    "has no description" },
  { "ruled", "tokens",
    "          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true }\n", "",
    "has a replica without point-in-time recovery" },
  { "ruled", "stacksets", "Accounts: [!Ref Account2Id]",
    "Accounts: [!Ref Account1Id, !Ref Account2Id]",
    "an entry is for one account" },
  {
    "ruled",
    "stacksets",
    "{ Enabled: false }",
    "{ Enabled: true }",
    "deploys without its overrides",
  },

  -- What only some switches show.
  { "combinations", "core",
    "Condition: Heartbeats\n    Properties:\n      Description",
    "Condition: Batch\n    Properties:\n      Description",
    "HeartbeatRole does not exist with these parameters" },
  { "combinations", "core",
    "- !If [Realtime, !GetAtt Realtime.Arn, !Ref AWS::NoValue]", "- !GetAtt Realtime.Arn",
    "Realtime does not exist with these parameters" },
  { "combinations", "core",
    "  Basics: !And [!Condition Workflow, !Or [!Condition InVpc, !Condition Tracing]]",
    "  Basics: !Condition Workflow", "Statement is empty" },
  { "combinations", "core",
    "Value: !GetAtt Comparison.Arn", "Value: !GetAtt Callback.Arn", "Callback does not exist" },
}

local granted = require "support.granted"

local function question(mutation)
  local check, name, from, to = table.unpack(mutation, 1, 4)
  local text = changed(name, from, to)
  if check == "granted" then
    local asked = granted.question(name, granted.same_account())
    asked.text = text
    return asked
  end

  local asked = { check = check, file = templates.path(name), text = text }
  if check == "combinations" then
    asked.parameters, asked.place = templates.given(name), templates.place()
  end

  return asked
end

describe("a template that was broken", function()
  it("is found, each by the check that is for it", function()
    local questions = {}
    for i, mutation in ipairs(MUTATIONS) do questions[i] = question(mutation) end

    local missed = {}
    for i, answer in ipairs(templates.ask(questions)) do
      local findings = table.concat(answer.findings or answer, "\n")
      local wanted = MUTATIONS[i][5]
      local found = findings ~= "" and (not wanted
        or findings:lower():find(wanted:lower(), 1, true))
      if not found then
        missed[#missed + 1] = ("%s %s → %s: %s"):format(MUTATIONS[i][1], MUTATIONS[i][3],
          MUTATIONS[i][4]:sub(1, 60),
          findings)
      end
    end

    assert.same({}, missed)
  end)

  -- Defect 37: what one template names and the other trusts.
  it("is found where a role is called otherwise than the storage account trusts", function()
    local answers = templates.ask {
      {
        check = "resolve",
        file = templates.path "core",
        parameters = templates.given "core",
        place = templates.place(),
      },
      {
        check = "resolve",
        file = templates.path "core",
        text = changed("core", "RoleName: !Sub ${Prefix}-${AWS::Region}-realtime-inference",
          "RoleName: !Sub ${Prefix}-realtime"),
        parameters = templates.given "core",
        place = templates.place(),
      },
    }

    local function is_trusted(answer)
      local names = "," .. answer.outputs.FileRoleArns .. ","
      return names:find("," .. templates.values.storage.WorkloadRoleArns .. ",", 1, true) ~= nil
    end

    assert.same({ true, false }, { is_trusted(answers[1]), is_trusted(answers[2]) })
  end)
end)
