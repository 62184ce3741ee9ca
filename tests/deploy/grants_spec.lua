-- Needed is granted: what the recorded events of every handler call is allowed in the role of its
-- function; nothing more is granted; every grant passes the permissions boundary.
local files = require "support.files"
local granted = require "support.granted"
local handlers = require "weir.handlers"
local json = require "weir.json"
local templates = require "support.templates"

describe("the roles of core", function()
  it("grant what is needed, no more, and within the boundary", function()
    assert.same(json.array {}, templates.ask({ granted.question("core",
      granted.same_account()) })[1])
  end)

  it("do so without network, traces, policy source and heartbeats", function()
    assert.same({ "CallbackRole: needs sagemaker:ListTransformJobs on *, which is not allowed" },
      templates.ask({ granted.question("core", granted.same_account {
        SubnetIds = false,
        PolicySource = false,
        ShadowSource = false,
        EnableTracing = "false",
        EnablePolling = "false",
      }) })[1])
  end)

  it("do so with a shadow set beside the policies of the package, in every template that has one",
    function()
    local questions = {
      granted.question("core", granted.same_account { PolicySource = false }),
      granted.question("events", granted.same_account { PolicySource = false }),
      granted.question("endpoint", { PolicySource = false }),
    }
    for i, findings in ipairs(templates.ask(questions)) do
      assert.same(json.array {}, findings, i)
    end
  end)

  it("take the storage account's role for files of another account, and read none themselves",
    function()
    local role = templates.values.core.StorageRoleArn
    assert.same(json.array {}, templates.ask({ granted.question("core", nil, role) })[1])
  end)

  it("of events as well, in its own account and across accounts", function()
    local bare = granted.same_account { EnableMapping = "false", AccessPointArn = false,
      ProfiledModelId = false,
      BedrockModelId = "amazon.nova-lite-v1:0", SubnetIds = false, PolicySource = false,
      ShadowSource = false,
      EnableTracing = "false" }
    local questions = { granted.question("events", granted.same_account()),
      granted.question("events", nil, templates.values.events.StorageRoleArn),
        granted.question("events", bare) }
    local answers = templates.ask(questions)
    assert.same(json.array {}, answers[1])
    assert.same(json.array {}, answers[2])
    -- What the recorded events do and this stack does not: the access point, and the profile's
    -- model.
    for _, finding in ipairs(answers[3]) do
      assert.truthy(finding:find("accesspoint/scans", 1, true)
        or finding:find("nova-lite", 1, true), finding)
    end
  end)

  it("of endpoint as well", function()
    local off = { SubnetIds = false, Variant1ModelDataUrl = false, Variant2ModelDataUrl = false,
      Variant3ModelDataUrl = false, EnableServerless = "false" }
    for i, findings in ipairs(templates.ask { granted.question "endpoint",
      granted.question("endpoint", off) }) do
      assert.same(json.array {}, findings, i)
    end
  end)

  it("of replay as well", function()
    for i, findings in ipairs(templates.ask { granted.question "replay",
      granted.question("replay", { EnableTracing = "false" }) }) do
      assert.same(json.array {}, findings, i)
    end
  end)

  it("have a boundary that fits into a managed policy: 6,144 characters", function()
    assert.is_true(#json.encode(granted.boundary()) < 6144)
  end)
end)

describe("every handler of weir", function()
  it("has a function in a template", function()
    local functions = { mapping = "event_map does what it does" }
    for _, name in ipairs(templates.names()) do
      for handler in files.read(templates.path(name)):gmatch("\n      Handler: ([%w_]+)\n") do
        functions[handler] = name
      end
    end

    local missing = {}
    for _, name in ipairs(handlers.names) do
      if not functions[name] then missing[#missing + 1] = name end
    end

    assert.same({}, missing)
  end)
end)
