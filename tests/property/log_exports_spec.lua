-- Whatever form a log comes in, its decisions are the same and nothing else of it is a bad line.
local exports = require "support.log_exports"
local property = require "support.property"
local replays = require "support.replays"

local FORMS = {}
for name, form in pairs(exports) do
  if name ~= "pretty" then FORMS[#FORMS + 1] = { name = name, write = form } end
end
table.sort(FORMS, function(a, b) return a.name < b.name end)

-- What stands in a log beside decisions.
local OTHERS = {
  "START RequestId: 8f507cfc-xmpl-4697-b07a-ac58fc914c95 Version: $LATEST",
  "END RequestId: 8f507cfc-xmpl-4697-b07a-ac58fc914c95",
  "REPORT RequestId: 8f507cfc-xmpl-4697-b07a-ac58fc914c95\tDuration: 1.29 ms\tBilled Duration: 2 "
    .. "ms\tMemory Size: 128 MB\tMax Memory Used: 23 MB\tInit Duration: 12.29 ms\t",
  "INIT_START Runtime Version: provided:al2023.v83\tRuntime Version ARN: "
    .. "arn:aws:lambda:eu-central-1::runtime:0a",
  "2026-11-22T03:04:05.678Z 8f507cfc-xmpl-4697-b07a-ac58fc914c95 Task timed out after 3.00 seconds",
  "RequestId: 8f507cfc-xmpl-4697-b07a-ac58fc914c95 Error: Runtime exited with error: exit status 1",
  '{"time":"2026-11-22T03:04:05.678Z","type":"platform.start","record":'
    .. '{"requestId":"8f","version":"$LATEST"}}',
  '{"time":"2026-11-22T03:04:05.678Z","type":"platform.report","record":'
    .. '{"requestId":"8f","metrics":{"durationMs":1.5,"billedDurationMs":2},"status":"success"}}',
  '{"_aws":{"Timestamp":1795316645678,"CloudWatchMetrics":[{"Namespace":"weir",'
    .. '"Dimensions":[["Function"]],"Metrics":[{"Name":"Duration","Unit":"Milliseconds"}]}]},'
    .. '"Function":"route","Duration":1.5}',
  '{"timestamp":"2026-11-22T03:04:05.678Z","level":"WARN","requestId":"8f","message":"no data, '
    .. '\\"yet\\""}',
  "2026-11-22T03:04:05.678Z 8f507cfc WARN the last good policy set goes on: policies/a.lua:3: {x}",
  "{'level': 'INFO', 'msg': 'printed by Python'}",
  "Traceback (most recent call last):",
  '  File "/var/task/app.py", line 3, in handler',
  "[INFO]\t2026-11-22T03:04:05.678Z\t8f507cfc\tplain words, and more",
  "[WARNING] été, 東京",
  "{}",
}

describe("a log with decisions", function()
  local set, decisions

  setup(function()
    os.execute("mkdir -p " .. replays.directory)
    set = replays.routing("ten", 10)
    decisions = replays.lines_of(set, { 0, 3, 9, 10, 11, 400 })
    -- As the runtime writes them where logs are JSON and have a level.
    decisions[#decisions + 1] = '{"timestamp":"2026-11-22T03:04:05.678Z","level":"WARN",'
      .. decisions[2]:sub(2)
  end)

  teardown(function() os.execute("rm -rf " .. replays.directory) end)

  -- A list of numbers: those up to the number of decisions stand for one, the others for other
  -- text.
  local entries = property.array(property.int(1, 7 + #OTHERS), { max = 12 })

  local function events_of(numbers)
    local events, made = {}, {}
    for i, number in ipairs(numbers) do
      local message = decisions[number] or OTHERS[number - #decisions]
      if decisions[number] then made[#made + 1] = message end
      events[i] = { time = 1795316645000 + number % 4 * 250 + i * 1000, message = message }
    end

    return events, made
  end

  for _, form in ipairs(FORMS) do
    it("replays from " .. form.name, function()
      property.check(form.name, entries, function(numbers)
        local events, made = events_of(numbers)
        local plain = replays.replay_text(set, "plain.jsonl", table.concat(made, "\n"))

        local summary, told = replays.replay_text(set, "export", form.write(events))

        assert.are.same({}, told)
        assert.are.equal(plain.digest, summary.digest)
        assert.are.same({ #made, #events - #made, #events },
          { summary.identical, summary.other_lines, summary.lines })
      end, { cases = 40 })
    end)
  end
end)
