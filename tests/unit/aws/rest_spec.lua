-- Which members of a REST request travel in the path, the query and the headers, and which are left
-- for the body.
local rest = require "weir.aws.protocols.rest"

describe("a REST request", function()
  it("sends each member once", function()
    local input = { modelId = "a/b c", qualifier = 7, dry = true, text = "body" }
    local path, used = rest.path("/model/{modelId}/invoke", input)
    assert.equal("/model/a%2Fb%20c/invoke", path)
    assert.same({ ["x-dry"] = "true" }, rest.collect({ dry = "x-dry" }, input, used))
    assert.same({ q = "7" }, rest.collect({ qualifier = "q", absent = "a" }, input, used))
    assert.same({ text = "body" }, rest.remaining(input, used))
  end)

  it("has no body when nothing is left", function()
    local input = { Key = "a/b c" }
    local path, used = rest.path("/{Key+}", input)
    assert.equal("/a/b%20c", path)
    assert.is_nil(rest.remaining(input, used))
  end)

  it("is refused without a member of its path", function()
    for _, value in ipairs { "", 7, false } do
      assert.error_matches(function()
        rest.path("/{Key}", { Key = value })
      end, "^Key must be a text that is not empty$")
    end
  end)
end)
