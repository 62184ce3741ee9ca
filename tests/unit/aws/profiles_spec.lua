-- What a profile asks for: plans, and every contradiction and cycle with its own message.
local files = require("support.files")
local profiles = require("weir.aws.profiles")
local secret = require("weir.secret")

describe("weir.aws.profiles", function()
  local folder

  local function write(name, text) files.write(folder .. "/" .. name, text) end

  local function getenv(name)
    return ({ AWS_CONFIG_FILE = folder .. "/config", AWS_SHARED_CREDENTIALS_FILE = folder
      .. "/credentials" })[name]
  end

  local function plan(name, config, credentials)
    write("config", config)
    write("credentials", credentials or "")
    return profiles.plan(assert(profiles.load(getenv)), name)
  end

  local function refuses(reason, name, config, credentials)
    local found, message, code = plan(name, config, credentials)
    assert.is_nil(found)
    assert.equal("InvalidProfile", code, message)
    assert.matches(reason, message)
    assert.not_matches("hush", message)
  end

  setup(function() folder = files.directory() end)
  teardown(files.remove_all)

  it("takes static keys, those of the credentials file first", function()
    local found = plan("default",
      "[default]\naws_access_key_id = C\naws_secret_access_key = c\nregion = r\n",
      "[default]\naws_access_key_id = A\naws_secret_access_key = a\naws_session_token = t\n")
    assert.equal("A", found.access_key_id)
    assert.is_true(secret.equal(found.secret_access_key, "a"))
    assert.is_true(secret.equal(found.session_token, "t"))
    assert.equal("C", plan("default",
      "[default]\naws_access_key_id = C\naws_secret_access_key = c\n").access_key_id)
    assert.is_nil(plan("default", "[default]\nregion = r\n"))
    assert.is_nil(plan("other", "[default]\nregion = r\n"))
  end)

  it("prefers keys of the credentials file to a process, and a process to keys of the config",
  function()
    local process = "[profile p]\ncredential_process = tool --x\naws_access_key_id = C\n"
      .. "aws_secret_access_key = c\n"
    assert.equal("process", plan("p", process).kind)
    assert.equal("static", plan("p", process,
      "[p]\naws_access_key_id = A\naws_secret_access_key = a\n").kind)
  end)

  it("follows source profiles, with external id, session name and duration", function()
    local found = plan("a", [[
[profile a]
role_arn = arn:a
source_profile = b
external_id = x
role_session_name = s
duration_seconds = 1800
region = eu-west-1
[profile b]
role_arn = arn:b
source_profile = c
[profile c]
credential_process = tool
]])
    assert.same({ kind = "role", arn = "arn:a", external_id = "x", session_name = "s",
      duration_seconds = 1800,
      profile = "a", region = "eu-west-1", source = { kind = "role", arn = "arn:b", profile = "b",
        source = { kind = "process", command = "tool", profile = "c" } } }, found)
  end)

  it("takes a profile that names itself only with static keys", function()
    local own = "[profile a]\nrole_arn = arn:a\nsource_profile = a\n"
    assert.equal("static", plan("a", own,
      "[a]\naws_access_key_id = A\naws_secret_access_key = a\n").source.kind)
    refuses("leads back to itself", "a", own)
  end)

  it("finds cycles however long", function()
    refuses("leads back to itself", "a", "[profile a]\nrole_arn = 1\nsource_profile = b\n"
      .. "[profile b]\nrole_arn = 2\nsource_profile = c\n[profile c]\nrole_arn = 3\n"
      .. "source_profile = a\n")
  end)

  it("knows the sources that are not profiles", function()
    for source, kind in pairs({ Environment = "environment", EcsContainer = "container" }) do
      assert.equal(kind, plan("a", "[profile a]\nrole_arn = r\ncredential_source = " .. source
        .. "\n").source.kind)
    end

    refuses("Ec2InstanceMetadata is not supported", "a",
      "[profile a]\nrole_arn = r\ncredential_source = Ec2InstanceMetadata\n")
    refuses("must be Environment or EcsContainer", "a",
      "[profile a]\nrole_arn = r\ncredential_source = hush\n")
  end)

  it("reads web identity", function()
    assert.same({ kind = "web_identity", profile = "a", role_arn = "r", token_file = "/t",
      session_name = "s" },
      plan("a", "[profile a]\nrole_arn = r\nweb_identity_token_file = /t\nrole_session_name = s\n"))
    assert.equal("eu-west-3", plan("a", "[profile a]\nrole_arn = r\nweb_identity_token_file = /t\n"
      .. "region = eu-west-3\n").region)
    refuses("needs role_arn", "a", "[profile a]\nweb_identity_token_file = /t\n")
  end)

  it("refuses what contradicts itself or needs a person, and says what to do", function()
    refuses("exactly one of", "a", "[profile a]\nrole_arn = r\n")
    refuses("exactly one of", "a",
      "[profile a]\nrole_arn = r\nsource_profile = b\ncredential_source = Environment\n")
    refuses("'b' does not exist", "a", "[profile a]\nrole_arn = r\nsource_profile = b\n")
    refuses("'b': has no credentials, and 'a' needs them", "a",
      "[profile a]\nrole_arn = r\nsource_profile = b\n[profile b]\nregion = x\n")
    refuses("must both be set", "a", "[profile a]\naws_secret_access_key = hush\n")
    refuses("must both be set", "a", "", "[a]\naws_access_key_id = A\n")
    refuses("mfa_serial", "a",
      "[profile a]\nrole_arn = r\nmfa_serial = m\ncredential_source = Environment\n")
    refuses("between 900 and 43200", "a",
      "[profile a]\nrole_arn = r\nduration_seconds = 60\ncredential_source = Environment\n")
    refuses("SSO.*aws configure export%-credentials %-%-profile a", "a",
      "[profile a]\nsso_session = s\n")
    refuses("aws login.*export%-credentials", "a", "[profile a]\nlogin_session = s\n")
  end)

  it("prefers [profile default] to [default], in whatever order they stand", function()
    for _, config in ipairs {
      "[default]\nregion = plain\n[profile default]\noutput = json\n",
      "[profile default]\noutput = json\n[default]\nregion = plain\n",
    } do
      write("config", config)
      write("credentials", "")
      local all = assert(profiles.load(getenv))
      assert.is_nil(profiles.value(all.profiles.default, "region"))
      assert.equal("json", profiles.value(all.profiles.default, "output"))
    end
  end)

  it("lets a login that weir does not speak hide no keys, process or role", function()
    local sso = "[profile a]\nsso_session = s\nsso_account_id = 1\nlogin_session = l\n"
    assert.equal("static", plan("a", sso,
      "[a]\naws_access_key_id = A\naws_secret_access_key = a\n").kind)
    assert.equal("static", plan("a", sso
      .. "aws_access_key_id = A\naws_secret_access_key = a\n").kind)
    assert.equal("process", plan("a", sso .. "credential_process = tool\n").kind)
    assert.equal("role", plan("a", sso .. "role_arn = r\ncredential_source = Environment\n").kind)
    assert.equal("static", plan("b", sso .. "[profile b]\nrole_arn = r\nsource_profile = a\n",
      "[a]\naws_access_key_id = A\naws_secret_access_key = a\n").source.kind)
  end)

  it("refuses a profile with a line that cannot be read, and no other", function()
    local config =
      "[profile bad]\nregion = eu-west-1\nhush\n[profile good]\ncredential_process = tool\n"
      .. "[profile broken\nregion = eu-west-1\n[profile user]\nrole_arn = r\nsource_profile = bad\n"
    assert.equal("process", plan("good", config, "[other]\n= hush\n[good]\nregion = x\n").kind)
    for name, place in pairs { bad = "config:3: a line must read",
      broken = "config:6: a section must read",
      other = "credentials:2: a line must read", user = "config:3: a line must read" } do
      local found, message, code = plan(name, config, "[other]\n= hush\n")
      assert.is_nil(found)
      assert.equal("InvalidConfiguration", code, message)
      assert.matches(place, message)
      assert.not_matches("hush", message)
    end
  end)

  it("names a line before the first section only where a profile is missed", function()
    write("config", "region = hush\n[profile a]\nregion = eu-west-1\n")
    local shared = assert(profiles.load(getenv))
    assert.is_table(profiles.find(shared, "a"))
    local found, message, code = profiles.find(shared, "b")
    assert.is_nil(found)
    assert.equal("NoSuchProfile", code)
    assert.matches("^profile 'b' is in neither shared file; .*config:1: a key stands before",
      message)
  end)

  it("finds files of the home directory", function()
    local home = { HOME = folder, AWS_CONFIG_FILE = "~/config",
      AWS_SHARED_CREDENTIALS_FILE = "~/credentials" }
    write("config", "[profile home]\nregion = eu-west-1\n")
    write("credentials", "[home]\naws_access_key_id = A\n")
    local shared = assert(profiles.load(function(name) return home[name] end))
    assert.equal("eu-west-1", profiles.value(shared.profiles.home, "region"))
    assert.equal("A", profiles.value(shared.profiles.home, "aws_access_key_id"))
    assert.equal("~x", profiles.expand("~x", getenv))
    assert.equal("a~/x", profiles.expand("a~/x", getenv))
  end)

  it("treats absent files as empty and others that cannot be read as mistakes", function()
    local function missing() return "/nowhere/file" end
    assert.same({ profiles = {}, services = {} }, assert(profiles.load(missing)))
    local all, message, code = profiles.load(function() return folder end)
    assert.is_nil(all)
    assert.equal("InvalidConfiguration", code, message)
  end)
end)
