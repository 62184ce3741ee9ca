local files = require("support.files")
local doc_commands = require("support.doc_commands")

-- One a line, so that additions merge.
local DOCUMENTS = {
  "README.md",
  "policies/README.md",
  "docs/task-tokens.md",
  "docs/lambda.md",
  "docs/realtime-inference.md",
  "docs/model-registry.md",
  "docs/promotion.md",
  "docs/replay-digest.md",
  "docs/permissions.md",
  "docs/simulate.md",
  "docs/event-processing.md",
  "docs/shadow.md",
  "docs/capsule.md",
  "docs/own-kinds.md",
  "docs/pull-requests.md",
  "docs/explain.md",
  "docs/explore.md",
}

describe("the documents", function()
  for _, path in ipairs(DOCUMENTS) do
    it("show what the commands of " .. path .. " print", function()
      local wrong, count = doc_commands.check(path)
      assert.is_true(count > 0)
      local messages = {}
      for i, command in ipairs(wrong) do
        messages[i] = ("%s:%d: $ %s\n%s"):format(path, command.line, command.command,
          table.concat(command.output, "\n"))
      end

      assert(#wrong == 0, table.concat(messages, "\n\n")
        .. "\n\nUpdate it with: weir lua tests/support/doc_commands.lua --update " .. path)
    end)
  end
end)

describe("the runner of documents", function()
  it("finds commands, their continuations and their output", function()
    local commands = doc_commands.find {
      "```sh", "$ not run", "```", "```console", "$ one", "out 1", "", "out 2", "$ two \\",
        "> more",
      "$ three", "```", "$ outside",
    }

    assert.same({
      { line = 5, command = "one", first = 6, last = 8 },
      { line = 9, command = "two \\\nmore", first = 11, last = 10 },
      { line = 11, command = "three", first = 12, last = 11 },
    }, commands)
  end)

  it("lets … stand for anything", function()
    assert.is_true(doc_commands.same_line("took … ms (50%)", "took 12.5 ms (50%)"))
    assert.is_false(doc_commands.same_line("took … ms", "took 12.5 s"))
    assert.is_false(doc_commands.same_line("a.c", "abc"))
  end)

  it("runs a document in a scratch copy and rewrites what differs", function()
    local path = os.tmpname()
    local function write(text) files.write(path, text) end
    local text =
      "# Title\n\n```console\n$ echo new > policies/routing.lua; cat policies/routing.lua\n%s\n"
      .. "$ (echo out; exit 3)\n%s$ cat > x <<'END'\n> text\n> END\n$ cat x\n%s```\n\nEnd.\n"
    write(text:format("old", "", ""))
    assert.equal(3, #doc_commands.check(path))
    assert.equal(3, #doc_commands.update(path))
    assert.equal(0, #doc_commands.check(path))
    assert.equal(text:format("new", "out\n[exit 3]\n", "text\n"), files.read(path))
    os.remove(path)
    assert.not_equal("new\n", files.read("policies/routing.lua"))
  end)
end)
