-- Findings about names: fields of facts, parameters, globals, library functions.
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
  tree.walk(source.block, function(node)
    if node.tag ~= "Index" then return end
    local record = source.types:missing(node)
    if not record then return end
    local name, path = node.key.value, tree.describe(node)
    if record.is_params then
      source.misspelt_parameter = true
      report("W102", node.key.at, ("the policy has no parameter '%s'"):format(name),
        choose(name, field_names(record), "params"))
    else
      report("W101", node.key.at, ("facts of kind %s have no field '%s'"):format(source.kind, path),
        choose(name, field_names(record), tree.describe(node.object)))
    end
  end)
end

local function assigned_globals(block)
  local assigned = {}
  tree.walk(block, function(node)
    local targets = node.tag == "Assign" and node.targets or node.tag == "FunctionStatement"
      and { node.target } or {}
    for _, target in ipairs(targets) do
      if tree.global(target) then assigned[target] = true end
    end
  end)
  return assigned
end

-- W103, W104: names that are neither local nor words of the policy language.
function names.globals(source, report)
  local assigned, own = assigned_globals(source.block), {}
  for target in pairs(assigned) do own[target.name] = true end -- any order: collects a set
  tree.walk(source.block, function(node)
    local name = tree.global(node)
    if not name then return end
    if assigned[node] then
      report("W104", node.at, ("assigns the global '%s'"):format(name), ("write 'local %s'"):format(name))
    elseif not own[name] and not vocabulary.globals[name] then
      report("W103", node.at, ("'%s' is not a name of the policy language"):format(name),
        vocabulary.why_not[name] or choose(name, vocabulary.list(vocabulary.globals), "it"))
    end
  end)
end

-- W105: functions that Lua's libraries have and the sandbox does not.
function names.libraries(source, report)
  tree.walk(source.block, function(node)
    if node.tag ~= "Index" or node.key.tag ~= "String" then return end
    local library = tree.global(node.object)
    local known = library and vocabulary.libraries[library]
    if not known or known[node.key.value] then return end
    local path = library .. "." .. node.key.value
    report("W105", node.key.at, ("'%s' is not part of the policy language"):format(path),
      vocabulary.why_not[path] or choose(node.key.value, vocabulary.list(known), library))
  end)
end

-- W109: facts and parameters are frozen; changing them fails while deciding.
function names.frozen(source, report)
  if not source.types then return end
  tree.walk(source.block, function(node)
    for _, target in ipairs(node.tag == "Assign" and node.targets or {}) do
      if target.tag == "Index" then
        local owner = source.types:of(target.object)
        if owner and (owner.type == "record" or owner.type == "list" or owner.type == "map") then
          report("W109", target.key.at,
            ("changes '%s', which cannot be changed"):format(tree.describe(target)),
            "put the new value in a local")
        end
      end
    end
  end)
end

-- W110: equal to a text that this field never holds.
function names.choices(source, report)
  if not source.types then return end
  tree.walk(source.block, function(node)
    if node.tag ~= "Binary" or node.operator ~= "==" and node.operator ~= "~=" then return end
    local field, constant = tree.strip(node.left), tree.strip(node.right)
    if field.tag == "String" then field, constant = constant, field end
    local type = constant.tag == "String" and source.types:of(field)
    if not type or type.type ~= "choice" or not type.values then return end
    for _, value in ipairs(type.values) do
      if value == constant.value then return end
    end
    report("W110", constant.at, ("'%s' is never '%s'"):format(tree.describe(field), constant.value),
      choose(constant.value, type.values, "it") or "it is one of: " .. table.concat(type.values, ", "))
  end)
end

-- W203: a parameter that changes nothing misleads whoever sets it. Silent when parameters are
-- passed on, or chosen by a computed name, or when a misspelt one may have been meant.
function names.unused_parameters(source, report)
  if not source.types or not source.declared or source.misspelt_parameter then return end
  local used, lost = {}, false
  tree.walk(source.block, function(node, owner)
    local type = (node.tag == "Name" or node.tag == "Index") and source.types:of(node)
    if not type or not type.is_params then return end
    if owner.tag == "Index" and owner.object == node and owner.key.tag == "String" then
      used[owner.key.value] = true
    elseif not source.types:passes_on(node, owner) then
      lost = true
    end
  end)
  for name, key in sorted_pairs(lost and {} or source.declared) do
    if not used[name] then
      report("W203", key.at, ("parameter '%s' is never used"):format(name), "use it, or remove it")
    end
  end
end

return names
