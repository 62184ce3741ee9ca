-- Deployments that are killed, throttled and refused, from every state and at every call.
local cloud = require "support.aws"
local deployment = require "support.deployment"
local json = require "weir.json"
local killed = require "support.killed"
local property = require "support.property"
local stacks = require "support.stacks"

local SINK = "arn:aws:oam:eu-west-1:777788889999:sink/11111111-2222-4333-8444-555555555555"

local ONE = ([[
return {
  name = "weir",
  regions = { "eu-west-1" },
  features = { "Link" },
  parameters = { link = { SinkArn = "%s" } },
  accounts = { { id = "111122223333", kind = "workload", stacks = { "boundary", "link" } } },
}
]]):format(SINK)

local TAGS = { { Key = "weir:stack", Value = "weir-link" } }

-- Kills -------------------------------------------------------------------------------------------

-- What the first run finds.
local BEGINNINGS = {
  nothing = function() end,
  review = function() stacks.stack { status = "REVIEW_IN_PROGRESS" } end,
  older = function()
    stacks.stack { status = "CREATE_COMPLETE", tags = TAGS, template = stacks.template "link",
      parameters = { EnableLink = "false" } }
  end,
  failed = function() stacks.stack { status = "ROLLBACK_COMPLETE", tags = TAGS } end,
  stuck = function()
    stacks.stack { status = "UPDATE_ROLLBACK_FAILED", tags = TAGS,
      template = stacks.template "link",
      parameters = { EnableLink = "false" }, stuck = "Nothing" }
  end,
}

-- "weir-boundary EnableBoundary=… …" of what is deployed
local function deployed()
  local lines = {}
  for _, each in ipairs(cloud.control("GET", "stacks").stacks) do
    if each.status ~= "DELETE_COMPLETE" then
      assert.matches("^%u+_COMPLETE$", each.status)
      assert.not_equal("ROLLBACK_COMPLETE", each.status)
      lines[#lines + 1] = each.name .. " " .. json.encode(each.parameters)
    end
  end

  table.sort(lines)
  return table.concat(lines, "\n")
end

local function apply_until_done(estate)
  local outcome
  for _ = 1, 4 do
    outcome = deployment.apply(estate)
    if outcome.done then return end
    assert.is_string(outcome.next)
  end

  error("not done after four runs: " .. outcome.message)
end

-- States and failures -----------------------------------------------------------------------------

local STATUSES = {
  "", "REVIEW_IN_PROGRESS", "CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE",
  "IMPORT_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_FAILED", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_FAILED",
  "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED",
  "UPDATE_ROLLBACK_FAILED", "SOMETHING_NEW",
}

local NOTHING = "No updates are to be performed."

local SCRIPTS = {
  {},
  { operations = { { fails = "TheLink", reason = "no permission" } }, names = "TheLink" },
  {
    operations = { { fails = "TheLink", reason = "r", rollback_fails = "Nothing", why = "w" } },
    names = "TheLink",
  },
  { operations = { { fails = "TheLink", reason = "no permission", keep = true } }, names =
    "TheLink" },
  { operations = { { rollback_fails = "Nothing", why = "the function is gone" } } },
  { fails = "Transform AWS::X failed", names = "Transform AWS::X failed" },
  { fails = NOTHING },
  { blocks = { Kept = "it is in use" }, resources = { Kept = { Type = "AWS::SNS::Topic" } } },
  {
    changes = { {
      Action = "Remove",
      LogicalResourceId = "Gone",
      ResourceType = "AWS::S3::Bucket",
      PolicyAction = "Delete",
    } },
    names = "Gone",
  },
}

local function refusal(code, status)
  return { kind = "status", status = status, headers = { ["Content-Type"] = "text/xml" },
    body = ("<ErrorResponse><Error><Code>%s</Code><Message>as AWS "
      .. "says</Message></Error></ErrorResponse>")
      :format(code) }
end

local TROUBLES = {
  refusal("Throttling", 400), refusal("ExpiredToken", 403), refusal("AccessDenied", 403),
  refusal("InternalFailure", 500), { kind = "close" }, { kind = "half" }, { kind = "html" },
}

local function one_of(list)
  return property.map(property.int(1, #list), function(i) return list[i] end)
end

local function trouble_at(position, trouble)
  local faults = json.array {}
  for i = 1, position do faults[i] = { kind = "pass" } end
  faults[position + 1] = trouble
  cloud.control("POST", "faults", faults)
end

local function check_deletions(tagged)
  for _, input in ipairs(stacks.requested "DeleteStack") do
    local state = cloud.control("GET", "stacks")
    for _, each in ipairs(state.stacks) do
      if each.id == input.StackName and each.given then assert.is_true(tagged) end
    end
  end
end

-- A stack without our tag keeps its status, unless its creation was never carried out.
local function check_untouched()
  for _, each in ipairs(cloud.control("GET", "stacks").stacks) do
    if each.given and each.was ~= "REVIEW_IN_PROGRESS" then assert.equal(each.was, each.status) end
  end
end

describe("A deployment", function()
  it("that is killed between any two calls is finished by running it again", function()
    stacks.reset()
    deployment.apply(ONE)
    local expected = deployed()
    local names = {}
    for name in pairs(BEGINNINGS) do names[#names + 1] = name end -- any order: sorted below
    table.sort(names)

    property.check("kills", property.tuple {
      one_of(names), property.int(1, 60), property.boolean(),
    }, function(case)
      stacks.reset()
      BEGINNINGS[case[1]]()
      killed(case[2], case[3], function() deployment.apply(ONE) end)
      apply_until_done(ONE)
      assert.equal(expected, deployed())
      assert.same({}, cloud.control("GET", "stacks").change_sets)
    end, { cases = 40 })
  end)

  it("from any state, whatever fails, ends well or names what failed and what to do", function()
    property.check("states and failures", property.tuple {
      one_of(STATUSES), one_of(SCRIPTS), property.boolean(), property.boolean(), property.boolean(),
      property.int(0, 40), one_of(TROUBLES), property.boolean(),
    }, function(case)
      local status, script, tagged, replace, troubled = table.unpack(case, 1, 5)
      -- A stack whose creation failed is created again, and a creation always changes something.
      local is_new = status ~= "CREATE_COMPLETE" and not status:find("^UPDATE_")
      if is_new and script.fails == NOTHING then script = {} end

      stacks.reset()
      local given = { name = "weir-link", status = status ~= "" and status or nil, tags = tagged
        and TAGS or nil,
        stuck = status:find("ROLLBACK_FAILED$") and "Nothing" or nil }
      for key, value in pairs(script) do given[key] = value end -- any order: copies each by itself
      given.names = nil
      stacks.stack(given)
      if troubled then trouble_at(case[6], case[7]) end

      local outcome = deployment.apply(ONE, {
        replace = replace,
        adopt = case[8],
        skip = { Nothing = true },
      })
      check_deletions(tagged)
      if not tagged and not case[8] then check_untouched() end
      if outcome.done then
        assert.matches("weir%-link [%u_]+_COMPLETE", stacks.left())
        return
      end

      assert.is_string(outcome.code)
      assert.is_true(outcome.next ~= nil or outcome.rows == nil)
      if outcome.rows then assert.matches("weir-%l+", outcome.message) end
      local is_about_resource = outcome.code == "OperationFailed"
        or outcome.code == "ChangeSetFailed"
        or outcome.code == "DataWouldBeLost"
      if is_about_resource and script.names and outcome.message:find("weir%-link") then
        assert.matches(script.names, outcome.message, 1, true)
      end
    end, { cases = 80 })
  end)
end)
