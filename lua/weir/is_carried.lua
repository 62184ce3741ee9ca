-- is_carried(module) → whether this program has the module. The layer goes without what only the
-- command line needs (cmake/embed_lua.cmake). It is looked for where it would be found, not run.
return function(module) return type(package.searchers[2](module)) == "function" end
