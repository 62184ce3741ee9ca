-- ./dev demo-ab: it prints what docs/promotion.md shows of it, its page and its recording are
-- there, and it fails when what it shows is not true. The shipped recording of experiments holds
-- the same decisions.
local doc_commands = require "support.doc_commands"
local files = require "support.files"
local json = require "weir.json"
local run = require "support.run"

local SHIPPED = "tests/recordings/experiments.jsonl.gz"

-- The demo into a directory: its output and exit status.
local function demo(directory, settings)
  local path = os.tmpname()
  local _, _, status = os.execute(("env -u FORCE_COLOR WEIR_LOOPBACK_ONLY=1 %s %s lua "
    .. "tests/workflow/demo_ab.lua %s >%s 2>&1")
    :format(settings, run.quote(run.program), run.quote(directory), path))
  local output = files.read(path)
  os.remove(path)

  return output, status
end

local function decisions_of(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do
    local decision = json.decode(line)
    list[#list + 1] = { decision.id, decision.decision, decision.because }
  end

  return list
end

describe("the demo of A/B tests", function()
  teardown(files.remove_all)

  it("prints what docs/promotion.md shows, and leaves a page and a recording like the shipped one",
    function()
    local directory = files.directory()
    local output, status = demo(directory, "NO_COLOR=1")
    assert.equal(0, status, output)
    local shown = doc_commands.shown("docs/promotion.md", "./dev demo-ab")
    assert.is_true(#shown > 10)
    doc_commands.check_order(shown, output)

    assert.matches("<html", files.read(directory .. "/report.html"), 1, true)
    local pipe = io.popen("gzip -dc " .. SHIPPED)
    local shipped = pipe:read "a"
    assert(pipe:close())
    assert.same(decisions_of(shipped), decisions_of(files.read(directory .. "/experiments.jsonl")))
  end)

  it("fails when the decisions are not the same again", function()
    local directory = files.directory { weir = "#!/bin/sh\nexit 1\n" }
    os.execute("chmod 755 " .. run.quote(directory .. "/weir"))
    local output, status = demo(directory, "FORCE_COLOR=1 WEIR=" .. run.quote(directory .. "/weir"))
    assert.equal(1, status, output)
    assert.matches("\27[31mdemo-ab failed\27[0m: weir replay", output, 1, true)
  end)
end)

describe("the shipped recording of experiments", function()
  it("replays: the shipped policy decides every line the same again", function()
    local result = run { "replay", SHIPPED, "-p", "policies", "--json" }
    assert.equal(0, result.status, result.stdout)
    local summary = json.decode(result.stdout:match "[^\n]+\n*$")
    assert.is_true(summary.decisions > 30)
    assert.equal(summary.decisions, summary.identical)
  end)
end)
