-- Every output member of every operation, with the type of AWS's own service models: a full answer
-- is made from the model and read by the client.
local aws = require("weir.aws")
local json = require("weir.json")
local oracle = require("oracles.oracle")
local sorted_pairs = require("weir.sorted_pairs")

-- Members that weir gives another form on purpose. Attribute values become Lua values, and what
-- BatchWriteItem did not write stays text, to be sent again.
local OTHER_FORM = {
  dynamodb = {
    Attributes = true, Item = true, ItemCollectionMetrics = true, Items = true,
    LastEvaluatedKey = true,
    UnprocessedItems = true,
  },
}

-- Services that the command line alone calls.
local OF_THE_PROGRAM = { "autoscaling", "cloudformation", "ec2", "iam", "lambda", "logs",
  "s3_buckets", "s3control", "scheduler", "tagging" }

-- CloudFormation's operation that is younger than the models; its answer is not read by type.
local YOUNGER = "DescribeEvents"

local function service_of(name) return require("weir.aws." .. name).service end

local function all_operations()
  local list, services = {}, table.move(aws.services, 1, #aws.services, 1, {})
  table.move(OF_THE_PROGRAM, 1, #OF_THE_PROGRAM, #services + 1, services)
  for _, service in ipairs(services) do
    for name in sorted_pairs(service_of(service).operations) do
      if name ~= YOUNGER then list[#list + 1] = { service = service, operation = name } end
    end
  end

  return list
end

local function read(service, operation, answer)
  local body = answer.body
  local output, problem = service.protocol.parse(service, operation,
    { status = answer.status, headers = answer.headers, body = body, body_bytes = #body })
  assert.is_table(output, problem and problem.message)
  if operation.after then operation.after(output) end

  return output
end

local function without(members, names)
  local kept = {}
  for name, value in pairs(members) do
    if not (names or {})[name] then kept[name] = value end
  end

  return kept
end

describe("outputs", function()
  local operations = all_operations()
  local answers = oracle.ask("output_shapes.mjs", operations)

  for i, question in ipairs(operations) do
    it(("of %s %s have every member of the model, with its type"):format(question.service,
      question.operation), function()
      local answer = assert(json.decode(answers[i]))
      local service = service_of(question.service)
      local changed = OTHER_FORM[question.service]
      local expected = without(answer.expected, changed)
      if changed then answer.body = json.encode(expected) end

      local output = read(service, service.operations[question.operation], answer)
      for name, value in pairs(expected) do
        assert.same(value, output[name], name)
        assert.equal(math.type(value), math.type(output[name]), name)
      end

      -- Beside the model's members there are only weir's own, and headers newer than the model.
      for name, value in pairs(output) do
        if expected[name] == nil then
          assert.is_true(name == "status" or name == "body_bytes", name .. tostring(value))
        end
      end
    end)
  end

  it("leave out a member whose text is not of its type", function()
    local s3 = require("weir.aws.s3").service
    local output = read(s3, s3.operations.HeadObject, { status = 200, body = "", headers = {
      ["content-length"] = "many", ["x-amz-delete-marker"] = "yes",
      ["x-amz-mp-parts-count"] = "1.5", etag = "e" } })
    assert.same({ ETag = "e", status = 200 }, output)
    output = read(s3, s3.operations.HeadObject, { status = 200, body = "", headers = {
      ["content-length"] = "0", ["x-amz-delete-marker"] = "FALSE" } })
    assert.same({ ContentLength = 0, DeleteMarker = false, status = 200 }, output)
  end)

  it("have a table where a list or a structure is empty", function()
    local stacks = require("weir.aws.cloudformation").service
    local function described(inner)
      local body = ("<DescribeStacksResponse><DescribeStacksResult>%s</DescribeStacksResult>"
        .. "</DescribeStacksResponse>"):format(inner)
      return read(stacks, stacks.operations.DescribeStacks,
        { status = 200, body = body, headers = {} })
    end

    assert.same({ Stacks = {} }, described "<Stacks/>")
    assert.same({ Stacks = {} }, described "<Stacks>\n  </Stacks>")
    assert.same({ Stacks = { { Tags = {}, RollbackConfiguration = {}, Description = "" } } },
      described("<Stacks><member><Tags/><RollbackConfiguration></RollbackConfiguration>"
        .. "<Description/></member></Stacks>"))
  end)
end)
