-- The steps of deploy/README.md: its estate file planned and applied, and its commands of AWS's own
-- command line, against the model-checked server.
local cloud = require "support.aws"
local doc_commands = require "support.doc_commands"
local files = require "support.files"
local json = require "weir.json"
local run = require "support.run"
local stacks = require "support.stacks"
local templates = require "support.templates"

local page = files.read "deploy/README.md"

describe("deploy/README.md", function()
  local folder

  before_each(function()
    stacks.reset()
    cloud.control("POST", "plain_buckets", json.array { "weir-artifacts-111122223333-eu-west-1" })
    folder = files.directory { ["layer.zip"] = "a layer", ["function.zip"] = "policies" }
    local estate = assert(page:match "```lua\n(%-%- estate.lua\n.-)```")
    files.write(folder .. "/estate.lua", (estate
      :gsub('"build/layer/weir%-layer%-arm64.zip"', ('"%s/layer.zip"'):format(folder))
      :gsub('"function.zip"', ('"%s/function.zip"'):format(folder))))
  end)

  after_each(function() files.remove(folder) end)

  -- What the page shows of a command, line by line.
  local function shown_of(command)
    local lines = {}
    local text = assert(page:match("%$ " .. command:gsub("%-", "%%-") .. "\n(.-)```"), command)
    for line in text:gmatch("[^\n]+") do lines[#lines + 1] = line end
    return lines
  end

  local function lines_of(...)
    local words = { "deploy", ... }
    words[3] = folder .. "/estate.lua"
    words.env = stacks.environment()
    local result = run(words)
    local lines = {}
    for line in result.stdout:gmatch("[^\n]+") do lines[#lines + 1] = line end

    return lines, result
  end

  it("shows the plan of its estate, but for the lines below each stack", function()
    local wanted = shown_of "weir deploy plan estate.lua"
    local printed, result = lines_of("plan", "estate.lua")
    assert.equal(1, result.status, result.stderr .. result.stdout)
    local headlines = {}
    for _, line in ipairs(printed) do
      if not line:find("^ ") then headlines[#headlines + 1] = line end
    end

    assert.equal(#wanted, #headlines, table.concat(headlines, "\n"))
    for i, line in ipairs(headlines) do
      assert.is_true(doc_commands.same_line(wanted[i], line), line)
    end
  end)

  it("shows what applying it prints, in order", function()
    local printed, result = lines_of("apply", "estate.lua", "--yes")
    assert.equal(0, result.status, result.stderr)
    local at = 0
    for _, wanted in ipairs(shown_of "weir deploy apply estate.lua --yes") do
      repeat
        at = at + 1
        assert.is_string(printed[at], wanted)
      until doc_commands.same_line(wanted, printed[at])
    end
  end)

  it("deploys with the AWS command line as it says", function()
    local count = 0
    for command in page:gmatch("\n(aws cloudformation deploy .-[^\\])\n") do
      local name = command:match "%-%-stack%-name (%S+)"
      stacks.stack { name = name, looks = 0, pace = 1000 }
      local words = ("env -i PATH=/usr/bin:/bin HOME=/nowhere AWS_DEFAULT_REGION=eu-west-1 "
        .. "AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s %s 2>&1"):format(
        cloud.front.key_id, cloud.front.secret,
        (command:gsub("^aws ", "/usr/bin/aws --endpoint-url " .. cloud.front.url .. " ")))
      local pipe = assert(io.popen(words))
      local printed = pipe:read "a"
      local _, _, status = pipe:close()
      assert.equal(0, status, printed)
      count = count + 1
    end

    assert.equal(2, count)
    assert.equal("weir-boundary CREATE_COMPLETE, weir-core CREATE_COMPLETE", stacks.left())
  end)

  it("has policies for the role to deploy in that IAM takes as it says", function()
    local size = {}
    for verb in page:match("for verb in ([%l ]+); do"):gmatch "%l+" do
      local result = run { "permissions", verb, "--json" }
      assert.equal(0, result.status, result.stderr)
      size[verb] = #result.stdout
    end

    assert.is_true(size.deploy + size.doctor <= 10240, "a role's own policies")
    assert.is_true(size.cleanup <= 6144, "a managed policy")
    local trust = json.decode((assert(page:match "```json\n(%b{})\n```\n\n```sh\nfor verb")))
    assert.equal("sts:AssumeRole", trust.Statement[1].Action)
  end)

  it("gives rain parameters that the template takes", function()
    local file, list = page:match "rain deploy (%S+) .-%-%-params (%S+)"
    local parameters = {}
    for name, value in list:gmatch "([^=,]+)=([^=,]+)" do parameters[name] = value end
    local answers = templates.ask { { check = "resolve", file = file, parameters = parameters,
      place = templates.place() } }
    assert.same(json.array {}, answers[1].problems)
  end)

  it("tells the costs that the program knows", function()
    local prices = require "weir.deploy.prices"
    local function monthly(kind)
      local values = { EnableEndpoint = "true", InstanceType = kind, MinCapacity = "1" }
      return prices.of({}, values).monthly
    end

    assert.matches(("`ml.m5.large` | $%.2f"):format(monthly "ml.m5.large"), page, 1, true)
    assert.matches("`ml.g5.xlarge` $1,027.84", page, 1, true)
    assert.is_near(1027.84, monthly "ml.g5.xlarge", 0.001)
    assert.matches(("`Dashboard` | $%.2f"):format(
      prices.of({ ["AWS::CloudWatch::Dashboard"] = 1 }, {}).monthly), page, 1, true)
  end)

  it("names every parameter that follows, and every key of the file", function()
    local wires = files.read "lua/weir/deploy/wires.lua"
    local seen = 0
    for name in wires:gmatch 'output = "(%w+)"' do
      seen = seen + 1
      assert.is_truthy(page:find("`" .. name, 1, true), name)
    end

    assert.is_true(seen > 5)
    for _, key in ipairs { "artifacts", "prices", "stacksets", "role", "external_id", "stacks" } do
      assert.is_truthy(page:find("\n| `" .. key .. "` |", 1, true), key)
    end
  end)
end)
