-- ./dev demo-estate: it prints what deploy/README.md shows of it, and fails when that is not true.
local doc_commands = require "support.doc_commands"
local files = require "support.files"
local run = require "support.run"

-- The demo into a directory: its output and exit status.
local function demo(directory, settings)
  local path = os.tmpname()
  local _, _, status = os.execute(("env -u FORCE_COLOR WEIR_LOOPBACK_ONLY=1 %s %s lua "
    .. "tests/workflow/demo_estate.lua %s >%s 2>&1")
    :format(settings, run.quote(run.program), run.quote(directory), path))
  local output = files.read(path)
  os.remove(path)

  return output, status
end

describe("the demo of an estate", function()
  teardown(files.remove_all)

  it("prints what deploy/README.md shows", function()
    local output, status = demo(files.directory(), "NO_COLOR=1")
    assert.equal(0, status, output)
    local shown = doc_commands.shown("deploy/README.md", "./dev demo-estate")
    assert.is_true(#shown > 30)
    doc_commands.check_order(shown, output)
  end)

  it("fails where somebody is let in who should be refused", function()
    -- The program, with a storage template that takes any External ID.
    local directory = files.directory { weir = ([[#!/bin/sh
case "$1 $2" in "deploy "*)
  cp -r deploy/cloudformation "$HERE/templates"
  sed -i 's/StringEquals:$/StringLike:/; s/- !Ref ExternalId$/- "*"/' "$HERE/templates/storage.yaml"
  exec %s "$@" --templates "$HERE/templates" ;;
esac
exec %s "$@"
]]):format(run.quote(run.program), run.quote(run.program)) }
    os.execute("chmod 755 " .. run.quote(directory .. "/weir"))
    local output, status = demo(directory, ("FORCE_COLOR=1 HERE=%s WEIR=%s"):format(
      run.quote(directory), run.quote(directory .. "/weir")))
    assert.equal(1, status, output)
    assert.matches("\27[31mdemo-estate failed\27[0m: the same function, with another External ID",
      output, 1, true)
  end)
end)
