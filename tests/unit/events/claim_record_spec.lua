local claim_record = require "weir.events.claim_record"
local json = require "weir.json"

-- A claim as it is written, with the member at this path as this value.
local function with(path, value)
  local item = { object = "b/k", etag = "e", revision = 2, sequencer = "0A", last_modified = 5,
    ways = {
      events = { status = "finished", attempts = 1, duplicates = 0, finished_at = 1,
        result = '{"status":"SUCCESS"}' },
      polling = { status = "working", lease_until = 9, attempts = 1 },
    } }
  local parent, names = item, {}
  for name in (path or ""):gmatch "[^.]+" do names[#names + 1] = name end
  for i = 1, #names - 1 do parent = parent[names[i]] end
  if path then parent[names[#names]] = value end

  return item
end

describe("an item of the claims table", function()
  it("is a claim as it is written", function()
    for _, item in ipairs {
      with(), with "sequencer", with "last_modified", with "ways.events", with "ways.polling",
      with("ways", {}), with("ways.polling", { status = "released", gone = true }),
    } do
      assert.equal(item, claim_record.check(item))
    end
  end)

  it("is damaged where a member is missing or something else, and the message names it", function()
    for path, values in pairs {
      object = { 5 }, etag = { 5, json.null }, revision = { "2", 1.5 }, sequencer = { 5 },
      last_modified = { "5" }, ways = { 5, json.array { 1 } }, ["ways.events"] = { 5 },
      ["ways.events.status"] = { 5, "", "waiting" }, ["ways.events.attempts"] = { "1" },
      ["ways.events.duplicates"] = { "1" }, ["ways.events.finished_at"] = { "1" },
      ["ways.events.result"] = { 5, "{", "[]", "null", '{"status":5}', '{"error":{}}',
        '{"stages":5}', '{"stages":{"written":"x"}}', '{"documents":[]}',
        '{"documents":{"tags":5}}', '{"documents":"x"}' },
       ["ways.polling.lease_until"] = { "9" },
    } do
      for _, value in ipairs(values) do
        local item, message, code = claim_record.check(with(path, value))
        assert.same({ nil, "ClaimDamaged" }, { item, code }, path)
        local member = path:match "^ways%.%l+" or path
        assert.truthy(message:find("see its " .. member .. ";", 1, true), message)
      end
    end

    for _, path in ipairs { "object", "etag", "revision", "ways", "ways.events.status",
      "ways.events.result", "ways.polling.lease_until" } do
      assert.equal("ClaimDamaged", select(3, claim_record.check(with(path))), path)
    end

    for _, item in ipairs { 5, "x", json.array { 1 } } do
      assert.equal("ClaimDamaged", select(3, claim_record.check(item)))
    end
  end)
end)
