-- What the stacks are made of: in S3, under the digest of its content, once.
local artifacts = require "weir.deploy.artifacts"
local files = require "support.files"
local sha256 = require "weir.sha256"

local function stack(template, account, region)
  return { template = template, account = { id = account or "111122223333" },
    region = region or "eu-west-1" }
end

describe("the artifacts of an estate", function()
  local folder

  setup(function()
    folder = files.directory { ["layer.zip"] = "the layer", ["code.zip"] = "the code",
      ["inference.asl.json"] = "{}", ["arrivals.asl.json"] = "[]", ["replay.asl.json"] = "7",
      ["polling.asl.json"] = "8" }
  end)

  teardown(files.remove_all)

  local function estate(more)
    local given = { bucket = "weir-{account}-{region}", layer = folder .. "/layer.zip",
      code = folder .. "/code.zip", state_machines = folder }
    for name, value in pairs(more or {}) do given[name] = value or nil end
    return { name = "weir", artifacts = given }
  end

  local function key(text, extension)
    return ("weir/%s.%s"):format(sha256.hex(text), extension)
  end

  -- A session with these stacks, whose S3 answers so: { message, code } or nothing; and what it put
  local function session_of(stacks, answer)
    local put = {}
    return {
      all = stacks,
      client = function(_, service, account, region)
        return { put_object = function(_, input)
          input.of = ("%s %s %s"):format(service, account.id, region)
          put[#put + 1] = input
          if answer then return nil, answer[1], answer[2] end
          return {}
        end }
      end,
    }, put
  end

  it("are none where it names none", function()
    assert.is_nil(artifacts.open { name = "weir" })
  end)

  it("have keys of their digests, in a bucket of the stack's account and region", function()
    local store = assert(artifacts.open(estate()))
    local bucket = "weir-111122223333-eu-west-1"
    assert.same({ ArtifactBucket = bucket, LayerKey = key("the layer", "zip"),
      CodeKey = key("the code", "zip"), AslKey = key("{}", "json") },
      store:parameters(stack "core"))
    assert.same({ ArtifactBucket = bucket, CodeKey = key("the code", "zip"),
      AslKey = key("[]", "json"), PollingAslKey = key("8", "json") },
      store:parameters(stack "events"))
    assert.same({ ArtifactBucket = bucket, CodeKey = key("the code", "zip"),
      AslKey = key("7", "json") }, store:parameters(stack "replay"))
    assert.same({ ArtifactBucket = "weir-2-us-east-1", CodeKey = key("the code", "zip") },
      store:parameters(stack("endpoint", "2", "us-east-1")))
    assert.same({}, store:parameters(stack "storage"))
  end)

  it("go without layer and code where none are named", function()
    local found = assert(artifacts.open(estate { layer = false, code = false }))
      :parameters(stack "core")
    assert.same({ nil, nil, key("{}", "json") }, { found.LayerKey, found.CodeKey, found.AslKey })
  end)

  it("that are not there are named, with what makes them", function()
    for name, next in pairs { layer = "./dev layer builds it",
      code = "it is a zip that may hold policies/" } do
      local store, message, code = artifacts.open(estate { [name] = folder .. "/none.zip" })
      assert.same({ nil, "FileFailed" }, { store, code })
      assert.equal("the artifact " .. name .. ": ", message:sub(1, #name + 15))
      assert.equal("; " .. next, message:sub(-#next - 2))
    end

    local _, message = artifacts.open(estate { state_machines = folder .. "/none" })
    assert.truthy(message:find("^the artifact arrivals: .*none/arrivals%.asl%.json.*; "
      .. "artifacts%.state_machines names the folder$"), message)
  end)

  it("are put once each, in every account and region that needs them", function()
    local store = assert(artifacts.open(estate()))
    local session, put = session_of { stack "core", stack "storage", stack "endpoint",
      stack("endpoint", "2") }
    local shown = {}
    assert.is_true(store:put_all(session, function(bucket, object, was_there)
      shown[#shown + 1] = ("%s %s %s"):format(bucket, object, was_there)
    end))
    local first, second = "weir-111122223333-eu-west-1 ", "weir-2-eu-west-1 "
    assert.same({
      first .. key("{}", "json") .. " false",
      first .. key("the code", "zip") .. " false",
      first .. key("the layer", "zip") .. " false",
      second .. key("the code", "zip") .. " false",
    }, shown)
    assert.same({ of = "s3 111122223333 eu-west-1", Bucket = "weir-111122223333-eu-west-1",
      Key = key("the layer", "zip"), body_file = folder .. "/layer.zip",
      ContentType = "application/zip", IfNoneMatch = "*",
      ExpectedBucketOwner = "111122223333" }, put[3])
    assert.same({ "application/json", "s3 2 eu-west-1", "2" },
      { put[1].ContentType, put[4].of, put[4].ExpectedBucketOwner })
  end)

  it("that are there already are not written again", function()
    local store, shown = assert(artifacts.open(estate())), {}
    assert.is_true(store:put_all((session_of({ stack "endpoint" },
      { "exists", "PreconditionFailed" })), function(_, _, was_there) shown[1] = was_there end))
    assert.same({ true }, shown)
  end)

  it("say what to do where the bucket is not there, and end with what AWS says", function()
    local store = assert(artifacts.open(estate()))
    local place = "the artifact s3://weir-111122223333-eu-west-1/" .. key("the code", "zip")
    for code, message in pairs {
      NoSuchBucket = place .. ": no; make it first: "
        .. "aws s3 mb s3://weir-111122223333-eu-west-1 --region eu-west-1",
      AccessDenied = place .. ": no",
    } do
      local session = session_of({ stack "endpoint" }, { "no", code })
      assert.same({ nil, message, code }, { store:put_all(session, function() end) })
    end
  end)

  it("hold templates that are too large, and tell their address", function()
    local store = assert(artifacts.open(estate()))
    local session, put = session_of {}
    local object = key("a: b", "yaml")
    assert.equal("https://weir-111122223333-eu-west-1.s3.eu-west-1.amazonaws.com/" .. object,
      store:put_template(session, stack "core", "a: b"))
    assert.same({ "a: b", object, "application/yaml" },
      { put[1].Body, put[1].Key, put[1].ContentType })
    assert.equal("https://weir-1-cn-north-1.s3.cn-north-1.amazonaws.com.cn/" .. object,
      store:put_template(session, stack("core", "1", "cn-north-1"), "a: b"))
    local refusing = session_of({}, { "no", "AccessDenied" })
    assert.same({ nil, ("the artifact s3://weir-111122223333-eu-west-1/%s: no"):format(object),
      "AccessDenied" }, { store:put_template(refusing, stack "core", "a: b") })
  end)
end)
