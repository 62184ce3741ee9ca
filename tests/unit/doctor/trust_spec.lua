-- What the trust policy of a storage role says: who gets in, and by which External ID.
local trust = require "weir.doctor.trust"

local ID = "0123456789abcdef"
local DEMANDED = { StringEquals = { ["sts:ExternalId"] = ID } }

local function statement(more)
  local made = { Effect = "Allow", Action = "sts:AssumeRole", Condition = DEMANDED,
    Principal = { AWS = "arn:aws:iam::111122223333:root" } }
  for name, value in pairs(more or {}) do made[name] = value or nil end
  return made
end

local function judged(...) return trust.judge({ Statement = { ... } }, ID) end

describe("a trust policy", function()
  it("is fine where it demands the External ID", function()
    assert.same({ "ok", "its trust policy demands the External ID" }, { judged(statement()) })
  end)

  it("is fine where it demands one of several, as a list or in several statements", function()
    local list = { StringEquals = { ["sts:ExternalId"] = { "another-id", ID } } }
    local other = { StringEquals = { ["sts:ExternalId"] = "another-id" } }
    assert.equal("ok", (judged(statement { Condition = list })))
    assert.equal("ok", (judged(statement(), statement { Condition = other })))
    assert.equal("ok", (judged(statement { Condition = other }, statement())))
  end)

  it("is wrong where any statement lets in without one", function()
    for _, condition in ipairs { false, {}, "none", { StringEquals = "x" }, { StringEquals = {} },
      { StringLike = { ["sts:ExternalId"] = ID } },
      { StringEqualsIfExists = { ["sts:ExternalId"] = ID } },
      { StringEquals = { ["aws:PrincipalOrgID"] = ID } } } do
      local open = statement()
      open.Condition = condition or nil
      local expected = { "wrong", "its trust policy lets in without an External ID" }
      assert.same(expected, { judged(open) })
      assert.same(expected, { judged(statement(), open) })
      assert.same(expected, { judged(open, statement()) })
    end
  end)

  it("is wrong where everybody gets in", function()
    local open = statement { Principal = "*" }
    open.Condition = nil
    assert.equal("wrong", (judged(statement(), open)))
    assert.equal("ok", (judged(statement { Principal = "*" })))
  end)

  it("is wrong where nobody gets in by the External ID of the estate", function()
    local expected = { "wrong",
      "its trust policy does not let in with the External ID of the estate" }
    for _, id in ipairs { "another-id", ID .. "0", ID:sub(2), ID:upper() } do
      assert.same(expected, { judged(statement { Condition = {
        StringEquals = { ["sts:ExternalId"] = id } } }) })
    end

    assert.same(expected, { judged() })
    assert.same(expected, { judged(statement { Effect = "Deny" }) })
  end)

  it("may let in services without one", function()
    local service = statement { Principal = { Service = "lambda.amazonaws.com" } }
    service.Condition = nil
    assert.equal("ok", (judged(service, statement())))
    assert.equal("wrong", (judged(service)))
  end)

  it("may have a single statement, not in a list", function()
    assert.equal("ok", (trust.judge({ Statement = statement() }, ID)))
    local open = statement()
    open.Condition = nil
    assert.same({ "wrong", "its trust policy lets in without an External ID" },
      { trust.judge({ Statement = open }, ID) })
    assert.equal("wrong", (trust.judge({}, ID)))
  end)
end)
