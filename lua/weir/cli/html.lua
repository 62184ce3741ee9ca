-- The option --html FILE of verbs that can show what they found as a page for people (weir.page).
local exit = require "weir.cli.exit"
local is_carried = require "weir.is_carried"
local messages = require "weir.cli.messages"
local output_file = require "weir.cli.output_file"
local terminal = require "weir.cli.terminal"

local html = {}

html.option = {
  long = "html",
  value = "FILE",
  complete = "file",
  doc = "write a page for people, one file that needs no network; '-' is standard output",
}

-- check(given) → true, or nil, message, hint for a mistake.
function html.check(given)
  if not given.html then return true end
  if not is_carried("weir.page") then
    return nil, "--html belongs to the command-line program, not to the layer", "write --json"
  end

  if given.html == "-" and given.json then
    return nil, "--json and --html both write to standard output", "write --html FILE"
  end

  return true
end

-- Is standard output the page itself, so that nothing else may be printed there?
function html.takes_output(given) return given.html == "-" end

-- write(verb, screen, given, page) → true, or nil and an exit status. The page is what
-- weir.page.new gave, finished.
function html.write(verb, screen, given, page)
  local text = page:html()
  if given.html == "-" then
    screen.out:write(text)
    return true
  end

  local ok, message = output_file.write(given.html, text)
  if ok then
    screen.err:print(terminal.printable(given.html), ": a page of ", terminal.bytes(#text))
    return true
  end

  return nil, messages.failure(screen, verb, {
    message = message,
    code = "WriteFailed",
    exit = exit.io,
  })
end

return html
