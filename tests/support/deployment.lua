-- A deployment in this process, against the model-checked server, without waiting: what `weir
-- deploy apply --yes` does.
--
--   local outcome = deployment.apply(estate text, { replace =, adopt =, skip =,
--     templates = name → text })
--   outcome.done, or outcome.message, outcome.code, outcome.next; outcome.rows, outcome.log
local apply = require "weir.deploy.apply"
local artifacts = require "weir.deploy.artifacts"
local cloud = require "support.aws"
local credentials = require "weir.aws.credentials"
local estates = require "weir.deploy.estate"
local files = require "support.files"
local plan = require "weir.deploy.plan"
local sessions = require "weir.deploy.session"
local stacks = require "support.stacks"

local M = {}

function M.session(text, more)
  local estate, where = estates.read(text, "estate.lua")
  assert(estate, estate or type(where) == "table" and where[1].message)
  local store, message = artifacts.open(estate)
  assert(not message, message)

  local templates = setmetatable({}, { __index = function(_, name)
    return more.templates and more.templates[name]
      or files.read(("deploy/cloudformation/%s.yaml"):format(name))
  end })

  credentials.reset()
  return sessions.new { estate = estate, where = where, templates = templates, store = store,
    config = { credentials = cloud.credentials, getenv = cloud.environment() } }
end

local function steps_of(log)
  return {
    event = function(stack, event)
      log[#log + 1] =
        ("%s: %s %s"):format(stack.name, event.LogicalResourceId, event.ResourceStatus)
    end,
    done = function(stack, what) log[#log + 1] = stack.name .. ": " .. what end,
    object = function(bucket, key, was_there)
      log[#log + 1] = ("s3://%s/%s %s"):format(bucket, key, was_there and "there" or "put")
    end,
  }
end

function M.apply(text, more)
  more = more or {}
  return stacks.without_waiting(function()
    local session = M.session(text, more)
    local outcome = { log = {} }
    local made, message, code = plan.make { session = session, file = "estate.lua",
      shown = function() end }
    if not made then
      outcome.message, outcome.code = message, code
      return outcome
    end

    assert(made.rows, made.findings and made.findings[1].message)
    outcome.rows = made.rows
    outcome.done, outcome.message, outcome.code, outcome.next = apply.run {
      session = session,
      rows = made.rows,
      replace = more.replace,
      adopt = more.adopt,
      skip = more.skip,
      shown = steps_of(outcome.log),
    }

    return outcome
  end)
end

return M
