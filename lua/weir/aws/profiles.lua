-- The shared files ~/.aws/config and ~/.aws/credentials, and what a profile in them asks for.
--
-- A profile becomes a plan: the steps that lead to credentials, innermost first. Making the plan
-- reads files and nothing else, so a cycle or a contradiction is found before any request.
local ini = require "weir.aws.ini"
local secret = require "weir.secret"
local sorted_pairs = require "weir.sorted_pairs"

local profiles = {}

local function read_file(path)
  local file, message, number = io.open(path, "rb")
  if not file then return nil, message, number end
  local text
  text, message = file:read("a")
  file:close()

  return text, not text and path .. ": " .. message or nil
end
profiles.read_file = read_file

-- "~/x" is a file of the user's home directory, as in a shell.
function profiles.expand(path, getenv)
  local home = getenv("HOME")
  if home and path:find("^~/") then return home .. path:sub(2) end
  return path
end

-- A missing file counts as empty; a file that cannot be read is an error.
local ENOENT, ENOTDIR = 2, 20

local function load_sections(path)
  local text, message, number = read_file(path)
  if text then return ini.parse(text, path) end
  if number == ENOENT or number == ENOTDIR then return {}, {} end

  return nil, "cannot read " .. message, "InvalidConfiguration"
end

local function file_path(getenv, variable, default)
  local path = getenv(variable)
  if path and path ~= "" then return profiles.expand(path, getenv) end
  local home = getenv("HOME")

  return (home and home ~= "" and home or "") .. "/.aws/" .. default
end

-- [default] and [profile default] mean the same; where both are there, only the second counts.
local function profile_of_section(section, sections)
  if section ~= "default" then return section:match("^profile (.+)$") end
  return not sections["profile default"] and "default" or nil
end

local function add_config(files, sections, problems)
  for section, values in sorted_pairs(sections) do
    local name, services = profile_of_section(section, sections), section:match("^services (.+)$")
    if name then
      files.profiles[name] = { config = values, credentials = {}, problem = problems[section] }
    elseif services then
      files.services[services] = { values = values, problem = problems[section] }
    end
  end
end

local function add_credentials(files, sections, problems)
  for name, values in sorted_pairs(sections) do
    local profile = files.profiles[name] or { config = {}, credentials = {} }
    profile.credentials, profile.problem = values, profile.problem or problems[name]
    files.profiles[name] = profile
  end
end

-- load(getenv) → files | nil, message, code. Files are
--   profiles   { [name] = { config = {…}, credentials = {…}, problem = } }
--   services   { [name] = { values = {…}, problem = } }: the sections [services name]
--   problem    of lines that stand in no section, or nil
-- A problem says what cannot be read of a section; nil: all can.
function profiles.load(getenv)
  local config, wrong, code = load_sections(file_path(getenv, "AWS_CONFIG_FILE", "config"))
  if not config then return nil, wrong, code end
  local credentials, also_wrong
  local path = file_path(getenv, "AWS_SHARED_CREDENTIALS_FILE", "credentials")
  credentials, also_wrong, code = load_sections(path)
  if not credentials then return nil, also_wrong, code end

  local files = { profiles = {}, services = {}, problem = wrong[""] or also_wrong[""] }
  add_config(files, config, wrong)
  add_credentials(files, credentials, also_wrong)

  return files
end

-- A profile without any settings.
profiles.EMPTY = { config = {}, credentials = {} }

-- find(files, name) → profile | nil, message, code: it is not there, or cannot be read.
function profiles.find(files, name)
  local profile = files.profiles[name]
  if not profile then
    local also = files.problem and "; " .. files.problem or ""
    return nil, ("profile '%s' is in neither shared file%s"):format(name, also), "NoSuchProfile"
  end

  if profile.problem then return nil, profile.problem, "InvalidConfiguration" end

  return profile
end

-- A value of a profile; the credentials file wins. A nested section is not a value.
function profiles.value(profile, key)
  for _, file in ipairs { "credentials", "config" } do
    local value = profile[file][key]
    if type(value) == "string" and value ~= "" then return value end
  end
end

-- Planning ------------------------------------------------------------------------------------

local value = profiles.value

local function fail(name, message, ...)
  return nil, ("profile '%s': "):format(name) .. message:format(...), "InvalidProfile"
end

local function static_keys(name, section)
  local id, key = section.aws_access_key_id, section.aws_secret_access_key
  if not id and not key then return nil end
  if type(id) ~= "string" or type(key) ~= "string" or id == "" or key == "" then
    return fail(name, "aws_access_key_id and aws_secret_access_key must both be set")
  end

  local token = section.aws_session_token or section.aws_security_token

  return {
    kind = "static",
    profile = name,
    access_key_id = id,
    secret_access_key = secret.wrap(key),
    session_token = type(token) == "string" and token ~= "" and secret.wrap(token) or nil,
  }
end

local function has_static_keys(profile)
  return value(profile, "aws_access_key_id") ~= nil
    and value(profile, "aws_secret_access_key") ~= nil
end

-- weir cannot log in with SSO or a browser; the message says what to do instead. The fourth result
-- says that the profile holds nothing but a login: a caller that did not ask for the profile then
-- goes on to the next source.
local function refuse_login(profile, name)
  local what
  for _, key in ipairs { "sso_session", "sso_start_url", "sso_account_id" } do
    if value(profile, key) then what = "IAM Identity Center (SSO)" end
  end

  if value(profile, "login_session") then what = "`aws login`" end
  if not what then return nil end

  local _, message, code = fail(name, "uses %s, which weir does not speak; run `aws configure "
    .. "export-credentials --profile %s --format env` and use its output", what, name)
  return nil, message, code, true
end

local function web_identity(profile, name)
  return {
    kind = "web_identity",
    profile = name,
    role_arn = value(profile, "role_arn"),
    token_file = value(profile, "web_identity_token_file"),
    session_name = value(profile, "role_session_name"),
    region = value(profile, "region"),
  }
end

-- The credentials of a profile without a role: keys, a process, or none. A login that weir does not
-- speak is an error only when there is nothing else.
local function plan_plain(profile, name)
  if value(profile, "web_identity_token_file") then
    return fail(name, "web_identity_token_file needs role_arn as well")
  end

  local keys, message, code = static_keys(name, profile.credentials)
  if keys or message then return keys, message, code end
  local command = value(profile, "credential_process")
  if command then return { kind = "process", command = command, profile = name } end
  keys, message, code = static_keys(name, profile.config)
  if keys or message then return keys, message, code end

  return refuse_login(profile, name)
end

local CREDENTIAL_SOURCES = { Environment = "environment", EcsContainer = "container" }

local function plan_credential_source(name, source)
  local kind = CREDENTIAL_SOURCES[source]
  if kind then return { kind = kind, profile = name } end
  if source == "Ec2InstanceMetadata" then
    return fail(name, "credential_source Ec2InstanceMetadata is not supported; use Environment or "
      .. "EcsContainer")
  end

  return fail(name, "credential_source must be Environment or EcsContainer")
end

local plan_profile

local function plan_source_profile(files, name, source_name, visited)
  if not files.profiles[source_name] then
    return fail(name, "source_profile '%s' does not exist", source_name)
  end

  local source, message, code = profiles.find(files, source_name)
  if not source then return nil, message, code end

  if has_static_keys(source) then -- also a profile that names itself
    local keys
    keys, message, code = static_keys(source_name, source.credentials)
    if keys or message then return keys, message, code end

    return static_keys(source_name, source.config)
  end

  if visited[source_name] then
    return fail(name, "source_profile '%s' leads back to itself", source_name)
  end

  local plan
  plan, message, code = plan_profile(files, source_name, visited)
  if plan or message then return plan, message, code end

  return fail(source_name, "has no credentials, and '%s' needs them", name)
end

local function parse_duration(name, text)
  if not text then return nil end
  local seconds = text:match("^%d+$") and math.tointeger(tonumber(text))
  if not seconds or seconds < 900 or seconds > 43200 then
    return fail(name, "duration_seconds must be between 900 and 43200")
  end

  return seconds
end

local function plan_role(files, profile, name, visited)
  local source_profile = value(profile, "source_profile")
  local source = value(profile, "credential_source")
  if value(profile, "web_identity_token_file") then return web_identity(profile, name) end
  if (source_profile == nil) == (source == nil) then
    return fail(name, "role_arn needs exactly one of source_profile and credential_source")
  end

  if value(profile, "mfa_serial") then
    return fail(name, "mfa_serial needs a code from a person; weir cannot ask for one")
  end

  local duration, message, code = parse_duration(name, value(profile, "duration_seconds"))
  if message then return nil, message, code end

  local inner
  if source_profile then
    inner, message, code = plan_source_profile(files, name, source_profile, visited)
  else
    inner, message, code = plan_credential_source(name, source)
  end

  if not inner then return nil, message, code end

  return {
    kind = "role",
    source = inner,
    profile = name,
    arn = value(profile, "role_arn"),
    external_id = value(profile, "external_id"),
    session_name = value(profile, "role_session_name"),
    duration_seconds = duration,
    region = value(profile, "region"),
  }
end

function plan_profile(files, name, visited)
  visited[name] = true
  local profile, message, code = profiles.find(files, name)
  if not profile then return nil, message, code end
  if value(profile, "role_arn") then return plan_role(files, profile, name, visited) end

  return plan_plain(profile, name)
end

-- plan(files, name)
--     → plan | nil when the profile offers nothing | nil, message, code[, only_a_login]
-- A plan has a kind, "static", "process", "environment", "container", "web_identity" or "role", and
-- what the kind needs; a role has the plan of its `source`.
function profiles.plan(files, name)
  if not files.profiles[name] then return nil end
  return plan_profile(files, name, {})
end

return profiles
