-- The completion for bash: one function that looks at the verb, and at the option before the word.
local arguments = require "weir.cli.arguments"
local candidates = require "weir.completion.candidates"

-- How the words of one verb complete: compgen's arguments for each position and option value.
local ACTIONS = { file = "-f", directory = "-d" }

local function words_of(item)
  local words = candidates.words(item)
  if words then return ("-W %q"):format(table.concat(words, " ")) end
  return ACTIONS[item.complete] or "-W ''"
end

local function option_names(verb)
  local names = {}
  for _, option in ipairs(arguments.options(verb)) do
    names[#names + 1] = "--" .. option.long
    if option.short then names[#names + 1] = "-" .. option.short end
  end

  return table.concat(names, " ")
end

local function verb_case(lines, verb)
  lines[#lines + 1] = ("    %s)"):format(verb.name)
  lines[#lines + 1] = ("      options=%q"):format(option_names(verb))
  for _, option in ipairs(arguments.options(verb)) do
    if option.value then
      local pattern = option.short and ("--%s | -%s"):format(option.long, option.short) or "--"
        .. option.long
      lines[#lines + 1] =
        ("      case $previous in %s) complete_with %s; return ;; esac"):format(pattern,
        words_of(option))
    end
  end

  local first = (verb.positionals or {})[1]
  local rest = (verb.positionals or {})[2] or first
  if first then
    lines[#lines + 1] = ("      if [ \"$COMP_CWORD\" -eq 2 ]; then values=(%s); else values=(%s); "
      .. "fi ;;")
      :format(words_of(first), words_of(rest))
  else
    lines[#lines + 1] = "      values=(-W '') ;;"
  end
end

-- script(cli) → the text
local function script(cli)
  local lines = {
    "# bash completion for weir; load it with: source <(weir completion bash)",
    "_weir() {",
    "  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} options values",
    "  complete_with() { mapfile -t COMPREPLY < <(compgen \"$@\" -- \"$word\"); }",
    "  if [ \"$COMP_CWORD\" -eq 1 ]; then",
    ("    complete_with -W %q; return"):format(table.concat(cli.verbs, " ") .. " --help --version"),
    "  fi",
    "  case ${COMP_WORDS[1]} in",
  }

  for _, name in ipairs(cli.verbs) do verb_case(lines, cli.verb(name)) end
  lines[#lines + 1] = "    *) return ;;\n  esac"
  lines[#lines + 1] = "  case $word in -*) complete_with -W \"$options\" ;; *) complete_with "
    .. "\"${values[@]}\" ;; esac"
  lines[#lines + 1] = "}\ncomplete -o filenames -F _weir weir"

  return table.concat(lines, "\n") .. "\n"
end

return { script = script }
