-- What a verb asks a policy: the kind, and the facts from -e FILE or standard input, without their
-- secrets.
local contains = require "weir.contains"
local decide = require "weir.decide"
local exit = require "weir.cli.exit"
local files = require "weir.files"
local json = require "weir.json"
local messages = require "weir.cli.messages"
local native = require "weir.terminal"
local redact = require "weir.redact"
local schemas = require "weir.schemas"
local suggest = require "weir.suggest"

local facts = {}

-- The exit status of failures that are not the policy's, but of the facts and parameters given.
facts.STATUS = {
  UnknownKind = exit.usage,
  InvalidFacts = exit.usage,
  InvalidParams = exit.usage,
  OutOfMemory = exit.io,
}

-- The set's own kinds count; nil, message, hint for a name that none has.
function facts.check_kind(set, name)
  local names = schemas.names(schemas.of(set:kinds()))
  if contains(names, name) then return true end

  local close = suggest(name, names)
  return nil, ("unknown kind '%s'"):format(name),
    close and ("did you mean '%s'?"):format(close) or "kinds are: " .. table.concat(names, ", ")
end

local LIMIT = 16 * 1024 * 1024

facts.option = {
  long = "event",
  short = "e",
  value = "FILE",
  complete = "file",
  doc = "the facts; '-' is standard input",
}

-- The facts' text; else nil and an exit status, or nil, nil and the message and hint of a usage
-- error.
function facts.read(verb, given, screen)
  if not given.event and native.is_terminal(0) then
    return nil, nil, "no facts are given",
      "name a file with -e FILE, or write them to standard input"
  end

  local text, message, code = files.read(given.event or "-", LIMIT)
  if text then return text end

  return nil, messages.failure(screen, verb, { message = message, code = code, exit = exit.io })
end

-- The facts without their secrets, as handlers pass them to a policy; a text without secrets stays
-- as it is. → the text | nil, message, code
function facts.without_secrets(set, kind, text)
  redact.forget()
  local decoded = json.decode(text, { secrets = true })
  if decoded == nil then return text end

  local clean, found = decide.without_secrets(decoded)
  if #found == 0 then return text end
  local whole, message, code = decide.check_whole(set, kind, decoded)
  if not whole then return nil, message, code end

  return json.encode(clean)
end

return facts
