-- Clean-ups of an estate of one account, for the specs of weir cleanup: its stacks on the
-- model-checked server, the program, and the same in this process. Whoever cleans up may do what
-- weir permissions cleanup prints, and nothing else.
local cleaning = require "weir.cleanup"
local cloud = require "support.aws"
local estates = require "weir.deploy.estate"
local files = require "support.files"
local json = require "weir.json"
local run = require "support.run"
local sessions = require "weir.deploy.session"
local stacks = require "support.stacks"

local M = {}

M.ESTATE = [[
return {
  name = "weir",
  regions = { "eu-west-1" },
  accounts = { { id = "111122223333", kind = "workload" } },
}
]]

local permissions

local function printed_permissions()
  local printed = run { "permissions", "cleanup", "--json", "--region", "eu-west-1", "--account",
    "111122223333" }
  return json.array { assert(json.decode(printed.stdout)) }
end

-- Before each test: nothing is there but the estate file, M.path.
function M.begin()
  permissions = permissions or printed_permissions()
  stacks.reset()
  cloud.control("POST", "roles", {
    caller = { arn = "arn:aws:iam::111122223333:user/cleaner", policies = permissions },
  })
  M.folder = files.directory { ["estate.lua"] = M.ESTATE }
  M.path = M.folder .. "/estate.lua"
end

-- After each test: nothing was asked for that is not granted.
function M.finish()
  files.remove(M.folder)
  local refused = cloud.control("GET", "refusals")
  if #refused > 0 then error("IAM refused: " .. json.encode(refused), 0) end
end

function M.tags(name) return json.array { { Key = "weir:stack", Value = name } } end

-- A stack of the estate, with its tag.
function M.stack(template, given)
  given = given or {}
  given.name = "weir-" .. template
  given.status = given.status or "CREATE_COMPLETE"
  given.tags = given.tags or M.tags(given.name)
  given.resources = given.resources or { Topic = { Type = "AWS::SNS::Topic" } }
  stacks.stack(given)
end

-- What a server has now.
function M.state(name) return cloud.control("GET", name) end

function M.run(...)
  local words = { "cleanup", M.path, ... }
  words.env = stacks.environment()
  return run(words)
end

function M.run_live(...) return M.run("--live", "--yes", ...) end

-- act(given, sleeps): the same in this process, where sleeping takes no time. → outcome, what was
-- shown
function M.act(given, sleeps)
  given = given or {}
  local text = {}
  given.shown = function(event)
    local stays = event.stays
    text[#text + 1] = event.note or event.error or stays and stays.what .. ": " .. stays.reason
  end

  return stacks.in_no_time(function()
    local session = sessions.new {
      estate = estates.read(M.ESTATE, "estate.lua"),
      config = { credentials = cloud.credentials, getenv = cloud.environment() },
    }
    local found = assert(cleaning.look(session, given))

    return cleaning.act(found, session, given), table.concat(text, "\n")
  end, sleeps)
end

return M
