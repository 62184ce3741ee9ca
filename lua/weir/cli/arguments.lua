-- The arguments of a verb, declared once. Parsing, `weir help VERB`, the man page and the shell
-- completion all read the same declaration, which is what a file in lua/weir/cli/ returns:
--
--   return {
--     name = "match", summary = "test an event pattern against events",
--     description = { "A paragraph.", "Another." },
--     positionals = {                      -- in order; `many` only last, `raw` ends option parsing
--       { name = "PATTERN", doc = "…" },
--       { name = "EVENT", doc = "…", optional = true, many = true, complete = "file" },
--     },
--     options = {                          -- besides these: arguments.common
--       { long = "json", doc = "…" },
--       { long = "policies", short = "p", value = "DIR", doc = "…", complete = "directory" },
--       { long = "set", value = "NAME=VALUE", many = true, doc = "…" },
--       { long = "mode", value = "MODE", values = { "fast", "exact" }, doc = "…" },
--     },
--     exits = { { 0, "…" }, { 1, "…" } },
--     examples = { { "weir match …", "what it shows" } },
--     run = function(given, terminal) return exit_status end,
--   }
--
-- `run` gets `given.json`, `given.policies`, `given.set` (a list when `many`) and
-- `given.PATTERN`, `given.EVENT` (a list when `many`).
local contains = require "weir.contains"
local suggest = require "weir.suggest"

local arguments = {}

arguments.common = {
  { long = "quiet", short = "q", doc = "no progress, and no advice what to do next" },
  { long = "color", value = "WHEN", values = { "auto", "always", "never" },
    doc = "auto: on a terminal (or as NO_COLOR and FORCE_COLOR say); always; never" },
  { long = "no-color", doc = "the same as --color never" },
  { long = "help", short = "h", doc = "print this help" },
}

local function find(options, field, name)
  for _, option in ipairs(options) do
    if option[field] == name then return option end
  end
end

-- Every option of a verb, the common ones last. A verb may declare one of them as it understands
-- it.
function arguments.options(verb)
  local all = {}
  for _, option in ipairs(verb.options or {}) do all[#all + 1] = option end
  for _, option in ipairs(arguments.common) do
    local is_own = find(all, "long", option.long)
    if not is_own then all[#all + 1] = option end
  end

  return all
end

-- "-p DIR", "--set NAME=VALUE": as it is written in messages.
local function spelled(option, as)
  return option.value and as .. " " .. option.value or as
end

local function unknown_option(options, shown, name)
  local names = {}
  for _, option in ipairs(options) do names[#names + 1] = option.long end
  local close = suggest(name, names)

  return nil, ("unknown option '%s'"):format(shown), close
    and ("did you mean '--%s'?"):format(close)
end

local function store(given, option, value)
  local key = option.long:gsub("-", "_")
  if option.many then
    given[key] = given[key] or {}
    table.insert(given[key], value)
  else
    given[key] = value
  end
end

-- Splits what stands at argv[at] into an option, how it was written, and a value stuck to it.
local function read_option(options, word)
  local long, equals = word:match("^%-%-([^=]+)(=?)")
  if long then
    local option = find(options, "long", long)
    if not option then return unknown_option(options, "--" .. long, long) end
    return option, "--" .. long, equals == "=" and word:sub(#long + 4) or nil
  end

  local short = word:sub(2, 2)
  local option = find(options, "short", short)
  if not option then return unknown_option(options, word, word:sub(2)) end
  local stuck = word:sub(3)
  if stuck ~= "" and not option.value then return unknown_option(options, word, word:sub(2)) end

  return option, "-" .. short, stuck ~= "" and stuck or nil
end

local function take_option(given, options, argv, at)
  local option, as, value = read_option(options, argv[at])
  if not option then return nil, as, value end
  if not option.value then
    if value then return nil, ("option '%s' takes no value"):format(as) end
    store(given, option, true)
    return at + 1
  end

  if value == nil then
    at = at + 1
    value = argv[at]
    if value == nil then
      return nil, ("option '%s' needs a value"):format(as), "write " .. spelled(option, as)
    end
  end

  if value == "" then
    return nil, ("option '%s' has an empty value"):format(as), "write " .. spelled(option, as)
  end

  if given[option.long:gsub("-", "_")] ~= nil and not option.many then
    return nil, ("option '%s' is given twice"):format(as), "give it once"
  end

  if option.values and not contains(option.values, value) then
    return nil, ("%s is '%s'"):format(as, value), "it takes " .. table.concat(option.values, ", ")
  end

  store(given, option, value)

  return at + 1
end

-- An empty word, such as an unset shell variable leaves, is a mistake: it names nothing.
local function has_empty_word(positional, words, at)
  if positional.raw then return false end
  for i = at, positional.many and #words or at do
    if words[i] == "" then return true end
  end

  return false
end

local function take_positionals(verb, given, words)
  local at = 1
  for _, positional in ipairs(verb.positionals or {}) do
    if has_empty_word(positional, words, at) then
      return nil, ("%s is empty"):format(positional.name)
    end

    if positional.many then
      given[positional.name] = table.move(words, at, #words, 1, {})
      if not positional.optional and #given[positional.name] == 0 then
        return nil, ("%s is missing"):format(positional.name)
      end

      at = #words + 1
    else
      given[positional.name] = words[at]
      if words[at] == nil and not positional.optional then
        return nil, ("%s is missing"):format(positional.name)
      end

      at = at + 1
    end
  end

  if words[at] ~= nil then return nil, ("unexpected argument '%s'"):format(words[at]) end

  return given
end

-- The number of positional words after which options belong to the script: `weir lua FILE --x`.
local function raw_after(verb)
  for i, positional in ipairs(verb.positionals or {}) do
    if positional.raw then return i - 1 end
  end

  return math.huge
end

-- "-" is standard input, and "-:12" its twelfth line.
local function is_positional(word)
  return word:sub(1, 1) ~= "-" or word == "-" or word:find("^%-:%d+$") ~= nil
end

-- parse(verb, argv) → given, or nil, message, hint. argv holds what follows the verb.
-- With --help the rest is not judged: given is { help = true }.
function arguments.parse(verb, argv)
  local options = arguments.options(verb)
  local given, words, at, only_words = {}, {}, 1, false
  while argv[at] ~= nil do
    local word = argv[at]
    if only_words or #words >= raw_after(verb) or is_positional(word) then
      words[#words + 1] = word
      at = at + 1
    elseif word == "--" then
      only_words = true
      at = at + 1
    else
      local next_at, message, hint = take_option(given, options, argv, at)
      if not next_at then return nil, message, hint end
      if given.help then return { help = true, no_color = given.no_color } end
      at = next_at
    end
  end

  return take_positionals(verb, given, words)
end

-- "weir match [OPTION…] PATTERN [EVENT…]"
function arguments.usage(verb)
  local parts = { "weir", verb.name }
  for _, option in ipairs(verb.options or {}) do
    local text = spelled(option, option.short and "-" .. option.short or "--" .. option.long)
    parts[#parts + 1] = option.required and text or "[" .. text .. "]"
      .. (option.many and "…" or "")
  end

  for _, positional in ipairs(verb.positionals or {}) do
    local text = positional.name .. (positional.many and "…" or "")
    parts[#parts + 1] = positional.optional and "[" .. text .. "]" or text
  end

  return table.concat(parts, " ")
end

-- "-p, --policies DIR"
function arguments.option_label(option)
  local label = spelled(option, "--" .. option.long)
  return option.short and "-" .. option.short .. ", " .. label or "    " .. label
end

return arguments
