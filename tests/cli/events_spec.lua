local events = require "weir.cli.events"
local run = require "support.run"

describe("reading events", function()
  local path
  before_each(function() path = os.tmpname() end)
  after_each(function() os.remove(path) end)

  -- "1 2! 3" : the lines handed out, those with a problem marked; items of arrays as 1.0 1.1.
  local function read(text, limit)
    local usual, seen = events.LIMIT, {}
    events.LIMIT = limit or usual
    run.write(path, text)
    assert(events.each(path, function(event, place, problem)
      assert.equal(event == nil, problem ~= nil)
      seen[#seen + 1] = (place.line or "all") .. (place.item and "." .. place.item or "")
        .. (problem and "!" or "")
    end))

    events.LIMIT = usual

    return table.concat(seen, " ")
  end

  it("tells JSON Lines, documents and arrays apart", function()
    for text, expected in pairs {
      [""] = "", ["\n \n"] = "", ["{}"] = "1", ["{}\n{}\n"] = "1 2", ["\n\n{}\r\n\r\n{}"] = "3 5",
        ["{\n}"] = "1",
      ["\n{\n}\n"] = "1", ["[{},{}]"] = "1.0 1.1", ["[\n{},\n{}\n]"] = "1.0 1.1", ["[]"] = "",
        ["{}\nx\n{}"] = "1 2! 3",
      ["x\n{}"] = "1! 2", ["{\n"] = "all!", ["x"] = "all!", ["{}{}"] = "all!", ["{}\n[{}]"] = "1 2",
    } do
      assert.equal(expected, read(text), ("%q"):format(text))
    end
  end)

  it("names lines over the limit, and goes on", function()
    local long = '{"a":"' .. ("x"):rep(200) .. '"}'
    assert.equal("1! 2", read(long .. "\n{}", 100))
    assert.equal("1 2! 3", read("{}\n" .. long .. "\n{}", 100))
    assert.equal("2!", read("\n" .. long, 100))
    assert.equal("1! 2! 3", read("x\n" .. long .. "\n{}", 100))
    assert.equal("1!", read(("["):rep(300000), 100))
    assert.equal("1! 2! 3!", read("{\n\"" .. ("x"):rep(60) .. "\":\n\"" .. ("x"):rep(60) .. "\",",
      100))
  end)

  it("loses nothing at the borders of what one read gives", function()
    local line = '{"a":"' .. ("x"):rep(65535 - 9) .. '"}'
    assert.equal("1 2 3 4", read(table.concat({ line, line, "{}", line }, "\n")))
  end)
end)
