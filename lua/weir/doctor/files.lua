-- The files of an estate: whether its access point answers, whether its policy is set, and whether
-- it tells of new objects by itself yet.
--
--   files.examine(examination, reachable)   reachable: account → whether it may be asked
local access_point = require "weir.deploy.access_point"
local sign_in = require "weir.deploy.sign_in"
local sorted_pairs = require "weir.sorted_pairs"
local stacks = require "weir.deploy.stacks"

local files = {}

-- The access point that the estate names for a template of an account, if it does.
local function named(estate, account, template)
  for _, owner in ipairs { account, estate } do
    local own = (owner.parameters or {})[template]
    if own and own.AccessPointArn then return own.AccessPointArn end
  end
end

local function is_refusal(code)
  return code == "AccessDenied" or code == "Forbidden"
end

local function examine_reach(self, place, arn, s3)
  local found, message, code = s3:list_objects_v2 { Bucket = arn, MaxKeys = 1 }
  if found then
    return self:ok("access point", place, arn, ("it answers, with %d object%s on the first page")
      :format(#found.Contents, #found.Contents == 1 and "" or "s"))
  end

  if code == "NoSuchBucket" or code == "NotFound" or code == "NoSuchAccessPoint" then
    return self:wrong("access point", place, arn, "there is no such access point",
      "correct AccessPointArn in the estate file, or attach it to its volume")
  end

  if is_refusal(code) then
    return self:unknown("access point", place, arn, "it refuses this caller",
      "only the access roles may list it; run weir doctor with the credentials of a function")
  end

  self:unanswered("access point", place, arn, message, code)
end

-- Was the question not answered at all: by trouble, or because of whose it was?
local function is_no_answer(code, status)
  return not status or status >= 500 or status == 403 or code == "InvalidToken"
    or sign_in.advice(code) ~= nil
end

-- AWS has no notifications of access points on FSx yet. The first other answer is news.
local function examine_notifications(self, place, arn, buckets)
  local found, message, code, details =
    buckets:get_bucket_notification_configuration { Bucket = arn }
  if not found and (code == "NotImplemented" or code == "MethodNotAllowed") then
    return self:ok("notifications", place, arn, "there are none yet; reconcile finds what is new")
  end

  if not found and is_refusal(code) then
    return self:unknown("notifications", place, arn, "the question is refused to this caller",
      "grant s3:GetBucketNotification on the access point, if you want to know")
  end

  if not found and is_no_answer(code, details.status) then
    return self:unanswered("notifications", place, arn, message, code)
  end

  self:wrong("notifications", place, arn,
    "the answer is not NotImplemented any more: " .. (found and "a configuration" or message),
    "AWS may have brought native notifications; docs/events.md tells how to try them")
end

-- A client in the role that the account's functions take, from the account's own.
local function in_role(self, stack, service)
  local account, region = stack.reader, stack.region
  local roles = {}
  if account.role then
    roles[1] = { arn = account.role.arn, external_id = account.role.external_id }
  end

  roles[#roles + 1] = {
    arn = stacks.storage_role(self.session.estate, { account = account, region = region }),
    external_id = account.external_id,
    session_name = "weir-doctor",
  }

  local config = { region = region, role = roles }
  for name, value in sorted_pairs(self.session.config) do config[name] = value end

  return require("weir.aws." .. service).new(config)
end

local function examine_access(self, stack)
  local account = stack.reader
  local arn = named(self.session.estate, account, "core")
    or named(self.session.estate, account, "storage")
  if not arn then return end

  local place = { account = account, region = stack.region }
  examine_reach(self, place, arn, in_role(self, stack, "s3"))
  examine_notifications(self, place, arn, in_role(self, stack, "s3_buckets"))
end

local function examine_policy(self, stack)
  local differs, message, code = access_point.differs(self.session, stack)
  if differs == nil then
    return self:unanswered("access policy", stack, stack.name, message, code)
  end

  if not differs then
    return self:ok("access policy", stack, stack.name, "the one of the estate is set")
  end

  self:wrong("access policy", stack, stack.name, "the access point has another policy, or none",
    "weir deploy apply sets it; until then others of the account may read the files")
end

function files.examine(self, reachable)
  for _, stack in ipairs(self.session.all) do
    if stack.is_policy and reachable[stack.account] then examine_policy(self, stack) end
    if stack.reader and reachable[stack.reader] then examine_access(self, stack) end
  end
end

return files
