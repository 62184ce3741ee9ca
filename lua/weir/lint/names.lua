-- Findings about names: fields of facts, parameters, globals, library functions.
local contains = require "weir.contains"
local sorted_pairs = require "weir.sorted_pairs"
local suggest = require "weir.suggest"
local tree = require "weir.lint.tree"
local vocabulary = require "weir.lint.vocabulary"

local names = {}

local function field_names(record)
  local list = {}
  for _, field in ipairs(record.fields) do list[#list + 1] = field.name end
  return list
end

-- "did you mean 'x'?", or all there is to choose from.
local function choose(name, list, what)
  local close = suggest(name, list)
  if close then return ("did you mean '%s'?"):format(close) end
  if #list == 0 then return ("%s has none"):format(what) end
  if #list > 12 then return nil end

  return ("%s has: %s"):format(what, table.concat(list, ", "))
end

-- W101, W102: a field that is never there reads as nil, and the rule around it never fires.
function names.fields(source, report)
  if not source.types then return end
  for _, node in ipairs(source.nodes.Index) do
    local record = source.types:missing(node)
    local name = node.key.value
    if record and record.is_params then
      source.misspelt_parameter = true
      report("W102", node.key.at, ("the policy has no parameter '%s'"):format(name),
        choose(name, field_names(record), "params"))
    elseif record then
      report("W101", node.key.at,
        ("facts of kind %s have no field '%s'"):format(source.kind, tree.describe(node)),
        choose(name, field_names(record), tree.describe(node.object)))
    end
  end
end

local function assigned_globals(nodes)
  local assigned = {}
  for _, node in ipairs(nodes.Assign) do
    for _, target in ipairs(node.targets) do
      if tree.global(target) then assigned[target] = true end
    end
  end

  for _, node in ipairs(nodes.FunctionStatement) do
    if tree.global(node.target) then assigned[node.target] = true end
  end

  return assigned
end

-- W103, W104: names that are neither local nor words of the policy language.
function names.globals(source, report)
  local assigned, own = assigned_globals(source.nodes), {}
  for target in pairs(assigned) do own[target.name] = true end -- any order: collects a set
  for _, node in ipairs(source.nodes.Name) do
    local name = tree.global(node)
    if name and assigned[node] then
      report("W104", node.at, ("assigns the global '%s'"):format(name),
        ("write 'local %s'"):format(name))
    elseif name and not own[name] and not source.words.globals[name] then
      report("W103", node.at, ("'%s' is not a name of the policy language"):format(name),
        vocabulary.why_not[name] or choose(name, vocabulary.list(source.words.globals), "it"))
    end
  end
end

-- W105: functions that Lua's libraries have and the sandbox does not.
function names.libraries(source, report)
  for _, node in ipairs(source.nodes.Index) do
    local library = node.key.tag == "String" and tree.global(node.object)
    local known = library and vocabulary.libraries[library]
    if known and not known[node.key.value] then
      local path = library .. "." .. node.key.value
      report("W105", node.key.at, ("'%s' is not part of the policy language"):format(path),
        vocabulary.why_not[path] or choose(node.key.value, vocabulary.list(known), library))
    end
  end
end

-- W109: facts and parameters are frozen; changing them fails while deciding.
function names.frozen(source, report)
  if not source.types then return end
  for _, node in ipairs(source.nodes.Assign) do
    for _, target in ipairs(node.targets) do
      local owner = target.tag == "Index" and source.types:of(target.object)
      if owner and (owner.type == "record" or owner.type == "list" or owner.type == "map") then
        report("W109", target.key.at,
          ("changes '%s', which cannot be changed"):format(tree.describe(target)),
          "put the new value in a local")
      end
    end
  end
end

-- W110: equal to a text that this field never holds.
function names.choices(source, report)
  if not source.types then return end
  for _, node in ipairs(source.nodes.Binary) do
    local field, constant = tree.strip(node.left), tree.strip(node.right)
    if field.tag == "String" then field, constant = constant, field end
    local compares = constant.tag == "String" and (node.operator == "==" or node.operator == "~=")
    local type = compares and source.types:of(field)
    local choices = type and type.type == "choice" and type.values
    if choices and not contains(choices, constant.value) then
      report("W110", constant.at,
        ("'%s' is never '%s'"):format(tree.describe(field), constant.value),
        choose(constant.value, type.values, "it")
          or "it is one of: " .. table.concat(type.values, ", "))
    end
  end
end

-- weir diff reads price_ACTION, whether the policy does or not (weir.pull_request.prices).
local function is_price(source, name)
  local action = name:match("^price_(.+)$")
  return action ~= nil and source.words.actions[action] == source.kind
end

-- W203: a parameter that changes nothing misleads whoever sets it. Silent when parameters are
-- passed on, or chosen by a computed name, or when a misspelt one may have been meant.
function names.unused_parameters(source, report)
  if not source.types or not source.declared or source.misspelt_parameter then return end
  local used, lost = {}, false
  for _, node in ipairs(source.nodes.Name) do
    local type, owner = source.types:of(node), node.owner
    if type and type.is_params then
      if owner.tag == "Index" and owner.object == node and owner.key.tag == "String" then
        used[owner.key.value] = true
      elseif not source.types:passes_on(node, owner) then
        lost = true
      end
    end
  end

  for name, key in sorted_pairs(lost and {} or source.declared) do
    if not used[name] and not is_price(source, name) then
      report("W203", key.at, ("parameter '%s' is never used"):format(name), "use it, or remove it")
    end
  end
end

return names
