-- AWS clients by name: require("weir.aws").client("stepfunctions", config).

local aws = {}

aws.services = {
  "appconfigdata", "bedrock_runtime", "cloudwatch", "dynamodb", "eventbridge", "rekognition", "s3",
  "sagemaker", "sagemaker_runtime", "ssm", "stepfunctions", "sts",
}

-- The module of a service, or nil when there is none.
function aws.service(name)
  for _, known in ipairs(aws.services) do
    if known == name then return require("weir.aws." .. name) end
  end
end

function aws.client(name, config)
  local service = aws.service(name)
  if not service then
    error(("no AWS service '%s'; there are %s"):format(tostring(name),
      table.concat(aws.services, ", ")), 2)
  end

  return service.new(config)
end

return aws
