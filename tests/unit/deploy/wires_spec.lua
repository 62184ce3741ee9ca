-- Which stack's output is which other's parameter: by template, account and region.
local wires = require "weir.deploy.wires"

local function stack(template, account, region, more)
  local made = { template = template, account = account, region = region }
  for name, value in pairs(more or {}) do made[name] = value end
  local parts = { template, account, region, made.reader }
  if made.is_policy then parts[#parts + 1] = "policy" end
  made.name = table.concat(parts, "/")

  return made
end

-- "PARAMETER = OUTPUT of STACK, STACK" of each wire into a stack.
local function into(all, target)
  local lines = {}
  for i, wire in ipairs(wires.into(all, target)) do
    local names = {}
    for k, source in ipairs(wire.stacks) do names[k] = source.name end
    lines[i] = ("%s = %s of %s"):format(wire.parameter, wire.output, table.concat(names, ", "))
  end

  return lines
end

describe("the wires into a stack", function()
  -- Two workload accounts in two regions each, and a storage account that both read.
  local all, by_name = {}, {}

  local function add(...)
    local made = stack(...)
    all[#all + 1], by_name[made.name] = made, made
  end

  for _, account in ipairs { "1", "2" } do
    add("boundary", account, "eu")
    for _, region in ipairs { "eu", "us" } do
      for _, template in ipairs { "tokens", "core", "events", "endpoint", "replay", "link" } do
        add(template, account, region)
      end
    end
  end

  for _, region in ipairs { "eu", "us" } do
    add("shared", "9", region)
    add("storage", "5", region)
    add("storage", "5", region, { reader = "1" })
    add("storage", "5", region, { reader = "2" })
    add("storage", "5", region, { is_policy = true })
  end

  it("come from its own account and region where templates say so", function()
    assert.same({
      "BoundaryArn = BoundaryArn of boundary/1/eu",
      "LayerArn = LayerArn of core/1/us",
      "ClaimsTableName = ClaimsTableName of core/1/us",
      "StateMachineArn = StateMachineArn of core/1/us",
      "AlarmTopicArn = AlarmTopicArn of shared/9/us",
      "AccessPointArn = AccessPointArn of storage/5/us",
    }, into(all, by_name["events/1/us"]))
    assert.same({
      "BoundaryArn = BoundaryArn of boundary/2/eu",
      "LayerArn = LayerArn of core/2/eu",
    }, into(all, by_name["replay/2/eu"]))
  end)

  it("come from every region of its account, or every account of its region", function()
    assert.same({
      "BoundaryArn = BoundaryArn of boundary/2/eu",
      "TokenTableName = TokenTableName of tokens/2/eu, tokens/2/us",
      "AlarmTopicArn = AlarmTopicArn of shared/9/eu",
      "AccessPointArn = AccessPointArn of storage/5/eu",
    }, into(all, by_name["core/2/eu"]))
    assert.same({ "SinkArn = SinkArn of shared/9/us" }, into(all, by_name["link/1/us"]))
  end)

  it("are none into what puts out only", function()
    for _, name in ipairs { "boundary/1/eu", "tokens/1/eu", "shared/9/eu" } do
      assert.same({}, into(all, by_name[name]))
    end
  end)

  it("among the storage stacks lead from the access point over its readers to its policy",
    function()
    assert.same({}, into(all, by_name["storage/5/eu"]))
    assert.same({ "AccessPointArn = AccessPointArn of storage/5/eu" },
      into(all, by_name["storage/5/eu/1"]))
    assert.same({
      "AccessPointArn = AccessPointArn of storage/5/eu",
      "AccessRoleArns = AccessRoleArn of storage/5/eu/1, storage/5/eu/2, storage/5/us/1, "
        .. "storage/5/us/2",
    }, into(all, by_name["storage/5/eu/policy"]))
  end)

  describe("have values", function()
    -- outputs: name of the stack → its outputs, or { message, code }
    local function values(outputs, target)
      return wires.values({
        all = all,
        outputs = function(_, source)
          local found = outputs[source.name] or {}
          if found[1] then return nil, found[1], found[2] end
          return found
        end,
      }, by_name[target])
    end

    it("that are joined where several stacks put one out", function()
      local found, pending = values({
        ["storage/5/eu"] = { AccessPointArn = "point" },
        ["storage/5/eu/1"] = { AccessRoleArn = "a" },
        ["storage/5/eu/2"] = { AccessRoleArn = "b" },
        ["storage/5/us/1"] = { AccessRoleArn = "c" },
        ["storage/5/us/2"] = { AccessRoleArn = "d" },
      }, "storage/5/eu/policy")
      assert.same({ AccessPointArn = "point", AccessRoleArns = "a,b,c,d" }, found)
      assert.same({}, pending)
    end)

    it("but not where one of the stacks has none yet", function()
      local found, pending = values({
        ["storage/5/eu"] = { AccessPointArn = "point" },
        ["storage/5/eu/1"] = { AccessRoleArn = "a" },
      }, "storage/5/eu/policy")
      assert.same({ AccessPointArn = "point" }, found)
      assert.same({ 1, "AccessRoleArns" }, { #pending, pending[1].parameter })
    end)

    it("but not where AWS does not say", function()
      local refused = { ["shared/9/us"] = { "not allowed", "AccessDenied" } }
      assert.same({ nil, "not allowed", "AccessDenied" }, { values(refused, "link/1/us") })
    end)
  end)
end)
