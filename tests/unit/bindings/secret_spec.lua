-- weir.secret and weir.body: a secret shows nowhere, and leaves only inside a request.
local body = require("weir.body")
local dynamodb = require("weir.dynamodb")
local json = require("weir.json")
local secret = require("weir.secret")

local token = "AQB8-the-task-token"

describe("weir.secret", function()
  local wrapped = secret.wrap(token)

  it("prints, formats and concatenates as [redacted]", function()
    assert.equal("[redacted]", tostring(wrapped))
    assert.equal("token: [redacted]", ("token: %s"):format(wrapped))
    assert.equal("a[redacted]b", "a" .. wrapped .. "b")
    assert.equal("[redacted][redacted]", wrapped .. wrapped)
    assert.equal("1[redacted]", 1 .. wrapped)
  end)

  it("encodes as [redacted] in logs", function()
    assert.equal('{"token":"[redacted]"}', json.encode({ token = wrapped }))
  end)

  it("does not show in errors", function()
    local _, message = pcall(error, "failed with " .. wrapped)
    assert.falsy(message:find(token, 1, true))
    _, message = pcall(function() return wrapped.text end)
    assert.falsy(tostring(message):find(token, 1, true))
    _, message = pcall(function() return #wrapped end)
    assert.falsy(tostring(message):find(token, 1, true))
  end)

  it("is refused by everything that wants a string", function()
    for name, call in pairs({
      rep = function() return string.rep(wrapped, 2) end,
      sub = function() return string.sub(wrapped, 1, 3) end,
      byte = function() return string.byte(wrapped) end,
      quoted = function() return ("%q"):format(wrapped) end,
      concat = function() return table.concat({ wrapped }) end,
      write = function() return io.stdout:write(wrapped) end,
      tonumber = function() return #tostring(tonumber(wrapped)) > 3 or error() end,
      order = function() return wrapped < wrapped end,
    }) do
      assert.is_false(pcall(call), name)
    end
  end)

  it("has no metatable to take apart, and no function that opens it", function()
    assert.equal("secret", getmetatable(wrapped))
    assert.is_false(pcall(setmetatable, wrapped, {}))
    for name, member in pairs(secret) do
      if name ~= "environment" then
        for _, result in ipairs({ pcall(member, wrapped, wrapped) }) do
          assert.falsy(tostring(result):find(token, 1, true), name)
        end
      end
    end
  end)

  it("compares by content", function()
    assert.is_true(wrapped == secret.wrap(token))
    assert.is_false(wrapped == secret.wrap(token .. "x"))
    assert.is_false(wrapped == secret.wrap("BQB8-the-task-token"))
    assert.is_false(wrapped == token)
    assert.is_true(secret.equal(wrapped, token))
    assert.is_false(secret.equal("a", "b"))
    assert.is_true(secret.equal(secret.wrap(""), ""))
  end)

  it("wraps bytes of any kind once", function()
    assert.is_true(secret.equal(secret.wrap("\0\255"), "\0\255"))
    assert.is_true(rawequal(wrapped, secret.wrap(wrapped)))
    assert.is_true(secret.is(wrapped))
    assert.is_false(secret.is(token))
  end)

  it("reads variables without making strings of them", function()
    assert.is_true(secret.equal(secret.environment("PATH"), os.getenv("PATH")))
    assert.is_nil(secret.environment("WEIR_NO_SUCH_VARIABLE"))
  end)

  it("refuses what is not a text, quoting the call", function()
    assert.error_matches(function() secret.wrap(1) end, "expected weir%.secret%.wrap%(text%)")
    assert.error_matches(function() secret.wrap() end, "expected weir%.secret%.wrap%(text%)")
    assert.error_matches(function()
      secret.environment()
    end, "expected weir%.secret%.environment%(name%)")
    assert.error_matches(function() secret.equal("a") end, "expected weir%.secret%.equal")
  end)

  it("reads no escape into a text that has none", function()
    local known = { secret.wrap("abcdef") }
    assert.equal("abcde\\x0066", secret.redact("abcde\\x0066", known))
    assert.equal("[redacted]", secret.redact("abcde\\u0066", known))
    assert.equal("abcde\\", secret.redact("abcde\\", known))
  end)

  it("hides a secret in a text that quotes it", function()
    assert.equal("a [redacted] b [redacted]", secret.hide("a hush b hush", secret.wrap("hush")))
    assert.equal("a hus", secret.hide("a hus", secret.wrap("hush")))
    assert.equal("", secret.hide("", secret.wrap("hush")))
    assert.equal("text", secret.hide("text", secret.wrap("")))
    assert.error_matches(function()
      secret.hide("text", "hush")
    end, "weir%.secret%.hide%(text, secret%)")
  end)
end)

describe("weir.body", function()
  it("writes JSON in a fixed order", function()
    assert.equal('{"a":[1,2],"b":{},"c":null}', body.json({ c = json.null, b = {}, a = { 1, 2 } }))
    assert.equal("{}", body.json({}))
  end)

  it("carries a task token from an item to SendTaskSuccess, never as a string", function()
    local item = dynamodb.decode('{"pk":{"S":"JOB#1"},"task_token":{"S":"' .. token .. '"}}',
      { secret = { "task_token" } })
    assert.equal("[redacted]", tostring(item.task_token))
    local sent = body.json({ taskToken = item.task_token, output = "{}" })
    assert.equal("[redacted]", tostring(sent))
    assert.is_true(secret.equal(sent, '{"output":"{}","taskToken":"' .. token .. '"}'))
    local put = body.json({ TableName = "jobs", Item = body.raw(dynamodb.encode(item)) })
    assert.equal("[redacted]", tostring(put))
    assert.is_true(secret.is(put))
  end)

  it("puts JSON into JSON as it is", function()
    assert.equal('{"Item":{"n":{"N":"1"}}}',
      body.json({ Item = body.raw(dynamodb.encode({ n = 1 })) }))
    assert.equal('[1,{"x":[]}]', body.json({ 1, body.raw('{"x":[]}') }))
  end)

  it("lets no text out of its place", function()
    for _, text in ipairs({ "", "{", '1,"x":2', "{}}", '"\255"' }) do
      local nothing, message, code = body.raw(text)
      assert.is_nil(nothing)
      assert.is_string(message)
      assert.equal("InvalidJson", code)
    end
  end)

  it("escapes what a secret contains", function()
    assert.is_true(secret.equal(body.json({ secret.wrap('a"\n\u{e9}') }), '["a\\"\\n\u{e9}"]'))
    assert.error_matches(function() body.json({ secret.wrap("\255") }) end, "not valid UTF%-8")
  end)

  it("writes forms sorted and encoded", function()
    assert.equal(
      "Action=X&DurationSeconds=900&Flag=true&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fa%20b",
      body.form({ RoleArn = "arn:aws:iam::1:role/a b", Action = "X", DurationSeconds = 900,
        Flag = true }))
    assert.equal("", body.form({}))
    local form = body.form({ WebIdentityToken = secret.wrap("a=b&c"), Action = "X" })
    assert.equal("[redacted]", tostring(form))
    assert.is_true(secret.equal(form, "Action=X&WebIdentityToken=a%3Db%26c"))
  end)

  it("refuses what it cannot hold", function()
    assert.error_matches(function() body.json({ f = print }) end, "cannot encode a function")
    assert.error_matches(function() body.json({ x = 0 / 0 }) end, "NaN")
    assert.error_matches(function() body.form({ a = {} }) end, "expected weir%.body%.form{")
    assert.error_matches(function() body.form({ "a" }) end, "expected weir%.body%.form{")
  end)
end)

describe("secret.copy", function()
  it("refuses what is nested deeper than any event", function()
    local function nested(depth)
      local value = {}
      for _ = 1, depth do value = { value } end
      return value
    end

    assert.truthy(secret.copy(nested(1000), {}))
    for _, depth in ipairs { 1100, 100000 } do
      assert.error_matches(function()
        secret.copy(nested(depth), {})
      end, "nested deeper than 1032")
    end
  end)

  it("copies a value in which nothing is to be hidden", function()
    local value = { a = json.array { 1, { b = "c" } }, d = json.null, e = false, f = json.array {} }
    local copy = secret.copy(value, {})
    assert.same(json.encode(value, { sort = true }), json.encode(copy, { sort = true }))
    assert.is_false(copy == value or copy.a == value.a or copy.a[2] == value.a[2])
  end)

  it("gives nothing where something is hidden, or takes a closer look", function()
    local known = secret.wrap("correct horse")
    local hidden = {
      { token = "x" }, { token = {} }, {
        a = { { b = known } },
      }, known, "AAAAKgAAAAx", ("a"):rep(256),
      { a = "a correct horse" }, { ["correct horses"] = 1 }, { a = "https://x?b=c" }, {
        a = "a text of 100 %",
      },
    }

    for i, value in ipairs(hidden) do assert.is_nil(secret.copy(value, { known }), i) end
    assert.same({ "a cow" }, secret.copy({ "a cow" }, { known }))
  end)

  it("finds more secrets than it has room for", function()
    local known = {}
    for i = 1, 40 do known[i] = secret.wrap(("secret %d"):format(i)) end
    assert.is_nil(secret.copy({ "has secret 40 in it" }, known))
    assert.same({ "no" }, secret.copy({ "no" }, known))
  end)
end)

describe("secret.candidates", function()
  it("finds secrets and texts that may hold one, however deep", function()
    local wrapped, object = secret.wrap("x"), '{"token":"abcdef"}'
    local base64, escaped = "eyJ0b2tlbiI6ImFiY2RlZiJ9", "%7B%22token%22%3A1%7D"
    local found = {}

    for _, value in ipairs(secret.candidates { { { wrapped } }, object, { a = base64 }, escaped,
      "https://host/?token=abcdef", "a line " .. object, '"' .. escaped
        .. '"' }) do found[value] = true end
    for _, value in ipairs { wrapped, object, base64, escaped, "https://host/?token=abcdef",
      "a line " .. object, '"' .. escaped
        .. '"' } do assert.is_true(found[value], tostring(value)) end
  end)

  it("passes over what holds none", function()
    assert.same({}, secret.candidates { "short", "volumes/vol_01/2026/scan-0001.tiff", 7, true,
      '"0123456789abcdef0123456789abcdef"', ("{"):rep(300 * 1024) })
  end)
end)

describe("secret.is_clean", function()
  local known = { secret.wrap("known-secret-9") }

  local function is_clean(value) return secret.is_clean(json.encode(value), known) end

  it("is false of JSON that has to be looked at", function()
    local long = ("aB3"):rep(100)
    local cases = {
      { token = "x" }, { a = { { ["api-key"] = 1 } } }, { [long] = 1 }, { a = long },
      { a = "known-secret-9" }, { a = { 1, "x known-secret-9 y" } }, { a = secret.wrap(token) },
      { a = "AAAAKgAAAA" .. ("x"):rep(60) }, { a = '{"token":"x"}' },
      { a = "line {\"token\":\"x\"}" },
      { a = "https://host/?X-Amz-Signature=abc" }, { a = "grant=1&token=abcdefgh" },
      { a = "%7B%22token%22%3A%22x%22%7D" }, { a = "eyJ0b2tlbiI6IngifQ==" },
      { a = "a\nb" }, "[redacted]",
    }
    for i, case in ipairs(cases) do assert.is_false(is_clean(case), i) end
    assert.is_false(secret.is_clean("{", known))
    assert.is_false(secret.is_clean("1 2", known))
  end)

  it("is true of JSON of which candidates lists nothing and copy makes a copy", function()
    for i, case in ipairs { {}, "a", { a = { b = { 1, true, json.null, "c d/e.jpg" } } } } do
      assert.is_true(is_clean(case), i)
      assert.same({}, secret.candidates(case))
      assert.same(case, secret.copy(case, known))
    end
  end)
end)

describe("secret.clean_json", function()
  local known = { secret.wrap("known-secret-9") }

  it("is what weir.json encodes, of a value that is clean", function()
    local value = { b = { 1, json.null }, a = "c d/e.jpg" }
    assert.equal(json.encode(value), secret.clean_json(value, known))
    assert.is_nil(secret.clean_json({ a = "known-secret-9" }, known))
    assert.is_nil(secret.clean_json({ a = secret.wrap("x") }, {}))
    assert.is_nil(secret.clean_json({ token = "x" }, {}))
  end)

  it("takes the JSON of a part as it is given, and looks at all others", function()
    local part = { token = "x" }
    local parts = { [part] = '{"of":["the part"]}' }
    assert.equal('{"a":1,"p":{"of":["the part"]},"q":[{"of":["the part"]}]}',
      secret.clean_json({ q = { part }, p = part, a = 1 }, {}, parts))
    assert.is_nil(secret.clean_json({ p = part, q = { token = "x" } }, {}, parts))
    assert.is_nil(secret.clean_json({ p = part, q = "grant=1&token=abcdefgh" }, {}, parts))
    assert.is_nil(secret.clean_json({ part, part, part, part, part }, {}, parts))
  end)

  it("raises for what JSON cannot hold", function()
    assert.error_matches(function() secret.clean_json({ a = print }, {}) end, "cannot encode")
  end)
end)
