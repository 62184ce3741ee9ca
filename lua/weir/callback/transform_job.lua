-- SageMaker Batch Transform jobs as the two handlers see them: looked up, compared, and told to the
-- workflow. What an event asks for is read in weir.callback.transform_request.
local answer = require "weir.callback.task_answer"
local json = require "weir.json"
local python = require "weir.callback.python"
local secret = require "weir.secret"

local transform_job = {}

local FINAL = { Completed = true, Failed = true, Stopped = true }

function transform_job.is_final(status) return FINAL[status] == true end

-- 1 to 63 letters, digits and hyphens, no hyphen at either end.
function transform_job.is_name(name)
  return type(name) == "string" and #name <= 63 and name:find("^%w[%w-]*$") ~= nil
    and not name:find("-$")
end

-- Where the token of a job is, by its tags; a job that has both keeps it in the table.
function transform_job.mode_of(tags)
  if tags.CorrelationId ~= nil then return "dynamodb" end
  local token = tags.TaskToken
  if type(token) == "string" then token = secret.wrap(token) end

  return secret.is(token) and secret.size(token) > 0 and "direct" or nil
end

-- describe(effects, name[, arn]) → DescribeTransformJob's answer | nil, message, code
function transform_job.describe(effects, name, arn)
  local job, message, code = effects:read {
    service = "sagemaker",
    operation = "DescribeTransformJob",
    target = name,
    input = { TransformJobName = name },
  }

  if not job then return nil, message, code end
  job.TransformJobName, job.TransformJobArn = name, job.TransformJobArn or arn
  if type(job.TransformJobStatus) ~= "string" or type(job.TransformJobArn) ~= "string" then
    return nil, ("DescribeTransformJob of %s has no status or no ARN"):format(name),
      "MalformedResponse"
  end

  return job
end

local function note_tag(tags, tag)
  if type(tag) == "table" and type(tag.Key) == "string" then tags[tag.Key] = tag.Value end
end

-- The tags that an event tells, as an object or as ListTags does: key → value
function transform_job.told_tags(told)
  if type(told) ~= "table" then return {} end
  if not json.is_array(told) then return told end
  local tags = {}
  for _, tag in ipairs(told) do note_tag(tags, tag) end

  return tags
end

-- The items of every page.
local function items_of(pages, name)
  local items = {}
  for _, page in ipairs(pages) do
    for _, item in ipairs(type(page[name]) == "table" and page[name] or {}) do
      items[#items + 1] = item
    end
  end

  return items
end

-- tags(effects, arn) → key → value, from all pages | nil, message, code
function transform_job.tags(effects, arn)
  local pages, message, code = effects:pages {
    service = "sagemaker",
    operation = "ListTags",
    target = arn,
    input = { ResourceArn = arn },
  }

  if not pages then return nil, message, code end

  local tags = {}
  for _, tag in ipairs(items_of(pages, "Tags")) do note_tag(tags, tag) end
  return tags
end

-- running(effects, part) → names of the jobs in progress whose names contain this | nil, message,
-- code
function transform_job.running(effects, part)
  local pages, message, code = effects:pages {
    service = "sagemaker",
    operation = "ListTransformJobs",
    target = part,
    input = { NameContains = part, StatusEquals = "InProgress", MaxResults = 100 },
  }

  if not pages then return nil, message, code end

  local names = {}
  for i, summary in ipairs(items_of(pages, "TransformJobSummaries")) do
    names[i] = summary.TransformJobName
  end

  return names
end

-- The members that make two jobs the same work, as paths into CreateTransformJob's input.
local COMPARED = {
  { "ModelName" },
  { "TransformInput", "DataSource", "S3DataSource", "S3DataType" },
  { "TransformInput", "DataSource", "S3DataSource", "S3Uri" },
  { "TransformOutput", "S3OutputPath" },
  { "TransformResources", "InstanceType" },
  { "TransformResources", "InstanceCount" },
}

-- Results of one piece of work go into the folder of the day it was started: a retry after midnight
-- is the same work.
function transform_job.without_day(text)
  return (text:gsub("/sagemaker%-output/%d%d%d%d/%d%d/%d%d/", "/sagemaker-output/"))
end

local function at(value, path)
  for _, name in ipairs(path) do value = type(value) == "table" and value[name] or nil end
  if type(value) ~= "string" then return value end
  return (transform_job.without_day(value .. "/"):gsub("/+$", ""))
end

-- The first member in which a job that is there differs from the one that is asked for, or nil.
function transform_job.difference(described, asked)
  for _, path in ipairs(COMPARED) do
    if at(described, path) ~= at(asked, path) then return table.concat(path, ".") end
  end
end

local function text_member(value, name)
  return type(value) == "table" and type(value[name]) == "string" and value[name] or nil
end

-- What the workflow gets to know; as the Python handlers tell it, or as we do.
local function success_of(job, as_python)
  local output_path = text_member(job.TransformOutput, "S3OutputPath")
  if as_python then
    return { status = "COMPLETED", job_name = job.TransformJobName, output_s3_path = output_path }
  end

  return {
    status = job.TransformJobStatus,
    transform_job_name = job.TransformJobName,
    transform_job_arn = job.TransformJobArn,
    output_path = output_path,
  }
end

-- tell(effects, token, described job) → as weir.callback.task_answer
function transform_job.tell(effects, token, job)
  local as_python = python.is_wanted(effects)
  local name, status = job.TransformJobName, job.TransformJobStatus
  if status == "Completed" then
    return answer.success(effects, token, name, success_of(job, as_python))
  end

  local reason = text_member(job, "FailureReason") or "SageMaker gave no reason"
  local error_name = as_python and python.FAILURE or "TransformJob" .. status
  return answer.failure(effects, token, name, error_name,
    ("the transform job %s is %s: %s"):format(name, status, reason))
end

return transform_job
