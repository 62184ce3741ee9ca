-- Exploring one kind of a policy set, or the differences of two versions of it.
--
--   search.run { set =, old = nil or a set, directory =, kind =, recordings = list of paths,
--                seed =, tries =, jobs =, on_progress = nil or a function }
--       → result | nil, message, code
--
-- A result is what weir.explore gives, and kind =, seed =, seeds = how many facts it began with,
-- recorded = how many of them are from recordings; milliseconds =; of each finding `type`:
-- "difference", "mistake" for what nobody can have meant, and "raised" for what the policy says
-- itself, with error or assert; unreached = list of { file =, line = }; one_way = list of the
-- branches that went one way only; idle = the parameters that changed no decision.
local decide = require "weir.decide"
local explore = require "weir.explore"
local json = require "weir.json"
local process = require "weir.process"
local redact = require "weir.redact"
local sorted_pairs = require "weir.sorted_pairs"

local search = {}

local MOST_RECORDED = 2000 -- facts of recordings to begin with

-- Seeds -----------------------------------------------------------------------------------------

local function examples(set, kind, seeds)
  for _, example in ipairs(require("weir.policy_examples").read(set)) do
    if example.kind == kind and example.given then
      seeds[#seeds + 1] = { facts = example.given, params = example.params }
    end
  end
end

-- Facts that something else recorded may hold secrets, which would be shown and written into
-- examples.
local function without_secrets(text)
  redact.forget()
  if redact.is_clean(text) then return text end
  return json.encode((decide.without_secrets(json.decode(text, { secrets = true }))))
end

-- Each different facts once. nil, message, code when a recording cannot be read.
local function recorded(paths, kind, seeds)
  local known, count = {}, 0
  for _, path in ipairs(paths or {}) do
    local source <close>, message, code = require("weir.recording").open(path)
    if not source then return nil, message, code end
    while count < MOST_RECORDED do
      local line, problem, problem_code = source:next(kind)
      if not line and problem then return nil, problem, problem_code end
      if not line then break end
      if line.facts and not known[line.facts] then
        known[line.facts] = true
        seeds[#seeds + 1] = { facts = without_secrets(line.facts), params = line.params }
        count = count + 1
      end
    end
  end

  return count
end

-- What was found --------------------------------------------------------------------------------

-- How Lua and the engine begin to say that something is wrong with the code, behind the place.
local MISTAKES = {
  "attempt to ", "bad argument #", "number has no integer", "stack overflow", "invalid order",
  "table index is", "string length", "facts have no field", "decide returned", "is read-only",
  "'for' ", "initial value", "limit must", "step must", "wrong number", "invalid ", "malformed ",
  "undefined name '", "is not available in a policy", "assignment to global '",
  "policy has no parameter '", "are read by ", "cannot traverse a table", "because is ",
  "is a decision already", "describes a policy; ", "too many ", "require: ",
}

local function is_mistake(verdict)
  if verdict.code ~= "PolicyError" then return true end
  local text = verdict.message
  if verdict.line > 0 then return true end -- a decision was made, and does not fit
  for _, beginning in ipairs(MISTAKES) do
    if text:find(beginning, 1, true) then return true end
  end

  return false
end

local function classify(result)
  for _, found in ipairs(result.findings) do
    if found.old then
      found.type = "difference"
    else
      found.type = is_mistake(found.now) and "mistake" or "raised"
    end
  end

  local order = { difference = 1, mistake = 1, raised = 2 }
  table.sort(result.findings, function(a, b)
    if order[a.type] ~= order[b.type] then return order[a.type] < order[b.type] end
    if #a.facts ~= #b.facts then return #a.facts < #b.facts end
    return a.key < b.key
  end)
end

local function unreached(lines)
  local list = {}
  for file, counts in sorted_pairs(lines) do
    for line, count in sorted_pairs(counts) do
      if count == 0 then list[#list + 1] = { file = file, line = line } end
    end
  end

  return list
end

local function one_way(branches)
  local list = {}
  for _, branch in ipairs(branches) do
    if (branch.yes == 0) ~= (branch.no == 0) then list[#list + 1] = branch end
  end

  return list
end

local function idle(parameters)
  local list = {}
  for _, parameter in ipairs(parameters) do
    if parameter.decisions == 0 and parameter.tried > 0 then list[#list + 1] = parameter end
  end

  return list
end

function search.run(options)
  local seeds = {}
  examples(options.set, options.kind, seeds)
  if options.old then examples(options.old, options.kind, seeds) end
  local count, problem, problem_code = recorded(options.recordings, options.kind, seeds)
  if not count then return nil, problem, problem_code end

  local begin = process.clock()
  local result, message, code = explore.run {
    set = options.set,
    old = options.old,
    kind = options.kind,
    seeds = seeds,
    seed = options.seed,
    tries = options.tries,
    jobs = options.jobs,
    on_progress = options.on_progress,
  }
  if not result then return nil, message, code end

  result.milliseconds = process.clock() - begin
  result.kind, result.seed = options.kind, options.seed
  result.seeds, result.recorded = #seeds, count
  classify(result)
  result.unreached = unreached(result.lines)
  result.one_way = one_way(result.branches)
  result.idle = idle(result.parameters)

  return result
end

-- How many lines and ways of conditions there are, and how many were reached.
function search.coverage(result)
  local lines, reached, ways, went = 0, 0, 0, 0
  for _, counts in pairs(result.lines) do -- any order: adds up
    for _, count in pairs(counts) do -- any order: adds up
      lines = lines + 1
      reached = reached + (count > 0 and 1 or 0)
    end
  end

  for _, branch in ipairs(result.branches) do
    ways = ways + 2
    went = went + (branch.yes > 0 and 1 or 0) + (branch.no > 0 and 1 or 0)
  end

  return { lines = lines, lines_reached = reached, ways = ways, ways_reached = went }
end

return search
