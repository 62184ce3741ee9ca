-- The names and defaults of the Python handlers that sagemaker_invoke and sagemaker_callback
-- replace. Their events and settings are always accepted; with COMPATIBLE_OUTPUT=true the handlers
-- also answer in these names and have these defaults, so that an operator changes the runtime and
-- nothing else.
local settings = require "weir.settings"
local try = require "weir.try"

local python = { POINT_COUNT = 1000, FAILURE = "SageMakerTransformJobFailed" }

local DEFAULTS = {
  model_name = "point-cloud-segmentation",
  instance_type = "ml.m5.xlarge",
  content_type = "application/json",
  token_storage_mode = "direct",
}

-- Whether to answer as they do.
function python.is_wanted(effects)
  return try(settings.flag(effects, "compatible_output"))
end

function python.defaults(effects) return python.is_wanted(effects) and DEFAULTS or {} end

-- The tags of every job.
function python.tags(effects)
  if not python.is_wanted(effects) then return {} end
  return {
    { Key = "UseCase", Value = effects:setting("use_case", "autonomous-driving") },
    { Key = "Phase", Value = effects:setting("phase", "4") },
    { Key = "Component", Value = "sagemaker" },
  }
end

-- Where the results of a day go, below the output bucket.
function python.output_path(bucket, now)
  return ("s3://%s/sagemaker-output/%s/"):format(bucket, os.date("!%Y/%m/%d", now))
end

-- The answer of sagemaker_invoke, from ours.
function python.started(result, output_path)
  return {
    status = "JOB_CREATED",
    job_name = result.transform_job_name,
    output_s3_path = output_path,
    token_storage_mode = result.mode,
    correlation_id = result.correlation_id,
  }
end

-- The answer of sagemaker_callback, from ours. Nobody was answered: nothing was to be done.
function python.called_back(report)
  local action = "IGNORED"
  if report.answered > 0 then
    action = report.status == "Completed" and "SendTaskSuccess" or "SendTaskFailure"
  end

  return { action = action, job_name = report.transform_job_name }
end

return python
