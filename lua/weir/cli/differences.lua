-- What weir diff finds: changed decisions in groups, and what changed in the policies themselves.
local json = require "weir.json"
local recordings = require "weir.cli.recordings"
local schemas = require "weir.schemas"
local terminal = require "weir.cli.terminal"

local printable, thousands = terminal.printable, terminal.thousands

local differences = {}

-- Groups of changed decisions ---------------------------------------------------------------

local Groups = {}
Groups.__index = Groups

-- What changes, and by which rule of NEW: the key that decisions are grouped by.
local function describe(event)
  if event.type == "failure" then return ("failed[%s]"):format(event.code) end
  local was, is = recordings.actions(event)
  if was ~= is then return was .. " -> " .. is end

  return ("%s, %s"):format(is, (event.field:gsub("^decision%.", "")))
end

function Groups:group_of(file, event)
  local change, rule = describe(event), recordings.rule(event)
  local key = table.concat({ event.kind or "", change, rule }, "\0")
  local group = self.by_key[key]

  if not group then
    group = {
      kind = event.kind or "?",
      change = change,
      rule = rule,
      count = 0,
      file = file,
      example = event,
    }

    self.by_key[key] = group
    self[#self + 1] = group
  end

  return group
end

-- Most events are as one before in all that describes them.
function Groups:add(file, event)
  local was, is = recordings.actions(event)
  local alike = ("%s\0%s\0%s\0%s\0%s\0%s\0%s\0%s"):format(event.type, event.kind, event.code,
    was, is, event.field, event.policy_file, event.policy_line)
  local group = self.alike[alike] or self:group_of(file, event)

  self.alike[alike] = group
  group.count = group.count + 1
end

-- The largest first, at most `limit` of them (all without one); order of first appearance among
-- equals.
function Groups:sorted(limit)
  local list = {}
  for i, group in ipairs(self) do list[i] = { group = group, at = i } end
  table.sort(list, function(a, b)
    if a.group.count ~= b.group.count then return a.group.count > b.group.count end
    return a.at < b.at
  end)

  for i = #list, (limit or math.huge) + 1, -1 do list[i] = nil end

  return list
end

function differences.groups() return setmetatable({ by_key = {}, alike = {} }, Groups) end

local function encoded(value) return value ~= nil and json.encode(value) or nil end

-- An event from what recordings.event_json made of it.
local function event_from(example)
  return {
    type = example.type,
    line = example.line or 0,
    id = example.id,
    kind = example.kind,
    field = example.field,
    message = example.message,
    code = example.code,
    was = example.was_error or encoded(example.was),
    was_failure = example.was_error ~= nil,
    was_because = encoded(example.was_because),
    is = encoded(example.is),
    is_because = encoded(example.is_because),
    policy_file = example.policy_file,
    policy_line = example.policy_line or 0,
  }
end

-- take(list): groups as differences.json makes them; a fleet counts its own.
function Groups:take(list)
  for _, group in ipairs(list) do
    local example = group.example or {}
    self[#self + 1] = {
      kind = group.kind,
      change = group.change,
      rule = group.rule or "",
      count = group.count,
      file = example.recording or "?",
      example = event_from(example),
    }
  end
end

-- Each group with its first example; at most `limit` groups, and how many there are besides.
function differences.print(out, groups, style, sign, limit)
  local rows, examples = {}, {}
  for _, entry in ipairs(groups:sorted(limit)) do
    local group = entry.group
    rows[#rows + 1] = {
      sign .. thousands(group.count),
      printable(group.kind),
      printable(group.change),
      group.rule,
    }

    local event = group.example
    local now = event.type == "failure" and terminal.excerpt(event.message, 160)
      or recordings.because(event.is_because)
    local before = event.was_failure and terminal.excerpt(event.was, 160)
      or recordings.because(event.was_because)
    examples[#examples + 1] = { recordings.place(group.file, event), before, now }
  end

  for i, line in ipairs(terminal.table(rows, { "right" }, "  ")) do
    out:print(out:paint(style, line))
    out:print("        e.g. ", out:paint("dim", examples[i][1]))
    out:print("          was  ", examples[i][2])
    out:print("          is   ", examples[i][3])
  end

  if #groups > #rows then out:print("  ", terminal.count(#groups - #rows, "more group")) end
end

-- The groups as a list for --json, at most `limit` of them.
function differences.json(groups, limit)
  local list = json.array({})
  for _, entry in ipairs(groups:sorted(limit)) do
    local group = entry.group
    list[#list + 1] = { kind = group.kind, change = group.change, count = group.count,
      rule = group.rule ~= "" and group.rule or nil,
      example = json.decode(recordings.event_json(group.file, group.example)) }
  end

  return list
end

-- What changed in the sets themselves --------------------------------------------------------

local function by_kind(set)
  local map = {}
  for _, policy in ipairs(set:policies()) do map[policy.kind] = policy end
  return map
end

-- A text as it is; a list or a map as JSON.
local function shown(value)
  return type(value) == "table" and json.encode(value) or tostring(value)
end

local function values(policy)
  local map = {}
  for _, param in ipairs(policy and policy.params or {}) do
    map[param.name] = shown(param.default)
  end

  return map
end

-- "threshold 10 -> 20" for every default that differs.
local function changed_defaults(old, new)
  local before, after, texts = values(old), values(new), {}
  for _, param in ipairs(new.params) do
    local was, is = before[param.name], after[param.name]
    if was ~= nil and was ~= is then
      texts[#texts + 1] = ("%s %s -> %s"):format(param.name, was, is)
    elseif was == nil then
      texts[#texts + 1] = ("%s is new: %s"):format(param.name, is)
    end
  end

  for _, param in ipairs(old.params) do
    if after[param.name] == nil then texts[#texts + 1] = param.name .. " is gone" end
  end

  return texts
end

-- One row for each policy that is not the same in both sets: its kind, and what changed.
function differences.policies(old_set, new_set)
  local old, new, rows = by_kind(old_set), by_kind(new_set), {}
  local either = {}
  for kind in pairs(old) do either[kind] = true end -- any order: collects a set
  for kind in pairs(new) do either[kind] = true end -- any order: collects a set
  for _, kind in ipairs(schemas.order(either)) do
    local a, b = old[kind], new[kind]
    if a and not b then
      rows[#rows + 1] = { kind, "is gone" }
    elseif b and not a then
      rows[#rows + 1] = { kind, "is new" }
    elseif a and a.digest ~= b.digest then
      local defaults = changed_defaults(a, b)
      rows[#rows + 1] = {
        kind,
        #defaults > 0 and table.concat(defaults, ", ") or "its code changed",
      }
    end
  end

  return rows
end

return differences
