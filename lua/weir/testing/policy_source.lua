-- Where a policy's examples stand in its source, and its source with one more.
local lexer = require "weir.lint.lexer"
local parser = require "weir.lint.parser"
local tree = require "weir.lint.tree"

local policy_source = {}

-- The table of the one `policy { … }` in a file, or nil.
local function policy_table(text)
  local block = parser.parse(text)
  local found
  tree.walk(block or {}, function(node)
    local is_call = node.tag == "Call" and node.callee.tag == "Name"
    local made = is_call and node.callee.name == "policy" and node.args[1]
    if made and made.tag == "Table" then found = found or made end
  end)

  return found
end

-- The table that is written behind `examples =`, or nil; and the place of that word.
local function examples_table(policy)
  local list, key = tree.item(policy, "examples")
  return list and list.tag == "Table" and list or nil, key
end

local function text_of(table_node, name)
  local value = table_node.tag == "Table" and tree.item(table_node, name)
  return value and value.tag == "String" and value.value or nil
end

-- examples(text) → { line =, doc = } for each example that is written out in the file, in order;
-- and the line of the word `examples`, for those that are not.
function policy_source.examples(text)
  local policy = policy_table(text)
  if not policy then return {}, 0 end
  local list, key = examples_table(policy)

  local found = {}
  for i, item in ipairs(list and list.items or {}) do
    found[i] = { line = item.value.at.line, doc = text_of(item.value, "doc") }
  end

  return found, key and key.at.line or policy.at.line
end

-- Adding --------------------------------------------------------------------------------------

-- Puts lines in front of a closing brace, and the comma that the item before them needs. What
-- stands in the file stays as it is, comments too.
local function insert_before(text, brace, lines, newline)
  local previous
  for _, token in ipairs(lexer.tokens(text)) do
    if token.at == brace.at then break end
    previous = token
  end

  local is_operator = previous.kind == "operator"
  local is_complete = is_operator and (previous.value == "," or previous.value == ";"
    or previous.value == "{")
  local last = previous.at + previous.size - 1
  local comma = is_complete and "" or ","
  local between = text:sub(last + 1, brace.at - 1)

  -- A brace on a line of its own stays there; one behind something is moved to a line of its own.
  local before, indent = between:match("^(.*[\r\n])([ \t]*)$")
  if not before then
    indent = text:sub(1, brace.at - 1):match("([ \t]*)[^\r\n]*$")
    before = between:gsub("[ \t]+$", "") .. newline
  end

  local body = {}
  for i, line in ipairs(lines) do body[i] = indent .. "  " .. line .. newline end

  return text:sub(1, last) .. comma .. before .. table.concat(body) .. indent
    .. text:sub(brace.at)
end

-- add(text, lines) → the policy's source with one more example, whose lines are given without their
-- indentation | nil, why not.
function policy_source.add(text, lines)
  local policy = policy_table(text)
  if not policy then return nil, "there is no policy { … } in it" end
  local newline = text:find("\r\n", 1, true) and "\r\n" or "\n"
  local list, key = examples_table(policy)
  if list then return insert_before(text, list.last, lines, newline) end
  if key then return nil, "its examples are not written out there as a list" end

  local whole = { "examples = {" }
  for _, line in ipairs(lines) do whole[#whole + 1] = "  " .. line end
  whole[#whole + 1] = "},"

  return insert_before(text, policy.last, whole, newline)
end

return policy_source
