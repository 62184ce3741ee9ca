-- weir.json.decode{secrets=}: strings that are secrets never become Lua strings.
local json = require("weir.json")
local property = require("support.property")
local secret = require("weir.secret")

local TOKEN = "AQCEAAAAKg+/=="

local function decoded(text, how)
  local value, message = json.decode(text, { secrets = how == nil and true or how })
  assert.is_nil(message)
  return value
end

local function is_token(value) return secret.is(value) and secret.equal(value, TOKEN) end

describe("json.decode with secrets", function()
  it("wraps members by their names, at any depth, however they are escaped", function()
    local event = decoded([[{"a": [{"TaskToken": "AQCEAAAAKg+\/=="}],
      "task\u0054oken": "AQCEAAAAKg+/\u003d=",
      "x-amz-security-token": "AQCEAAAAKg+/==", "key": "plain"}]])
    assert.is_true(is_token(event.a[1].TaskToken))
    assert.is_true(is_token(event.taskToken))
    assert.is_true(is_token(event["x-amz-security-token"]))
    assert.equal("plain", event.key)
  end)

  it("wraps every string inside of such a member, and leaves all else as it is", function()
    local event = decoded(
      '{"credentials": {"user": "u", "list": ["v", 3, null, true, {"key": "w"}]}, "n": "s"}')
    assert.is_true(secret.is(event.credentials.user))
    assert.is_true(secret.is(event.credentials.list[1]))
    assert.is_true(secret.is(event.credentials.list[5].key))
    assert.equal(3, event.credentials.list[2])
    assert.equal(json.null, event.credentials.list[3])
    assert.equal("s", event.n)
  end)

  it("wraps the Value of a tag by its Key, in either order", function()
    for _, how in ipairs { true, "tags" } do
      local tags = decoded(
        '[{"Key": "TaskToken", "Value": "AQCEAAAAKg+/=="}, {"Value": "AQCEAAAAKg+/==", '
        .. '"Key": "Task\\u0054oken"}, {"Value": "v", "Key": "CorrelationId"}, '
        .. '{"Key": "CorrelationId", "Value": "v"}, {"Value": "v"}, {"value": "v", "key": "a"}]',
        how)
      assert.is_true(is_token(tags[1].Value))
      assert.is_true(is_token(tags[2].Value))
      for i = 3, 5 do assert.equal("v", tags[i].Value) end
      assert.equal("v", tags[6].value)
      assert.equal("TaskToken", tags[1].Key)
    end
  end)

  it("wraps no member by its name where only tags are wanted", function()
    assert.equal("next", decoded('{"NextToken": "next", "Tags": []}', "tags").NextToken)
  end)

  it("decides late in a large object, too", function()
    local members = {}
    for i = 1, 200 do members[i] = ('"m%d": "x"'):format(i) end
    local many = table.concat(members, ",")
    local first = '{"Value": "AQCEAAAAKg+/==",' .. many
    assert.is_true(is_token(decoded(first .. ', "Key": "TaskToken"}').Value))
    assert.equal(TOKEN, decoded(first .. ', "Key": "Name"}').Value)
    assert.equal(TOKEN, decoded(first .. "}").Value)
  end)

  it("reads a text that is a secret", function()
    assert.is_true(is_token(decoded(secret.wrap('{"token": "AQCEAAAAKg+/=="}')).token))
    assert.equal("InvalidJson", select(3, json.decode(secret.wrap('{"token": "AQCEAAAAKg'),
      { secrets = true })))
  end)

  it("opens no secret without being told which parts stay secret", function()
    for _, options in ipairs { {}, { secrets = false } } do
      assert.error_matches(function() json.decode(secret.wrap("{}"), options) end,
        "expected weir.json.decode(text", 1, true)
    end

    assert.error_matches(function()
      json.decode(secret.wrap("{}"))
    end, "expected weir.json.decode(text", 1, true)
  end)

  it("shows such values as [redacted]", function()
    assert.equal('{"token":"[redacted]"}', json.encode(decoded('{"token": "AQCEAAAAKg+/=="}')))
  end)

  it("refuses options that are none", function()
    for _, options in ipairs { { secret = true }, { secrets = "names" }, { secrets = 3 }, true } do
      assert.error_matches(function()
        json.decode("{}", options)
      end, "expected weir.json.decode(text", 1, true)
    end
  end)

  it("differs from plain decoding in nothing else", function()
    local scalar = property.one_of { property.string(), property.int(), property.boolean(),
      property.constant(json.null) }
    local name = property.element {
      "a",
      "Key",
      "key",
      "Value",
      "value",
      "TaskToken",
      "token",
      "secret",
      "Name",
    }

    local value = property.nested(4, scalar, function(inner)
      return property.one_of { property.object(name, inner),
        property.map(property.array(inner), function(list) return json.array(list) end) }
    end)

    -- Secrets opened again, by the plain value beside them.
    local function same(hidden, plain)
      if secret.is(hidden) then return secret.equal(hidden, plain) end
      if type(hidden) ~= "table" then return hidden == plain end
      for key, item in pairs(hidden) do
        if not same(item, plain[key]) then return false end
      end

      for key in pairs(plain) do
        if hidden[key] == nil then return false end
      end

      return json.is_array(hidden) == json.is_array(plain)
    end

    property.check("same but for secrets", value, function(given)
      local text = json.encode(given)
      assert.is_true(same(decoded(text), (json.decode(text))))
      assert.is_true(same(decoded(text, "tags"), (json.decode(text))))
    end, { cases = 2000 })
  end)
end)

describe("secret.names", function()
  it("is one list for events, plans and tags", function()
    for _, name in ipairs { "token", "TaskToken", "x.y_t-o-k-e-n", "DB_PASSWORD", "clientSecret",
      ("a"):rep(500) .. "Authorization", "apiKey" } do
      assert.is_true(secret.names(name), name)
    end

    for _, name in ipairs { "", "key", "CorrelationId", "token_storage_mode", "TOKEN_TABLE",
      "tokenizer",
      "TASK_TOKEN_TABLE_NAME", "task_token_table_name", "inputTokens", "total_tokens",
      "max_new_tokens",
      "token_ttl_seconds", "toke", "n" } do
      assert.is_false(secret.names(name), name)
    end

    assert.is_true(secret.names(("a"):rep(500) .. "tokenizer"))
    assert.error_matches(function() secret.names(3) end, "weir%.secret%.names%(name%)")
  end)
end)

describe("secret.size and secret.made_of", function()
  it("tell about a secret without showing it", function()
    assert.equal(14, secret.size(secret.wrap(TOKEN)))
    assert.is_true(secret.made_of(secret.wrap("abba"), "ab"))
    assert.is_false(secret.made_of(secret.wrap("abc"), "ab"))
    assert.is_true(secret.made_of(secret.wrap(""), ""))
    assert.is_false(secret.made_of(secret.wrap("\0"), "a"))
    assert.error_matches(function() secret.size("text") end, "weir%.secret%.size%(secret%)")
  end)
end)

describe("secret.hide", function()
  local wrapped = secret.wrap("AQCEAAAAKgAAAA/MAAAAA+AAAAYJ5kWq3T")

  it("takes out pieces, and leaves what is shorter than eight characters", function()
    assert.equal("'[redacted]'", secret.hide("'AQCEAAAAKgAA'", wrapped))
    assert.equal("'AQCEAAA'", secret.hide("'AQCEAAA'", wrapped))
    assert.equal("[redacted] and [redacted]",
      secret.hide("AQCEAAAAKg and J5kWq3T/AAYJ5kWq3T", secret.wrap(
      "AQCEAAAAKgAAAA/MAAAAA+AAAAYJ5kWq3T/AAYJ5kWq3T")):gsub("%[redacted%]/%[redacted%]",
        "[redacted]"))
  end)

  it("knows the escapes of JSON, URLs and XML, however often they were escaped again", function()
    for _, quoted in ipairs { "KgAAAA\\/MAAAAA", "KgAAAA\\\\\\/MAAAAA", "KgAAAA\\u002fMAAAAA",
      "KgAAAA%2fMAAAAA",
      "KgAAAA%252FMAAAAA", "KgAAAA&#47;MAAAAA", "KgAAAA&#x2F;MAAAAA", "KgAAAA_MAAAAA" } do
      assert.equal("<[redacted]>", secret.hide("<" .. quoted .. ">", wrapped))
    end
  end)

  it("leaves a text alone that has nothing of it", function()
    local text = "User: arn:aws:iam::111122223333:role/x is not authorized: 100% \\ &amp; %2"
    assert.equal(text, secret.hide(text, wrapped))
  end)
end)
