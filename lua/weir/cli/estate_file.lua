-- The estate file of a verb: read, or refused on the screen with its findings.
--
--   estate_file.read(screen, verb, path) → estate, where | nil, exit status
--   estate_file.refuse(screen, verb, path, findings) → exit status
local estates = require "weir.deploy.estate"
local exit = require "weir.cli.exit"
local files = require "weir.files"
local messages = require "weir.cli.messages"
local process = require "weir.process"
local redact = require "weir.redact"

local estate_file = {}

local LIMIT = 1024 * 1024

function estate_file.refuse(screen, verb, path, findings)
  messages.show_findings(screen, findings)
  return messages.failure(screen, verb, {
    message = ("the estate file %s is not right; nothing was asked for"):format(path),
    code = "EstateRefused",
    exit = exit.load,
  })
end

function estate_file.read(screen, verb, path)
  process.keep_secrets() -- External IDs are in memory
  local text, message, code = files.read(path, LIMIT)
  if not text then
    return nil, messages.failure(screen, verb,
      { message = redact.text(message), code = code, exit = exit.io })
  end

  local estate, where = estates.read(text, path)
  if not estate then return nil, estate_file.refuse(screen, verb, path, where) end

  return estate, where
end

return estate_file
