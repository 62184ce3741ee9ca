-- What weir doctor tells of an estate's access point and of its notifications, by how AWS answers.
local files = require "weir.doctor.files"

local POINT = "arn:aws:s3:eu-west-1:111122223333:accesspoint/scans"
local CLIENTS = { s3 = "list_objects_v2", s3_buckets = "get_bucket_notification_configuration" }

-- An account whose functions read files of the access point that its own parameters name.
local function account_of(parameters)
  return { id = "444455556666", external_id = "an-external-id", parameters = parameters }
end

-- Puts clients in the place of AWS's that give the answers: service → { found, message, code,
-- details }. What they were made with stands in `configs`.
local function answering(answers, configs)
  for service, operation in pairs(CLIENTS) do -- any order: each is set
    package.loaded["weir.aws." .. service] = {
      new = function(config)
        configs[service] = config
        return { [operation] = function(_, input)
          assert.equal(POINT, input.Bucket)
          return table.unpack(answers[service], 1, 4)
        end }
      end,
    }
  end
end

local function refused(status, code) return { nil, "said so", code, { status = status } } end

-- "check outcome: message; remedy" of each finding, and what the clients were made with.
local function examine(answers, account)
  local told, configs = {}, {}
  local examination = {
    session = {
      config = { attempts = 3 },
      estate = {
        name = "scans",
        regions = { "eu-west-1" },
        parameters = {},
        accounts = { { id = "111122223333", kind = "storage" } },
      },
    },
  }

  for method, outcome in pairs { -- any order: each is set
    ok = "ok", wrong = "wrong", unknown = "cannot tell", unanswered = "no answer",
  } do
    examination[method] = function(_, check, place, subject, message, remedy)
      assert.same({ "444455556666", "eu-west-1" }, { place.account.id, place.region })
      assert.equal(POINT, subject)
      told[#told + 1] = ("%s %s: %s; %s"):format(check, outcome, message, remedy or "-")
    end
  end

  account = account or account_of { core = { AccessPointArn = POINT } }
  examination.session.all = { { reader = account, region = "eu-west-1", account = account } }
  answering(answers, configs)
  files.examine(examination, { [account] = true })

  return told, configs
end

local ANSWERS = { { Contents = { {}, {} } } }

local function reach(answer)
  return examine({ s3 = answer, s3_buckets = refused(501, "NotImplemented") })[1]
end

local function notifications(answer) return examine({ s3 = ANSWERS, s3_buckets = answer })[2] end

describe("an access point", function()
  local kept = {}

  setup(function()
    for service in pairs(CLIENTS) do -- any order: each is kept
      kept[service] = package.loaded["weir.aws." .. service]
    end
  end)

  teardown(function()
    for service in pairs(CLIENTS) do -- any order: each is put back
      package.loaded["weir.aws." .. service] = kept[service]
    end
  end)

  it("answers with the objects of its first page", function()
    local told = "access point ok: it answers, with %s on the first page; -"
    assert.equal(told:format "2 objects", reach { { Contents = { {}, {} } } })
    assert.equal(told:format "1 object", reach { { Contents = { {} } } })
    assert.equal(told:format "0 objects", reach { { Contents = {} } })
  end)

  it("is wrong where there is none, and cannot be told where the caller is refused", function()
    for _, code in ipairs { "NoSuchBucket", "NotFound", "NoSuchAccessPoint" } do
      assert.equal("access point wrong: there is no such access point; correct AccessPointArn in "
        .. "the estate file, or attach it to its volume", reach(refused(404, code)), code)
    end

    for _, code in ipairs { "AccessDenied", "Forbidden" } do
      assert.equal("access point cannot tell: it refuses this caller; only the access roles may "
        .. "list it; run weir doctor with the credentials of a function",
        reach(refused(403, code)), code)
    end

    assert.equal("access point no answer: said so; SlowDown", reach(refused(503, "SlowDown")))
  end)

  it("has no notifications yet", function()
    for _, code in ipairs { "NotImplemented", "MethodNotAllowed" } do
      assert.equal("notifications ok: there are none yet; reconcile finds what is new; -",
        notifications(refused(501, code)), code)
    end
  end)

  it("whose notifications the caller may not ask for says what to grant", function()
    for _, code in ipairs { "AccessDenied", "Forbidden" } do
      assert.equal("notifications cannot tell: the question is refused to this caller; "
        .. "grant s3:GetBucketNotification on the access point, if you want to know",
        notifications(refused(403, code)), code)
    end
  end)

  it("leaves open what trouble, or credentials that have ended, keep from an answer", function()
    for _, case in ipairs {
      { 500, "InternalError" }, { 503, "SlowDown" }, { 403, "SignatureDoesNotMatch" },
      { 400, "InvalidToken" }, { 400, "ExpiredToken" }, { nil, "Timeout" },
    } do
      assert.equal("notifications no answer: said so; " .. case[2],
        notifications(refused(case[1], case[2])))
    end
  end)

  it("makes news of any other answer about its notifications", function()
    local news = "notifications wrong: the answer is not NotImplemented any more: %s; AWS may have "
      .. "brought native notifications; docs/events.md tells how to try them"
    assert.equal(news:format "a configuration", notifications { {} })
    assert.equal(news:format "said so", notifications(refused(400, "InvalidRequest")))
  end)

  it("is asked in the role of the account's functions, from the account's own", function()
    local account = account_of { storage = { AccessPointArn = POINT } }
    account.role = { arn = "arn:aws:iam::444455556666:role/deploy", external_id = "another-id" }
    local _, configs = examine({ s3 = ANSWERS, s3_buckets = refused(501, "NotImplemented") },
      account)
    local wanted = {
      attempts = 3,
      region = "eu-west-1",
      role = {
        { arn = "arn:aws:iam::444455556666:role/deploy", external_id = "another-id" },
        {
          arn = "arn:aws:iam::111122223333:role/scans-storage-access-444455556666",
          external_id = "an-external-id",
          session_name = "weir-doctor",
        },
      },
    }
    assert.same(wanted, configs.s3)
    assert.same(wanted, configs.s3_buckets)
  end)

  it("that the estate does not name is not asked for", function()
    local told, configs = examine({}, account_of { core = {} })
    assert.same({ {}, {} }, { told, configs })
  end)
end)
