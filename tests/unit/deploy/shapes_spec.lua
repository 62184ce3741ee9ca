-- The values of an estate file, each by itself: the least and the most that each may be.
local shapes = require "weir.deploy.shapes"

-- What a shape says of one value: nil, or the message.
local function said_of(shape, value)
  local found
  local check = {
    at = function(_, owner, key) return { owner = owner, key = key } end,
    finding = function(_, code, token, message, hint)
      assert.equal("W302", code)
      assert.is_not_nil(token)
      found = hint and message .. "; " .. hint or message
    end,
    places = setmetatable({}, { __index = function(_, owner)
      local keys = {}
      for name in pairs(owner) do keys[name] = {} end
      return { keys = keys }
    end }),
  }
  shape(check, { KEY = value }, "KEY")

  return found
end

local function takes(shape, values)
  for i, value in ipairs(values) do assert.is_nil(said_of(shape, value), i) end
end

local function refuses(shape, values, message)
  for i = 1, values.n or #values do assert.equal(message, said_of(shape, values[i]), i) end
end

describe("a value of an estate file", function()
  it("that is a text is not empty", function()
    takes(shapes.text, { "a", " " })
    refuses(shapes.text, { n = 4, "", 1, false, nil }, "KEY must be a text")
  end)

  it("that is a name has 2 to 16 characters, the first a letter", function()
    takes(shapes.name, { "we", "w2", "weir-2-", ("w"):rep(16) })
    refuses(shapes.name, { n = 7, "w", ("w"):rep(17), "Weir", "2weir", "-weir", "we_ir", nil },
      "KEY must be up to 16 lower-case letters, digits and hyphens, two at least")
  end)

  it("that is an account has 12 digits, as a text", function()
    takes(shapes.account_id, { "111122223333", "000000000000" })
    refuses(shapes.account_id,
      { "11112222333", "1111222233334", "11112222333x", "x11122223333", "", 111122223333, true },
      'KEY must be an account of 12 digits in quotes, such as "111122223333"')
  end)

  it("that is an External ID of this estate has 16 to 1224 characters", function()
    takes(shapes.external_id, { ("a"):rep(16), ("a"):rep(1224), "aZ09_+=,.@:/-aaa" })
    refuses(shapes.external_id,
      { n = 5, ("a"):rep(15), ("a"):rep(1225), ("a"):rep(15) .. " ", 1234567890123456, nil },
      "KEY must be at least 16 letters, digits and +=,.@:/_-, at most 1224")
  end)

  it("that is an External ID of somebody's role has 2 to 1224 characters", function()
    takes(shapes.role_external_id, { "ab", ("a"):rep(1224), "=," })
    refuses(shapes.role_external_id, { n = 5, "a", "", ("a"):rep(1225), "a b", nil },
      "KEY must be 2 to 1224 letters, digits and +=,.@:/_-")
  end)

  it("that is a switch is true or false", function()
    takes(shapes.boolean, { true, false })
    refuses(shapes.boolean, { n = 4, "true", 1, {}, nil }, "KEY must be true or false")
  end)

  it("that is a model of permissions is one of AWS's two", function()
    takes(shapes.model, { "SELF_MANAGED", "SERVICE_MANAGED" })
    refuses(shapes.model, { n = 3, "self_managed", "", nil },
      'KEY must be "SELF_MANAGED" or "SERVICE_MANAGED"')
  end)

  it("that is a bucket's name has 3 to 63 characters once account and region are in it", function()
    -- 12 characters for {account}, 9 for {region}
    takes(shapes.bucket, { "abc", ("b"):rep(63), "1.b-2", "b-{account}-{region}",
      ("b"):rep(51) .. "{account}", ("b"):rep(54) .. "{region}" })
    refuses(shapes.bucket,
      { n = 12, "ab", ("b"):rep(64), "-bc", "bc-", "aBc", "b_c", "b{acount}", "", false, nil,
        ("b"):rep(52) .. "{account}", ("b"):rep(55) .. "{region}" },
      "KEY must be a bucket's name, in which {account} and {region} may stand")
  end)
end)

describe("a list of an estate file", function()
  it("of regions names one at least, each once", function()
    takes(shapes.regions, { { "eu-west-1" }, { "us-gov-west-1", "cn-north-1", "ap-southeast-7" } })
    refuses(shapes.regions, { n = 6, {}, "eu-west-1", 1, { first = "eu-west-1" },
      { "eu-west-1", more = "eu-west-2" }, nil }, "KEY must be a list of regions")
    refuses(shapes.regions, { { "eu-west-1", "eu-west-2", "eu-west-1" } },
      "KEY: 'eu-west-1' is in the list twice")
    refuses(shapes.regions, { { 1 }, { "nowhere" }, { false } },
      "KEY: this is not one of the regions")
  end)

  it("of regions says which one was meant", function()
    refuses(shapes.regions, { { "eu-wset-1" }, { "eu-west-1", "eu-wset-1" } },
      "KEY: this is not one of the regions; did you mean 'eu-west-1'?")
  end)

  it("of features may be empty, and goes without Enable", function()
    takes(shapes.features, { {}, { "TokenStore" }, { "Enable", "Enabler" } })
    refuses(shapes.features, { { "EnableTokenStore" } },
      "KEY: this is not one of the features, such as TokenStore for EnableTokenStore; "
        .. "write 'TokenStore'")
    refuses(shapes.features, { { "tokenStore" }, { "T" }, { "Token-Store" }, { 1 } },
      "KEY: this is not one of the features, such as TokenStore for EnableTokenStore")
  end)

  it("of organizational units has their form", function()
    takes(shapes.units, { {}, { "ou-abcd-12345678", "ou-1-a" } })
    refuses(shapes.units, { { "ou-abcd" }, { "r-abcd-12345678" }, { "ou-ABCD-12345678" } },
      "KEY: this is not one of the organizational units, such as ou-abcd-12345678")
  end)
end)

describe("the prices of an estate file", function()
  it("are numbers from 0 on, by instance type, resource type and region", function()
    takes(shapes.prices, {
      {},
      { ["ml.m5.large"] = 0, ["AWS::CloudWatch::Alarm"] = 0.1 },
      { ["eu-west-1"] = { ["ml.m5.large"] = 0.2 }, ["ml.g5.xlarge"] = 1 },
    })
    refuses(shapes.prices, { n = 3, 1, "free", nil }, "KEY must be a table of prices")
    for _, price in ipairs { -0.01, math.huge, 0 / 0, "1", false } do
      refuses(shapes.prices, { { ["ml.m5.large"] = price } },
        "ml.m5.large must be a price in dollars")
      refuses(shapes.prices, { { ["eu-west-1"] = { ["ml.m5.large"] = price } } },
        "ml.m5.large must be a price in dollars")
    end
  end)

  it("are of nothing else, and a region is not in a region", function()
    local hint = "; instance types, such as ml.m5.large, resource types of the table, and regions "
      .. "have one"
    for name, shown in pairs { m5 = "m5", ["AWS::S3::Bucket"] = "AWS::S3::Bucket", [1] = "1" } do
      refuses(shapes.prices, { { [name] = 1 } }, ("nothing here has the price '%s'%s"):format(
        shown, hint))
    end

    refuses(shapes.prices, { { ["eu-west-1"] = { ["eu-west-2"] = {} } } },
      "nothing here has the price 'eu-west-2'" .. hint)
    refuses(shapes.prices, { { ["eu-west-1"] = 3 } }, "nothing here has the price 'eu-west-1'"
      .. hint)
  end)
end)
