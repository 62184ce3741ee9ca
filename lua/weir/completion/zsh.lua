-- The completion for zsh: the verbs with what they do, then what _arguments is told of each.
local arguments = require "weir.cli.arguments"
local candidates = require "weir.completion.candidates"

local ACTIONS = { file = "_files", directory = "_files -/" }

-- Between single quotes.
local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

-- In a description, where a bracket ends it and a colon begins the next part.
local function plain(text) return (text:gsub("[%[%]]", "\\%0"):gsub(":", "\\:")) end

local function action_of(item)
  local words = candidates.words(item)
  if words then return "(" .. table.concat(words, " ") .. ")" end
  return ACTIONS[item.complete] or " "
end

-- '(-p --policies)'{-p,--policies}'[doc]:DIR:_files -/', an option that may be given again with a *
local function option_spec(option)
  local tail = "[" .. plain(option.doc) .. "]"
  if option.value then tail = tail .. ":" .. plain(option.value) .. ":" .. action_of(option) end
  local long, again = "--" .. option.long, option.many and "*" or ""
  if not option.short then return quote(again .. long .. tail) end
  local both = ("{-%s,%s}"):format(option.short, long)
  if option.many then return "\\*" .. both .. quote(tail) end

  return quote(("(-%s %s)"):format(option.short, long)) .. both .. quote(tail)
end

local function positional_spec(positional)
  local mark = positional.many and "*:" or positional.optional and "::" or ":"
  return quote(mark .. plain(positional.name) .. ":" .. action_of(positional))
end

local function verb_case(lines, verb)
  local specs = {}
  for _, option in ipairs(arguments.options(verb)) do specs[#specs + 1] = option_spec(option) end
  for _, positional in ipairs(verb.positionals or {}) do
    specs[#specs + 1] = positional_spec(positional)
  end

  lines[#lines + 1] = ("    %s) _arguments -s \\\n      %s ;;"):format(verb.name,
    table.concat(specs, " \\\n      "))
end

-- script(cli) → the text
local function script(cli)
  local lines = {
    "#compdef weir",
    "# zsh completion for weir; load it with: source <(weir completion zsh)",
    "_weir() {",
    "  local -a verbs=(",
  }

  for _, name in ipairs(cli.verbs) do
    lines[#lines + 1] = "    " .. quote(name .. ":" .. plain(cli.verb(name).summary))
  end

  lines[#lines + 1] = "  )\n  if (( CURRENT == 2 )); then _describe verb verbs; return; fi"
  lines[#lines + 1] = "  local verb=$words[2]\n  shift words\n  (( CURRENT-- ))\n  case $verb in"
  for _, name in ipairs(cli.verbs) do verb_case(lines, cli.verb(name)) end
  lines[#lines + 1] = "  esac\n}"
  -- As a file in $fpath it is called; sourced, it registers itself.
  lines[#lines + 1] =
    'if [ "$funcstack[1]" = "_weir" ]; then _weir "$@"; elif (( $+functions[compdef] )); '
    .. "then compdef _weir weir; fi"

  return table.concat(lines, "\n") .. "\n"
end

return { script = script }
