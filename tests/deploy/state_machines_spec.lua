-- The state machines of the templates: valid in the Amazon States Language, every substitution
-- given and used, and nothing that a template does not substitute.
local files = require "support.files"
local json = require "weir.json"
local retry = require "weir.aws.retry"
local templates = require "support.templates"

local NAMES = { "core", "events", "replay" }

-- template → the state machines that it makes when everything is on, by their logical names
local machines = {}

setup(function()
  local questions = {}
  for i, name in ipairs(NAMES) do
    questions[i] = { check = "resolve", file = templates.path(name),
      parameters = templates.given(name),
      place = templates.place() }
  end

  for i, answer in ipairs(templates.ask(questions)) do
    machines[NAMES[i]] = {}
    for logical, resource in pairs(answer.resources) do
      if resource.Type == "AWS::StepFunctions::StateMachine" then
        machines[NAMES[i]][logical] = resource.Properties
      end
    end
  end
end)

local function substituted(text)
  local names = {}
  for name in text:gmatch("%${(%w+)}") do names[name] = true end
  return names
end

local function keys(set)
  local list = {}
  for key in pairs(set) do list[#list + 1] = key end
  table.sort(list)

  return list
end

describe("every state machine of a template", function()
  for _, name in ipairs(NAMES) do
    it(("(%s) has every substitution, no more, and is valid then"):format(name), function()
      assert.is_true(#keys(machines[name]) > 0)
      for logical, machine in pairs(machines[name]) do
        local key = machine.DefinitionS3Location.Key:match("[^/]+$")
        local text = files.read("deploy/state-machines/" .. key)
        assert.same(keys(substituted(text)), keys(machine.DefinitionSubstitutions), logical)

        for from, to in pairs(machine.DefinitionSubstitutions) do
          assert.matches("^arn:aws:", to)
          text = text:gsub("%${" .. from .. "}", (to:gsub("%%", "%%%%")))
        end

        assert.truthy(json.decode(text))
        local path = files.write(os.tmpname(), text)
        local pipe = assert(io.popen("node tests/node_modules/.bin/asl-validator --json-path "
          .. path .. " 2>&1"))
        local output = pipe:read("a")
        assert.is_true(pipe:close(), output)
        os.remove(path)
      end
    end)
  end

  it("is in deploy/, and each of deploy/ is in a template", function()
    local used = {}
    for _, name in ipairs(NAMES) do
      for _, machine in pairs(machines[name]) do
        used[machine.DefinitionS3Location.Key:match("[^/]+$")] = true
      end
    end

    local there = {}
    for _, path in ipairs(files.lines_of("ls deploy/state-machines/*.json")) do
      there[path:match("[^/]+$")] = true
    end

    there["events.asl.json"] = nil -- the template of the events stack is to come
    assert.same(keys(there), keys(used))
  end)

  it("is STANDARD: EXPRESS has no callbacks", function()
    assert.equal("STANDARD", machines.core.Inference.StateMachineType)
  end)
end)

-- Calls visit(name, state) for every state, those inside of Map states included.
local function each_state(machine, visit)
  for name, state in pairs(machine.States) do
    visit(name, state)
    if state.ItemProcessor then each_state(state.ItemProcessor, visit) end
  end
end

local function retried_names(state)
  local names = {}
  for _, retrier in ipairs(state.Retry or {}) do
    for _, name in ipairs(retrier.ErrorEquals) do
      if retrier.MaxAttempts ~= 0 then names[name] = true end
    end
  end

  return names
end

describe("every function that a state machine invokes", function()
  for _, path in ipairs(files.lines_of("ls deploy/state-machines/*.json")) do
    it(("(%s) is invoked again after every failure that passes by itself"):format(path), function()
      local functions = 0
      each_state(json.decode(files.read(path)), function(name, state)
        if not (state.Resource or ""):find("lambda:invoke", 1, true) then return end
        functions = functions + 1
        local retried = retried_names(state)
        assert.equal(retried.ClaimBusy, retried.ClaimContended, name)
        if retried["States.ALL"] or retried["States.TaskFailed"] then return end
        for _, codes in ipairs { retry.THROTTLING_CODES, retry.TRANSIENT_CODES } do
          for code in pairs(codes) do
            assert.is_true(retried[code], ("%s does not retry %s"):format(name, code))
          end
        end
      end)

      assert.is_true(functions > 0)
    end)
  end
end)
