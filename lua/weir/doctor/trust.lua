-- What the trust policy of a storage role says, read where nobody but the functions may try it.
--
--   trust.judge(document, external_id) → "ok" | "wrong", message
--
-- document: the trust policy, decoded. Every statement that lets an account in has to demand the
-- External ID, and this one has to be let in.
local contains = require "weir.contains"

local trust = {}

local function list_of(value)
  return type(value) == "table" and value or { value }
end

-- A single statement may stand without a list.
local function statements_of(document)
  local statements = document.Statement or {}
  return statements.Effect and { statements } or statements
end

-- Does a statement let other accounts take the role?
local function lets_in(statement)
  if statement.Effect ~= "Allow" then return false end
  local principal = statement.Principal
  return principal == "*" or type(principal) == "table" and principal.AWS ~= nil
end

-- The External IDs that a statement demands, nil where it demands none. Only StringEquals demands:
-- with IfExists, or with patterns, others get in.
local function demanded(statement)
  local condition = type(statement.Condition) == "table" and statement.Condition.StringEquals
  local ids = type(condition) == "table" and condition["sts:ExternalId"]
  return ids and list_of(ids) or nil
end

function trust.judge(document, external_id)
  local is_let_in = false
  for _, statement in ipairs(statements_of(document)) do
    if lets_in(statement) then
      local ids = demanded(statement)
      if not ids then return "wrong", "its trust policy lets in without an External ID" end
      is_let_in = is_let_in or contains(ids, external_id)
    end
  end

  if is_let_in then return "ok", "its trust policy demands the External ID" end

  return "wrong", "its trust policy does not let in with the External ID of the estate"
end

return trust
