-- `weir run HANDLER --live` in a process of its own, which a test kills through its id.
--
--   local mortal = mortal_handler.new(variables)   of its environment, beside those of support.aws
--   mortal.pid_file                                where the process writes its id
--   mortal:run(handler, event as text, { policies =, variables = })
--       → "killed" | its exit status, what it printed
--   mortal:remove()                                   the folder that it works in
local cloud = require "support.aws"
local run = require "support.run"
local sorted_pairs = require "weir.sorted_pairs"

local Mortal = {}
Mortal.__index = Mortal

local mortal_handler = {}

function mortal_handler.new(variables)
  local folder = run.directory()
  return setmetatable({
    folder = folder,
    pid_file = folder .. "/pid",
    variables = variables or {},
  }, Mortal)
end

function Mortal:run(handler, event, more)
  more = more or {}
  local words = { "env -u AWS_PROFILE" }
  local function set(variables)
    for name, value in sorted_pairs(variables or {}) do
      words[#words + 1] = run.quote(name .. "=" .. value)
    end
  end

  set(cloud.variables(self.variables))
  set(more.variables)

  run.write(self.folder .. "/event", event)
  local script = ("echo $$ >%s; exec %s run %s -e %s/event -p %s --live"):format(self.pid_file,
    run.quote(run.program), handler, self.folder, more.policies or "policies")
  local _, how, status = os.execute(("exec %s sh -c %s >%s/out 2>&1"):format(
    table.concat(words, " "), run.quote(script), self.folder))
  if how == "signal" or status == 137 then return "killed" end

  return status, run.read(self.folder .. "/out")
end

function Mortal:remove() run.remove(self.folder) end

return mortal_handler
