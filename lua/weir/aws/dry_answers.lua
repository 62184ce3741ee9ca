-- What AWS would plausibly answer to a change that a dry run only plans, for the operations whose
-- answers handlers use. Names and ARNs follow from the input; nothing here looks like a real
-- account.
local ACCOUNT = "000000000000"

local function sagemaker_arn(kind, name)
  return ("arn:aws:sagemaker:dry-run:%s:%s/%s"):format(ACCOUNT, kind, tostring(name))
end

return {
  ["stepfunctions.StartExecution"] = function(effect)
    local arn = effect.target:gsub(":stateMachine:", ":execution:", 1)
    return { executionArn = arn .. ":" .. tostring(effect.input.name), startDate = 0 }
  end,
  ["sagemaker.CreateTransformJob"] = function(effect)
    return { TransformJobArn = sagemaker_arn("transform-job", effect.input.TransformJobName) }
  end,
  ["sagemaker.UpdateEndpointWeightsAndCapacities"] = function(effect)
    return { EndpointArn = sagemaker_arn("endpoint", effect.input.EndpointName) }
  end,
  ["sagemaker.CreateModelPackage"] = function(effect)
    local group = sagemaker_arn("model-package", effect.input.ModelPackageGroupName)
    return { ModelPackageArn = group .. "/1" }
  end,
  ["sagemaker.UpdateModelPackage"] = function(effect)
    return { ModelPackageArn = effect.input.ModelPackageArn }
  end,
  ["sagemaker_runtime.InvokeEndpoint"] = function(effect)
    return {
      Body = "{}",
      ContentType = "application/json",
      InvokedProductionVariant = effect.input.TargetVariant,
    }
  end,
  ["bedrock_runtime.Converse"] = function()
    return { output = { message = { role = "assistant", content = { { text = "" } } } } }
  end,
  ["bedrock_runtime.InvokeModel"] = function()
    return { body = "{}", contentType = "application/json" }
  end,
  ["eventbridge.PutEvents"] = function(effect)
    local entries = {}
    for i = 1, #effect.input.Entries do entries[i] = { EventId = "dry-run-" .. i } end
    return { FailedEntryCount = 0, Entries = entries }
  end,
  ["s3.PutObject"] = function() return { ETag = '"dry-run"' } end,
  ["s3.CreateMultipartUpload"] = function(effect)
    return { Bucket = effect.input.Bucket, Key = effect.input.Key, UploadId = "dry-run" }
  end,
  ["s3.UploadPart"] = function() return { ETag = '"dry-run"' } end,
}
