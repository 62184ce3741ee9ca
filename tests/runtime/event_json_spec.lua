-- The facts that are logged of an event, whichever way they came there: the JSON of an event that
-- holds no secret is put in order while it is looked through, that of any other is made of its
-- value. Both are what weir.json encodes.
local json = require "weir.json"
local lambda = require "support.lambda"
local policy_folder = require "support.policy_folder"
local property = require "support.property"

local IGNORE = [[return policy { kind = "mapping",
  decide = function() return ignore { because = "a test" } end }]]

describe("the facts of an event", function()
  local folder = policy_folder.with { ["mapping.lua"] = IGNORE }

  teardown(policy_folder.remove_all)

  -- The event of each decision that was logged, as JSON.
  local function logged(bodies)
    local posts, result = lambda.run({ _HANDLER = "event_map", WEIR_POLICY_SOURCE = folder },
      table.unpack(bodies))
    assert.equal(#bodies, #posts, result.stderr)
    local events = {}
    for line in result.stdout:gmatch('{"schema":"weir.decision/1"[^\n]*') do
      events[#events + 1] = line:match '"facts":{"event":(.*)},"decision":'
    end

    return events
  end

  it("are its JSON in order, without white space, in ASCII", function()
    local long = {}
    for i = 1, 60 do long[i] = ('"member %d":%d'):format(99 - i, i) end

    local cases = {
      ['{"b":[1, -0, 1.50,\t1e2 ,true,{"z":null,"a":"x"}],"a":{} , "":[]}'] =
        '{"":[],"a":{},"b":[1,-0.0,1.5,100.0,true,{"a":"x","z":null}]}',
      ['{"a":1,"b":2,"a":3}'] = '{"a":3,"b":2}',
      ['{"ab":1,"a":2,"b":{"d":1,"c":{"f":1,"e":2}}}'] =
        '{"a":2,"ab":1,"b":{"c":{"e":2,"f":1},"d":1}}',
      ['{"ä":"\u{1F600}"}'] = [[{"\u00e4":"\ud83d\ude00"}]],
      [ [[{"\u0062":"\/\u0041","a":"\n"}]] ] = [[{"a":"\n","b":"/A"}]],
      ['{"n":[9223372036854775807,9223372036854775808,0.1]}'] =
        '{"n":[9223372036854775807,9.223372036854776e+18,0.1]}',
      ['{"Key":"TaskToken","Value":"hush-hush-42"}'] = '{"Key":"TaskToken","Value":"[redacted]"}',
      ['{"tags":[{"Value":"hush-hush-42","Key":"api-key"}]}'] =
        '{"tags":[{"Key":"api-key","Value":"[redacted]"}]}',
      ['{"b":{"password":"hush-hush-42"},"a":"hush-hush-42"}'] =
        '{"a":"[redacted]","b":{"password":"[redacted]"}}',
      ['{"a":"AAAAKgAAAAIAAAAAAAAAAQ5kWq3TnB7","key":"x"}'] = '{"a":"[redacted]","key":"x"}',
      ['{"a":"' .. ("b7Xq"):rep(64) .. '"}'] = '{"a":"[redacted]"}',
      ['{"url":"https://h/?X-Amz-Signature=abcdefgh"}'] =
        '{"url":"https://h/?X-Amz-Signature=[redacted]"}',
      [("[[[[[[[{\"b\":"):rep(5):gsub("^.*", function(deep)
        return '{"deep":' .. deep .. "1" .. ("}]]]]]]]"):rep(5) .. "}"
      end)] = '{"deep":' .. ("[[[[[[[{\"b\":"):rep(5) .. "1" .. ("}]]]]]]]"):rep(5) .. "}",
      ["{" .. table.concat(long, ",") .. "}"] =
        json.encode(json.decode("{" .. table.concat(long, ",") .. "}")),
    }

    local bodies, wanted = {}, {}
    for body, facts in pairs(cases) do
      bodies[#bodies + 1], wanted[#wanted + 1] = body, facts
    end

    assert.same(wanted, logged(bodies))
  end)

  it("are the same bytes as weir.json makes of its value", function()
    local words = property.element { "a", "b", "key", "detail-type", "s3.object", "Größe", "2026" }
    local scalars = property.one_of { words, words, property.int64(), property.float(),
      property.string(), property.element { json.null, true, false } }
    local values = property.nested(4, scalars, function(inner)
      return property.one_of {
        property.map(property.array(inner), json.array),
        property.object(words, inner),
      }
    end)

    property.check("facts of events", property.array(property.object(words, values)),
      function(events)
        if #events == 0 then return end
        local bodies, wanted = {}, {}
        for i, event in ipairs(events) do
          event.Records, event.Contents = nil, nil
          bodies[i] = json.encode(event, { sort = false, indent = i % 3 })
          wanted[i] = json.encode(event, { ascii = true })
        end

        assert.same(wanted, logged(bodies))
      end, { cases = 40 })
  end)
end)
