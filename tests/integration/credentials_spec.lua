-- Every source of credentials, for real: files, processes, a container's server, STS.
local files = require("support.files")
local cloud = require("support.aws")
local credentials = require("weir.aws.credentials")
local effects = require("weir.effects")
local secret = require("weir.secret")
local servers = require("support.servers")
local sources = require("weir.aws.credential_sources")

describe("credentials", function()
  local peer = servers.start("http_peer")
  local folder
  local ROLE = "arn:aws:iam::444455556666:role/needs-external-id"

  setup(function() folder = files.directory() end)
  teardown(files.remove_all)

  before_each(function()
    cloud.reset()
    credentials.reset()
  end)

  local function write(name, text) return files.write(folder .. "/" .. name, text) end

  local function find(environment, config)
    config = config or {}
    config.getenv = cloud.environment(environment)
    return credentials.provider(config):get()
  end

  local function holds(keys, id, key, token)
    assert.equal(id, keys.access_key_id)
    assert.is_true(secret.equal(keys.secret_access_key, key))
    if token then
      assert.is_true(secret.equal(keys.session_token, token)) else assert.is_nil(keys.session_token)
    end

    for _, value in pairs(keys) do assert.not_equal(key, value) end
  end

  local function refuses(code, reason, environment, config)
    local keys, message, actual = find(environment, config)
    assert.is_nil(keys)
    assert.equal(code, actual, message)
    assert.matches(reason, message)
    assert.not_matches("hush", message)

    return message
  end

  describe("from the environment", function()
    it("come first and are secrets", function()
      holds(assert(find({ AWS_ACCESS_KEY_ID = "A", AWS_SECRET_ACCESS_KEY = "s" })), "A", "s")
      holds(assert(find({ AWS_ACCESS_KEY_ID = "A", AWS_SECRET_ACCESS_KEY = "s",
        AWS_SESSION_TOKEN = "t" })),
        "A", "s", "t")
    end)

    it("must be a pair", function()
      refuses("InvalidCredentials", "must both be set", { AWS_ACCESS_KEY_ID = "A" })
      refuses("InvalidCredentials", "must both be set", { AWS_SECRET_ACCESS_KEY = "hush" })
    end)

    it("give way to a profile that was asked for", function()
      local file = write("credentials", "[p]\naws_access_key_id = P\naws_secret_access_key = p\n")
      holds(assert(find({ AWS_ACCESS_KEY_ID = "A", AWS_SECRET_ACCESS_KEY = "s",
        AWS_SHARED_CREDENTIALS_FILE = file }, { profile = "p" })), "P", "p")
    end)
  end)

  it("that are given are checked, without a word of what is in them", function()
    for _, given in ipairs({ "hush", { access_key_id = "A", secret_access_key = 5 },
      { access_key_id = "A", secret_access_key = "hush", sesion_token = "hush" },
      { access_key_id = "A", secret_access_key = "hush", session_token = 5 } }) do
      local ok, message = pcall(find, {}, { credentials = given })
      assert.is_false(ok)
      assert.matches("expected credentials={access_key_id=", message)
      assert.not_matches("hush", message)
    end
  end)

  it("in a file that cannot be read name the file", function()
    refuses("InvalidConfiguration", "cannot read " .. folder, { AWS_CONFIG_FILE = folder })
  end)

  it("that are nowhere end in a message that says what to do", function()
    refuses("NoCredentials", "set AWS_ACCESS_KEY_ID", {})
    refuses("NoSuchProfile", "profile 'x' is in neither", { AWS_PROFILE = "x" })
  end)

  describe("from a container", function()
    local function container(more)
      local environment = { AWS_CONTAINER_CREDENTIALS_FULL_URI = peer.url .. "/container",
        AWS_CONTAINER_AUTHORIZATION_TOKEN = "container token" }
      for name, value in pairs(more or {}) do environment[name] = value end
      return environment
    end

    it("are asked for with its token", function()
      holds(assert(find(container())), "ASIACONTAINER", "s3cr3t", "t0k3n")
    end)

    it("take the token of a file, read each time", function()
      local file = write("token", "container token")
      local environment = container({ AWS_CONTAINER_AUTHORIZATION_TOKEN = false,
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE = file })
      holds(assert(find(environment)), "ASIACONTAINER", "s3cr3t", "t0k3n")
      credentials.reset()
      write("token", "hush\r\nX: y")
      refuses("InvalidCredentials", "line break", environment)
      credentials.reset()
      environment.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE = "/nowhere"
      refuses("InvalidCredentials", "cannot read the container's token", environment)
    end)

    it("are asked for past any proxy", function()
      local script = write("ask.lua", [[
        local keys, message = require("weir.aws.credentials").provider({}):get()
        io.write(keys and keys.access_key_id or message)
      ]])
      local pipe = assert(io.popen(
        ("env -i http_proxy=http://127.0.0.1:1 AWS_CONTAINER_CREDENTIALS_FULL_URI=%s "
        .. "AWS_CONTAINER_AUTHORIZATION_TOKEN='container token' /proc/%d/exe lua %s"):format(
        peer.url .. "/container", assert(io.open("/proc/self/stat")):read("n"), script)))
      assert.equal("ASIACONTAINER", pipe:read("a"))
      pipe:close()
    end)

    it("fail with the status alone", function()
      refuses("CredentialsUnavailable", "status 403",
        container({ AWS_CONTAINER_AUTHORIZATION_TOKEN = "hush" }))
      refuses("InvalidCredentials", "JSON object",
        container({ AWS_CONTAINER_CREDENTIALS_FULL_URI = peer.url .. "/digest" }))
    end)

    it("are never asked for in the open", function()
      for _, uri in ipairs({ "http://example.com/x", "http://10.0.0.1/",
        "http://169.254.170.2.evil.com/", "ftp://x",
        "http://localhost.evil.com/", "http://127.0.0.1.evil.com/", "http://[fd00:ec2::24]/", "x",
          "http://" }) do
        refuses("InvalidCredentials", "must be https", { AWS_CONTAINER_CREDENTIALS_FULL_URI = uri })
      end

      refuses("InvalidCredentials", "must begin with /",
        { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI = "@evil.com/" })
    end)

    it("that have expired are refused", function()
      refuses("ExpiredCredentials", "already expired", container({
        AWS_CONTAINER_CREDENTIALS_FULL_URI = peer.url
          .. "/container?expiration=2020-01-01T00:00:00Z" }))
      refuses("InvalidCredentials", "not a time", container({
        AWS_CONTAINER_CREDENTIALS_FULL_URI = peer.url .. "/container?expiration=soon" }))
    end)
  end)

  it("of a container are used where the default profile offers only a login", function()
    local config = write("config", "[default]\nsso_session = s\nsso_account_id = 1\n")
    local environment = { AWS_CONFIG_FILE = config, AWS_CONTAINER_CREDENTIALS_FULL_URI = peer.url
      .. "/container",
      AWS_CONTAINER_AUTHORIZATION_TOKEN = "container token" }
    holds(assert(find(environment)), "ASIACONTAINER", "s3cr3t", "t0k3n")
    refuses("InvalidProfile", "SSO", { AWS_CONFIG_FILE = config })
    refuses("InvalidProfile", "SSO", environment, { profile = "default" })
  end)

  it("are not looked for elsewhere when the profile in use cannot be read", function()
    local config = write("config", "[default]\nhush\n[profile good]\nregion = eu-west-1\n")
    refuses("InvalidConfiguration", "config:2: a line must read", { AWS_CONFIG_FILE = config,
      AWS_CONTAINER_CREDENTIALS_FULL_URI = peer.url .. "/container",
      AWS_CONTAINER_AUTHORIZATION_TOKEN = "container token" })
    refuses("NoCredentials", "set AWS_ACCESS_KEY_ID.*config:1: a key stands before",
      { AWS_CONFIG_FILE = write("config", "region = hush\n") })
  end)

  describe("from a process", function()
    local function with_process(script, code, reason)
      local program = write("program.sh", script)
      local config = write("config",
        ("[profile p]\ncredential_process = sh \"%s\" 'a b'\n"):format(program))
      local environment = { AWS_CONFIG_FILE = config, AWS_PROFILE = "p" }
      if code then return refuses(code, reason, environment) end

      return assert(find(environment))
    end

    it("are what it prints", function()
      local answer =
        [[test "$1" = 'a b' && echo '{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s",%s}']]
      holds(with_process(answer:format('"SessionToken":"t","Expiration":"2100-01-01T00:00:00Z"')),
        "A", "s", "t")
      credentials.reset()
      assert.is_nil(with_process(answer:format('"Expiration":null')).expiration)
    end)

    it("fail without a word of what it printed", function()
      with_process("echo hush; exit 3", "CredentialsUnavailable", "status 3")
      with_process("echo hush", "InvalidCredentials", "JSON object")
      with_process("echo '{\"Version\":2,\"SecretAccessKey\":\"hush\"}'", "InvalidCredentials",
        "Version 1")
      with_process("echo '{\"Version\":1,\"SecretAccessKey\":\"hush\"}'", "InvalidCredentials",
        "no access key id")
      with_process("echo '{\"Version\":1,\"AccessKeyId\":5,\"SecretAccessKey\":\"hush\"}'",
        "InvalidCredentials",
        "no access key id")
      with_process("kill -9 $$", "CredentialsUnavailable", "signal 9")
    end)

    it("split a long command in one go", function()
      local started = os.clock()
      assert.equal(500000, #sources.split_command(("x"):rep(500000))[1])
      assert.is_true(os.clock() - started < 2)
    end)

    it("split their command without a shell", function()
      assert.same({ "a", "b c", "d'e", "$HOME", "", "x\\y", "`id`" },
        sources.split_command([[a "b c" d\'e $HOME '' 'x\y'   `id`]]))
      for _, command in ipairs({ "", "  ", '"open', "'open", "end\\" }) do
        assert.is_nil(sources.split_command(command))
      end
    end)
  end)

  describe("of roles", function()
    it("come from a profile, with its external id", function()
      local config = write("config",
        ("[profile p]\nrole_arn = %s\ncredential_source = Environment\n"
        .. "external_id = partner-7\nrole_session_name = session\nduration_seconds = 900\n")
          :format(ROLE))
      local environment = { AWS_CONFIG_FILE = config, AWS_ACCESS_KEY_ID = cloud.front.key_id,
        AWS_SECRET_ACCESS_KEY = cloud.front.secret }
      local keys = assert(find(environment, { profile = "p" }))
      assert.matches("^ASIA", keys.access_key_id)
      local seen = cloud.requests()[1]
      assert.same({ RoleArn = ROLE, ExternalId = "partner-7", RoleSessionName = "session",
        DurationSeconds = "900" },
        seen.input)
    end)

    it("are taken by any client, one after another, and once for all clients", function()
      local getenv = cloud.environment()
      local config = { getenv = getenv,
        credentials = credentials.provider({ credentials = cloud.credentials,
        getenv = getenv }), role = { { arn = ROLE, external_id = "partner-7",
          session_name = "first" },
          { arn = "arn:aws:iam::1:role/second", session_name = "second" } } }
      local s3 = cloud.client("s3", config)
      assert(s3:put_object({ Bucket = "bucket", Key = "by-role", Body = "x" }))
      assert(cloud.client("ssm", config):get_parameter({ Name = "/x" }))
      local operations = {}
      for i, seen in ipairs(cloud.requests()) do operations[i] = seen.operation end
      assert.same({ "AssumeRole", "AssumeRole", "PutObject", "GetParameter" }, operations)
      local first, second, put = table.unpack(cloud.requests())
      assert.equal(cloud.front.key_id, first.key_id)
      assert.matches("^ASIA", second.key_id)
      assert.not_equal(second.key_id, put.key_id)
      assert.is_true(put.token)
    end)

    it("are those of an effect, or else those of the executor", function()
      local live = effects.live {
        client = {
          credentials = cloud.credentials,
          getenv = cloud.environment(),
          role = { arn = ROLE, external_id = "partner-7" },
        },
      }

      local function put_as(role)
        cloud.reset()
        assert(live:call {
          service = "s3",
          operation = "PutObject",
          target = "bucket/by-role",
          input = { Bucket = "bucket", Key = "by-role", Body = "x" },
          role = role,
        })

        local seen = cloud.requests()
        local assumed = seen[1].operation == "AssumeRole" and seen[1].input.RoleArn or "none anew"

        return assumed, seen[#seen].key_id
      end

      local own, own_key = put_as(nil)
      local other, other_key = put_as({ arn = "arn:aws:iam::1:role/other" })
      assert.same({ ROLE, "arn:aws:iam::1:role/other" }, { own, other })
      assert.not_equal(own_key, other_key)
      assert.same({ "none anew", own_key }, { put_as(nil) })
    end)

    it("that may not be assumed say so", function()
      local output, message, code = cloud.client("ssm",
        { role = { arn = ROLE } }):get_parameter({ Name = "/x" })
      assert.is_nil(output)
      assert.equal("AccessDenied", code)
      assert.matches(
        "^ssm GetParameter: AccessDenied: sts AssumeRole: AccessDenied: not authorized", message)
      assert.error_matches(function() cloud.client("ssm",
        { role = { arn = "x", externalId = "y" } }) end,
        "unknown key 'externalId'")
    end)
  end)

  it("of a web identity are asked for without a signature, the token read each time", function()
    local file = write("web-token", "a web identity token\n")
    local environment = { AWS_ROLE_ARN = "arn:aws:iam::1:role/web",
      AWS_WEB_IDENTITY_TOKEN_FILE = file,
      AWS_ROLE_SESSION_NAME = "web" }
    assert.matches("^ASIA", assert(find(environment)).access_key_id)
    assert.equal("web", cloud.requests()[1].input.RoleSessionName)
    credentials.reset()
    write("web-token", "hush")
    refuses("InvalidIdentityToken", "No OpenIDConnect provider", environment)
    credentials.reset()
    refuses("InvalidCredentials", "cannot read the web identity token",
      { AWS_ROLE_ARN = "r", AWS_WEB_IDENTITY_TOKEN_FILE = "/nowhere" })
  end)

  it("of a web identity come from the region of their profile", function()
    write("web-token", "a web identity token\n")
    local config = write("config",
      "[profile web]\nrole_arn = arn:aws:iam::1:role/web\nregion = eu-central-1\n"
      .. "web_identity_token_file = ~/web-token\n")
    local environment = { AWS_CONFIG_FILE = config, AWS_PROFILE = "web", HOME = folder,
      AWS_REGION = false,
      AWS_ROLE_SESSION_NAME = "" }
    assert.matches("^ASIA", assert(find(environment)).access_key_id)
    assert.matches("^weir%-%d+$", cloud.requests()[1].input.RoleSessionName)

    -- Without a configured endpoint the host shows the region; nothing answers there.
    credentials.reset()
    local values = { AWS_CONFIG_FILE = config, AWS_PROFILE = "web", HOME = folder,
      AWS_USE_FIPS_ENDPOINT = "true",
      AWS_ENDPOINT_URL_STS = "http://127.0.0.1:1" }
    local keys, message,
      code = credentials.provider({ getenv = function(name) return values[name] end }):get()
    assert.is_nil(keys)
    assert.equal("InvalidEndpoint", code, message)
  end)

  describe("are kept", function()
    local MINUTE = 60000
    local now, loads, answer, provider

    before_each(function()
      now, loads = 1000000000, 0
      answer = function() return { access_key_id = "A" .. loads,
        expiration = now + 60 * MINUTE } end
      provider = credentials.cached(function()
        loads = loads + 1
        return answer()
      end, function() return now end)
    end)

    local function failing() return nil, "down", "Timeout" end

    it("until 15 minutes before they expire", function()
      assert.equal("A1", provider:get().access_key_id)
      now = now + 44 * MINUTE
      assert.equal("A1", provider:get().access_key_id)
      now = now + 2 * MINUTE
      assert.equal("A2", provider:get().access_key_id)
    end)

    it("over a failed refresh, until 10 minutes before", function()
      provider:get()
      now, answer = now + 46 * MINUTE, failing
      assert.equal("A1", provider:get().access_key_id)
      assert.equal("A1", provider:get().access_key_id)
      assert.equal(2, loads) -- a source in trouble is not asked at every call
      now = now + 2 * MINUTE
      assert.equal("A1", provider:get().access_key_id)
      assert.equal(3, loads)
      now = now + 3 * MINUTE
      local keys, message, code = provider:get()
      assert.is_nil(keys)
      assert.same({ "down", "Timeout" }, { message, code })
    end)

    it("for half their life when that is short", function()
      answer = function() return { access_key_id = "A" .. loads,
        expiration = now + 15 * MINUTE } end
      provider:get()
      now = now + 7 * MINUTE
      assert.equal("A1", provider:get().access_key_id)
      now = now + 1 * MINUTE
      assert.equal("A2", provider:get().access_key_id)
    end)

    it("for ever when they do not expire, until they are forgotten", function()
      answer = function() return { access_key_id = "A" .. loads } end
      provider:get()
      now = now + 100000 * MINUTE
      assert.equal("A1", provider:get().access_key_id)
      provider:forget()
      assert.equal("A2", provider:get().access_key_id)
    end)
  end)

  it("are asked for anew once a service calls them expired", function()
    local asked = 0
    local provider = credentials.cached(function()
      asked = asked + 1
      return cloud.credentials
    end, function() return 0 end)
    local ssm = cloud.client("ssm", { credentials = provider })
    assert(ssm:get_parameter({ Name = "/x" }))
    cloud.faults({ kind = "status", status = 400, headers = {},
      body = '{"__type":"ExpiredTokenException"}' })
    assert.equal("ExpiredTokenException", select(3, ssm:get_parameter({ Name = "/x" })))
    assert(ssm:get_parameter({ Name = "/x" }))
    assert.equal(2, asked)
  end)

  it("never show in anything printed", function()
    local keys = assert(find({ AWS_ACCESS_KEY_ID = "A", AWS_SECRET_ACCESS_KEY = "hush",
      AWS_SESSION_TOKEN = "hush" }))
    for _, value in pairs(keys) do assert.not_matches("hush", tostring(value)) end
  end)
end)
