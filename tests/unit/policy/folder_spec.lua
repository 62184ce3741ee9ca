-- Policy directories as nobody should have them: what cannot be read is named, and nothing is left
-- out in silence.
local policy_folder = require("support.policy_folder")
local policy_set = require("weir.policy_set")
local run = require("support.run")

local GOOD =
  "return policy { kind = 'routing', decide = function() return batch { because = 'good' } end }"

local function assert_refused(folder, expected)
  local found, findings = policy_folder.refused(folder)
  assert.matches(expected, found, 1, true)
  assert.equal(folder, findings[1].file:sub(1, #folder))

  return findings
end

local function assert_good(folder)
  local set, findings = policy_set.load(folder)
  assert(set, policy_folder.describe(findings))
  assert.equal("good", set:decide("routing", '{"file_count":1}').because)
end

describe("a policy directory", function()
  local folder
  before_each(function() folder = policy_folder.with(GOOD) end)
  teardown(policy_folder.remove_all)

  local function shell(command)
    policy_folder.run("cd " .. policy_folder.quoted(folder) .. " && " .. command)
  end

  local function write(name, text) policy_folder.write(folder, name, text) end

  it("must exist, and be one", function()
    local set, findings = policy_set.load("/nonexistent/policies")
    assert.is_nil(set)
    assert.equal("W001", findings[1].code)
    assert.equal("name the directory that holds the policies", findings[1].hint)
    assert.matches("W001%] cannot be read: Not a directory",
      policy_folder.refused(folder .. "/routing.lua"))
  end)

  it("must have a Lua file, and a policy", function()
    local empty = policy_folder.new()
    assert_refused(empty, "error[W001] has no policy: no file ends in .lua")
    policy_folder.write(empty, "notes.txt", "return 1")
    assert_refused(empty, "error[W001] has no policy: no file ends in .lua")
    policy_folder.write(empty, "helper.lua", "return {}")
    assert_refused(empty, "error[W005] no file returns a policy")
  end)

  for name, text in pairs({
    empty = "", blank = " \n\n", comment = "-- weights\n", truncated = "local a = 1\n",
    ["without return"] = "local p = policy { kind = 'weights', decide = function() end }",
  }) do
    it("has no file that returns nothing: " .. name, function()
      write("weights.lua", text)
      assert_refused(folder, "weights.lua:0: error[W005] returns nothing")
    end)
  end

  it("has no binary file", function()
    write("x.lua", "\27Lua" .. ("\0"):rep(100))
    assert_refused(folder, "x.lua:0: error[W003] attempt to load a binary chunk")
    write("x.lua", "\x7fELF\2\1\1" .. ("\0"):rep(100))
    assert_refused(folder, "x.lua:1: error[W003] unexpected symbol near '<\\127>'")
    write("x.lua", "\0")
    assert_refused(folder, "x.lua:1: error[W003] unexpected symbol")
  end)

  it("has no enormous file, however it is filled", function()
    write("x.lua", ("\n"):rep(1000000))
    assert_refused(folder,
      "x.lua:0: error[W002] is 1000000 bytes; a policy file has at most 262144")
    shell("rm x.lua && truncate -s 1T x.lua")
    assert_refused(folder, "x.lua:0: error[W002] is 1099511627776 bytes")
  end)

  it("has no more than 256 files", function()
    shell("for i in $(seq 300); do echo 'return {}' > h$i.lua; done")
    assert_refused(folder, "error[W002] has more than 256 Lua files")
    shell("rm h*.lua && for i in $(seq 255); do echo 'return {}' > h$i.lua; done")
    assert_good(folder)
  end)

  it("has no more than a megabyte of files", function()
    shell("for i in 1 2 3 4; do { echo 'return {}'; head -c 260000 /dev/zero | tr '\\0' '\\n'; } "
      .. "> h$i.lua; done")
    assert_good(folder)
    write("h5.lua", ("-"):rep(10000))
    assert_refused(folder, "error[W002] has more than 1048576 bytes of Lua files")
  end)

  it("is at most eight deep", function()
    shell("mkdir -p a/b/c/d/e/f/g/h && echo 'return {}' > a/b/c/d/e/f/g/h/x.lua")
    assert_good(folder)
    shell("mkdir a/b/c/d/e/f/g/h/i")
    assert_refused(folder, "i:0: error[W002] is nested deeper than 8")
  end)

  it("has nothing but files", function()
    shell("mkfifo x.lua")
    assert_refused(folder, "x.lua:0: error[W001] is not a regular file")
    shell("rm x.lua && ln -s /dev/zero x.lua")
    assert_refused(folder, "x.lua:0: error[W001] is not a regular file")
  end)

  it("has no link that leads out, nowhere or in circles", function()
    shell("ln -s /etc/passwd x.lua")
    assert_refused(folder, "x.lua:0: error[W001] is a link that leads out of the directory")
    shell("rm x.lua && ln -s nowhere x.lua")
    assert_refused(folder, "x.lua:0: error[W001] cannot be read: No such file or directory")
    shell("rm x.lua && ln -s x.lua x.lua")
    assert_refused(folder, "x.lua:0: error[W001] cannot be read: Too many levels of symbolic links")
    shell("rm x.lua && ln -s . sub")
    assert_good(folder)
  end)

  it("may be a link, and have links that stay inside", function()
    shell("mkdir lib && echo 'return {}' > lib/real.lua && ln -s lib/real.lua alias.lua")
    assert_good(folder)
    local link = policy_folder.new() .. "/current"
    policy_folder.run("ln -s " .. folder .. " " .. link)
    assert_good(link)
  end)

  it("leaves links to other directories out", function()
    local other = policy_folder.with({ ["x.lua"] = "syntax error" })
    shell("ln -s " .. other .. " other")
    assert_good(folder)
    write("routing.lua", "local x = require 'other.x'\n" .. GOOD)
    assert_refused(folder, "error[W012] require: there is no ")
  end)

  it("is refused when a file cannot be read, also one that is not used", function()
    if not os.execute("setpriv --reuid=65534 --clear-groups true 2>/dev/null") then
      return pending("needs root")
    end

    write("x.lua", "return {}")
    shell("chmod 755 . && chmod 0 x.lua")
    local script = policy_folder.write(policy_folder.new(), "load.lua", ([[
      local set, findings = require("weir.policy_set").load(%q)
      local first = findings[1]
      print(set, first.code, first.file:match("[^/]*$"), first.message)]]):format(folder))
    policy_folder.run("chmod 755 " .. script:match("(.*)/"))
    local copy = policy_folder.new() .. "/weir"
    policy_folder.run(("chmod 755 %s && cp %s %s"):format(copy:match("(.*)/"),
      run.quote(run.program), copy))
    local command = "cd / && setpriv --reuid=65534 --clear-groups %s lua %s 2>&1"
    local output = assert(io.popen(command:format(copy, script)))
    assert.equal("nil\tW001\tx.lua\tcannot be read: Permission denied\n", output:read("a"))
    output:close()
  end)

  it("may have files of any name", function()
    for _, name in ipairs({ "a b.lua", "a\nb.lua", "ü.lua", "'\".lua", "-rf.lua", "\xff.lua",
      "$(x).lua" }) do
      write(name, "return {}")
    end

    write("not.LUA", "syntax error")
    write(".#routing.lua", "syntax error")
    write(".lua", "syntax error")
    assert_good(folder)
    write("a\nb.lua", "\n\nsyntax error")
    local findings = assert_refused(folder, "error[W003] syntax error near")
    assert.equal(folder .. "/a\nb.lua", findings[1].file)
    assert.equal(3, findings[1].line)
  end)
end)

describe("require", function()
  teardown(policy_folder.remove_all)

  for name, expected in pairs({
    ["../x"] = "is not a module name", ["..x"] = "is not a module name",
    [".x"] = "is not a module name",
    ["lib..x"] = "is not a module name", ["/etc/passwd"] = "is not a module name",
    [""] = "is not a module name",
    ["lib/x"] = "is not a module name", ["lib.x.lua"] = "there is no ", ["lib.x."] = "there is no ",
    ["lib"] = "there is no ", ["io"] = "there is no ", ["weir.json"] = "there is no ",
    ["lib.X"] = "there is no ",
    ["lib\\0x"] = "is not a module name", ["lib\\nx"] = "is not a module name",
    ["\\xff"] = "is not a module name",
    [("x"):rep(255)] = "is not a module name", [("x"):rep(100000)] = "require: 'xxx",
  }) do
    it("refuses " .. name:sub(1, 30), function()
      local found, findings = policy_folder.refused({
        ["routing.lua"] = "local x = require '" .. name .. "'\n" .. GOOD,
        ["lib/x.lua"] = "return {}",
      })

      assert.matches("^routing.lua:1: error%[W012%] require: ", found)
      assert.matches(expected, found, 1, true)
      assert.is_true(#findings[1].message < 1010)
    end)
  end

  it("refuses what is not a text", function()
    for _, value in ipairs({ "nil", "{}", "true", "print_ and 1" }) do
      local found = policy_folder.refused("local x = require(" .. value .. ")\n" .. GOOD)
      assert.matches("^routing.lua:1: error%[W004%]", found)
    end
  end)

  it("refuses a module that returns nothing", function()
    for _, text in ipairs({ "", "-- empty", "local x = {}" }) do
      local files = {
        ["routing.lua"] = "local a = require 'lib.a'\n" .. GOOD,
        ["lib/a.lua"] = text,
      }

      local found = policy_folder.refused(files)
      assert.matches("^routing.lua:1: error%[W012%] require: lib/a.lua returns nothing", found)
    end
  end)

  it("names the circle's beginning", function()
    local found = policy_folder.refused({
      ["routing.lua"] = "local a = require 'lib.a'\n" .. GOOD,
      ["lib/a.lua"] = "return require 'lib.b'", ["lib/b.lua"] = "return require 'lib.c'",
      ["lib/c.lua"] = "local a = require 'lib.a'\nreturn a",
    })

    assert.equal("c.lua:1: error[W012] 'lib/a.lua' requires itself, through others", found)
  end)

  it("names the file and line of a module that fails", function()
    local found = policy_folder.refused({
      ["routing.lua"] = "local a = require 'lib.a'\n" .. GOOD,
      ["lib/a.lua"] = "\nlocal x = nil + 1",
    })

    assert.equal("a.lua:2: error[W004] attempt to perform arithmetic on a nil value", found)
  end)
end)
