-- weir registry against the model-checked server, which keeps packages by their ClientToken as
-- SageMaker does.
local cloud = require "support.aws"
local files = require "support.files"
local json = require "weir.json"
local json_schema = require "support.json_schema"
local run = require "support.run"
local sorted_pairs = require "weir.sorted_pairs"

local ARN = "arn:aws:sagemaker:eu-west-1:111122223333:model-package/segmentation/1"

local IMAGE = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/m:4"

describe("weir registry", function()
  before_each(cloud.reset)

  local function given(list)
    list.env = cloud.variables()
    table.insert(list, 1, "registry")
    return run(list)
  end

  local function metrics_file(text)
    local path = os.tmpname()
    files.write(path, text)
    return path
  end

  local function register(more)
    local list = {
      "register",
      "segmentation",
      "--image",
      IMAGE,
      "--model-data",
      "s3://models/v4.tar.gz",
    }

    for _, word in ipairs(more or {}) do list[#list + 1] = word end

    return given(list)
  end

  describe("list", function()
    it("shows every page, as lines or as JSON", function()
      local result = given { "list", "g" }
      assert.equal(0, result.status, result.stderr)
      assert.equal(7, select(2, result.stdout:gsub("\n", "\n")))
      assert.matches(
        "\n1  Approved  Completed  arn:aws:sagemaker:eu%-west%-1:111122223333:model%-package/g/1\n",
        "\n" .. result.stdout)
      assert.equal(1, #cloud.inputs "ListModelPackages")
      local listed = given({ "list", "g", "--json", "--status", "Approved" }).stdout
      assert.is_true(json_schema.check("docs/json/registry.schema.json", listed, { lines = true }))
      local line = json.decode(listed:match("[^\n]+"))
      assert.same({ "Approved", "Completed" }, { line.approval, line.status })
      assert.equal("Approved", cloud.inputs "ListModelPackages"[2].ModelApprovalStatus)
    end)
  end)

  describe("register", function()
    it("only shows what it would send", function()
      local result = register()
      assert.equal(0, result.status, result.stderr)
      assert.matches("plan      1. sagemaker CreateModelPackage  segmentation", result.stdout, 1,
        true)
      assert.matches("--live carries it out", result.stderr, 1, true)
      assert.same({}, cloud.requests())
    end)

    it("makes one package of one content, however often it is sent, and another of another",
      function()
      local arns = {}
      for i, more in ipairs { {}, {}, { "--description", "other" } } do
        more[#more + 1], more[#more + 2] = "--live", "--json"
        local result = register(more)
        assert.equal(0, result.status, result.stderr)
        assert.is_true(json_schema.check("docs/json/registry.schema.json", result.stdout,
          { lines = true }))
        arns[i] = json.decode(result.stdout).arn
      end

      assert.equal(arns[1], arns[2])
      assert.not_equal(arns[1], arns[3])
      local input = cloud.inputs "CreateModelPackage"[1]
      assert.equal(36, #input.ClientToken)
      assert.same({ "PendingManualApproval", "segmentation" },
        { input.ModelApprovalStatus, input.ModelPackageGroupName })
      local container = input.InferenceSpecification.Containers[1]
      assert.same({ Image = IMAGE, ModelDataUrl = "s3://models/v4.tar.gz" }, container)
    end)

    it("is one package when its reply is lost", function()
      cloud.faults({ kind = "reset" })
      assert.equal(0, register({ "--live" }).status)
      local sent = cloud.inputs "CreateModelPackage"
      assert.equal(2, #sent)
      assert.equal(sent[1].ClientToken, sent[2].ClientToken)
    end)

    it("really sends the metrics: as properties, and as a file that the package names", function()
      local path = metrics_file '{"f1": 0.91, "holdout": "2026-10", "passed": true, "rows": 120000}'
      local result = register { "--metrics", path, "--metrics-uri", "s3://bucket/metrics/v4.json",
        "--property",
        "commit=4f2c", "--live" }
      assert.equal(0, result.status, result.stderr)
      local input = cloud.inputs "CreateModelPackage"[1]
      assert.same({ f1 = "0.91", holdout = "2026-10", passed = "true", rows = "120000",
        commit = "4f2c" },
        input.CustomerMetadataProperties)
      assert.same({ Statistics = { ContentType = "application/json",
        S3Uri = "s3://bucket/metrics/v4.json" } },
        input.ModelMetrics.ModelQuality)
      local object = assert(cloud.client("s3"):get_object { Bucket = "bucket",
        Key = "metrics/v4.json" })
      assert.equal(0.91, json.decode(object.Body).f1)
      os.remove(path)
    end)

    it("refuses metrics that the registry does not take", function()
      for text, message in pairs {
        ["[1]"] = "must be one JSON object", ["{"] = "not JSON",
          ['{"a": {"b": 1}}'] = "the metric a must be a number",
        ['{"a": ""}'] = "a must have 1 to 256 bytes",
          ['{"a;b": 1}'] = "not a name that the registry takes",
        ['{"a": NaN}'] = "not JSON",
      } do
        local path = metrics_file(text)
        local result = register { "--metrics", path, "--live" }
        assert.equal(2, result.status, text)
        assert.matches(message, result.stderr, 1, true)
        os.remove(path)
      end

      local many = {}
      for i = 1, 51 do many["m" .. i] = i end
      local path = metrics_file(json.encode(many))
      assert.matches("51 metrics and properties are too many",
        register({ "--metrics", path }).stderr, 1, true)
      os.remove(path)
      assert.matches("f1 is given twice", register({ "--property", "f1=1", "--property",
        "f1=2" }).stderr, 1, true)
      assert.equal(6, register({ "--metrics", "/nowhere/m.json" }).status)
      assert.same({}, cloud.requests())
    end)

    it("needs an image, and a place for the file that is one", function()
      assert.matches("register needs --image", given({ "register", "g" }).stderr, 1, true)
      local result = register { "--metrics-uri", "s3://bucket" }
      assert.matches("--metrics-uri must be s3://bucket/key", result.stderr, 1, true)
    end)

    it("refuses what SageMaker would refuse, before anything is sent", function()
      local long = ("x"):rep(1025)
      for said, words in sorted_pairs {
        ["'g_x' is not a group"] = { "register", "g_x", "--image", "i" },
        ["'g-' is not a group"] = { "list", "g-" },
        ["--model-data must be s3://"] = { "register", "g", "--image", "i", "--model-data", "m" },
        ["--token must be up to 36"] = { "register", "g", "--image", "i", "--token",
          ("x"):rep(37) },
        ["--description has 1025 characters; SageMaker takes 1024"] = { "register", "g", "--image",
          "i", "--description", long },
        ["--reason has 1025 characters"] = { "reject", ARN, "--reason", long },
        ["list takes no --image; it belongs to register"] = { "list", "g", "--image", "i" },
        ["approve takes no --content-type"] = { "approve", ARN, "--content-type", "a/b" },
        ["register takes no --reason"] = { "register", "g", "--image", "i", "--reason", "r" },
      } do
        local result = given(words)
        assert.equal(2, result.status, said)
        assert.matches(said, result.stderr, 1, true)
      end

      local group = "arn:aws:sagemaker:eu-west-1:111122223333:model-package-group/g"
      assert.equal(0, given({ "register", group, "--image", "i" }).status)
      assert.same({}, cloud.requests())
    end)
  end)

  describe("approve and reject", function()
    local function registered()
      return json.decode(register({ "--live", "--json" }).stdout).arn
    end

    it("change the status once, say what it was, and keep the reason", function()
      local arn = registered()
      local function live(action, reason)
        local result = given { action, arn, "--reason", reason, "--live", "--json" }
        assert.equal(0, result.status, result.stderr)
        local line = json.decode(result.stdout)

        return line.was .. " → " .. line.result
      end

      assert.equal("PendingManualApproval → Approved", live("approve", "f1 0.91"))
      assert.equal("Approved → unchanged: it is Approved", live("approve", "again"))
      assert.equal("Approved → Rejected", live("reject", "drifts"))
      assert.equal("Rejected → Approved", live("approve", "f1 0.91"))
      local sent = cloud.inputs "UpdateModelPackage"
      assert.equal(3, #sent)
      assert.same({ "Approved", "f1 0.91" }, {
        sent[1].ModelApprovalStatus,
        sent[1].ApprovalDescription,
      })
    end)

    it("show what they would send", function()
      local result = given { "approve", ARN }
      assert.equal(0, result.status, result.stderr)
      assert.matches("UpdateModelPackage", result.stdout, 1, true)
      assert.same({}, cloud.requests())
    end)

    it("approve nothing that is not completed, and name nothing that is not a package", function()
      local arn = registered()
      cloud.answers { ["sagemaker.DescribeModelPackage"] = { { status = 200, headers = {},
        body = '{"ModelPackageStatus":"Failed","ModelApprovalStatus":"PendingManualApproval"}' } } }
      local result = given { "approve", arn, "--live" }
      assert.equal(6, result.status)
      assert.matches("the package is Failed, not Completed", result.stderr, 1, true)
      assert.same({}, cloud.inputs "UpdateModelPackage")
      assert.equal(2, given({ "approve", "segmentation" }).status)
      assert.matches("reject needs --reason", given({ "reject", ARN }).stderr, 1, true)
    end)
  end)

  it("suggests what is meant", function()
    assert.matches("actions are: list, register, approve, reject", given({ "aprove", ARN }).stderr,
      1, true)
    assert.equal(2, given({ "list", "g", "--status", "approved" }).status)
  end)
end)
