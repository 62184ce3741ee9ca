local time = require("weir.aws.time")

describe("weir.aws.time", function()
  it("reads HTTP dates without the machine's time zone", function()
    assert.equal(0, time.parse_http_date("Thu, 01 Jan 1970 00:00:00 GMT"))
    assert.equal(951782400000, time.parse_http_date("Tue, 29 Feb 2000 00:00:00 GMT"))
    assert.equal(1795435200000, time.parse_http_date("Mon, 23 Nov 2026 12:00:00 GMT"))
    for _, nonsense in ipairs({ "", "now", "Mon, 23 Foo 2026 12:00:00 GMT", "23 Nov 2026" }) do
      assert.is_nil(time.parse_http_date(nonsense))
    end

    assert.is_nil(time.parse_http_date(nil))
  end)

  it("reads ISO 8601 with fractions and zones", function()
    assert.equal(1795435200000, time.parse_iso8601("2026-11-23T12:00:00Z"))
    assert.equal(1795435200250, time.parse_iso8601("2026-11-23T12:00:00.25Z"))
    assert.equal(1795435200000, time.parse_iso8601("2026-11-23T13:30:00+01:30"))
    assert.equal(1795435200000, time.parse_iso8601("2026-11-23T11:00:00-0100"))
    for _, nonsense in ipairs({ "", "soon", "2026-11-23", "2026-13-01T00:00:00Z",
      "2026-11-23T12:00:00", 5 }) do
      assert.is_nil(time.parse_iso8601(nonsense))
    end
  end)
end)
