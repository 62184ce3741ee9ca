-- Waiting for something that AWS does, on a clock that the test moves.
local patience = require "weir.deploy.patience"
local process = require "weir.process"

describe("waiting", function()
  local real_clock, real_sleep = process.clock, process.sleep
  local now, pauses

  before_each(function()
    now, pauses = 1000, {}
    process.clock = function() return now end
    process.sleep = function(ms)
      pauses[#pauses + 1] = ms
      now = now + ms
    end
  end)

  after_each(function() process.clock, process.sleep = real_clock, real_sleep end)

  it("ends at once with what is there already", function()
    assert.equal("made", patience.until_done(function() return "made" end, "late"))
    assert.same({}, pauses)
  end)

  it("asks at longer and longer intervals, of five seconds at most, with the time that went by",
    function()
    local asked = {}
    local result = patience.until_done(function(elapsed)
      asked[#asked + 1] = elapsed
      return #asked == 9 and "made" or nil
    end, "late")
    assert.equal("made", result)
    assert.same({ 200, 400, 800, 1600, 3200, 5000, 5000, 5000 }, pauses)
    assert.same({ 0, 200, 600, 1400, 3000, 6200, 11200, 16200, 21200 }, asked)
  end)

  it("begins again when something moves", function()
    local asked = {}
    patience.until_done(function(elapsed)
      asked[#asked + 1] = elapsed
      if #asked == 6 then return "made" end
      return nil, #asked == 3
    end, "late")
    assert.same({ 200, 400, 200, 400, 800 }, pauses)
    assert.same({ 0, 200, 600, 200, 600, 1400 }, asked)
  end)

  it("ends with what failed", function()
    local count = 0
    local result = table.pack(patience.until_done(function()
      count = count + 1
      if count < 3 then return nil end
      return false, "refused", "AccessDenied"
    end, "late"))
    assert.same({ nil, "refused", "AccessDenied", n = 3 }, result)
    assert.equal(2, #pauses)
  end)

  it("gives up when nothing moves for ten minutes, or for the limit that is given", function()
    for _, case in ipairs { { nil, 600000 }, { 1000, 1000 } } do
      now = 1000
      local result = table.pack(patience.until_done(function() return nil end, "late", case[1]))
      assert.same({ nil, "late", "NotYet", n = 3 }, result)
      local waited = now - 1000
      assert.is_true(waited > case[2] and waited <= case[2] + 5000, waited)
    end
  end)

  it("waits for ten minutes to the millisecond", function()
    for _, case in ipairs { { 600000, "made" }, { 600001, nil } } do
      now = 1000
      process.sleep = function() now = 1000 + case[1] end
      local count = 0
      assert.equal(case[2], (patience.until_done(function()
        count = count + 1
        return count == 3 and "made" or nil
      end, "late")))
    end
  end)

  it("does not give up at the very limit, and never while something moves", function()
    local count = 0
    assert.equal("made", patience.until_done(function(elapsed)
      count = count + 1
      if elapsed == 200 then return nil end
      return count > 1 and "made" or nil
    end, "late", 200))
    assert.same({ 200, 400 }, pauses)

    count = 0
    patience.until_done(function()
      count = count + 1
      if count == 500 then return "made" end
      return nil, true
    end, "late", 300)
    assert.equal(500, count)
  end)
end)
