-- Renders a kind as its page of reference documentation, in Markdown. The pages of weir's kinds
-- are committed under docs/kinds/, written by docs/kinds/generate.lua, and a spec keeps them up to
-- date.
local schemas = require("weir.schemas")

local reference = {}

-- "1 to 10 bytes", "at least 0 files", "seconds", or nil when there is nothing to say.
local function bounds(least, most, unit)
  local words
  if least and most then
    words = ("%s to %s"):format(least, most)
  elseif least then
    words = "at least " .. least
  elseif most then
    words = "at most " .. most
  end

  if words and unit then return words .. " " .. unit end

  return words or unit
end

local function with(name, range)
  return range and name .. ", " .. range or name
end

local type_of

local TYPES = {
  choice = function(spec) return "one of `" .. table.concat(spec.values, "` `") .. "`" end,
  flag = function() return "true or false" end,
  any = function() return "any JSON" end,
  record = function() return "record" end,
  text = function(spec)
    if not (spec.min_size or spec.max_size) then return "text" end
    return with("text", bounds(spec.min_size, spec.max_size, "bytes"))
  end,
  list = function(spec)
    local words = with(("list of %ss"):format(spec.of.type), bounds(spec.min_items, spec.max_items))
    return spec.unique_by and ("%s, no two of one `%s`"):format(words, spec.unique_by) or words
  end,
  map = function(spec) return "map from text to " .. type_of(spec.of) end,
}

function type_of(spec)
  local special = TYPES[spec.type]
  if special then return special(spec) end
  return with(spec.type, bounds(spec.min, spec.max, spec.unit))
end

-- Where the handlers take a fact from that is not weir's.
local function source_of(spec)
  local from, parts = spec.from or {}, {}
  if from.event then parts[1] = ("the event's `%s`"):format(from.event) end
  if from.setting then parts[#parts + 1] = ("the setting `%s`"):format(from.setting) end
  return parts[1] and " (from " .. table.concat(parts, ", else ") .. ")" or ""
end

-- Cells of a table have no line breaks, and a bar ends them.
local function cell(text) return (text:gsub("%s*\n%s*", " "):gsub("|", "\\|")) end

local function meaning(spec)
  return (spec.own and "the set's own: " or "") .. cell(spec.doc or "") .. source_of(spec)
end

-- "integer, 0 to 23": what a field spec takes, in words.
reference.type_of = type_of

-- One row a field; the fields of a record, or of the records of a list, follow it by their path.
local function add_rows(rows, fields, path)
  for _, spec in ipairs(fields) do
    local name = path .. spec.name
    local required = spec.required and "yes" or ""
    rows[#rows + 1] = ("| `%s` | %s | %s | %s |"):format(name, cell(type_of(spec)), required,
      meaning(spec))
    local inner = spec.type == "list" and spec.of or spec
    if inner.type == "record" then
      add_rows(rows, inner.fields, name .. (spec.type == "list" and "[]." or "."))
    end
  end
end

local function field_table(fields)
  local rows = { "| field | type | required | meaning |", "|---|---|---|---|" }
  add_rows(rows, fields, "")
  return table.concat(rows, "\n")
end

-- Who says all that.
local function origin(schema)
  if schema.file then return ("Declared in `%s` of the policy set."):format(schema.file) end
  if schema.added_in then
    return ("A kind of weir's; the facts at the end are declared in `%s` of the policy set.")
      :format(schema.added_in)
  end

  return ("Written from `lua/weir/kinds/%s.lua` by `weir lua docs/kinds/generate.lua`.")
    :format(schema.kind)
end

-- The whole page of a schema (weir.schemas).
function reference.render(kind)
  local parts = {
    ("# Kind `%s`"):format(kind.kind),
    kind.doc,
    origin(kind),
    "## Facts",
    field_table(kind.facts),
    "## Decisions",
    "Every decision also takes `because`, the reason in words, which is required.",
  }

  for _, decision in ipairs(kind.decisions) do
    parts[#parts + 1] = ("### `%s`"):format(decision.action)
    parts[#parts + 1] = decision.doc
    if #decision.fields > 0 then parts[#parts + 1] = field_table(decision.fields) end
  end

  return table.concat(parts, "\n\n") .. "\n"
end

-- Name and text of every page.
function reference.pages()
  local pages = {}
  for i, schema in ipairs(schemas.of()) do
    pages[i] = {
      path = "docs/kinds/" .. schema.kind .. ".md",
      text = reference.render(schema),
    }
  end

  return pages
end

return reference
