-- The corpus of tests/determinism: a policy set whose decisions try hundreds of thousands of
-- expressions that fail or print. The digest of its replay must be the same everywhere.
--
--   determinism.write_recording(path)        one line for each case
--   determinism.digest(output)               of `weir replay`'s output, or nil
local files = require("support.files")
local json = require "weir.json"

local determinism = {}

determinism.set = "tests/determinism"

-- More cases than the policy has: for a number beyond its last one it says so.
determinism.cases = 8000

function determinism.write_recording(path)
  local lines = {}
  for number = 1, determinism.cases do
    lines[number] = json.encode {
      schema = "weir.decision/1", id = tostring(number), time = "2026-11-22T03:04:05.678Z",
      kind = "routing",
      policy = {
        name = "routing",
        digest = "sha256:" .. ("0"):rep(64)
      }, host = "0.1.0", params = {},
      facts = { file_count = number }, decision = { action = "batch" }, because = "not decided yet",
    } .. "\n"
  end

  files.write(path, table.concat(lines))
end

function determinism.digest(output)
  return output:match("digest (sha256:%x+)")
end

return determinism
