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
