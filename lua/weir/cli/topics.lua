-- The pages of `weir help` about one kind, and those that list things: kinds, handlers, findings,
-- exit statuses, and what a policy is. Each is Markdown.
local findings = require "weir.findings"
local handlers = require "weir.handlers"
local reference = require "weir.kinds.reference"
local schemas = require "weir.schemas"

local topics = {}

topics.names = { "kinds", "kind", "handlers", "handler", "findings", "exit", "policy" }

local function page_of(title, introduction, head, rows, ending)
  local lines = { "# " .. title, "", introduction, "", "| " .. table.concat(head, " | ") .. " |",
    "|" .. ("---|"):rep(#head) }
  for _, row in ipairs(rows) do lines[#lines + 1] = "| " .. table.concat(row, " | ") .. " |" end
  lines[#lines + 1] = ""
  lines[#lines + 1] = ending

  return table.concat(lines, "\n") .. "\n"
end

local function actions_of(schema)
  local names = {}
  for i, decision in ipairs(schema.decisions) do names[i] = "`" .. decision.action .. "`" end
  return table.concat(names, " ")
end

local pages = {}

function pages.kinds(known)
  local rows = {}
  for i, schema in ipairs(known) do
    rows[i] = { "`" .. schema.kind .. "`", actions_of(schema), schema.doc }
  end

  return page_of("Kinds of policy", "A kind is a question that a policy answers.",
    { "kind", "decides", "question" }, rows,
    "Next: weir help KIND, with -p DIR for a policy set that has facts or kinds of its own")
end

function pages.handlers()
  local rows = {}
  for i, name in ipairs(handlers.names) do
    local handler = handlers.find(name)
    local asks = handler.asks or handler.may_ask
    rows[i] = { "`" .. name .. "`", asks and "asks `" .. asks .. "`" or "", handler.summary }
  end

  return page_of("Handlers", "A handler turns an event into facts, asks a policy, and acts on its "
    .. "decision. A Lambda function names one, or its own file.method.",
    { "handler", "policy", "what it does" }, rows,
    "Next: weir help handler NAME, weir run NAME -e EVENT, or weir permissions NAME")
end

function pages.findings()
  local rows = {}
  for i, code in ipairs(findings.codes()) do
    local entry = findings.entry(code)
    rows[i] = { code, entry.severity, (entry.title:gsub("|", "\\|")) }
  end

  return page_of("Findings", "What `weir check` and `weir deploy plan` can find.",
    { "code", "severity", "what" }, rows, "Next: weir help CODE")
end

function pages.exit()
  local rows = {}
  for i, entry in ipairs(require("weir.cli.help").exits) do
    rows[i] = { tostring(entry[1]), entry[2] }
  end

  return page_of("Exit statuses", "The same of every verb.", { "status", "means" }, rows,
    "Next: weir help VERB says when a verb ends so")
end

function pages.policy()
  return [[
# A policy

A policy is a file of a policy set: Lua 5.4 with a small, fixed vocabulary. It is a function of facts and
parameters, and of nothing else: it has no clock, no chance, no files and no network.

```lua
return policy {
  kind   = "routing",
  params = {
    threshold = integer { 10, min = 1, max = 10000, doc = "files; at or above goes to batch" },
  },
  decide = function(facts, params)
    if facts.file_count < params.threshold then
      return realtime { because = "%d files, below %d", facts.file_count, params.threshold }
    end
    return batch { because = "%d files, at or above %d", facts.file_count, params.threshold }
  end,
  examples = {
    { given = { file_count = 9 }, expect = "realtime" },
    { given = { file_count = 10 }, expect = "batch" },
  },
}
```

* `kind` says which question it answers (weir help kinds).
* `params` are typed and bounded; --set NAME=VALUE, --params FILE and WEIR_PARAMS change them.
* `decide` returns one of the kind's actions, each with `because`, the reason in words.
* `examples` are decided whenever the set is loaded; one that fails keeps the set from being used.

A set is a directory: one policy a kind, helpers that they `require`, facts and kinds of its own in kinds/.

Next: weir new DIR makes a set to start from
]]
end

pages.kind = pages.kinds

-- kind(name, known) → Markdown | nil. known: the schemas of weir.schemas
function topics.kind(name, known)
  local schema = schemas.find(known, name)
  return schema and reference.render(schema)
end

-- page(topic, known) → Markdown | nil, of a kind or of a list.
function topics.page(topic, known)
  local kind = topics.kind(topic, known)
  if kind then return kind end
  local page = pages[topic]
  return page and page(known)
end

return topics
