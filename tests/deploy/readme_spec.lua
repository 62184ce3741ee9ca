-- deploy/README.md names every template, switch and output as they are, and its commands give
-- parameters that there are.
local files = require "support.files"
local json = require "weir.json"
local templates = require "support.templates"

local page = files.read "deploy/README.md"

local function names_in(text, pattern)
  local list = {}
  for name in text:gmatch(pattern) do list[#list + 1] = name end
  return list
end

describe("deploy/README.md", function()
  it("tells the switches and outputs of every template", function()
    for _, name in ipairs(templates.names()) do
      local switches, outputs = page:match("\n| `" .. name .. "` | (`Enable[^|]*) | ([^|]*) |\n")
      assert.truthy(switches, name)
      local text = files.read(templates.path(name))
      assert.same(names_in(text, "\n  (Enable%w+):\n"), names_in(switches, "`(%w+)`"), name)
      assert.same(names_in(text:match("\nOutputs:\n.*"), "\n  (%w+):\n"),
        names_in(outputs, "`(%w+)`"), name)
      assert.truthy(page:find(("\n| `%s` | [^|`]*| "):format(name)), name .. " is not described")
    end
  end)

  it("deploys with parameters that the templates take", function()
    local questions = {}
    for block in page:gmatch("```sh\n(.-)\n```") do
      for command in (block .. "\n\n"):gmatch("(.-)\n\n") do
        local file = command:match("%-%-template%-file (%S+)")
        local parameters = {}
        for name, value in command:gmatch("(%u%w+)=(%S+)") do parameters[name] = value end
        if file then
          questions[#questions + 1] = { check = "resolve", file = file, parameters = parameters,
            place = templates.place() }
        end
      end
    end

    assert.is_true(#questions >= 2)
    for i, answer in ipairs(templates.ask(questions)) do
      assert.same(json.array {}, answer.problems, questions[i].file)
    end
  end)
end)
