local run = require "support.run"

describe("weir", function()
  it("alone prints its help on stderr and is a usage error", function()
    local result = run {}
    assert.equal(2, result.status)
    assert.equal("", result.stdout)
    assert.matches("Usage: weir VERB", result.stderr)
  end)

  it("prints help and version on stdout", function()
    for _, word in ipairs { "help", "--help", "-h" } do
      local result = run { word }
      assert.equal(0, result.status)
      assert.matches("\n  check +load and verify", result.stdout)
      assert.equal("", result.stderr)
    end

    assert.matches("^weir %d+%.%d+%.%d+ %(Lua 5%.4%.%d+%)\n$", run({ "--version" }).stdout)
  end)

  it("names an unknown verb, the likely one, and what to type", function()
    local result = run { "chekc" }
    assert.equal(2, result.status)
    assert.equal("weir: unknown verb 'chekc'; did you mean 'check'?\nNext: weir help check\n",
      result.stderr)
    assert.equal("weir: unknown verb 'xyzzy'\nNext: weir help\n", run({ "xyzzy" }).stderr)
  end)

  it("does not let a hostile argument steer the terminal", function()
    local result = run { "\27[2J\r\nevil" }
    assert.equal("weir: unknown verb '\\x1b[2J\\r\\nevil'\nNext: weir help\n", result.stderr)
  end)

  it("refuses a mistake in any verb's arguments with status 2 and the next command", function()
    for _, verb in ipairs(require("weir.cli").verbs) do
      local result = run { verb, "--frobnicate" }
      assert.equal(2, result.status, verb)
      assert.equal(("weir: %s: unknown option '--frobnicate'\nNext: weir help %s\n"):format(verb,
        verb),
        result.stderr)
    end
  end)

  it("explains every verb in the same words for --help and help VERB", function()
    for _, verb in ipairs(require("weir.cli").verbs) do
      local by_flag, by_verb = run { verb, "--help" }, run { "help", verb }
      assert.equal(0, by_flag.status)
      assert.equal(by_flag.stdout, by_verb.stdout)
      for _, heading in ipairs { "Usage: weir " .. verb, "\nOptions\n", "\nExit status\n",
        "\nExamples\n" } do
        assert.truthy(by_flag.stdout:find(heading, 1, true), verb .. ": " .. heading)
      end
    end
  end)

  it("explains a kind by its reference page", function()
    local result = run { "help", "routing" }
    assert.equal(0, result.status)
    assert.matches("^# Kind routing\n", result.stdout)
    assert.matches("\n  `file_count` integer, at least 0 files; required\n      files in this ",
      result.stdout, 1, true)
    local as_markdown = run { "help", "routing", "--markdown" }
    assert.matches("^# Kind `routing`\n", as_markdown.stdout)
    assert.matches("\n| `file_count` | ", as_markdown.stdout)
    assert.matches("did you mean 'weights'", run({ "help", "weigths" }).stderr)
  end)

  it("explains a kind that is called as a verb or a list is", function()
    local folder = run.directory {
      ["kinds/check.lua"] = 'return { kind = "check", doc = "What is checked.", facts = {}, '
        .. 'decisions = { { action = "look", doc = "Look." } } }',
      ["check.lua"] = 'return policy { kind = "check", '
        .. 'decide = function() return look { because = "x" } end }',
    }

    local result = run { "help", "kind", "check", "-p", folder }
    assert.equal(0, result.status, result.stderr)
    assert.matches("^# Kind check\n\nWhat is checked%.\n", result.stdout)
    assert.matches("^# Kind routing\n", run({ "help", "kind", "routing", "-p", folder }).stdout)
    assert.matches("^weir check: ", run({ "help", "check", "-p", folder }).stdout)
    assert.equal(run({ "help", "kinds" }).stdout, run({ "help", "kind" }).stdout)

    result = run { "help", "kind", "checks", "-p", folder }
    assert.equal(2, result.status)
    assert.matches("help: there is no kind 'checks'; kinds are: routing, .*, check; ",
      result.stderr)
    run.remove(folder)
  end)

  it("shows what a set says of its kind in rows of its own, and lets nothing steer the terminal",
    function()
    local folder = run.directory {
      ["kinds/odd.lua"] = [[return { kind = "odd", doc = "\27]0;t\7odd", facts = {
        { name = "a", type = "integer", unit = "s\nx", doc = "one\n| two" },
        { name = "b", type = "choice", values = { "x|y", "p\nq" }, doc = "\u{202e}d" } },
        decisions = { { action = "go", doc = "d" } } }]],
      ["odd.lua"] = 'return policy { kind = "odd", '
        .. 'decide = function() return go { because = "x" } end }',
    }

    local result = run { "help", "odd", "-p", folder }
    assert.equal(0, result.status, result.stderr)
    assert.is_nil(result.stdout:find("[\27\7]"))
    assert.is_nil(result.stdout:find("\u{202e}", 1, true))
    assert.matches("\n`a`    integer, s x *one | two\n", result.stdout)
    assert.matches("\n`b`    one of `x|y` `p q` *\\u{202e}d\n", result.stdout)
    assert.is_nil(run({ "help", "odd", "-p", folder, "--markdown" }).stdout:find("[\27\7]"))

    assert.equal(0, run({ "stubs", "-p", folder }).status)
    assert(loadfile(folder .. "/.weir/stubs.lua"))
    run.remove(folder)
  end)

  it("lists kinds, handlers, findings and exit statuses, and says what a policy is", function()
    for topic, expected in pairs { -- any order: each topic is on its own
      kinds = "`routing` `realtime` `batch`",
      handlers = "`sagemaker_callback`",
      findings = "W101",
      exit = "7       integrity",
      policy = "return policy {",
    } do
      local result = run { "help", topic }
      assert.equal(0, result.status)
      assert.matches(expected, result.stdout, 1, true)
    end
  end)

  it("is never wider than 100 columns, nor than the terminal", function()
    local topics = require("weir.cli.help").topics()
    for columns, list in pairs { -- any order: each width is on its own
      [60] = topics,
      [200] = { "routing", "kinds", "check" },
    } do
      for _, topic in ipairs(list) do
        local pipe = io.popen(("COLUMNS=%d %s help %s 2>&1"):format(columns,
          run.quote(run.program), topic))
        local is_code = false
        for line in pipe:lines() do
          -- Code and ARNs are not broken, nor are the commands of the examples.
          is_code = is_code or line:find("^Examples") ~= nil
          local code = is_code or line:find("^    ") ~= nil or line:find("arn:", 1, true) ~= nil
          local width = require("weir.cli.terminal").width(line)
          assert.is_true(code or width <= math.min(columns, 100),
            ("%s, %d columns: %s"):format(topic, columns, line))
        end

        pipe:close()
      end
    end
  end)

  it("knows no help on what does not exist", function()
    local result = run { "help", "W999" }
    assert.equal(2, result.status)
    assert.matches("no help on 'W999'", result.stderr)
  end)

  it("reports a full disk with status 6", function()
    local result = run { "help", "--man", redirect = ">/dev/full" }
    assert.equal(6, result.status)
    assert.matches("^weir: cannot write the output: No space left on device\n$", result.stderr)
  end)

  it("ends quietly when nobody reads on", function()
    -- Without SIGPIPE (as under many runners) the write fails with EPIPE instead.
    local script = ("trap '' PIPE; { while %s help --man; status=$?; [ $status = 0 ]; do :; done; "
      .. "echo status $status >&2; } | head -c 1"):format(run.quote(run.program))
    local pipe = io.popen("bash -c " .. run.quote(script) .. " 2>&1 >/dev/null")
    assert.equal("status 6\n", pipe:read("a"))
    pipe:close()
  end)
end)

describe("weir in the layer", function()
  -- One a line, so that additions merge.
  local ABSENT = {
    "run",
    "explain",
    "explore",
    "match",
    "watch",
    "new",
    "stubs",
    "test",
    "example",
    "bench",
    "bundle",
    "emulate",
    "permissions",
    "compare",
    "registry",
    "report",
    "simulate",
    "deploy",
    "cleanup",
    "doctor",
    "completion",
    "shadow",
    "capsule",
  }

  -- The program without the modules that the layer does not carry.
  local SCRIPT = [[
    local find = package.searchers[2]
    package.searchers[2] = function(name)
      local why = "no module '" .. name .. "' inside weir"
      for _, pattern in ipairs {
        "^weir%.page$",
        "^weir%.cli%.check_formats$",
        "^weir%.cli%.markdown$",
        "^weir%.cli%.topics$",
        "^weir%.findings%.examples%.",
        "^weir%.kinds%.reference$",
        "^weir%.pull_request%.",
      } do
        if name:find(pattern) then return why end
      end

      for _, absent in ipairs { "]] .. table.concat(ABSENT, '", "') .. [[" } do
        if name == "weir.cli." .. absent then return why end
      end
      return find(name)
    end
    for name in pairs(package.loaded) do
      if name:find("^weir%.cli") or name:find("^weir%.findings") then
        package.loaded[name] = nil
      end
    end
    os.exit(require("weir.cli").main(arg))
  ]]

  local function weir(...)
    local words = { "lua", "-", ... }
    words.stdin = SCRIPT
    return run(words)
  end

  it("lists the verbs that prove that it decides as the program does, and no others", function()
    local result = weir("help")
    assert.equal(0, result.status)
    local verbs = {}
    for name in result.stdout:match("\nVerbs\n(.-)\n\n"):gmatch("%f[^\n%z]  (%l+) ") do
      verbs[#verbs + 1] = name
    end

    assert.same({ "check", "decide", "replay", "diff", "lua", "version", "help" }, verbs)
  end)

  it("says of what is for pull requests where it is", function()
    for flag, words in pairs {
      ["--sarif"] = { "check", "policies" },
      ["--github"] = { "check", "policies" },
      ["--baseline"] = { "check", "policies" },
      ["--markdown"] = { "diff", "policies", "policies", "tests/recordings/lunch-hour.jsonl" },
    } do
      words[#words + 1] = flag
      if flag == "--baseline" then words[#words + 1] = "known.json" end
      local result = weir(table.unpack(words))
      assert.equal(2, result.status, flag)
      local why = flag .. " belongs to the command-line program, not to the layer; write --json\n"
      assert.truthy(result.stderr:find(why, 1, true), result.stderr)
    end
  end)

  it("explains findings without their examples, and says where the other pages are", function()
    local result = weir("help", "W101")
    assert.equal(0, result.status)
    assert.matches("^# W101: a field that the facts do not have\n\nError%. ", result.stdout)
    assert.matches("## What to do\n\nUse a field of the kind", result.stdout)
    assert.is_nil(result.stdout:find("```", 1, true))

    for _, topic in ipairs { "routing", "kinds", "exit", "policy" } do
      result = weir("help", topic)
      assert.equal(2, result.status)
      assert.equal(("weir: help: no help on '%s' in the layer; the command-line program has the "
        .. "pages of kinds, handlers and lists\nNext: weir help help\n"):format(topic),
        result.stderr)
    end
  end)

  it("says of the others where they are", function()
    for _, verb in ipairs(ABSENT) do
      local result = weir(verb)
      assert.equal(2, result.status)
      assert.equal(("weir: the verb '%s' belongs to the command-line program, not to the layer\n"
        .. "Next: weir help\n")
        :format(verb), result.stderr)
    end

    assert.matches("weir: the verb 'report' belongs to the command%-line program",
      weir("report").stderr)
    assert.equal(
      "weir: replay: --html belongs to the command-line program, not to the layer; write --json\n"
      .. "Next: weir help replay\n", run({ "lua", "-", "replay", "x", "--html", "y",
        stdin = SCRIPT }).stderr)
    assert.matches("unknown verb 'ruun'\n", weir("ruun").stderr)
    local result = run { "lua", "-", "help", "run", stdin = SCRIPT }
    assert.matches("weir: help: the verb 'run' belongs to the command%-line program", result.stderr)
  end)
end)

describe("the manual page", function()
  it("is clean roff", function()
    local path = run.write(os.tmpname(), run({ "help", "--man" }).stdout)
    local pipe = io.popen("LC_ALL=C.UTF-8 MANWIDTH=80 man -l --warnings " .. path
      .. " 2>&1 >/dev/null")
    assert.equal("", pipe:read("a"))
    pipe:close()
    os.remove(path)
  end)

  it("has every verb and every one of its options", function()
    local page = run({ "help", "--man" }).stdout
    for _, name in ipairs(require("weir.cli").verbs) do
      assert.truthy(page:find('.SS "weir ' .. name, 1, true), name)
      for _, option in ipairs(require("weir.cli").verb(name).options or {}) do
        assert.truthy(page:find("\\-\\-" .. option.long:gsub("%-", "\\-"), 1, true), option.long)
      end
    end
  end)
end)

describe("weir completion", function()
  local function complete(...)
    local words = { ... }
    local quoted = {}
    for i, word in ipairs(words) do quoted[i] = run.quote(word) end
    local script = ([[source <(%s completion bash); COMP_WORDS=(%s); COMP_CWORD=%d; _weir
      printf '%%s\n' "${COMPREPLY[@]}"]])
      :format(run.quote(run.program), table.concat(quoted, " "), #words - 1)
    local pipe = io.popen("bash -c " .. run.quote(script) .. " 2>&1")
    local text = pipe:read("a")
    pipe:close()

    return text
  end

  it("completes verbs, options, words and codes", function()
    assert.equal("check\n", complete("weir", "che"))
    assert.matches("%-%-policies\n", complete("weir", "decide", "--"))
    assert.equal("routing\n", complete("weir", "decide", "ro"))
    assert.equal("routing\n", complete("weir", "explore", "--kind", "ro"))
    assert.equal("kinds\nkind\n", complete("weir", "help", "kin"))
    assert.equal("routing\n", complete("weir", "help", "handler", "rou"))
    assert.equal("JSON\n", complete("weir", "emulate", "--log-format", "J"))
    assert.equal("W101\nW102\nW103\nW104\nW105\nW106\nW107\nW108\nW109\n",
      complete("weir", "help", "W10"))
    assert.matches("CMakeLists.txt\n", complete("weir", "match", "{}", "CMake"))
    assert.matches("lua\n", complete("weir", "decide", "-p", "lu"))
  end)

  -- What zsh and fish offer for the words so far. zsh only completes for a person, so it is given a
  -- terminal of its own.
  local function in_zsh(words)
    local script = ([[zmodload zsh/zpty; zpty z zsh -f -i; zpty -w z "
      PS1=; autoload -Uz compinit; compinit -u -d %s; source <(%s completion zsh);
      zstyle ':completion:*' list-prompt ''; LISTMAX=1000; bindkey '^I' list-choices; print READY"
      zpty -r z line '*READY*READY*'; zpty -w -n z %s$'\t'; sleep 2; zpty -r -t z line; print -r -- $line
      while zpty -r -t z line; do print -r -- $line; done]])
      :format(run.quote(os.tmpname()), run.quote(run.program), run.quote(words))
    local pipe = io.popen("zsh -f -c " .. run.quote(script) .. " 2>&1")
    local text = pipe:read("a"):gsub("\27%[[%d;?]*%a", "")
    pipe:close()

    return text
  end

  local function in_fish(words)
    local script = ("%s completion fish | source; complete -C %s"):format(run.quote(run.program),
      run.quote(words))
    local pipe = io.popen("fish --no-config -c " .. run.quote(script) .. " 2>&1")
    local text = pipe:read("a")
    pipe:close()

    return text
  end

  it("completes in zsh", function()
    assert.matches("check", in_zsh("weir che"), 1, true)
    local of_decide = in_zsh("weir decide ro")
    assert.matches("routing", of_decide, 1, true)
    assert.matches("always", in_zsh("weir check --color "), 1, true)
    assert.matches("--policies", in_zsh("weir decide --pol"), 1, true)
  end)

  it("completes in fish", function()
    assert.matches("^check\t", in_fish("weir che"))
    assert.matches("^routing\n", in_fish("weir decide ro"))
    assert.equal("always auto never ", (in_fish("weir check --color "):gsub("\t.-\n", " ")))
    assert.matches("^%-%-policies\t", in_fish("weir decide --pol"))
    assert.matches("CMakeLists.txt", in_fish("weir match CMake"), 1, true)
  end)

  it("knows three shells", function()
    local result = run { "completion", "csh" }
    assert.equal(2, result.status)
    assert.matches("no completion for 'csh'; there is one for bash, zsh and fish", result.stderr)
  end)
end)
