-- What weir explore shows: in plain words, and as JSON (docs/json/explore.schema.json).
--
--   show(out, result, limit);  json(result) → a table for JSON
local json = require "weir.json"
local redact = require "weir.redact"
local search = require "weir.explore.search"
local terminal = require "weir.cli.terminal"

local text = {}

local printable, thousands = terminal.printable, terminal.thousands

-- Findings --------------------------------------------------------------------------------------

local function shown_text(verdict)
  local said = verdict.action and json.decode(verdict.because) or verdict.message
  return redact.text(said)
end

local function verdict_text(verdict)
  return ("%s: %s"):format(printable(verdict.action or verdict.code),
    terminal.excerpt(shown_text(verdict), 120))
end

local function place(verdict)
  if verdict.line == 0 then return nil end
  return ("%s:%d"):format(printable(verdict.file), verdict.line)
end

local function row(out, label, said)
  if said then out:print("    ", out:paint("dim", ("%-8s"):format(label)), said) end
end

local function show_question(out, found)
  row(out, "facts", terminal.excerpt(redact.text(found.facts), 400))
  if found.params ~= "{}" then row(out, "params", terminal.excerpt(found.params, 200)) end
end

local LABELS = { mistake = "fails", raised = "gives up" }

local function show_failure(out, found)
  out:print("  ", out:paint(found.type == "mistake" and "error" or "warning", LABELS[found.type]),
    "  ", verdict_text(found.now), "  ", out:paint("dim", terminal.count(found.count, "time")))
  row(out, "at", place(found.now))
  show_question(out, found)
end

local function show_difference(out, found)
  out:print("  ", out:paint("warning", "differs"), "  ",
    out:paint("dim", terminal.count(found.count, "time")))
  for _, which in ipairs { "old", "now" } do
    local where = place(found[which])
    row(out, which == "old" and "old" or "new",
      verdict_text(found[which]) .. (where and "  " .. out:paint("dim", where) or ""))
  end

  show_question(out, found)
end

local function show_findings(out, result, limit)
  for i, found in ipairs(result.findings) do
    if i > limit then
      out:print("  … and ", terminal.count(#result.findings - limit, "more way"))
      return
    end

    if found.type == "difference" then
      show_difference(out, found)
    else
      show_failure(out, found)
    end
  end
end

-- What was covered ------------------------------------------------------------------------------

-- "a.lua:3, 5, 7; b.lua:2" of a list of places.
local function places_text(list, limit)
  local parts, file = {}, nil
  for i, each in ipairs(list) do
    if i > limit then
      parts[#parts + 1] = (" … and %s more"):format(thousands(#list - limit))
      break
    end

    local before = each.file == file and ", " or (file and "; " or "") .. printable(each.file)
      .. ":"
    file = each.file
    parts[#parts + 1] = before .. each.line
  end

  return table.concat(parts)
end

local function show_coverage(out, result, limit)
  local reached = search.coverage(result)
  out:print("  ", out:paint("dim", "reached"), "  ", thousands(reached.lines_reached), " of ",
    thousands(reached.lines), " lines, ", thousands(reached.ways_reached), " of ",
    thousands(reached.ways), " ways of conditions")
  if #result.unreached > 0 then
    out:print("  ", out:paint("warning", "nothing reached"), "  ",
      places_text(result.unreached, limit))
  end

  for i, branch in ipairs(result.one_way) do
    if i > limit then
      out:print("  … and ", terminal.count(#result.one_way - limit, "more condition"),
        " that went one way only")
      break
    end

    out:print("  ", out:paint("dim", branch.yes == 0 and "never held" or "always held"), "  ",
      printable(branch.file), ":", branch.line, "  ", terminal.excerpt(branch.condition, 80))
  end

  for _, parameter in ipairs(result.idle) do
    out:print("  ", out:paint("warning", "changed nothing"), "  parameter ",
      printable(parameter.name), ", in ", terminal.count(parameter.tried, "trial"),
      parameter.reasons > 0 and " but for the text of reasons" or "")
  end
end

local function outcome_text(result)
  local count = result.compares and result.differing or result.failed
  local number = count > 0 and thousands(count) or result.compares and "none" or "nothing"

  return number .. (result.compares and " decided differently" or " failed")
end

local function show_effort(out, result)
  out:print(out:paint("bold", printable(result.kind)), ": ",
    terminal.count(result.tried, "fact set"), " tried in ",
    ("%.1f s"):format(result.milliseconds / 1000), ", seed ", result.seed, ": ",
    outcome_text(result))
  out:print("  ", out:paint("dim", "began"), "    with ", thousands(result.seeds),
    " examples and recorded facts; ", thousands(result.kept), " more reached something new; ",
    thousands(result.refused), " were not allowed")
end

function text.show(out, result, limit)
  show_effort(out, result)
  show_findings(out, result, limit)
  show_coverage(out, result, limit)
end

-- JSON ------------------------------------------------------------------------------------------

local function json_verdict(verdict)
  if not verdict then return nil end
  return {
    action = verdict.action,
    because = verdict.action and shown_text(verdict) or nil,
    code = verdict.code,
    message = verdict.code and shown_text(verdict) or nil,
    file = verdict.line > 0 and verdict.file or nil,
    line = verdict.line > 0 and verdict.line or nil,
  }
end

local function json_findings(findings)
  local list = {}
  for i, found in ipairs(findings) do
    list[i] = {
      type = found.type,
      count = found.count,
      facts = json.decode(redact.text(found.facts)),
      params = json.decode(found.params),
      now = json_verdict(found.now),
      old = json_verdict(found.old),
    }
  end

  return json.array(list)
end

local function json_branches(branches)
  local list = {}
  for i, branch in ipairs(branches) do
    list[i] = {
      file = branch.file,
      line = branch.line,
      condition = branch.condition,
      held = branch.yes > 0,
    }
  end

  return json.array(list)
end

function text.json(result)
  return {
    type = "exploration",
    kind = result.kind,
    seed = result.seed,
    tried = result.tried,
    refused = result.refused,
    failed = result.failed,
    differing = result.differing,
    seeds = result.seeds,
    recorded = result.recorded,
    kept = result.kept,
    shrinking = result.shrinking,
    milliseconds = result.milliseconds,
    coverage = search.coverage(result),
    findings = json_findings(result.findings),
    unreached = json.array(result.unreached),
    one_way = json_branches(result.one_way),
    idle_parameters = json.array(result.idle),
    proof = false,
  }
end

return text
