-- What weir explain shows: in plain words, and as JSON (docs/json/explain.schema.json).
--
--   show(out, found, limit);  json(found) → text
--
-- found is { question =, policy =, answer =, message =, code =, traced =, params =, nearest = }.
local json = require "weir.json"
local redact = require "weir.redact"
local terminal = require "weir.cli.terminal"

local text = {}

local printable = terminal.printable

local TURNED = { ["<"] = ">=", ["<="] = ">", [">"] = "<=", [">="] = "<", ["=="] = "is not" }

-- A value of the policy in a few words.
local function shown(value, type_name)
  if type(value) == "string" then return terminal.excerpt(json.encode(redact.text(value)), 40) end
  if value == nil then return type_name == nil and "absent" or type_name end
  if type(value) == "number" and value ~= value then return "nan" end
  if math.type(value) == "float" then return ("%.10g"):format(value) end
  if type(value) == "table" then return terminal.excerpt(json.encode(value), 40) end

  return tostring(value)
end

local function operand(side)
  if side.type == "nil" then return "absent" end
  if side.value == nil then return "a " .. side.type end
  return shown(side.value)
end

-- By how much a comparison of two numbers holds or fails; nil where there is no such number.
local function margin(comparison, operator)
  local left = comparison.left.value
  local right = comparison.right and comparison.right.value
  if type(left) ~= "number" or type(right) ~= "number" or not operator then return nil end
  local distance = math.abs(left - right)
  if distance ~= distance or distance == math.huge then return nil end

  return distance
end

local function relative(distance, comparison)
  local larger = math.max(math.abs(comparison.left.value), math.abs(comparison.right.value))
  if larger == 0 then return nil end
  return distance / larger
end

-- Conditions ------------------------------------------------------------------------------------

local function sentence(comparison, branch)
  local left = operand(comparison.left)
  if not comparison.right then return left end
  local operator = branch.operator == "==" and "is" or branch.operator
  if comparison.outcome == false then operator = TURNED[branch.operator] end

  return ("%s %s %s"):format(left, operator, operand(comparison.right))
end

local function outcome(comparison)
  if comparison.outcome == nil then return "error" end
  return comparison.outcome and "yes" or "no"
end

local function margin_text(comparison, branch)
  local distance = margin(comparison, branch.operator)
  if not distance then return "" end
  local share = relative(distance, comparison)

  return ("by %s%s"):format(shown(distance),
    share and share > 0 and (" (%.3g %%)"):format(100 * share) or "")
end

local function place(file, line) return ("%s:%d"):format(printable(file), line) end

local function condition_rows(found, limit)
  local rows, comparisons = {}, found.traced.comparisons
  for i = math.max(1, #comparisons - limit + 1), #comparisons do
    local comparison = comparisons[i]
    local branch = found.traced.branches[comparison.branch]
    rows[#rows + 1] = {
      place(branch.file, branch.line),
      terminal.excerpt(branch.condition, 60),
      sentence(comparison, branch),
      outcome(comparison),
      margin_text(comparison, branch),
    }
  end

  return rows
end

local function show_conditions(out, found, limit)
  local total = #found.traced.comparisons + (found.traced.lost or 0)
  local rows = condition_rows(found, limit)
  local left = total - #rows
  out:print("\n", out:paint("bold", "Conditions"), ", in the order of their evaluation",
    left > 0 and (": the last %d of %s"):format(#rows, terminal.thousands(total)) or "")
  if #rows == 0 then out:print("  none") end
  for _, line in ipairs(terminal.table(rows, nil, "  ")) do out:print(line) end
end

-- The nearest change ----------------------------------------------------------------------------

local function flip_row(flip)
  return {
    printable(flip.path) .. (flip.what == "parameter" and " (parameter)" or ""),
    ("%s → %s"):format(shown(flip.from), shown(flip.to)),
    flip.distance < 1 and ("%.3g %%"):format(100 * flip.distance) or "1",
    printable(flip.action),
    terminal.excerpt(redact.text(flip.because), 60),
  }
end

local function tried_text(nearest)
  return ("Tried %s at %s, one at a time: %s decide the same, %s are not allowed, %s fail."):format(
    terminal.count(nearest.tried, "change"), terminal.count(nearest.places, "place"),
    terminal.thousands(nearest.same), terminal.thousands(nearest.refused),
    terminal.thousands(nearest.failed))
end

local function show_nearest(out, found, limit)
  local nearest, rows = found.nearest, {}
  local otherwise = not found.answer and "make it decide"
    or nearest.by == "action" and "make it decide otherwise"
    or "change the decision, though not its action"
  if #nearest.flips == 0 then
    out:print("\n", out:paint("bold", "No change"), " of one fact or one parameter was found to ",
      otherwise, ".")
  else
    out:print("\n", out:paint("bold", "Nearest changes"), " that ", otherwise,
      ", each of one fact or parameter alone")
    for i = 1, math.min(limit, #nearest.flips) do rows[i] = flip_row(nearest.flips[i]) end
    for _, line in ipairs(terminal.table(rows, { [3] = "right" }, "  ")) do out:print(line) end
    if #nearest.flips > #rows then
      out:print("  … and ", terminal.count(#nearest.flips - #rows, "more place"))
    end

    if nearest.ties > 0 then
      out:print("  The first ", terminal.thousands(nearest.ties + 1), " are equally near.")
    end
  end

  out:print(out:paint("dim", tried_text(nearest)))
end

-- The whole -------------------------------------------------------------------------------------

local function show_decision(out, found)
  local answer, question = found.answer, found.question
  if answer then
    out:print(out:paint("bold", printable(answer.action)), ": ",
      printable(redact.text(answer.because)))
    out:print("  decided at ", place(answer.file, answer.line))
  else
    out:print(out:paint("error", "failed"), "[", found.code, "]: ", printable(found.message))
  end

  if not question.recording then return end
  local was = question.was and question.was.action or "(no action)"
  out:print("  recorded in ", printable(question.recording), ": ", printable(was), ": ",
    terminal.excerpt(redact.text(question.because or "(no reason)"), 80))
end

function text.show(out, found, limit)
  show_decision(out, found)
  show_conditions(out, found, limit)
  show_nearest(out, found, limit)
end

-- JSON ------------------------------------------------------------------------------------------

local function json_operand(side)
  if not side then return nil end
  local value = side.value
  if type(value) == "number" and (value ~= value or math.abs(value) == math.huge) then
    value = tostring(value)
  end

  if type(value) == "string" then value = redact.text(value) end
  if type(value) == "string" and not utf8.len(value) then value = nil end

  return { name = side.name, type = side.type, value = value }
end

local function json_conditions(traced)
  local list = {}
  for i, comparison in ipairs(traced.comparisons) do
    local branch = traced.branches[comparison.branch]
    list[i] = {
      file = branch.file,
      line = branch.line,
      condition = branch.condition,
      operator = branch.operator,
      left = json_operand(comparison.left),
      right = json_operand(comparison.right),
      outcome = comparison.outcome,
      margin = margin(comparison, branch.operator),
    }
  end

  return json.array(list)
end

local function json_flips(flips)
  local list = {}
  for i, flip in ipairs(flips) do
    local copy = {}
    for name, value in pairs(flip) do copy[name] = value end -- any order: copies a map
    copy.because = redact.text(flip.because)
    list[i] = copy
  end

  return json.array(list)
end

function text.json(found)
  local answer, nearest, question = found.answer, found.nearest, found.question
  return terminal.json {
    type = "explanation",
    kind = question.kind,
    recording = question.recording,
    recorded = question.was,
    policy = { name = found.policy.name, digest = found.policy.digest },
    params = found.params,
    action = answer and answer.action,
    decision = answer and json.decode(answer.decision),
    because = answer and redact.text(answer.because),
    file = answer and answer.file,
    line = answer and answer.line,
    error = found.message,
    code = found.code,
    conditions = json_conditions(found.traced),
    lost = found.traced.lost,
    nearest = {
      by = nearest.by,
      flips = json_flips(nearest.flips),
      ties = nearest.ties,
      places = nearest.places,
      tried = nearest.tried,
      same = nearest.same,
      refused = nearest.refused,
      failed = nearest.failed,
    },
  }
end

return text
