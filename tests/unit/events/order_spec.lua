local order = require("weir.events.order")

describe("sequencers", function()
  it("are compared as hex digits with zeros behind the shorter", function()
    assert.is_true(order.is_before("0055AED6DCD90281E5", "0055AED6DCD90281E6"))
    assert.is_true(order.is_before("0055aed6dcd90281e5", "0055AED6DCD90281E6"))
    assert.is_true(order.is_before("00", "0001"))
    assert.is_true(order.is_before("0A", "0A01"))
    assert.is_true(order.is_before("0F01", "1"))
    for _, pair in ipairs { { "0A", "0a00" }, { "1", "0F01" }, { "AB", "AA" } } do
      assert.is_false(order.is_before(pair[1], pair[2]), pair[1] .. " " .. pair[2])
    end
  end)
end)

describe("jobs of one object", function()
  local function job(name, key, sequencer, bucket)
    return { name = name, bucket = bucket or "b", key = key, sequencer = sequencer }
  end

  local function sorted(...)
    local jobs, names = { ... }, {}
    order.sort(jobs)
    for i, each in ipairs(jobs) do names[i] = each.name end

    return table.concat(names)
  end

  it("come in the order of their sequencers, at the places that they had", function()
    assert.equal("1a2b3", sorted(job("3", "k", "0C"), job("a", "x", "01"), job("1", "k", "0A"),
      job("b", "y", "00"),
      job("2", "k", "0B")))
  end)

  it("are told from others by bucket and key, and stay where they are without a sequencer",
    function()
    assert.equal("21", sorted(job("2", "k", "0B"), job("1", "k", "0A", "c")))
    assert.equal("2x1", sorted(job("2", "k"), job("x", "k", "0A"), job("1", "k")))
    assert.equal("12", sorted(job("1", "k", "0A"), job("2", "k", "0A00")))
  end)
end)
