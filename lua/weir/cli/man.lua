-- The manual page weir(1), written from the verbs' declarations.
local arguments = require "weir.cli.arguments"
local help = require "weir.cli.help"
local process = require "weir.process"

local man = {}

local NAMED = {
  ["\\"] = "\\e", ["-"] = "\\-", ["'"] = "\\(aq", ["`"] = "\\(ga", ["^"] = "\\(ha", ["~"] = "\\(ti",
  ["…"] = "\\&...", ["–"] = "\\(en", ["—"] = "\\(em", ["→"] = "\\(->",
}

-- Text as roff sees only text: no escapes, no requests at the start of a line, no smart hyphens.
local function roff(text)
  text = text:gsub("[\\%-'`^~]", NAMED):gsub("[\xc2-\xf4][\x80-\xbf]+", NAMED)
  return (text:gsub("^%.", "\\&."):gsub("\n%.", "\n\\&."))
end

local function definitions(lines, entries)
  for _, entry in ipairs(entries) do
    lines[#lines + 1] = ".TP\n\\fB" .. roff(tostring(entry[1])) .. "\\fR\n" .. roff(entry[2])
  end
end

local function verb_section(lines, verb)
  lines[#lines + 1] = ".SS \"" .. roff(arguments.usage(verb)):gsub('"', "\\(dq") .. "\""
  lines[#lines + 1] = roff(verb.summary:sub(1, 1):upper() .. verb.summary:sub(2) .. ".")
  for _, paragraph in ipairs(verb.description or {}) do
    lines[#lines + 1] = ".PP\n" .. roff(paragraph:gsub("%s+", " "))
  end

  local entries = {}
  for _, positional in ipairs(verb.positionals or {}) do
    entries[#entries + 1] = { positional.name, positional.doc }
  end

  for _, option in ipairs(verb.options or {}) do
    entries[#entries + 1] = { arguments.option_label(option):gsub("^%s+", ""), option.doc }
  end

  definitions(lines, entries)
  local statuses = {}
  for _, exit in ipairs(verb.exits) do
    statuses[#statuses + 1] = ("%d: %s."):format(exit[1], exit[2])
  end

  lines[#lines + 1] = ".PP\nExit status: " .. roff(table.concat(statuses, " "))
  for _, example in ipairs(verb.examples) do
    lines[#lines + 1] = ".PP\n" .. roff(example[2]:sub(1, 1):upper() .. example[2]:sub(2))
      .. ":\n.PP\n.RS 4\n.EX\n"
      .. roff(example[1]) .. "\n.EE\n.RE"
  end
end

function man.page()
  local cli = require "weir.cli"
  local lines = {
    '.TH WEIR 1 "" "weir ' .. roff(process.version) .. '" "User Commands"',
    ".SH NAME\nweir \\- " .. roff("decide routing and events with Lua policies"),
    ".SH SYNOPSIS\n.B weir\n.I VERB\n.RI [ ARGUMENT \\&...]",
    ".SH DESCRIPTION\n" .. roff(help.purpose
      .. " Data go to standard output, messages to standard error; with --json every line of "
      .. "output is one JSON object. '-' as a file name is standard input. Output is coloured "
      .. "only on a terminal."),
    ".SH VERBS",
  }

  for _, name in ipairs(cli.verbs) do verb_section(lines, cli.verb(name)) end
  lines[#lines + 1] = ".SH OPTIONS\nEvery verb understands:"
  local common = {}
  for _, option in ipairs(arguments.common) do
    common[#common + 1] = { arguments.option_label(option):gsub("^%s+", ""), option.doc }
  end

  definitions(lines, common)
  lines[#lines + 1] = ".SH ENVIRONMENT"
  definitions(lines, help.environment)
  lines[#lines + 1] = '.SH "EXIT STATUS"'
  definitions(lines, help.exits)
  lines[#lines + 1] = ".SH FILES\n.TP\n\\fB./policies\\fR\n"
    .. roff("The policy set that is used when none is named; after it the set installed with the "
    .. "program.")
  return table.concat(lines, "\n") .. "\n"
end

return man
