-- What a profile asks for: plans, and every contradiction and cycle with its own message.
local profiles = require("weir.aws.profiles")
local secret = require("weir.secret")

describe("weir.aws.profiles", function()
  local folder

  local function write(name, text)
    local file = assert(io.open(folder .. "/" .. name, "w"))
    file:write(text)
    file:close()
  end

  local function getenv(name)
    return ({ AWS_CONFIG_FILE = folder .. "/config", AWS_SHARED_CREDENTIALS_FILE = folder .. "/credentials" })[name]
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

  setup(function()
    folder = os.tmpname()
    os.remove(folder)
    os.execute("mkdir " .. folder)
  end)

  teardown(function() os.execute("rm -r " .. folder) end)

  it("takes static keys, those of the credentials file first", function()
    local found = plan("default", "[default]\naws_access_key_id = C\naws_secret_access_key = c\nregion = r\n",
      "[default]\naws_access_key_id = A\naws_secret_access_key = a\naws_session_token = t\n")
    assert.equal("A", found.access_key_id)
    assert.is_true(secret.equal(found.secret_access_key, "a"))
    assert.is_true(secret.equal(found.session_token, "t"))
    assert.equal("C", plan("default", "[default]\naws_access_key_id = C\naws_secret_access_key = c\n").access_key_id)
    assert.is_nil(plan("default", "[default]\nregion = r\n"))
    assert.is_nil(plan("other", "[default]\nregion = r\n"))
  end)

  it("prefers keys of the credentials file to a process, and a process to keys of the config", function()
    local process = "[profile p]\ncredential_process = tool --x\naws_access_key_id = C\naws_secret_access_key = c\n"
    assert.equal("process", plan("p", process).kind)
    assert.equal("static", plan("p", process, "[p]\naws_access_key_id = A\naws_secret_access_key = a\n").kind)
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
    assert.same({ kind = "role", arn = "arn:a", external_id = "x", session_name = "s", duration_seconds = 1800,
      profile = "a", region = "eu-west-1", source = { kind = "role", arn = "arn:b", profile = "b",
        source = { kind = "process", command = "tool", profile = "c" } } }, found)
  end)

  it("takes a profile that names itself only with static keys", function()
    local own = "[profile a]\nrole_arn = arn:a\nsource_profile = a\n"
    assert.equal("static", plan("a", own, "[a]\naws_access_key_id = A\naws_secret_access_key = a\n").source.kind)
    refuses("leads back to itself", "a", own)
  end)

  it("finds cycles however long", function()
    refuses("leads back to itself", "a", "[profile a]\nrole_arn = 1\nsource_profile = b\n"
      .. "[profile b]\nrole_arn = 2\nsource_profile = c\n[profile c]\nrole_arn = 3\nsource_profile = a\n")
  end)

  it("knows the sources that are no profile", function()
    for source, kind in pairs({ Environment = "environment", EcsContainer = "container" }) do
      assert.equal(kind, plan("a", "[profile a]\nrole_arn = r\ncredential_source = " .. source .. "\n").source.kind)
    end
    refuses("Ec2InstanceMetadata is not supported", "a",
      "[profile a]\nrole_arn = r\ncredential_source = Ec2InstanceMetadata\n")
    refuses("must be Environment or EcsContainer", "a", "[profile a]\nrole_arn = r\ncredential_source = hush\n")
  end)

  it("reads web identity", function()
    assert.same({ kind = "web_identity", profile = "a", role_arn = "r", token_file = "/t", session_name = "s" },
      plan("a", "[profile a]\nrole_arn = r\nweb_identity_token_file = /t\nrole_session_name = s\n"))
    refuses("needs role_arn", "a", "[profile a]\nweb_identity_token_file = /t\n")
  end)

  it("refuses what contradicts itself or needs a person, and says what to do", function()
    refuses("exactly one of", "a", "[profile a]\nrole_arn = r\n")
    refuses("exactly one of", "a", "[profile a]\nrole_arn = r\nsource_profile = b\ncredential_source = Environment\n")
    refuses("'b' does not exist", "a", "[profile a]\nrole_arn = r\nsource_profile = b\n")
    refuses("'b': has no credentials, and 'a' needs them", "a",
      "[profile a]\nrole_arn = r\nsource_profile = b\n[profile b]\nregion = x\n")
    refuses("must both be set", "a", "[profile a]\naws_secret_access_key = hush\n")
    refuses("must both be set", "a", "", "[a]\naws_access_key_id = A\n")
    refuses("mfa_serial", "a", "[profile a]\nrole_arn = r\nmfa_serial = m\ncredential_source = Environment\n")
    refuses("between 900 and 43200", "a",
      "[profile a]\nrole_arn = r\nduration_seconds = 60\ncredential_source = Environment\n")
    refuses("SSO.*aws configure export%-credentials %-%-profile a", "a", "[profile a]\nsso_session = s\n")
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
      assert.is_nil(profiles.value(all.default, "region"))
      assert.equal("json", profiles.value(all.default, "output"))
    end
  end)

  it("treats absent files as empty and others that cannot be read as mistakes", function()
    local function missing() return "/nowhere/file" end
    assert.same({}, assert(profiles.load(missing)))
    local all, message, code = profiles.load(function() return folder end)
    assert.is_nil(all)
    assert.equal("InvalidConfiguration", code, message)
  end)
end)
