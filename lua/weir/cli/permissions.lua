-- weir permissions HANDLER: the IAM statements that a handler's calls need.
local calls = require "weir.permissions.calls"
local events = require "weir.cli.events"
local exit = require "weir.cli.exit"
local handler_of = require "weir.runtime.handler"
local handlers = require "weir.handlers"
local json = require "weir.json"
local make_effects = require "weir.effects"
local messages = require "weir.cli.messages"
local permissions = require "weir.permissions"
local policies = require "weir.cli.policies"
local sorted_pairs = require "weir.sorted_pairs"
local terminal = require "weir.cli.terminal"
local verbs = require "weir.permissions.verbs"

-- Names -------------------------------------------------------------------------------------------

local function names_from(settings)
  local names = {}
  for _, text in ipairs(settings or {}) do
    local name, value = text:match("^([%a_][%w_]*)=(.+)$")
    if not name then
      return nil, ("--set '%s' is not NAME=VALUE"):format(text),
        "write --set token_table=task-tokens"
    end

    if names[name] then return nil, ("--set gives '%s' twice"):format(name), "give it once" end
    names[name] = value
  end

  return names
end

-- setting(name) → what --set or the environment says, or nil
local function settings_of(names)
  local dry = make_effects.dry { config = names }
  return function(name)
    local value = dry:setting(name)
    return value
  end
end

-- What stands for names that are not given: in JSON every region and account, which IAM
-- understands; in YAML CloudFormation's pseudo parameters.
local function place_of(given)
  local region = given.region or os.getenv("AWS_REGION") or os.getenv("AWS_DEFAULT_REGION")
  if region == "" then region = nil end
  if given.json then
    return permissions.place {
      partition = given.partition,
      region = region,
      account = given.account,
    }
  end

  return permissions.place {
    partition = given.partition or "${AWS::Partition}",
    region = given.region or "${AWS::Region}",
    account = given.account or "${AWS::AccountId}",
  }
end

local function check_place(given)
  if given.account and not given.account:find("^%d%d%d%d%d%d%d%d%d%d%d%d$") then
    return nil, ("--account '%s' is not an account of 12 digits"):format(given.account)
  end

  if given.region and not require("weir.aws.endpoint").check_region(given.region) then
    return nil, ("--region '%s' is not a region"):format(given.region), "write --region eu-west-1"
  end

  return true
end

-- What the handler calls
-- ----------------------------------------------------------------------------

-- The handler and all it is known to call: of weir's own by their declaration, of the operator's by
-- their source. → { handler =, requests =, unclear = } | nil, message, hint
local function known_calls(name, root, setting)
  local located, message = handler_of.locate(name, root)
  if not located then return nil, message end
  if located.run then
    local own = calls.declared(located.name, setting)
    return {
      handler = located,
      requests = own or {},
      unclear = own and {} or {
        { place = located.name, message = "what this handler calls is not declared" },
      },
    }
  end

  local found
  found, message = require("weir.permissions.source").read(located.path, root)
  if not found then return nil, message end

  return { package = true, requests = found.requests, unclear = found.unclear }
end

-- The handler that events are run with, and its policy set. A handler of the package may run
-- without a policy set: it fails only when it asks a policy.
local function prepare(given, screen, known)
  local handler, message = known.handler, nil
  if not handler then handler, message = handler_of.find(given.HANDLER, given.package or ".") end
  if not handler then return nil, function() return nil, message end end

  local has_set = given.policies or policies.directory()
  if not (handler.asks or (known.package and has_set)) then return handler end
  local set, verdict = policies.load("permissions", { policies = given.policies }, screen)
  if not set then return nil, verdict end

  return handler, set
end

-- The exit statuses of failures that leave the answer open.
local FAILURES = { InvalidEvent = exit.usage, HandlerRaised = exit.inconclusive }

local Runs = {}
Runs.__index = Runs

function Runs:event(text, place, wrong)
  self.count = self.count + 1
  local failure = wrong and { message = wrong, code = "InvalidEvent" }
  if text then
    local list
    list, failure = calls.observed(self.handler, json.decode(text, { secrets = true }), self.set)
    table.move(list, 1, #list, #self.seen + 1, self.seen)
  end

  local status = failure and FAILURES[failure.code]
  if not status then return end

  self.screen.err:print("weir: permissions: ", terminal.printable(events.place(place)), ": ",
    status == exit.usage and "" or "the handler ended with an error, and what it calls after that "
      .. "is not known: ", terminal.printable(failure.message))
  if self.status ~= exit.usage then self.status = status end
end

-- Runs every event dry. → requests, status | nil, function that gives what the verb has to return
local function run_events(given, screen, known)
  local handler, set = prepare(given, screen, known)
  if not handler then return nil, set end

  local runs = setmetatable({ screen = screen, handler = handler, set = set, seen = {}, count = 0,
    status = exit.fine }, Runs)
  for _, path in ipairs(given.event) do
    local ok, why, code = events.each(path, function(...) runs:event(...) end)
    if not ok then
      return nil, function()
        return messages.failure(screen, "permissions",
          { message = why, code = code, exit = exit.io })
      end
    end
  end

  if runs.count > 0 then return runs.seen, runs.status end

  return nil, function() return nil, "there is no event in " .. table.concat(given.event, ", ") end
end

-- Output ------------------------------------------------------------------------------------------

local function quoted(text)
  local sub = text:find("${", 1, true) and "!Sub " or ""
  return ("%s'%s'"):format(sub, terminal.printable(text):gsub("'", "''"))
end

local function show_condition(out, condition)
  out:print("  Condition:")
  for operator, keys in sorted_pairs(condition) do
    out:print("    ", operator, ":")
    for key, value in sorted_pairs(keys) do
      local shown = type(value) == "string" and quoted(value)
      if not shown then
        local list = {}
        for i, each in ipairs(value) do list[i] = quoted(each) end
        shown = "[" .. table.concat(list, ", ") .. "]"
      end

      out:print("      ", key, ": ", shown)
    end
  end
end

local function show_yaml(out, statements)
  for _, statement in ipairs(statements) do
    out:print("- Sid: ", statement.Sid)
    out:print("  Effect: Allow")
    out:print("  Action:")
    for _, action in ipairs(statement.Action) do out:print("    - ", action) end
    out:print("  Resource:")
    for _, resource in ipairs(statement.Resource) do out:print("    - ", quoted(resource)) end
    if statement.Condition then show_condition(out, statement.Condition) end
  end

  if #statements == 0 then out:print("# nothing: the handler calls no service") end
end

-- The placeholders that are still in a policy, which can be used only without them.
local function tell_placeholders(screen, statements)
  local seen, names = {}, {}
  for _, statement in ipairs(statements) do
    for _, resource in ipairs(statement.Resource) do
      for name in resource:gmatch("%${(%w+)}") do
        if not seen[name] then names[#names + 1] = name end
        seen[name] = true
      end
    end
  end

  if #names == 0 then return end
  screen.err:print("weir: permissions: not known: ", table.concat(names, ", "),
    "; name them with --set (token_table=… for TokenTable), or give events with -e")
end

-- The request as that role makes it for itself, or nil where it is made in another.
local function as_role(request, arn)
  local role = request.role
  local last = role and (#role > 0 and role[#role] or role)
  if not last or last.arn ~= arn then return nil end

  return { service = request.service, operation = request.operation, input = request.input }
end

local function statements_of(requests, given)
  local place, grants = place_of(given), {}
  for _, request in ipairs(requests) do
    if given.in_role then request = as_role(request, given.in_role) end
    local list = request and permissions.grants(request, place) or {}
    table.move(list, 1, #list, #grants + 1, grants)
  end

  return permissions.statements(grants)
end

local function show_policy(out, statements)
  out:print(terminal.json { Version = "2012-10-17", Statement = json.array(statements) })
end

local function show(given, screen, statements)
  if given.json then
    show_policy(screen.out, statements)
    tell_placeholders(screen, statements)
  else
    show_yaml(screen.out, statements) -- a template has parameters of these names
  end
end

-- Where the source left a call open and no event was run, the statements may be too few.
local function tell_unclear(given, screen, unclear)
  for _, each in ipairs(unclear) do
    screen.err:print("weir: permissions: ", terminal.printable(each.place), ": ",
      terminal.printable(each.message), given.event and "" or "; give events with -e")
  end

  return #unclear > 0 and not given.event and exit.inconclusive or exit.fine
end

-- What a verb of this program needs on an estate.
local function run_verb(given, screen, names)
  if given.event or given.package or given.policies then
    return nil, given.HANDLER .. " is a verb, which takes no events, no package and no policies"
  end

  local grants = verbs.grants(given.HANDLER, names.name or "weir", place_of(given))
  local statements = permissions.statements(grants)
  if given.json then
    show_policy(screen.out, permissions.compact(statements))
  else
    show_yaml(screen.out, statements)
  end

  return exit.fine
end

local function is_verb(name)
  for _, verb in ipairs(verbs.names) do
    if verb == name then return true end
  end

  return false
end

local function run(given, screen)
  local names, message, hint = names_from(given.set)
  if not names then return nil, message, hint end
  local ok
  ok, message, hint = check_place(given)
  if not ok then return nil, message, hint end
  if is_verb(given.HANDLER) then return run_verb(given, screen, names) end

  local known
  known, message, hint = known_calls(given.HANDLER, given.package or ".", settings_of(names))
  if not known then return nil, message, hint end

  local requests, status = known.requests, exit.fine
  if given.event then
    local seen, result = run_events(given, screen, known)
    if not seen then return result() end
    requests, status = calls.merged(requests, seen), result
  end

  show(given, screen, statements_of(requests, given))
  return math.max(status, tell_unclear(given, screen, known.unclear))
end

return {
  name = "permissions",
  summary = "print the IAM statements that a handler needs",
  description = {
    [[HANDLER is one of weir's own, or FILE.METHOD of a function's package as _HANDLER names it.
      Of weir's own handlers it is declared what they call; of yours the source is read, and with
      events dry runs add the names of tables, buckets and endpoints. Nothing is called.]],
    [[The statements are YAML for the PolicyDocument of a CloudFormation role, with --json a whole
      policy for IAM. A name that is not known stays a placeholder such as ${TokenTable}; such a
      policy allows nothing until it is filled in. What every function needs beside its handler
      (its log group, its dead-letter queue, traces) is in deploy/cloudformation/core.yaml.]],
    [[HANDLER may also be a verb that acts on an estate, such as cleanup: then it is what whoever
      runs it needs. --set name=NAME names the estate; else it is weir.]],
  },
  positionals = { { name = "HANDLER", doc = table.concat(handlers.names, ", ")
    .. ", or FILE.METHOD",
    words = handlers.names } },
  options = {
    { long = "event", short = "e", value = "FILE", many = true, complete = "file",
      doc = "run these events dry; '-' is standard input" },
    { long = "package", value = "DIR", complete = "directory",
      doc = "where FILE.METHOD is; else the current directory" },
    policies.options.directory,
    { long = "set", value = "NAME=VALUE", many = true,
      doc = "a setting of the handler, or a name in its events: token_table=task-tokens" },
    { long = "in-role", value = "ARN",
      doc = "what the calls need that the handler makes in this role, for that role's own policy" },
    { long = "region", value = "REGION", doc = "in ARNs; with --json else AWS_REGION, else any" },
    { long = "account", value = "ID", doc = "in ARNs; with --json else any" },
    { long = "partition", value = "NAME", doc = "in ARNs; with --json else aws" },
    { long = "json", doc = "one IAM policy document" },
  },
  exits = {
    { 0, "printed" },
    { 2, "usage, or an event that the handler does not understand" },
    { 3, "the policy set that the events need does not load" },
    { 5, "the source does not tell every call: run events" },
    { 6, "a file cannot be read" },
  },
  examples = {
    { "weir permissions sagemaker_callback", "YAML for a template" },
    { "weir permissions cleanup --json", "of who cleans up" },
    { "weir permissions orders.handle -e orders.jsonl --json", "of a handler of your own" },
  },
  run = run,
}
