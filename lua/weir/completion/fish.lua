-- The completion for fish: one line an option, with the verb that it belongs to.
local arguments = require "weir.cli.arguments"
local candidates = require "weir.completion.candidates"

local ACTIONS = { file = " -F", directory = " -x -a '(__fish_complete_directories)'" }

local function quote(text) return "'" .. text:gsub("[\\']", "\\%0") .. "'" end

local function values_of(item)
  local words = candidates.words(item)
  if words then return " -x -a " .. quote(table.concat(words, " ")) end
  return ACTIONS[item.complete] or " -x"
end

local function verb_lines(lines, verb)
  local condition = " -n " .. quote("__fish_seen_subcommand_from " .. verb.name)
  for _, option in ipairs(arguments.options(verb)) do
    local short = option.short and " -s " .. option.short or ""
    lines[#lines + 1] = "complete -c weir" .. condition .. " -l " .. option.long .. short
      .. (option.value and values_of(option) or "") .. " -d " .. quote(option.doc)
  end

  for _, positional in ipairs(verb.positionals or {}) do
    local words = candidates.words(positional)
    if words or ACTIONS[positional.complete] then
      lines[#lines + 1] = "complete -c weir" .. condition
        .. (words and " -a " .. quote(table.concat(words, " ")) or ACTIONS[positional.complete])
    end
  end
end

-- script(cli) → the text
local function script(cli)
  local lines = {
    "# fish completion for weir; load it with: weir completion fish | source",
    "complete -c weir -f",
  }

  for _, name in ipairs(cli.verbs) do
    lines[#lines + 1] = "complete -c weir -n __fish_use_subcommand -a " .. name .. " -d "
      .. quote(cli.verb(name).summary)
  end

  for _, name in ipairs(cli.verbs) do verb_lines(lines, cli.verb(name)) end

  return table.concat(lines, "\n") .. "\n"
end

return { script = script }
