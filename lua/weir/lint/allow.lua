-- Findings that the source itself accepts: `-- weir: allow W203 it is read by the dashboard`, in
-- the line of the finding, or alone in the line above it. The reason is required.
--
-- W206: an allow that does not name a finding of the source, or says no reason.
-- W207: an allow whose finding is not there.
local findings = require "weir.findings"
local lexer = require "weir.lint.lexer"

local allow = {}

-- Only what reading the source finds can be accepted: a set that does not load cannot.
local function is_of_source(code)
  local entry = findings.entry(code)
  return entry ~= nil and code:find("^W[12]") ~= nil
end

-- What is wrong with the words behind `allow`, or nil.
local function wrong(code, reason)
  if code == "" then return "name the finding, and the reason: -- weir: allow W203 reason" end
  if not is_of_source(code) then return ("'%s' is not a finding of the source"):format(code) end
  if reason == "" then return ("say why %s is right here"):format(code) end
end

-- The line that a comment is about: its own, or when it is alone there the next one with code.
local function line_of(comment, tokens)
  for _, token in ipairs(tokens) do
    if token.line >= comment.line then return token.line end
  end

  return comment.line
end

local function read(text)
  local tokens, comments = lexer.tokens(text)
  local found = {}
  for _, comment in ipairs(comments) do
    local rest = comment.text:match("^%-%-%s*weir:%s*allow%f[^%w](.*)$")
    if rest then
      local code, reason = rest:match("^%s*(%S*)%s*(.-)%s*$")
      found[#found + 1] = {
        at = comment,
        line = line_of(comment, tokens),
        code = code,
        reason = reason,
        problem = wrong(code, reason),
      }
    end
  end

  return found
end

-- Takes out of the list what the source accepts, and reports what is wrong with how it says so.
-- → the accepted ones, each with its `reason`
function allow.apply(text, list, report)
  if not text:find("weir:", 1, true) then return {} end
  local accepted, kept = {}, {}
  local allows = read(text)
  for _, finding in ipairs(list) do
    local by
    for _, each in ipairs(allows) do
      local is_meant = not each.problem and each.line == finding.line and each.code == finding.code
      if is_meant then by = each end
    end

    if by then
      by.used = true
      finding.reason = by.reason
      accepted[#accepted + 1] = finding
    else
      kept[#kept + 1] = finding
    end
  end

  for i = 1, #list do list[i] = kept[i] end
  for _, each in ipairs(allows) do
    if each.problem then
      report("W206", each.at, "this allow accepts nothing: " .. each.problem)
    elseif not each.used then
      report("W207", each.at, "this allow is not needed: there is no " .. each.code .. " here",
        "remove the comment")
    end
  end

  return accepted
end

return allow
