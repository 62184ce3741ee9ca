-- The policy set a verb works with: which directory, which parameters, and loading it.
local exit = require "weir.cli.exit"
local files = require "weir.files"
local json = require "weir.json"
local messages = require "weir.cli.messages"
local policy_directory = require "weir.policy_directory"
local sorted_pairs = require "weir.sorted_pairs"
local suggest = require "weir.suggest"

local policies = {}

-- The options of every verb that loads a set.
policies.options = {
  directory = {
    long = "policies",
    short = "p",
    value = "DIR",
    complete = "directory",
    doc = "the policy set; else ./policies, else the installed one",
  },
  set = {
    long = "set",
    value = "NAME=VALUE",
    many = true,
    doc = "override a parameter of the policies, as KIND.NAME for one kind only; lists and maps as "
      .. "JSON",
  },
  params = {
    long = "params",
    value = "FILE",
    complete = "file",
    doc = "override parameters by a JSON object of values by name; --set wins; '-' is standard "
      .. "input",
  },
}

-- The directory to use, without a slash at its end.
function policies.directory(given)
  if given then return #given > 1 and given:gsub("/+$", "") or given end
  local found, message = policy_directory.find("./policies")
  return found == "./policies" and "policies" or found, message
end

-- What names the set of a verb that takes DIR as well as -p: given.DIR or given.policies, or nil
-- for neither; nil, message, hint for both.
function policies.named(given)
  if given.DIR and given.policies then
    return nil, "the policy set is named twice", "write DIR or -p DIR"
  end

  return given.DIR or given.policies
end

-- The policy of this kind in the set, as set:policies() describes it, or nil.
function policies.of_kind(set, kind)
  for _, policy in ipairs(set:policies()) do
    if policy.kind == kind then return policy end
  end
end

-- The paths of a policy set's Lua files, in order.
function policies.sources(directory)
  local paths = require("weir.policy_set").list(directory)
  local prefix = directory == "/" and "/" or directory .. "/"
  for i, path in ipairs(paths) do paths[i] = prefix .. path end

  return paths
end

-- Why there is no set, for the verb to return: an exit status, or the three results of a usage
-- error.
local function mistake(message, hint)
  return nil, function() return nil, message, hint end
end

local function ended(status)
  return nil, function() return status end
end

-- Parameters ---------------------------------------------------------------------------------

-- A JSON object of values by name; nil, message. what: where the text comes from.
local function object_of(text, what)
  local params, message = json.decode(text)
  if params == nil then return nil, ("%s is not JSON: %s"):format(what, message) end
  if type(params) ~= "table" or json.is_array(params) then
    return nil, what .. " must be a JSON object"
  end

  for name, value in sorted_pairs(params) do
    if value == json.null then
      return nil, ("%s gives '%s' the value null"):format(what, name)
    end
  end

  return params
end

local function from_environment()
  local text = os.getenv("WEIR_PARAMS")
  if not text or text == "" then return {} end
  return object_of(text, "WEIR_PARAMS")
end

local FILE_LIMIT = 1024 * 1024

-- Standard input can be read once, and weir diff loads two sets.
local standard_input

-- The text of the file; nil, message, code.
local function read_file(path)
  if path ~= "-" then return files.read(path, FILE_LIMIT) end
  if standard_input then return standard_input end
  local message, code
  standard_input, message, code = files.read("-", FILE_LIMIT)

  return standard_input, message, code
end

local function from_settings(settings)
  local params = {}
  for _, setting in ipairs(settings or {}) do
    local name, value = setting:match("^([%a_][%w_%.]*)=(.*)$")
    if not name then
      return nil, ("--set '%s' is not NAME=VALUE"):format(setting), "write --set threshold=20"
    end

    if params[name] then return nil, ("--set gives '%s' twice"):format(name), "give it once" end
    params[name] = value
  end

  return params
end

local EXAMPLE = '{"threshold": 20}'

-- Are the events, facts or recordings of the verb to come from standard input?
local function reads_standard_input(given)
  local read = given.event or given.RECORDING or given.KIND and "-" or {}
  for _, name in ipairs(type(read) == "table" and read or { read }) do
    if name == "-" then return true end
  end

  return false
end

-- What --params gives; nil, and a function for the verb to return.
local function from_file(verb, given, screen)
  if not given.params then return {} end
  if given.params == "-" and reads_standard_input(given) then
    return mistake("standard input is given twice", "name a file with --params FILE")
  end

  local text, message, code = read_file(given.params)
  if not text then
    return ended(messages.failure(screen, verb, { message = message, code = code, exit = exit.io }))
  end

  local params, problem = object_of(text, "--params " .. given.params)
  if params then return params end
  return mistake(problem, ("write %s into the file"):format(EXAMPLE))
end

-- What --set, --params and WEIR_PARAMS give, the stronger source first; nil, and a function for the
-- verb to return.
local function given_parameters(verb, given, screen)
  local environment, message = from_environment()
  if not environment then return mistake(message, ("write WEIR_PARAMS='%s'"):format(EXAMPLE)) end
  local set, problem, hint = from_settings(given.set)
  if not set then return mistake(problem, hint) end
  local file, ending = from_file(verb, given, screen)
  if not file then return nil, ending end

  return { set, file, environment }
end

-- One source's value for a parameter: KIND.NAME says more than NAME.
local function value_from(source, kind, name)
  local exact = source[kind .. "." .. name]
  if exact ~= nil then return exact end
  return source[name]
end

-- The text of a misfit, "NAME…: what", with the file or variable that gives the parameter in front;
-- what --set gives stands in the command itself.
local function with_source(misfit, sources, given)
  local name = misfit:match("^[%a_][%w_]*")
  local labels = { "", given.params and ("--params %s: "):format(given.params), "WEIR_PARAMS: " }
  for i, source in ipairs(sources) do
    for key in sorted_pairs(source) do
      if key:match("[^.]*$") == name then return labels[i] .. misfit end
    end
  end

  return misfit
end

-- A misspelt parameter must not become a default: nil, message, hint for a name no policy has.
local function check_names(sources, known)
  for _, source in ipairs(sources) do
    for name in sorted_pairs(source) do
      if not known[name] then
        local names = {}
        for each in pairs(known) do names[#names + 1] = each end -- any order: sorted below
        table.sort(names)
        local close = suggest(name, names)

        return nil, ("no policy has a parameter '%s'"):format(name), close
          and ("did you mean '%s'?"):format(close)
      end
    end
  end

  return true
end

-- The overrides as "KIND.NAME" → value, so that the sources' spellings cannot cross; or nil,
-- message, hint.
local function overrides_for(set, sources)
  local known, overrides = {}, {}
  for _, policy in ipairs(set:policies()) do
    for _, param in ipairs(policy.params) do
      local full = policy.kind .. "." .. param.name
      known[param.name], known[full] = true, true
      for i = #sources, 1, -1 do
        local value = value_from(sources[i], policy.kind, param.name)
        if value ~= nil then overrides[full] = value end
      end
    end
  end

  local ok, message, hint = check_names(sources, known)
  if not ok then return nil, message, hint end

  return overrides
end

-- Loading ------------------------------------------------------------------------------------

-- What to type where no policy set is found: a verb has -p, or names the set as an argument.
local function remedy(verb)
  for _, option in ipairs(require("weir.cli." .. verb).options or {}) do
    if option == policies.options.directory then return ("weir %s -p DIR"):format(verb) end
  end

  return "weir help " .. verb
end

-- load(verb, given, screen) → set, directory; or nil, and a function that gives what the verb has
-- to return. given has policies, set and params as the options of that name, event or RECORDING
-- where the verb reads them, and perhaps bundle, the text of a bundle, which policies then names.
--
--   local set, directory = policies.load("decide", given, screen)
--   if not set then return directory() end
function policies.load(verb, given, screen)
  local policy_set = require "weir.policy_set"
  local sources, ending = given_parameters(verb, given, screen)
  if not sources then return nil, ending end
  local directory, missing = policies.directory(given.policies)
  if not directory then
    return ended(messages.failure(screen, verb, {
      message = missing,
      code = "NoPolicySet",
      exit = exit.load,
      next = remedy(verb),
    }))
  end

  local set, findings, code = policy_set.load(directory, { bundle = given.bundle })
  if not set then return ended(messages.refusal(screen, verb, directory, findings, code)) end
  local overrides, message, hint = overrides_for(set, sources)
  if not overrides then return mistake(message, hint) end
  if next(overrides) == nil then -- any order: asks only whether there is one
    return set, directory
  end

  local ok, misfit, misfit_code = set:override(overrides)
  if ok then return set, directory end
  if misfit_code == "OutOfMemory" then
    return ended(messages.failure(screen, verb,
      { message = misfit, code = misfit_code, exit = exit.io }))
  end

  return mistake(with_source(misfit, sources, given))
end

return policies
