-- Every template against CloudFormation's specification, weir's own rules, and all its switches.
local files = require "support.files"
local json = require "weir.json"
local pattern = require "weir.pattern"
local sorted_pairs = require "weir.sorted_pairs"
local templates = require "support.templates"

local NAMES = templates.names()

-- What is asked of each template, all of it in one go: the specification takes seconds to load.
local CHECKS = {
  { name = "specified", check = "specified" },
  { name = "ruled", check = "ruled" },
  { name = "off", check = "resolve" },
  { name = "on", check = "resolve", given = true },
  { name = "combinations", check = "combinations", given = true },
}

-- check → template → answer
local answers = {}

setup(function()
  local questions = {}
  for _, name in ipairs(NAMES) do
    for _, each in ipairs(CHECKS) do
      questions[#questions + 1] = {
        check = each.check,
        file = templates.path(name),
        parameters = each.given and templates.given(name) or nil,
        place = templates.place(),
      }
    end
  end

  local at = 0
  local all = templates.ask(questions)
  for _, name in ipairs(NAMES) do
    for _, each in ipairs(CHECKS) do
      at = at + 1
      answers[each.name] = answers[each.name] or {}
      answers[each.name][name] = all[at]
    end
  end
end)

local function sorted_keys(map)
  local list = {}
  for key in pairs(map) do list[#list + 1] = key end
  table.sort(list)

  return list
end

describe("every template", function()
  it("is what CloudFormation's specification allows, below 51,200 bytes", function()
    for name, findings in pairs(answers.specified) do assert.same(json.array {}, findings, name) end
  end)

  -- Values that a parameter of a name must refuse, in every template that has it.
  local WRONG = {
    SubnetIds = { "subnet-1,sg-1", "*", "subnet-xyz", "subnet-1,,subnet-2 x" },
    SecurityGroupIds = { "sg-1,default", "sg_1" },
    WorkloadRoleArns = { "*", "arn:aws:iam::111122223333:role/*",
      "arn:aws:iam::111122223333:role/a,arn:aws:iam::111122223333:user/b" },
    AccessRoleArns = { "arn:aws:iam::*:role/a", "arn:aws:sts::111122223333:assumed-role/a/b" },
    StorageRoleArn = { "arn:aws:iam::111122223333:role/*", "role/a" },
    DataBucketArns = { "*", "arn:aws:s3:::*", "weir-files", "arn:aws:s3:::weir-*,*" },
    WorkloadAccountIds = { "1111,2222", "111122223333;222233334444" },
    ExternalId = { "short", "a*b-long-enough-to-be-one", "has blanks and is long enough" },
    MinCapacity = { "0", "5", "one" },
    MaxCapacity = { "0", "5" },
    RoutingThreshold = { "0", "10001", "1.5", "ten" },
    TokenTtlSeconds = { "59", "-1" },
    ConfidenceThreshold = { "-1", "101" },
    PolicySource = { "s3://", "s3://bucket", "https://bucket/key" },
    ModelDataUrl = { "s3://bucket", "/models/m.tar.gz" },
    InstanceType = { "m5.large", "ml.m5", "ml.m5.large " },
    Prefix = { "w", "Weir", "weir_1", "weir-and-much-longer" },
    EnableScaling = { "True", "yes", "1", "" },
    OrganizationalUnitIds = { "o-abcdefghij", "ou-*" },
    Regions = { "eu-west", "eu_west_1" },
    ReplicaRegion = { "eu-west", "*" },
  }

  it("refuses values of another shape, each alone", function()
    local questions, asked = {}, {}
    for _, name in ipairs(NAMES) do
      local declared = files.read(templates.path(name))
      for parameter, values in sorted_pairs(WRONG) do
        local has = declared:find("\n  " .. parameter .. ":\n", 1, true)
        for _, value in ipairs(has and values or {}) do
          asked[#asked + 1] = ("%s: %s = '%s'"):format(name, parameter, value)
          questions[#questions + 1] = { check = "resolve", file = templates.path(name),
            parameters = { [parameter] = value }, place = templates.place() }
        end
      end
    end

    assert.is_true(#asked > 60)
    for i, answer in ipairs(templates.ask(questions)) do
      assert.is_true(#answer.problems > 0, asked[i])
      assert.matches("the parameter ", answer.problems[1], 1, true)
    end
  end)

  it("lets no endpoint have more instances at least than at most", function()
    local questions, wanted = {}, {}
    local function ask(least, most, from, to)
      local parameters = {}
      for name, value in pairs(templates.given "endpoint") do -- any order: copies each by itself
        parameters[name] = value
      end

      for name, value in pairs { MinCapacity = 1, MaxCapacity = 4, WeekdayUpMinCapacity = 1,
        WeekdayDownMaxCapacity = 4 } do -- any order: copies each by itself
        parameters[name] = tostring(value)
      end

      parameters[least], parameters[most] = tostring(from), tostring(to)
      questions[#questions + 1] = { check = "resolve", file = templates.path "endpoint",
        parameters = parameters, place = templates.place() }
      wanted[#wanted + 1] = from > to and least .. " is above " .. most .. "." or false
    end

    for from = 1, 4 do
      for to = 1, 4 do
        ask("MinCapacity", "MaxCapacity", from, to)
        ask("WeekdayUpMinCapacity", "MaxCapacity", from, to)
        ask("MinCapacity", "WeekdayDownMaxCapacity", from, to)
      end
    end

    for i, answer in ipairs(templates.ask(questions)) do
      local found = table.concat(answer.problems, "\n")
      if wanted[i] then
        assert.matches(wanted[i], found, 1, true)
      else
        assert.equal("", found)
      end
    end
  end)

  it("keeps weir's rules", function()
    for name, findings in pairs(answers.ruled) do assert.same(json.array {}, findings, name) end
  end)

  it("is a free wait handle and nothing else while everything is off", function()
    for name, resolved in pairs(answers.off) do
      assert.same(json.array {}, resolved.problems, name)
      assert.same({ "Nothing" }, sorted_keys(resolved.resources), name)
      assert.equal("AWS::CloudFormation::WaitConditionHandle", resolved.resources.Nothing.Type)
    end
  end)

  it("has everything while everything is on", function()
    for name, resolved in pairs(answers.on) do
      assert.same(json.array {}, resolved.problems, name)
      assert.is_true(#sorted_keys(resolved.resources) > 1, name)
    end
  end)

  it("resolves with every combination of switches, and every pair of values given and absent",
    function()
    for name, result in pairs(answers.combinations) do
      assert.same(json.array {}, result.findings, name)
      assert.is_true(result.tried > result.refused, name)
    end
  end)

  it("shows no External ID in outputs, descriptions, names or tags", function()
    local seen = 0
    for name, resolved in pairs(answers.on) do
      if templates.given(name).ExternalId then seen = seen + 1 end
      assert.is_nil(json.encode(resolved.outputs):find(templates.EXTERNAL_ID, 1, true), name)
      for logical, resource in pairs(resolved.resources) do
        for _, part in ipairs { "Tags", "Description", "RoleName", "Name" } do
          local shown = json.encode(resource.Properties[part] or json.null)
          assert.is_nil(shown:find(templates.EXTERNAL_ID, 1, true), name .. "." .. logical)
        end
      end
    end

    assert.is_true(seen > 0)
  end)
end)

describe("what a template says in another language", function()
  it("are event patterns that EventBridge takes, and that match what they are for", function()
    local rules = {}
    for _, resolved in pairs(answers.on) do
      for logical, resource in pairs(resolved.resources) do
        if resource.Type == "AWS::Events::Rule" then
          rules[logical] = assert(pattern.compile(json.encode(resource.Properties.EventPattern)))
        end
      end
    end

    assert.same({ "ArrivalsRule", "MappingRule", "TransformJobsRule" }, sorted_keys(rules))

    local function created(bucket, key)
      return { source = "aws.s3", ["detail-type"] = "Object Created",
        detail = { bucket = { name = bucket }, object = { key = key } } }
    end

    local prefix, suffix = templates.values.events.KeyPrefix, templates.values.events.KeySuffix
    for _, name in ipairs { "ArrivalsRule", "MappingRule" } do
      assert.same({ true, false, false, false }, {
        rules[name]:match(created("weir-files", prefix .. "a" .. suffix)),
        rules[name]:match(created("weir-files", prefix .. "a.txt")),
        rules[name]:match(created("weir-files", "out/a" .. suffix)),
        rules[name]:match(created("other", prefix .. "a" .. suffix)),
      }, name)
    end

    local ended = assert(json.decode(files.read("tests/events/sagemaker_callback.json")))
    ended.world, ended.config = nil, nil
    assert.is_true(rules.TransformJobsRule:match(ended))
  end)

  -- The schedule's function would take "a,b" as two endings, the rule as one.
  it("are suffixes of one ending: a list is refused", function()
    local refused = files.read("deploy/cloudformation/events.yaml")
      :match "\n  KeySuffix:.-AllowedPattern: %^%[%^([^\n]*)%]{0,500}%$\n"
    for _, sign in ipairs { ",", "\\s", "*" } do
      assert.truthy(refused:find(sign, 1, true), refused .. " has no " .. sign)
    end
  end)

  it("are dashboards and inputs of schedules in JSON", function()
    local seen = 0
    for name, resolved in pairs(answers.on) do
      for logical, resource in pairs(resolved.resources) do
        local target = resource.Type == "AWS::Scheduler::Schedule" and resource.Properties.Target
        local text = resource.Properties.DashboardBody or target and target.Input
        if text then
          assert.truthy(json.decode(text), name .. "." .. logical)
          seen = seen + 1
        end
      end
    end

    assert.is_true(seen >= 3)
  end)
end)

describe("what a template repeats", function()
  local function resources(name) return answers.on[name].resources end

  it("is the token table of deploy/token-table.json", function()
    local table_of = resources("core").TokenTable.Properties
    local wanted = assert(json.decode(files.read("deploy/token-table.json")))
    for _, part in ipairs { "BillingMode", "AttributeDefinitions", "KeySchema",
      "GlobalSecondaryIndexes" } do
      assert.same(wanted[part], table_of[part], part)
    end
  end)

  it("is the table of A/B tests of deploy/ab-table.json", function()
    local table_of = resources("core").ABTable.Properties
    local wanted = assert(json.decode(files.read("deploy/ab-table.json")))
    for _, part in ipairs { "BillingMode", "AttributeDefinitions", "KeySchema" } do
      assert.same(wanted[part], table_of[part], part)
    end
  end)

  it("is the claims table of deploy/claims-table.json", function()
    local table_of = resources("core").ClaimsTable.Properties
    local wanted = assert(json.decode(files.read("deploy/claims-table.json")))
    for _, part in ipairs { "BillingMode", "AttributeDefinitions", "KeySchema" } do
      assert.same(wanted[part], table_of[part], part)
    end
  end)

  it("is the pattern of deploy/transform-job-rule.json", function()
    assert.same(assert(json.decode(files.read("deploy/transform-job-rule.json"))),
      resources("core").TransformJobsRule.Properties.EventPattern)
  end)
end)
