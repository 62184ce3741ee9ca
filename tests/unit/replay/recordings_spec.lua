local files = require("support.files")
local json = require("weir.json")

local DIRECTORY = "tests/recordings/"
local REGENERATE = "regenerate the recordings as tests/recordings/README.md says"

local function unpacked(path)
  local pipe = assert(io.popen("gzip -dc " .. path, "r"))
  local text = pipe:read("a")
  assert(pipe:close())
  return text
end

describe("the recordings", function()
  local committed = unpacked(DIRECTORY .. "working-day.jsonl.gz")

  it("are what the generator and the shipped policies give, to the byte", function()
    local directory = files.directory()
    assert(loadfile(DIRECTORY .. "generate.lua"))(directory)
    local day, lunch = files.read(directory .. "/working-day.jsonl"),
      files.read(directory .. "/lunch-hour.jsonl")
    local native = files.read(directory .. "/native-day.jsonl")
    files.remove(directory)
    assert(native == files.read(DIRECTORY .. "native-day.jsonl"), REGENERATE)
    assert(day == committed, REGENERATE)
    assert(lunch == files.read(DIRECTORY .. "lunch-hour.jsonl"), REGENERATE)
  end)

  it("hold a day in order, with everything that goes wrong on one", function()
    local count, seen, ids, last = {}, { again = 0, late = 0, no_data = 0, odd = 0 }, {}, ""
    local keys, event_time = {}, ""
    for line in committed:gmatch("[^\n]+") do
      assert.is_nil(line:find("[^\32-\126]"))
      local record = json.decode(line)
      local name = record.kind .. " " .. record.decision.action
      count[name] = (count[name] or 0) + 1
      assert.is_nil(ids[record.id])
      ids[record.id] = true
      assert.is_true(record.time >= last)
      last = record.time
      local key, time = record.decision.idempotency_key, record.decision.time
      if key then
        if keys[key] then seen.again = seen.again + 1 end
        keys[key] = true
        if time < event_time then seen.late = seen.late + 1 end
        event_time = time
        if (record.decision.key or ""):find("[^%w/._ -]") then seen.odd = seen.odd + 1 end
      end
      if record.because:find("there is no data", 1, true) then seen.no_data = seen.no_data + 1 end
    end
    local total = 0
    for _, name in ipairs {
      "routing realtime", "routing batch", "routing serverless", "routing components",
      "weights weights",
      "weights assign", "promotion promote", "promotion ramp", "promotion hold",
      "promotion rollback",
      "mapping job", "mapping ignore",
    } do
      assert.is_true((count[name] or 0) > 0, "none is " .. name)
      total = total + count[name]
    end
    assert.is_true(total >= 5000)
    for name, times in pairs(seen) do assert.is_true(times >= 5, name .. ": " .. times) end
  end)
end)
