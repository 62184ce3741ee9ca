-- weir emulate: Lambda on this machine, for a layer and `aws lambda invoke --endpoint-url`.
local contains = require "weir.contains"
local exit = require "weir.cli.exit"
local files = require "weir.files"
local handler = require "weir.runtime.handler"
local json = require "weir.json"
local layer = require "weir.cli.layer"
local messages = require "weir.cli.messages"
local process = require "weir.process"
local terminal = require "weir.cli.terminal"

local BOM_LIMIT = 4 * 1024 * 1024
local SOURCE_LIMIT = 1 << 20

-- option, least, most, default
local NUMBERS = {
  { "port", 0, 65535, 0 },
  { "timeout", 1, 900, 3 },
  { "memory", 128, 10240, 128 },
  { "concurrency", 1, 100, 1 },
  { "managed", 1, 100, 0 },
}

local function read_numbers(given)
  local numbers = {}
  for _, row in ipairs(NUMBERS) do
    local name, least, most, default = table.unpack(row)
    local text = given[name]
    local value = text and text:find("^%d+$") and math.tointeger(tonumber(text))

    if text and (not value or value < least or value > most) then
      return nil, ("--%s '%s' is not an integer from %d to %d"):format(name, text, least, most)
    end

    numbers[name] = value or default
  end

  return numbers
end

-- What Lambda sets itself and does not let a function's configuration set either.
local function is_reserved(name)
  return name:find("^AWS_LAMBDA_") or name == "_HANDLER" or name == "LAMBDA_TASK_ROOT"
    or name == "LAMBDA_RUNTIME_DIR"
end

local function check_variables(variables)
  for _, entry in ipairs(variables) do
    local name = entry:match("^([%a_][%w_]*)=")
    if not name then return nil, ("--env '%s' is not NAME=VALUE"):format(entry) end
    if is_reserved(name) then
      return nil, ("--env %s: Lambda sets this variable itself"):format(name),
        "see weir help emulate"
    end
  end

  return variables
end

local function read_format(text)
  if text == nil or text == "Text" then return false end
  if text == "JSON" then return true end
  return nil, ("--log-format '%s' is neither Text nor JSON"):format(text)
end

local LEVELS = { "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL" }

-- The variables with that of the level, which Lambda sets from the function's configuration.
local function add_level(variables, level)
  if level == nil then return variables end
  if not contains(LEVELS, level) then
    return nil, ("--log-level '%s' is not one of TRACE, DEBUG, INFO, WARN, ERROR and FATAL")
      :format(level)
  end

  variables[#variables + 1] = "AWS_LAMBDA_LOG_LEVEL=" .. level

  return variables
end

-- A name becomes a part of paths and ARNs.
local function read_function(name)
  if not name then return "function" end
  if #name <= 64 and name:find("^[%w_-]+$") then return name end
  return nil, ("--function '%s' is not a name of a function"):format(name),
    "use at most 64 letters, digits, '-' and '_'"
end

local function read_qualifiers(given)
  for _, name in ipairs(given or {}) do
    if #name > 128 or not name:find("^[%w$_-]+$") then
      return nil, ("--qualifier '%s' is not a version or an alias"):format(name),
        "use at most 128 letters, digits, '$', '-' and '_'"
    end
  end

  return given or {}
end

-- Finds every mistake of usage before anything is unpacked or started.
local function read_options(given)
  local numbers, wrong = read_numbers(given)
  if not numbers then return nil, wrong end
  if not given.handler then return nil, "no handler is named", "name it with --handler NAME" end

  local variables, hint
  variables, wrong, hint = check_variables(given.env or {})
  if not variables then return nil, wrong, hint end
  variables, wrong = add_level(variables, given.log_level)
  if not variables then return nil, wrong end

  local json_logs
  json_logs, wrong = read_format(given.log_format)
  if json_logs == nil then return nil, wrong end

  local name, qualifiers
  name, wrong, hint = read_function(given["function"])
  if not name then return nil, wrong, hint end
  qualifiers, wrong, hint = read_qualifiers(given.qualifier)
  if not qualifiers then return nil, wrong, hint end

  return {
    handler = given.handler,
    function_name = name,
    variables = variables,
    qualifiers = qualifiers,
    port = numbers.port,
    timeout_s = numbers.timeout,
    memory_mb = numbers.memory,
    concurrency = numbers.concurrency,
    managed = numbers.managed,
    json_logs = json_logs,
    json_events = given.json or false,
  }
end

local function say_ready(err, port, options)
  local url = ("http://127.0.0.1:%d"):format(port)
  local name = options.function_name
  err:print(("weir: emulate: ready at %s; function %s, handler %s; end with Ctrl-C"):format(
    url, name, terminal.printable(options.handler)))
  err:next(("aws lambda invoke --endpoint-url %s --function-name %s --cli-binary-format "
    .. "raw-in-base64-out --payload '{}' --no-sign-request --region us-east-1 /dev/stdout"):format(
    url, name))
  err:next(("curl -d '{}' %s/2015-03-31/functions/%s/invocations"):format(url, name))
  err:flush()
end

local function fail(screen, message, advice, code)
  return messages.failure(screen, "emulate",
    { message = message, next = advice, code = code or "IoError", exit = exit.io })
end

local function serve(emulator, options, screen)
  local host <close>, message, code = emulator.open(options)
  if not host then
    return fail(screen, message,
      code == "PortInUse" and "weir emulate … without --port takes a free one" or nil, code)
  end

  screen.out:flush()
  say_ready(screen.err, host:port(), options)
  local ok
  ok, message = host:run()
  if ok then return exit.fine end
  if message == "Broken pipe" then return exit.io end -- the reader went away, as head does

  return fail(screen, "cannot write the log: " .. message)
end

-- The file of a package is not run here, so its methods are not known; one that it nowhere names is
-- hardly there. → what to say of that, or nil
local function doubt(located, options)
  local text = located.path and files.read(located.path, SOURCE_LIMIT)
  if not text or text:find("%f[%w_]" .. located.method .. "%f[^%w_]") then return nil end
  return ("--handler '%s': %s nowhere names '%s'; without such a function every invocation fails")
    :format(options.handler, located.path, located.method)
end

-- A function whose handler does not exist would start, and fail with its first invocation.
local function check_handler(options, screen)
  local found, message = handler.locate(options.handler, options.task_root)
  local doubtful = found and doubt(found, options)
  if doubtful then screen.err:print("weir: emulate: " .. terminal.printable(doubtful)) end
  if found then return true end
  return nil, ("--handler '%s': %s"):format(options.handler, message),
    "the function's code is looked for in " .. options.task_root .. "; see --task-root"
end

-- Without a layer the running program is the runtime, as it is when Lambda calls it `bootstrap`.
local function run_itself(emulator, options, screen)
  local program, message = process.executable()
  if not program then return fail(screen, message) end
  local known, wrong, hint = check_handler(options, screen)
  if not known then return nil, wrong, hint end

  options.program, options.argv0 = program, "bootstrap"
  options.layer = program:match("^(.*)/[^/]*$")
  return serve(emulator, options, screen)
end

-- weir's own layer names itself in its bill of materials. Nothing is known about the handlers of
-- another runtime's layer.
local function is_ours(opened)
  local text = files.read(opened.directory .. "/bom.json", BOM_LIMIT)
  local bom = text and json.decode(text)
  local metadata = type(bom) == "table" and bom.metadata
  local component = type(metadata) == "table" and metadata.component

  return type(component) == "table" and component.name == "weir"
end

local function run_layer(emulator, options, path, screen)
  local opened <close>, message, code = layer.open(path)
  if not opened then return fail(screen, message, nil, code) end
  if is_ours(opened) then
    local known, wrong, hint = check_handler(options, screen)
    if not known then return nil, wrong, hint end
  end

  options.program, options.argv0 = opened.bootstrap, opened.bootstrap
  options.layer = opened.directory
  return serve(emulator, options, screen)
end

local function run(given, screen)
  local found, emulator = pcall(require, "weir.emulator")
  if not found then
    return nil, "this build has no emulator", "build with -DWEIR_EMULATOR=ON, as ./dev build does"
  end

  local options, wrong, hint = read_options(given)
  if not options then return nil, wrong, hint end

  local root, message, code = files.absolute(given.task_root or ".")
  if not root then return fail(screen, message, nil, code) end
  if files.stat(root).type ~= "directory" then
    return fail(screen, root .. " is not a directory", nil, "NotADirectory")
  end

  options.task_root = root
  process.keep_secrets() -- events pass through here with their task tokens
  if given.LAYER then return run_layer(emulator, options, given.LAYER, screen) end

  return run_itself(emulator, options, screen)
end

return {
  name = "emulate",
  summary = "run a layer as Lambda would, for aws lambda invoke",
  description = {
    [[Serves Lambda's invoke API on 127.0.0.1 and runs the runtime behind it as Lambda does:
      environments start when an invocation needs one and stay warm, each with a Runtime API
      of its own; time-outs, crashes and errors are reported in Lambda's words, with its
      START, END and REPORT lines. LAYER is a directory that holds bootstrap, or a layer's
      zip; without it this very program is the runtime.]],
    [[It answers programs on this machine, at 127.0.0.1, ::1 and localhost, and refuses what a
      browser sends for a web page: a page from elsewhere must not run a function.]],
    [[The runtime's own output, and the platform's lines, go to standard output. With --json
      standard output is one JSON object a line: ready, log, invocation.]],
    [[The runtime gets the caller's AWS_* and WEIR_* variables, what --env sets, Lambda's own, and
      nothing else; LAMBDA_RUNTIME_DIR is the layer's directory, which in Lambda is /opt.
      What Lambda enforces and this does not: the memory size, and the size of the file
      system. Events of type Event are run once; Lambda tries them again.]],
  },
  positionals = {
    {
      name = "LAYER",
      doc = "a directory or zip with bootstrap",
      optional = true,
      complete = "file",
    },
  },
  options = {
    { long = "handler", value = "NAME", required = true, words = require("weir.handlers").names,
      doc = "the handler, as _HANDLER" },
    { long = "port", value = "N", doc = "listen on this port; otherwise on a free one" },
    { long = "function", value = "NAME", doc = "the function's name (function)" },
    { long = "qualifier", value = "NAME", many = true,
      doc = "a version or an alias of the function, besides $LATEST" },
    { long = "timeout", value = "SECONDS", doc = "the function's time-out, 1 to 900 (3)" },
    { long = "memory", value = "MB", doc = "the memory size it is told, 128 to 10240 (128)" },
    { long = "concurrency", value = "N",
      doc = "environments at most (1); further invocations wait" },
    { long = "managed", value = "N",
      doc = "N invocations at a time in one environment, as with AWS_LAMBDA_MAX_CONCURRENCY" },
    { long = "task-root", value = "DIR", complete = "directory",
      doc = "the function's code (the current directory)" },
    { long = "env", value = "NAME=VALUE", many = true, doc = "set a variable of the runtime" },
    { long = "log-format", value = "FORMAT", words = { "Text", "JSON" },
      doc = "Text or JSON (Text)" },
    { long = "log-level", value = "LEVEL", words = LEVELS,
      doc = "TRACE, DEBUG, INFO, WARN, ERROR or FATAL (INFO)" },
    { long = "json", doc = "one JSON object a line on standard output" },
  },
  exits = {
    { 0, "ended by Ctrl-C or SIGTERM" },
    { 2, "usage, or a build without the emulator" },
    { 6, "the layer cannot be used, the port is taken, or the log cannot be written" },
  },
  examples = {
    { "weir emulate --handler routing", "this program as the runtime" },
    { "weir emulate weir-layer.zip --handler routing --concurrency 4",
      "the very layer, four at a time" },
  },
  run = run,
}
