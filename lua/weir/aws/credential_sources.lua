-- Where credentials come from, one function a source:
--   source(plan, context, deadline_ms) → credentials | nil, message, code
--
-- Credentials are { access_key_id =, secret_access_key =, session_token =, expiration = epoch ms }.
-- Key and token are secrets from the moment they are read; no message holds a value, nor the
-- output of a process, nor the body of an answer.
local http = require "weir.http"
local json = require "weir.json"
local command = require "weir.command"
local profiles = require "weir.aws.profiles"
local secret = require "weir.secret"
local time = require "weir.aws.time"

local sources = {}

local CONTAINER_HOST = "http://169.254.170.2"
local CONTAINER_TIMEOUT_MS, CONTAINER_ATTEMPTS = 2000, 3
local COMMAND_TIMEOUT_MS = 60000

local function fail(code, message, ...)
  return nil, message:format(...), code
end

-- Text to credentials; `origin` is named in messages.
local function build(origin, id, key, token, expiration)
  if type(id) ~= "string" or id == "" or type(key) ~= "string" or key == "" then
    return fail("InvalidCredentials", "%s gave no access key id or no secret access key", origin)
  end

  if token == json.null then token = nil end
  if expiration == json.null then expiration = nil end
  if token ~= nil and type(token) ~= "string" then
    return fail("InvalidCredentials", "%s gave a session token that is not a text", origin)
  end

  local expires
  if expiration ~= nil then
    expires = time.parse_iso8601(expiration)
    if not expires then
      return fail("InvalidCredentials", "%s gave an expiration that is not a time", origin)
    end
  end

  return {
    access_key_id = id,
    secret_access_key = secret.wrap(key),
    session_token = token and token ~= "" and secret.wrap(token) or nil,
    expiration = expires,
  }
end

local function decode_object(origin, text)
  local body = json.decode(text)
  if type(body) == "table" and not json.is_array(body) then return body end
  return fail("InvalidCredentials", "%s did not answer with a JSON object", origin)
end

-- Environment -----------------------------------------------------------------------------------

function sources.environment(_, context)
  local get = context.getenv
  local id, key = get("AWS_ACCESS_KEY_ID"), context.getsecret("AWS_SECRET_ACCESS_KEY")
  if not id or not key then
    return fail("InvalidCredentials",
      "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must both be set")
  end

  return {
    access_key_id = id,
    secret_access_key = key,
    session_token = context.getsecret("AWS_SESSION_TOKEN"),
  }
end

-- Whether the environment has any variable of credentials, complete or not.
function sources.has_environment(context)
  return context.getenv("AWS_ACCESS_KEY_ID") ~= nil
    or context.getsecret("AWS_SECRET_ACCESS_KEY") ~= nil
end

-- Container -------------------------------------------------------------------------------------

local PLAIN_HOSTS = {
  ["localhost"] = true,
  ["169.254.170.2"] = true,
  ["169.254.170.23"] = true,
  ["[fd00:ec2::23]"] = true,
  ["[::1]"] = true,
}

-- https may go anywhere; http only to addresses of this machine and its platform.
local function check_full_uri(uri)
  local scheme, authority = uri:match("^(%l+)://([^/?#]+)")
  local host = authority and (authority:match("^(%b[])") or authority:match("^([^:]+)"))
  if scheme == "https" then return true end

  return scheme == "http" and host ~= nil
    and (PLAIN_HOSTS[host] or host:find("^127%.%d+%.%d+%.%d+$") ~= nil)
end

local function container_url(get)
  local relative = get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
  local full = get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
  if relative then
    if relative:find("^/") then return CONTAINER_HOST .. relative end
    return fail("InvalidCredentials", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI must begin with /")
  end

  if check_full_uri(full or "") then return full end

  return fail("InvalidCredentials",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or http to a loopback or container address")
end

-- The file wins and is read each time: the platform rotates it.
local function container_authorization(context)
  local file = context.getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
  if not file then return context.getsecret("AWS_CONTAINER_AUTHORIZATION_TOKEN") end
  local text, message = profiles.read_file(profiles.expand(file, context.getenv))
  if not text then
    return fail("InvalidCredentials", "cannot read the container's token: %s", message)
  end

  if text:find("[\r\n]") then
    return fail("InvalidCredentials", "the container's token in %s holds a line break", file)
  end

  return secret.wrap(text)
end

function sources.has_container(context)
  for _, name in ipairs { "RELATIVE", "FULL" } do
    if context.getenv("AWS_CONTAINER_CREDENTIALS_" .. name .. "_URI") then return true end
  end

  return false
end

function sources.container(_, context, deadline_ms)
  local url, message, code = container_url(context.getenv)
  if not url then return nil, message, code end
  local authorization
  authorization, message, code = container_authorization(context)
  if message then return nil, message, code end
  local response
  for _ = 1, CONTAINER_ATTEMPTS do
    response, message, code = http.request {
      url = url,
      headers = { authorization = authorization },
      timeout_ms = CONTAINER_TIMEOUT_MS,
      deadline_ms = deadline_ms,
      direct = true,
      max_response_bytes = 65536,
    }

    local answered = response and response.status < 500
    if answered or code == "DeadlineExceeded" or code == "InvalidHeader" then break end
  end

  if not response then return nil, "the container's credentials: " .. message, code end
  if response.status ~= 200 then
    return fail("CredentialsUnavailable", "the container's credentials: status %d", response.status)
  end

  local body
  body, message, code = decode_object("the container", response.body)
  if not body then return nil, message, code end

  return build("the container", body.AccessKeyId, body.SecretAccessKey, body.Token, body.Expiration)
end

-- Shared files ----------------------------------------------------------------------------------

function sources.static(plan)
  return {
    access_key_id = plan.access_key_id,
    secret_access_key = plan.secret_access_key,
    session_token = plan.session_token,
  }
end

-- Words as a shell would split them, quotes and backslashes included, but nothing is expanded.
function sources.split_command(line)
  local words, word, quote, at = {}, nil, nil, 1
  local function add(text) -- to a list: a word that grew letter by letter would cost its square
    word = word or {}
    word[#word + 1] = text
  end

  while at <= #line do
    local c = line:sub(at, at)
    if c == "\\" and quote ~= "'" then
      at = at + 1
      if at > #line then return nil end
      add(line:sub(at, at))
    elseif quote then
      if c == quote then quote = nil else add(c) end
    elseif c == '"' or c == "'" then
      quote = c
      add ""
    elseif c:find("%s") then
      if word then words[#words + 1], word = table.concat(word), nil end
    else
      add(c)
    end

    at = at + 1
  end

  if quote then return nil end
  if word then words[#words + 1] = table.concat(word) end

  return #words > 0 and words or nil
end

local function time_left(context, deadline_ms, most)
  if not deadline_ms then return most end
  return math.max(1, math.min(most, math.floor(deadline_ms - context.now())))
end

function sources.process(plan, context, deadline_ms)
  local origin = ("credential_process of profile '%s'"):format(plan.profile)
  local argv = sources.split_command(plan.command)
  if not argv then
    return fail("InvalidProfile", "%s is not a command: a quote is not closed", origin)
  end

  local result, message, code = command.run {
    argv = argv,
    timeout_ms = time_left(context, deadline_ms, COMMAND_TIMEOUT_MS),
  }

  if not result then return fail("CredentialsUnavailable", "%s: %s (%s)", origin, message, code) end
  if result.exit_status ~= 0 then
    return fail("CredentialsUnavailable", "%s ended with status %d", origin, result.exit_status)
  end

  local body
  body, message, code = decode_object(origin, result.output)
  if not body then return nil, message, code end
  if body.Version ~= 1 then
    return fail("InvalidCredentials", "%s must answer with Version 1", origin)
  end

  return build(origin, body.AccessKeyId, body.SecretAccessKey, body.SessionToken, body.Expiration)
end

-- STS -------------------------------------------------------------------------------------------

local function from_sts(origin, output)
  local keys = output.Credentials
  if type(keys) ~= "table" then
    return fail("InvalidCredentials", "%s: the answer has no Credentials", origin)
  end

  return build(origin, keys.AccessKeyId, keys.SecretAccessKey, keys.SessionToken, keys.Expiration)
end

-- The session's name shows in audit trails; one is made up where none is configured.
local function session_name(context, given)
  return given or context.getenv("AWS_ROLE_SESSION_NAME") or "weir-" .. context.now() // 1000
end

function sources.web_identity(plan, context, deadline_ms)
  local origin = "web identity for " .. plan.role_arn
  local token, message = profiles.read_file(profiles.expand(plan.token_file, context.getenv))
  if not token then
    return fail("InvalidCredentials", "cannot read the web identity token: %s", message)
  end

  token = token:match("%S.*") or ""
  token = token:match(".*%S") or ""
  local output, code
  output, message, code = context.sts(nil, plan.region):assume_role_with_web_identity({
    RoleArn = plan.role_arn,
    RoleSessionName = session_name(context, plan.session_name),
    WebIdentityToken = secret.wrap(token),
  }, { deadline_ms = deadline_ms })
  if not output then return nil, message, code end

  return from_sts(origin, output)
end

-- plan.source is a provider: an object with get(deadline_ms).
function sources.role(plan, context, deadline_ms)
  local output, message, code = context.sts(plan.source, plan.region):assume_role({
    RoleArn = plan.arn,
    RoleSessionName = session_name(context, plan.session_name),
    ExternalId = plan.external_id,
    DurationSeconds = plan.duration_seconds,
  }, { deadline_ms = deadline_ms })
  if not output then return nil, message, code end

  return from_sts("role " .. plan.arn, output)
end

return sources
