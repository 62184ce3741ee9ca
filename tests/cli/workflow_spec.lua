-- The workflow that weir new writes: it is what docs/pull-requests.md shows, and its steps do on a
-- real repository what they say. Only GitHub's own program is a stand-in.
local files = require "support.files"
local json = require "weir.json"
local run = require "support.run"

local WORKFLOW = ".github/workflows/policies.yml"

-- A YAML file as tables, by npm's yaml.
local function read_yaml(path)
  local script = 'console.log(JSON.stringify(require("yaml").parse(require("fs").readFileSync('
    .. 'process.argv[1], "utf8"), { strict: true })))'
  local pipe =
    assert(io.popen(("cd tests && node -e %s %s"):format(run.quote(script), run.quote(path))))
  local text = pipe:read("a")
  assert(pipe:close())

  return assert(json.decode(text))
end

describe("the workflow of weir new", function()
  local folder, workflow

  local function shell(script) files.shell("cd " .. run.quote(folder .. "/checkout") .. " && "
    .. script) end

  local function commit(message)
    shell("git add -A && git -c user.name=a -c user.email=a@b.invalid commit -qm " .. message)
  end

  before_each(function()
    folder = run.directory()
    assert.equal(0, run({ "new", "checkout", directory = folder }).status)
    workflow = read_yaml(folder .. "/checkout/" .. WORKFLOW)

    -- The repository that it runs in: a clone, on the branch of the pull request.
    files.shell("cd " .. folder .. "/checkout && git init -q -b main")
    commit "before"
    files.shell(("cd %s && mv checkout origin && git clone -q origin checkout && mkdir temp bin")
      :format(folder))
    shell "git switch -qc change"
    files.write(folder .. "/bin/gh", "#!/bin/sh\necho \"$@\" >" .. folder .. "/gh.txt\n")
    files.shell("chmod +x " .. folder .. "/bin/gh && ln -s " .. run.quote(run.program) .. " "
      .. folder
      .. "/bin/weir")
  end)
  after_each(function() run.remove(folder) end)

  -- Runs the steps in order, without those that fetch weir or the repository; the name of the first
  -- that fails, and what it printed.
  local function run_steps()
    local ran = 0
    for _, step in ipairs(workflow.jobs.policies.steps) do
      if step.run and step.name ~= "Install weir" then
        local script = files.write(folder .. "/temp/step.sh", step.run)
        local settings = {
          "PATH=" .. folder .. "/bin:$PATH", "RUNNER_TEMP=" .. folder .. "/temp",
            "GITHUB_BASE_REF=main",
          "PULL_REQUEST=7", "GH_TOKEN=x",
        }
        for name, value in pairs(workflow.env) do settings[#settings + 1] = name .. "="
          .. run.quote(value) end
        local command =
          ("cd %s/checkout && env -u WEIR_PARAMS %s bash -e %s >%s/output.txt 2>&1"):format(folder,
          table.concat(settings, " "), script, folder)
        ran = ran + 1
        if not os.execute(command) then return step.name, run.read(folder .. "/output.txt") end
      end
    end

    assert.equal(4, ran)
  end

  local function edit(from, to)
    local path = folder .. "/checkout/routing.lua"
    local text = run.read(path)
    local at, last = assert(text:find(from, 1, true))
    run.write(path, text:sub(1, at - 1) .. to .. text:sub(last + 1))
    commit "after"
  end

  it("is what docs/pull-requests.md shows", function()
    local text = run.read(folder .. "/checkout/" .. WORKFLOW)
    local page = run.read("docs/pull-requests.md")
    assert.truthy(page:find("```yaml\n" .. text .. "```\n", 1, true))
  end)

  it("asks for no more than it needs, and takes the whole history", function()
    assert.same({ contents = "read", ["pull-requests"] = "write" }, workflow.permissions)
    assert.equal(0, workflow.jobs.policies.steps[1].with["fetch-depth"])
  end)

  it("comments on a pull request that changes decisions, and succeeds", function()
    edit("integer { 10,", "integer { 9,")
    local failed, output = run_steps()
    assert.is_nil(failed, output)
    assert.equal("pr comment 7 --body-file " .. folder
      .. "/temp/diff.md --edit-last --create-if-none\n",
      run.read(folder .. "/gh.txt"))
    assert.matches("^## ⚠️ Policies: %*%*1 of 4 decisions change", run.read(folder
      .. "/temp/diff.md"))
    assert.matches("^<%?xml", run.read(folder .. "/temp/tests.xml"))
  end)

  it("comments on one that changes nothing", function()
    edit("Small batches", "Small lots")
    local failed, output = run_steps()
    assert.is_nil(failed, output)
    assert.matches("^## ✅ Policies: none of 4 decisions changes", run.read(folder
      .. "/temp/diff.md"))
  end)

  it("fails at the check for a mistake, with an annotation", function()
    edit("facts.inference_type", "facts.inference_tpe")
    local failed, output = run_steps()
    assert.equal("Check", failed)
    assert.matches("::error file=./routing.lua,line=14,", output)
  end)

  it("fails at the tests when they reach too little", function()
    edit(run.read(folder .. "/checkout/routing.lua"):match(
      "    { given = { file_count = 10 }.*},\n  },\n"), "  },\n")
    files.remove(folder .. "/checkout/examples/routing.jsonl")
    commit "fewer"
    local failed, output = run_steps()
    assert.equal("Test", failed)
    assert.matches("below 80 %%", output)
  end)

  it("fails at the comparison when the new policies fail on the recording", function()
    -- Examples of the policy do not meet it, and the recording's own are taken out of the tests.
    shell "mkdir recordings && git mv examples/routing.jsonl recordings/day.jsonl"
    workflow.env.RECORDING = "recordings/day.jsonl"
    edit("params = { threshold = 10 }, expect = \"batch\" }",
      "params = { threshold = 11 }, expect = \"realtime\" }")
    edit("return batch { because = \"%d files, at",
      "assert(count ~= 10) return batch { because = \"%d files, at")
    workflow.jobs.policies.steps[4].run = workflow.jobs.policies.steps[4].run:gsub("80", "50")
    local failed = run_steps()
    assert.equal("Compare with the branch that it goes into", failed)
  end)
end)
