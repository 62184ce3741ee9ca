-- Whether the objects are there that stacks only name, asked before anything is changed.
local models = require "weir.deploy.models"
local request = require "weir.deploy.request"

describe("the objects that stacks name", function()
  local real = request.of

  after_each(function() request.of = real end)

  -- stacks: name → parameters; answers: s3 place → true, or { message, code }
  local function check(stacks, answers)
    local session, asked = { all = {} }, {}
    for _, name in ipairs { "core", "endpoint" } do
      if stacks[name] then
        table.insert(session.all, { name = name, account = "1", region = "eu-west-1" })
      end
    end

    function session.client(_, service, account, region)
      return { head_object = function(_, input)
        local place = ("s3://%s/%s"):format(input.Bucket, input.Key)
        asked[#asked + 1] = ("%s %s %s %s"):format(service, account, region, place)
        local answer = answers[place]
        if answer == true then return {} end
        return nil, answer[1], answer[2]
      end }
    end

    request.of = function(_, stack, given)
      assert.equal("apply", given.purpose)
      local parameters = {}
      for _, pair in ipairs(stacks[stack.name]) do
        parameters[#parameters + 1] = { ParameterKey = pair[1], ParameterValue = pair[2] }
      end

      if stacks[stack.name].fails then return nil, "not allowed", "AccessDenied" end
      return { parameters = parameters }
    end

    local result = table.pack(models.check(session))
    return result, asked
  end

  local MODEL = { "Variant1ModelDataUrl", "s3://models/a.tar.gz" }
  local ON = { "EnableEndpoint", "true" }

  it("are asked for in the stack's account and region", function()
    local result, asked = check({
      core = { { "EnableCore", "true" }, { "PolicySource", "s3://policies/p.bundle" } },
      endpoint = { MODEL, ON, { "Name", "s3://other/x" } },
    }, { ["s3://models/a.tar.gz"] = true, ["s3://policies/p.bundle"] = true })
    assert.same({ true, n = 1 }, result)
    assert.same({ "s3 1 eu-west-1 s3://policies/p.bundle", "s3 1 eu-west-1 s3://models/a.tar.gz" },
      asked)
  end)

  it("are not asked for where nothing of the stack is switched on", function()
    for _, off in ipairs { { "EnableEndpoint", "false" }, { "Name", "true" } } do
      assert.same({ true, n = 1 }, (check({ endpoint = { MODEL, off } }, {})))
    end
  end)

  it("that are not there are named, with their stack", function()
    local missing = { ["s3://models/a.tar.gz"] = { "404", "NotFound" } }
    assert.same({ nil, "Variant1ModelDataUrl of stack endpoint, s3://models/a.tar.gz: it is not "
      .. "there; put it there first", "NotFound", n = 3 },
      (check({ endpoint = { ON, MODEL } }, missing)))
  end)

  it("that AWS does not show are named with what it says", function()
    local refused = { ["s3://models/a.tar.gz"] = { "no access", "AccessDenied" } }
    assert.same({ nil, "Variant1ModelDataUrl of stack endpoint, s3://models/a.tar.gz: no access",
      "AccessDenied", n = 3 }, (check({ endpoint = { ON, MODEL } }, refused)))
  end)

  it("have a place in S3", function()
    for _, place in ipairs { "a.tar.gz", "", "s3://models", "s3://models/", "https://m/a" } do
      assert.same({ nil, ("PolicySource must be s3://bucket/key, and is %s"):format(place),
        "InvalidPlace", n = 3 }, (check({ core = { ON, { "PolicySource", place } } }, {})))
    end
  end)

  it("are not known where the stack's parameters are not", function()
    assert.same({ nil, "not allowed", "AccessDenied", n = 3 },
      (check({ core = { ON, fails = true } }, {})))
  end)
end)
