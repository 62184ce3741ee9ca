-- What exploration found, as examples: a difference goes into the policy's own examples, with what
-- the new version decides; a failure into an example file, which weir test runs and loading does
-- not, with the action that is expected.
--
--   add.differences(set, directory, result) → list of "FILE:LINE" | nil, message
--   add.failures(directory, result, action) → list of "FILE:LINE" | nil, message
local files = require "weir.files"
local json = require "weir.json"
local literal = require "weir.testing.literal"
local output_file = require "weir.cli.output_file"
local policies = require "weir.cli.policies"
local policy_source = require "weir.testing.policy_source"
local recorded = require "weir.testing.recorded"

local add = {}

local LIMIT = 64 * 1024 * 1024
local DEPTH = 4 -- columns from the left, where examples stand in a policy

local function doc(result)
  return ("found by weir explore, seed %d"):format(result.seed)
end

local function source_of(set, kind)
  local policy = policies.of_kind(set, kind)
  for _, source in ipairs(set:sources()) do
    if source.file == policy.file then return source end
  end
end

-- The decision as an example expects it.
local function expected(answer)
  local decision = json.decode(answer.decision)
  local action = decision.action
  decision.action = nil
  if next(decision) == nil then return action end -- any order: is there a field?
  decision.action = action

  return decision
end

-- nil when the set fails on the facts of the finding.
local function example_lines(set, result, found)
  local answer = set:decide(result.kind, found.facts, { params_json = found.params })
  if not answer then return nil end
  local params = recorded.telling(set, { kind = result.kind, facts = found.facts },
    json.decode(answer.params))

  return literal.example({
    doc = doc(result),
    given = json.decode(found.facts),
    params = next(params) ~= nil and params or nil, -- any order: is there one?
    expect = expected(answer),
  }, DEPTH)
end

function add.differences(set, directory, result)
  local source = source_of(set, result.kind)
  local text, added = source.text, {}
  for _, found in ipairs(result.findings) do
    local lines = found.type == "difference" and example_lines(set, result, found)
    local with = lines and policy_source.add(text, lines)
    if with then
      text = with
      added[#added + 1] = source.file
    end
  end

  if #added == 0 then return added end
  local ok, message = output_file.write(source.file, text)
  if not ok then return nil, message end
  if not require("weir.policy_set").load(directory) then
    output_file.write(source.file, source.text) -- the set is never left broken
    return nil, ("%s: the examples do not hold in it"):format(source.file)
  end

  return added
end

-- A line of an example file: a recorded decision as it should have been.
local function example_line(result, found, action)
  return json.encode({
    schema = "weir.decision/1",
    id = doc(result),
    kind = result.kind,
    params = json.decode(found.params),
    facts = json.decode(found.facts),
    decision = { action = action },
    because = "expected, where the policy failed",
  }, { ascii = true })
end

function add.failures(directory, result, action)
  local path = ("%s/examples/%s.jsonl"):format(directory, result.kind)
  local ok, message = files.make_directory(directory .. "/examples")
  if not ok then return nil, message end
  local text = files.stat(path) and files.read(path, LIMIT) or ""
  if text ~= "" and text:sub(-1) ~= "\n" then text = text .. "\n" end

  local _, line = text:gsub("\n", "")
  local parts, added = { text }, {}
  for _, found in ipairs(result.findings) do
    if found.type == "mistake" then
      parts[#parts + 1] = example_line(result, found, action) .. "\n"
      line = line + 1
      added[#added + 1] = ("%s:%d"):format(path, line)
    end
  end

  if #added == 0 then return added end
  ok, message = output_file.write(path, table.concat(parts))
  if not ok then return nil, message end

  return added
end

return add
