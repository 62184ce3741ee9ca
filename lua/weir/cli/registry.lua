-- weir registry ACTION NAME: packages of SageMaker's Model Registry, listed, registered, approved
-- and rejected. What changes something is only shown, unless --live is given.
local contains = require "weir.contains"
local events = require "weir.events"
local exit = require "weir.cli.exit"
local files = require "weir.files"
local json = require "weir.json"
local make_effects = require "weir.effects"
local messages = require "weir.cli.messages"
local recordings = require "weir.cli.recordings"
local redact = require "weir.redact"
local request = require "weir.cli.registry_request"
local terminal = require "weir.cli.terminal"

local METRICS_LIMIT = 1024 * 1024
local STATUSES = { "Approved", "Rejected", "PendingManualApproval" }
local ARN = "^arn:[%w-]+:sagemaker:[%w-]+:%d+:model%-package/.+$"

local function fail(screen, message, code)
  return messages.failure(screen, "registry",
    { message = redact.text(message), code = code, exit = exit.io })
end

local function ask(effects, method, operation, target, input)
  return effects[method](effects,
    { service = "sagemaker", operation = operation, target = target, input = input })
end

-- Listing ----------------------------------------------------------------------------------------

local function row_of(package)
  return {
    version = package.ModelPackageVersion,
    approval = package.ModelApprovalStatus,
    status = package.ModelPackageStatus,
    created = package.CreationTime,
    arn = package.ModelPackageArn,
    description = package.ModelPackageDescription,
  }
end

local function show_packages(screen, given, packages)
  if given.json then
    for _, package in ipairs(packages) do screen.out:print(terminal.json(row_of(package))) end
    if #packages == 0 then screen.out:print(terminal.json { type = "summary", packages = 0 }) end
    return
  end

  local rows = {}
  for i, package in ipairs(packages) do
    rows[i] = { tostring(package.ModelPackageVersion or "-"), package.ModelApprovalStatus or "-",
      package.ModelPackageStatus or "-", terminal.printable(package.ModelPackageArn) }
  end

  for _, line in ipairs(terminal.table(rows, { "right" })) do screen.out:print(line) end
  if #packages == 0 then screen.err:print("weir: registry: the group has no such package") end
end

local function list(given, screen, effects)
  local pages, message, code = effects:pages {
    service = "sagemaker",
    operation = "ListModelPackages",
    target = given.NAME,
    input = {
      ModelPackageGroupName = given.NAME,
      ModelApprovalStatus = given.status,
      SortBy = "CreationTime",
      SortOrder = "Descending",
    },
  }

  if not pages then return fail(screen, message, code) end

  local packages = {}
  for _, page in ipairs(pages) do
    local found = page.ModelPackageSummaryList or {}
    table.move(found, 1, #found, #packages + 1, packages)
  end

  local limit = recordings.limit(given.limit, math.huge)
  for i = #packages, limit + 1, -1 do packages[i] = nil end
  show_packages(screen, given, packages)

  return exit.fine
end

-- What was done, or would be ---------------------------------------------------------------------

local function show(given, screen, effects, outcome)
  if given.json then
    outcome.dry, outcome.plan = effects.dry, json.array(effects.plan)
    screen.out:print(terminal.json(outcome))
    return exit.fine
  end

  for i, call in ipairs(effects.plan) do
    screen.out:print(screen.out:paint("dim", effects.dry and "plan      " or "calls     "), i, ". ",
      call.service, " ", screen.out:paint("bold", call.operation), "  ",
        terminal.printable(call.target))
    screen.out:print("             ", terminal.json(call.input))
  end

  screen.out:print(screen.out:paint("dim", "result    "), outcome.result, "  ",
    terminal.printable(outcome.arn))
  if effects.dry then screen.err:next("the same command with --live carries it out") end

  return exit.fine
end

-- Registering ------------------------------------------------------------------------------------

local function read_metrics(given)
  if not given.metrics then return {} end
  local text, message = files.read(given.metrics, METRICS_LIMIT)
  if not text then return nil, message, true end
  local metrics
  metrics, message = request.metrics(text)

  return metrics, message, false, text
end

local function upload(effects, given, text)
  local bucket, key = events.s3_place(given.metrics_uri)
  return effects:call {
    service = "s3",
    operation = "PutObject",
    target = key,
    input = { Bucket = bucket, Key = key, Body = text, ContentType = "application/json" },
  }
end

local function check_register(given)
  if not given.image then
    return nil, "register needs --image", "name the container's image in ECR"
  end

  local _, key = events.s3_place(given.metrics_uri or "s3://bucket/key")
  if not key or key == "" then
    return nil, "--metrics-uri must be s3://bucket/key", "that is where the file of --metrics goes"
  end

  return true
end

local function register(given, screen, effects)
  local fine, message, hint = check_register(given)
  if not fine then return nil, message, hint end

  local metrics, unreadable, text
  metrics, message, unreadable, text = read_metrics(given)
  if not metrics and unreadable then return fail(screen, message, "ReadFailed") end
  if not metrics then return nil, message, given.metrics end
  local input
  input, message = request.register(given, metrics)
  if not input then return nil, message, "see weir help registry" end

  local output, code
  if given.metrics_uri and text then
    output, message, code = upload(effects, given, text)
    if not output then return fail(screen, message, code) end
  end

  output, message, code = ask(effects, "call", "CreateModelPackage", given.NAME, input)
  if not output then return fail(screen, message, code) end

  return show(given, screen, effects, { action = "register", result = "PendingManualApproval",
    arn = output.ModelPackageArn })
end

-- Reviewing --------------------------------------------------------------------------------------

-- A package that failed, or is still being made, must not be approved.
local function look(effects, given, status)
  if effects.dry then return nil end
  local seen, message, code = ask(effects, "read", "DescribeModelPackage", given.NAME,
    { ModelPackageName = given.NAME })
  if not seen then return nil, message, code end
  if status == "Approved" and seen.ModelPackageStatus ~= "Completed" then
    return nil, ("the package is %s, not Completed; it cannot be approved")
      :format(tostring(seen.ModelPackageStatus)), "NotCompleted"
  end

  return seen
end

local function review(given, screen, effects, action, status)
  if not given.NAME:find(ARN) then
    return nil, ("'%s' is not the ARN of a model package"):format(given.NAME),
      "weir registry list GROUP shows them"
  end

  local seen, message, code = look(effects, given, status)
  if message then return fail(screen, message, code) end

  local outcome = {
    action = action,
    result = status,
    arn = given.NAME,
    was = seen and seen.ModelApprovalStatus,
  }

  if outcome.was == status then
    outcome.result = "unchanged: it is " .. status
    return show(given, screen, effects, outcome)
  end

  local output
  output, message, code = ask(effects, "call", "UpdateModelPackage", given.NAME,
    { ModelPackageArn = given.NAME, ModelApprovalStatus = status,
      ApprovalDescription = given.reason })
  if not output then return fail(screen, message, code) end

  return show(given, screen, effects, outcome)
end

local function approve(given, screen, effects)
  return review(given, screen, effects, "approve", "Approved")
end

local function reject(given, screen, effects)
  if not given.reason then
    return nil, "reject needs --reason", "say why: it is kept with the package"
  end

  return review(given, screen, effects, "reject", "Rejected")
end

-- The verb ---------------------------------------------------------------------------------------

local ACTIONS = { list = list, register = register, approve = approve, reject = reject }
local NAMES = { "list", "register", "approve", "reject" }

local function run(given, screen)
  if not contains(NAMES, given.ACTION) then
    return nil, ("'%s' is not an action of the registry"):format(given.ACTION),
      "actions are: " .. table.concat(NAMES, ", ")
  end

  if given.status and not contains(STATUSES, given.status) then
    return nil, ("'%s' is not an approval status"):format(given.status),
      table.concat(STATUSES, ", ")
  end

  local fine, mistake, hint = request.check(given)
  if not fine then return nil, mistake, hint end
  local limit
  limit, mistake, hint = recordings.limit(given.limit, math.huge)
  if not limit then return nil, mistake, hint end

  -- Looking changes nothing.
  local is_live = given.live or given.ACTION == "list"

  return ACTIONS[given.ACTION](given, screen, is_live and make_effects.live()
    or make_effects.dry {})
end

return {
  name = "registry",
  summary = "list, register, approve and reject packages of the Model Registry",
  description = {
    [[`list GROUP` asks SageMaker for the packages of a group, the newest first. `register GROUP`
      makes a new version of it, pending approval. `approve ARN` and `reject ARN` decide about
      one. All but list only show what they would send, until --live is given.]],
    [[Sent twice, a registration is one package: its ClientToken follows from its content. A
      package that has its status already is not changed. The metrics of --metrics, one JSON
      object of plain values, are sent as the package's properties; with --metrics-uri the file
      goes to S3 as well, and the package names it.]],
    [[Only an Approved package is given traffic: the promotion policy's decisions are refused for
      any other, and the handler `weights` refuses to let its share grow.]],
  },
  positionals = {
    { name = "ACTION", doc = table.concat(NAMES, ", "), words = NAMES },
    { name = "NAME", doc = "a model package group; for approve and reject the ARN of a package" },
  },
  options = {
    { long = "status", value = "STATUS", words = STATUSES,
      doc = "list: only " .. table.concat(STATUSES, ", ") },
    recordings.limit_option "list: the newest N; all when left out",
    { long = "image", value = "IMAGE", doc = "register: the container's image in ECR" },
    { long = "model-data", value = "URI", doc = "register: the model's archive in S3" },
    {
      long = "content-type",
      value = "TYPE",
      many = true,
      doc = "register: what it takes (application/json)",
    },
    {
      long = "response-type",
      value = "TYPE",
      many = true,
      doc = "register: what it answers (application/json)",
    },
    { long = "instance-type", value = "TYPE", many = true, doc = "register: where it may run" },
    { long = "description", value = "TEXT", doc = "register: what people see" },
    {
      long = "metrics",
      value = "FILE",
      complete = "file",
      doc = "register: the model's metrics, as JSON",
    },
    {
      long = "metrics-uri",
      value = "URI",
      doc = "register: where that file goes in S3, or is already",
    },
    { long = "property", value = "NAME=VALUE", many = true, doc = "register: another property" },
    { long = "reason", value = "TEXT", doc = "approve, reject: why; kept with the package" },
    {
      long = "token",
      value = "TEXT",
      doc = "register: the ClientToken, in place of that of the content",
    },
    { long = "live", doc = "carry it out" },
    { long = "json", doc = "one JSON object a line" },
  },
  exits = {
    { 0, "listed, done, or in a dry run shown" },
    { 2, "usage, or metrics that the registry does not take" },
    { 6, "a call to AWS failed, the package is not completed, or a file cannot be read" },
  },
  examples = {
    { "weir registry list segmentation --status Approved", "the versions that may be promoted" },
    { "weir registry register segmentation --image IMAGE --model-data s3://m/v4.tar.gz --metrics "
      .. "m.json",
      "what would be sent" },
    { "weir registry approve ARN --reason 'f1 0.91 on the holdout' --live", "approve it" },
  },
  run = run,
}
