-- The runner of spec files (tests/run_busted.lua, tests/support/spec_runner.lua), on small spec
-- files in a folder of their own.
local files = require("support.files")
local run = require("support.run")

local GOOD = "it('holds', function() assert.equal(1, 1) end)\n"
local BAD = "it('does not hold', function() assert.equal('apples', 'pears') end)\n"

-- The runner on these spec files, in a folder whose tests/ is ours: its exit status and output.
local function run_specs(contents, given)
  given = given or { "specs" }
  local folder = files.directory(contents)
  files.shell(("ln -s \"$PWD/tests\" %s/tests"):format(files.quote(folder)))
  local words = { "lua", "tests/run_busted.lua", table.unpack(given) }
  words.directory = folder
  words.timeout = 600
  words.env = { WEIR_JOBS = tostring(given.jobs or 2) }
  local result = run(words)

  return result.status, result.stdout .. result.stderr, folder
end

local function assert_shows(text, expected)
  assert.truthy(text:find(expected, 1, true), expected .. " is missing in:\n" .. text)
end

describe("spec files run beside each other", function()
  teardown(files.remove_all)

  it("are counted together, in Busted's words", function()
    local status, text, folder = run_specs {
      ["specs/a_spec.lua"] = GOOD .. GOOD,
      ["specs/deep/b_spec.lua"] = GOOD,
      ["specs/helper.lua"] = "error('this is not a spec')",
    }

    assert.equal(0, status, text)
    assert_shows(text, "specs/a_spec.lua: 2 passed")
    assert.matches("\n3 successes / 0 failures / 0 errors / 0 pending : [%d.]+ seconds\n$", text)
    assert.matches("^%d+%.%d+ specs/a_spec.lua\n%d+%.%d+ specs/deep/b_spec.lua\n$",
      files.read(folder .. "/build/spec_seconds"))
  end)

  it("fail with their texts whole, and the others still run", function()
    local status, text = run_specs {
      ["specs/a_spec.lua"] = BAD .. GOOD,
      ["specs/b_spec.lua"] = GOOD,
      ["specs/c_spec.lua"] = "pending('waits for rain')",
    }

    assert.equal(1, status, text)
    assert_shows(text, "specs/a_spec.lua: 1 passed, 1 FAILED")
    assert_shows(text, "Failure -> specs/a_spec.lua @ 1\ndoes not hold\n")
    assert_shows(text, "(string) 'pears'")
    assert_shows(text, "Pending -> specs/c_spec.lua @ 1\nwaits for rain")
    assert_shows(text, "\n2 successes / 1 failures / 0 errors / 1 pending : ")
  end)

  it("fail when one of them does not parse", function()
    local status, text = run_specs {
      ["specs/a_spec.lua"] = "it('is cut off', function(",
      ["specs/b_spec.lua"] = GOOD,
    }

    assert.equal(1, status, text)
    assert_shows(text, "specs/a_spec.lua:1:")
    assert_shows(text, "\n1 successes / 0 failures / 1 errors / 0 pending : ")
  end)

  it("fail when one of them has no case that asserts", function()
    local status, text = run_specs {
      ["specs/a_spec.lua"] = "it('says nothing', function() end)",
      ["specs/b_spec.lua"] = GOOD,
    }

    assert.equal(1, status, text)
    assert_shows(text, "this test made no assertion")
  end)

  it("fail when a process is killed, which names its file", function()
    local status, text = run_specs {
      ["specs/a_spec.lua"] = GOOD .. "it('dies', function() os.execute('kill -9 $PPID') end)",
      ["specs/b_spec.lua"] = GOOD,
    }

    assert.equal(1, status, text)
    assert_shows(text, "Error -> specs/a_spec.lua\n"
      .. "the process of this file was killed by signal 9 before the sum\n+")
    assert_shows(text, "\n1 successes / 0 failures / 1 errors / 0 pending : ")
  end)

  it("fail when a process ends itself as if all were well", function()
    local status, text = run_specs {
      ["specs/a_spec.lua"] = "it('leaves', function() os.exit(0) end)",
      ["specs/b_spec.lua"] = GOOD,
    }

    assert.equal(1, status, text)
    assert_shows(text, "Error -> specs/a_spec.lua\n"
      .. "the process of this file ended with status 0 before the sum\n")
  end)

  it("fail when a process ends badly after its cases", function()
    local status, text = run_specs {
      ["specs/a_spec.lua"] = GOOD .. [[
        leaver = setmetatable({}, { __gc = function() print('a leak'); os.exit(23) end })
        require('package').loaded.leaver = leaver]],
      ["specs/b_spec.lua"] = GOOD,
    }

    assert.equal(1, status, text)
    assert_shows(text, "Error -> specs/a_spec.lua\n"
      .. "the process of this file ended with status 23 after the sum\na leak")
    assert_shows(text, "\n2 successes / 0 failures / 1 errors / 0 pending : ")
  end)

  it("fail when whoever waits for them is killed", function()
    local status, text = run_specs {
      ["specs/a_spec.lua"] = [[it('kills', function()
        os.execute("kill -9 $(cut -d ' ' -f 4 /proc/$PPID/stat)") end)]],
    }

    assert.equal(1, status, text)
    assert_shows(text, "Error -> specs/a_spec.lua\n"
      .. "the process of this file, or who waited for it, was killed\n")
  end)

  it("have temporary folders of their own, which do not outlast them", function()
    local tells = [[it('writes', function()
      local path = os.tmpname()
      print(path)
      assert.equal(os.getenv('TMPDIR'), path:match('^(.*)/'))
      assert(os.execute("touch $TMPDIR/left"))
      error(path)
    end)]]
    local _, text = run_specs { ["specs/a_spec.lua"] = tells, ["specs/b_spec.lua"] = tells }
    local folders = {}
    for folder in text:gmatch("(/%S+)/lua_%w+\n") do folders[#folders + 1] = folder end

    assert.equal(2, #folders, text)
    assert.are_not.equal(folders[1], folders[2])
    assert.is_nil(os.execute("test -e " .. files.quote(folders[1])))
  end)
end)

describe("the runner", function()
  teardown(files.remove_all)

  it("starts with what took longest, and the larger one of what is new", function()
    local status, text = run_specs({
      ["specs/a_spec.lua"] = GOOD,
      ["specs/b_spec.lua"] = GOOD,
      ["specs/c_spec.lua"] = GOOD,
      ["specs/d_spec.lua"] = GOOD .. GOOD,
      ["build/spec_seconds"] = "1.000 specs/a_spec.lua\n20.000 specs/b_spec.lua\n",
    }, { "specs", jobs = 1 })

    assert.equal(0, status, text)
    local order = {}
    for name in text:gmatch("%[%d/4%] specs/(%a)_spec") do order[#order + 1] = name end
    assert.same({ "d", "c", "b", "a" }, order)
  end)

  it("refuses to run nothing", function()
    local status, text = run_specs({}, {})
    assert.equal(2, status)
    assert_shows(text, "run_busted: expected weir lua tests/run_busted.lua [BUSTED OPTION…] PATH…")
  end)

  it("fails for a path that does not exist, and for a folder without specs", function()
    for _, contents in ipairs { { ["specs/helper.lua"] = "" }, { ["other/a_spec.lua"] = GOOD } } do
      local status, text = run_specs(contents)
      assert.are_not.equal(0, status, text)
      assert_shows(text, "No test files found matching Lua pattern: _spec")
    end
  end)

  it("runs one file, and what has options, in one process, as Busted prints it", function()
    local specs = { ["specs/a_spec.lua"] = GOOD, ["specs/b_spec.lua"] = GOOD .. BAD }
    local status, text = run_specs(specs, { "specs/a_spec.lua" })
    assert.equal(0, status, text)
    assert.matches("^%+\n1 success / 0 failures / 0 errors / 0 pending : ", text)

    status, text = run_specs(specs, { "--filter=^holds", "specs" })
    assert.equal(0, status, text)
    assert.matches("^%+%+\n2 successes / 0 failures / 0 errors / 0 pending : ", text)
  end)
end)
