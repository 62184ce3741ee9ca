-- The shipped policies on facts that nobody thought of: they may give up in words of their own, but
-- never fail, whatever the kind allows.
local policy_set = require "weir.policy_set"
local search = require "weir.explore.search"

local TRIES = {
  routing = 32768, weights = 32768, promotion = 65536, mapping = 65536, review = 32768,
}

describe("a shipped policy", function()
  for _, kind in ipairs { "routing", "weights", "promotion", "mapping", "review" } do
    it("of kind " .. kind .. " does not fail where it is explored", function()
      local set = assert(policy_set.load("policies"))
      local result = assert(search.run {
        set = set,
        kind = kind,
        seed = 2,
        tries = TRIES[kind],
        jobs = 2,
      })
      assert.equal(TRIES[kind], result.tried)
      for _, found in ipairs(result.findings) do
        assert.equal("raised", found.type, found.now.message .. " " .. found.facts .. " "
          .. found.params)
      end
    end)
  end
end)
