-- The command line: finds the verb and runs it. Each verb is a file in weir/cli/.
local cli = {}

function cli.main(arguments)
  if arguments[1] == "lua" then return require("weir.cli.lua").run(arguments) end
  io.stderr:write("weir: unknown verb\n")
  return 2
end

return cli
