-- More secrets than are searched for: then no text is shown, whatever holds it.
local json = require "weir.json"
local redact = require "weir.redact"
local secret = require "weir.secret"

describe("weir.redact with more secrets than it searches for", function()
  after_each(redact.forget)

  local function note(count)
    local tokens = {}
    for i = 1, count do tokens[i] = secret.wrap(("token-%04d"):format(i)) end
    redact.note(tokens)
  end

  it("shows no text, nor an object's key", function()
    note(1001)
    assert.equal("[redacted]", redact.text "harmless")
    assert.same({ ["[redacted]"] = "[redacted]", ["[redacted] (2)"] = 3 },
      redact.value { key = "in/a.png", size = 3 })
    assert.same({ "[redacted]" }, redact.value(json.array { "a" }))
    local _, places = redact.facts { key = "in/a.png" }
    assert.same({ "/[redacted]", "/[redacted]" }, places)
    assert.is_false(redact.is_clean "{}")
  end)

  it("shows what it knows to be harmless while it has room", function()
    note(1000)
    assert.equal("harmless", redact.text "harmless")
    assert.same({ key = "in/a.png" }, redact.value { key = "in/a.png" })
    assert.equal("[redacted]", redact.text "token-1000")
  end)

  it("takes a part's JSON as it was given only while no secret is known", function()
    local part = { a = "token-0001" }
    local parts = { [part] = '{"a":"token-0001"}' }
    assert.equal('{"p":{"a":"token-0001"}}', redact.clean_json({ p = part }, parts))
    note(1)
    assert.is_nil(redact.clean_json({ p = part }, parts))
    note(1001)
    assert.is_nil(redact.clean_json({}))
  end)

  it("keeps a long run of base64 in a key of at most 3 KiB, and nowhere else", function()
    local longest = ("aB3"):rep(1024)
    assert.same({ key = longest }, redact.value { key = longest })
    assert.equal("[redacted]", redact.value({ key = longest .. "x" }).key)
    assert.equal("[redacted]", redact.value({ note = longest }).note)
  end)
end)
