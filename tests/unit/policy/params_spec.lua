-- What a policy reads of its parameters while it decides.
local policy_folder = require "support.policy_folder"

local function decide(body)
  local set = policy_folder.load({ ["routing.lua"] = ([[return policy {
  kind = "routing",
  params = {
    threshold = integer { 10, doc = "files" },
    mode = choice { "fast", values = { "fast", "cheap" }, doc = "which" },
  },
  decide = function(facts, params)
    %s
  end,
}
]]):format(body) })
  local answer, message = set:decide("routing", '{"file_count":1}')
  return answer and answer.because or message
end

describe("params", function()
  teardown(policy_folder.remove_all)

  it("name a parameter that is not declared, and the one that is meant", function()
    assert.equal("routing.lua:8: the policy has no parameter 'treshold'; did you mean 'threshold'?",
      decide("return batch { because = '%d', params.treshold }"))
    assert.equal("routing.lua:8: the policy has no parameter 'deadline'",
      decide("if params.deadline then return batch { because = 'x' } end"))
    assert.equal("routing.lua:8: params are read by name, not by a number",
      decide("return batch { because = '%s', params[1] }"))
  end)

  it("can be caught and looked through as before", function()
    assert.equal("false", decide(
      "local ok = pcall(function() return params.limit end) return batch { because = '%s', ok }"))
    assert.equal("mode=fast threshold=10 ",
      decide("local text = '' for name, value in pairs(params) do "
      .. "text = text .. name .. '=' .. tostring(value) .. ' ' end return batch { because = "
      .. "text }"))
    assert.matches("params is read-only: 'limit' cannot be set", decide("params.limit = 1"), 1,
      true)
    assert.matches("params is read-only: 'mode' cannot be set", decide("params.mode = 1"), 1, true)
  end)
end)

describe("a text parameter", function()
  local function source(bounds)
    return ([[return policy {
  kind = "routing",
  params = { work = text { "object", %s, doc = "pipeline" } },
  decide = function(_, params) return batch { because = "%%s", params.work } end,
}
]]):format(bounds)
  end

  local function because(bounds, value)
    local set = policy_folder.load(source(bounds), { params = { work = value } })
    return assert(set:decide("routing", '{"file_count":1}')).because
  end

  teardown(policy_folder.remove_all)

  it("is as long as it may be", function()
    assert.equal("object", because("min_size = 1, max_size = 6"))
    assert.equal("a", because("min_size = 1, max_size = 6", "a"))
    for value, told in pairs { [""] = "1 to 6 bytes, got \"\"", seventy = "1 to 6 bytes, got" } do
      local finding = policy_folder.refused(source("min_size = 1, max_size = 6"),
        { params = { work = value } })
      assert.matches("work: expected a text of " .. told, finding, 1, true)
    end
  end)

  it("does not load with a default, or with bounds, that do not fit", function()
    for bounds, told in pairs {
      ["min_size = 7"] = "the default of parameter work",
      ["min_size = 7, max_size = 1"] = "min_size is above max_size",
      ["min_size = -1"] = "min_size must be a whole number of bytes",
      ["min = 1"] = "text has no 'min'",
    } do
      assert.matches(told, policy_folder.refused(source(bounds)), 1, true)
    end
  end)
end)
