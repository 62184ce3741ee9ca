-- What the log of a spec file says: Busted's counts, and the text of what failed or is pending.
--
--   spec_log.read(path, log, status) → { successes, failures, errors, pending, text }
--   spec_log.lost(path, log) → the same, of a file whose process said nothing more
--
-- A process that ended before Busted's sum, or otherwise than the sum says, is one error more; its
-- text names the file and ends with what the process printed last.
local files = require("support.files")

local spec_log = {}

local SUM = "\n(%d+) success%a* / (%d+) failures? / (%d+) errors? / (%d+) pending"
  .. " : [%d.]+ seconds\n"
local LAST_BYTES = 20000

local function how(status)
  if status > 128 then return ("was killed by signal %d"):format(status - 128) end
  return ("ended with status %d"):format(status)
end

-- What is told of a process that broke: the end of what it printed.
local function broken(path, text, what)
  return ("Error -> %s\n%s\n%s"):format(path, what, text:sub(-LAST_BYTES))
end

local function trimmed(text) return text:match("^%s*(.-)%s*$") end

function spec_log.read(path, log, status)
  local text = files.exists(log) and files.read(log) or ""
  local _, last, successes, failures, errors, pending = text:find(SUM)
  if not last then
    return {
      successes = 0,
      failures = 0,
      errors = 1,
      pending = 0,
      text = broken(path, text, "the process of this file " .. how(status) .. " before the sum"),
    }
  end

  local result = {
    successes = tonumber(successes),
    failures = tonumber(failures),
    errors = tonumber(errors),
    pending = tonumber(pending),
    text = trimmed(text:sub(last + 1)),
  }
  if (status ~= 0) ~= (result.failures + result.errors > 0) then
    result.errors = result.errors + 1
    result.text = broken(path, text:sub(last + 1), "the process of this file " .. how(status)
      .. " after the sum")
  end

  return result
end

function spec_log.lost(path, log)
  local started = files.exists(log)
  local text = started and files.read(log) or ""
  local what = started and "the process of this file, or who waited for it, was killed"
    or "this file was not run: the process that hands out the files ended"
  return {
    successes = 0,
    failures = 0,
    errors = 1,
    pending = 0,
    text = broken(path, text, what),
  }
end

return spec_log
