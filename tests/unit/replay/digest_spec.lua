-- docs/replay-digest.md, implemented a second time and compared.
local json = require("weir.json")
local replay = require("weir.replay")
local replays = require("support.replays")
local sha256 = require("weir.sha256")
local support_run = require("support.run")

local directory, path, write, read = replays.directory, replays.path, replays.write, replays.read
local run, routing, lines_of, replayed = replays.run, replays.routing, replays.lines_of,
  replays.replayed

local EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

local function digest_of(text) return "sha256:" .. sha256.hex(text) end

local function text(value) return json.encode(value, { ascii = true }) end

-- What a decision-log line contributes when its decision is made again as it was.
local function part_of(line)
  local decision = line:match('"decision":({.-}),"because":')
  local because = line:match('"because":("[^"\\]*(.-)"),"redacted"')
  return text(json.decode(line).kind) .. "\t" .. decision .. "\t" .. because .. "\n"
end

local function file_digest(lines)
  local parts = {}
  for i, line in ipairs(lines) do parts[i] = part_of(line) end
  return digest_of(table.concat(parts))
end

local function total_of(digests) return digest_of(table.concat(digests, "\n") .. "\n") end

describe("the digest of a replay", function()
  local set

  setup(function()
    run("mkdir -p " .. directory)
    set = routing("set", 10)
  end)

  teardown(function() run("rm -rf " .. directory) end)

  local function summary_of(recordings, jobs)
    return (replayed { set = set, recordings = recordings, jobs = jobs or 1 })
  end

  local function recording(name, counts)
    run("mkdir -p " .. path(name):match("^(.*)/"))
    return write(name, table.concat(lines_of(set, counts), "\n") .. "\n")
  end

  local function names_of(summary)
    local names = {}
    for i, file in ipairs(summary.files) do names[i] = file.name end
    return names
  end

  describe("of decisions", function()
    it("is what the page says, for a recorded hour", function()
      local shipped = assert(require("weir.policy_set").load("policies"))
      local lines = {}
      for line in io.lines("tests/recordings/lunch-hour.jsonl") do lines[#lines + 1] = line end

      local hour = { "tests/recordings/lunch-hour.jsonl" }
      local summary = replayed { set = shipped, recordings = hour, jobs = 2 }

      assert.are.equal(#lines, summary.identical)
      assert.are.equal(file_digest(lines), summary.files[1].digest)
      assert.are.equal(total_of { file_digest(lines) }, summary.digest)
    end)

    it("does not depend on how the recording spells the kind", function()
      local plain = lines_of(set, { 3 })[1]
      local spelled = plain:gsub('"kind":"routing"', '"kind":"\\u0072outing"')
      local other = plain:gsub('"kind":"routing"', '"kind":"r\\u00e9sum\\u00c9"')

      assert.are.equal(file_digest { plain },
        summary_of({ write("spelled", spelled) }).files[1].digest)
      local failed = '"r\\u00e9sum\\u00c9"\tUnknownKind\t'
        .. text('the policy set has no policy of kind "résumÉ"') .. "\n"
      assert.are.equal(digest_of(failed), summary_of({ write("other", other) }).files[1].digest)
    end)

    it("takes nothing of blank lines, other lines and bad lines", function()
      local lines = lines_of(set, { 1, 12 })
      local noisy = table.concat({
        "", "{broken", lines[1], '{"schema":"other"}', "\r", (lines[2]:gsub("_count", "s")),
        '{"message":"START RequestId: 1"}', lines[2], "\255",
      }, "\n")

      local summary = summary_of { write("noisy", noisy) }

      assert.are.equal(3, summary.bad_lines)
      assert.are.equal(2, summary.other_lines)
      assert.are.equal(file_digest(lines), summary.files[1].digest)
      assert.are.equal(EMPTY, summary_of({ write("nothing", "\n{\n") }).files[1].digest)
    end)
  end)

  describe("of failures", function()
    local function failing(name, decide)
      return routing(name, 10, decide)
    end

    local function digest_by(by, recorded)
      return (replayed { set = by, recordings = { recorded }, jobs = 1 }).files[1].digest
    end

    local function parts_of(name, decide, counts)
      return digest_by(failing(name, decide), recording("failing/" .. name, counts))
    end

    it("covers their messages, with places inside the set", function()
      local decide =
        'if facts.file_count > 5 then error("more than five: " .. facts.file_count) end'
      assert.are.equal(
        digest_of('"routing"\t{"action":"realtime"}\t"3 files"\n'
          .. '"routing"\tPolicyError\t"routing.lua:5: more than five: 7"\n'),
        parts_of("five", decide, { 3, 7 }))
      assert.are_not.equal(parts_of("five", decide, { 3, 7 }),
        parts_of("five", decide:gsub("more", "less"), { 3, 7 }))
    end)

    it("covers the same message behind a line that differs, whose place is noted", function()
      local decide = 'if facts.file_count > 5 then return batch { because = "" } end'
      local by = failing("empty", decide)
      local lines = lines_of(set, { 3, 7, 3 })
      local same = table.concat(lines, "\n")
      for _, i in ipairs { 1, 3 } do lines[i] = lines[i]:gsub('"realtime"', '"serverless"') end
      local other = table.concat(lines, "\n")
      local plain, few = replayed { set = by, recordings = { write("plain", same) }, jobs = 1 }
      local told, all = replayed { set = by, recordings = { write("told", other) }, jobs = 1 }
      assert.are.same({ 1, 3 }, { #few, #all })
      assert.are.equal(plain.files[1].digest, told.files[1].digest)

      few[1].recording, all[2].recording = nil, nil
      assert.are.same(few[1], all[2])
      for _, i in ipairs { 1, 3 } do
        assert.are.same({ "difference", 7 }, { all[i].type, all[i].policy_line })
      end
    end)

    it("is the same wherever the set is, and for its bundle", function()
      local decide = [[if facts.file_count > 5 then
        local ok, message = pcall(error, "inner", 2)
        error(tostring(ok) .. " " .. message .. " " .. facts.nothing) end]]
      local deep = "a/b/dir.with-signs/" .. ("d"):rep(60)
      local first = parts_of("here", decide, { 3, 7 })

      assert.are.equal(first, parts_of(deep, decide, { 3, 7 }))
      local bundle = write("set.bundle", assert(failing("here", decide):bundle()))
      local loaded = assert(require("weir.policy_set").load(bundle))
      assert.are.equal(first, digest_by(loaded, recording("failing/bundle", { 3, 7 })))
    end)
  end)

  describe("of files", function()
    local a, b, c

    setup(function()
      a = recording("day/a.jsonl", { 1, 2 })
      b = recording("day/b/x.jsonl", { 12 })
      c = recording("day/b-c.jsonl", { 3 })
    end)

    local function file(name) return file_digest(lines_of(set, name)) end

    it("is taken in byte order of their names, whatever their order and the number of jobs",
      function()
      local expected = total_of { file { 1, 2 }, file { 3 }, file { 12 } }
      for _, recordings in ipairs { { a, b, c }, { c, b, a }, { b, a, c } } do
        for jobs = 1, 3 do
          local summary = summary_of(recordings, jobs)
          assert.are.same({ "a.jsonl", "b-c.jsonl", "b/x.jsonl" }, names_of(summary))
          assert.are.equal(expected, summary.digest)
        end
      end
    end)

    it("is combined from files that were replayed apart", function()
      local together = summary_of { a, b, c }
      local apart = {}
      for i, each in ipairs { c, a, b } do
        apart[i] = { name = each, digest = summary_of({ each }).files[1].digest }
      end

      assert.are.equal(together.digest, replay.combine(apart))
      assert.are.equal(together.digest, replay.combine(together.files))
      for _, entry in ipairs(apart) do entry.name = "day/" .. entry.name:match("day/(.*)$") end
      assert.are.equal(together.digest, replay.combine(apart))
    end)

    it("does not depend on the working directory", function()
      write("script.lua", ([[
        local set = assert(require("weir.policy_set").load(%q))
        local recordings = table.move(arg, 1, #arg, 1, {})
        local summary = require("weir.replay").run { set = set, recordings = recordings, jobs = 2 }
        for _, file in ipairs(summary.files) do io.write(file.name, " ") end
        io.write(summary.digest)
      ]]):format(path("set")))
      local weir = support_run.quote(support_run.program)
      local expected = "a.jsonl b-c.jsonl b/x.jsonl " .. summary_of({ a, b, c }).digest
      for where, words in pairs {
        ["."] = "day/a.jsonl day/b/x.jsonl day/b-c.jsonl",
        ["day"] = "./b//x.jsonl a.jsonl ../day/b-c.jsonl",
        ["day/b"] = "x.jsonl ../a.jsonl " .. c,
        ["set"] = ("../day/b/../a.jsonl %s ../day/b-c.jsonl"):format(b),
      } do
        local command = "cd %s && %s lua %s %s"
        local pipe = assert(io.popen(command:format(path(where), weir, path("script.lua"), words)))
        assert.are.equal(expected, pipe:read("a"), where)
        assert(pipe:close())
      end
    end)

    it("has a single file's last component for its name, and its line for the total", function()
      local summary = summary_of { b }
      assert.are.same({ "x.jsonl" }, names_of(summary))
      assert.are.equal(total_of { file { 12 } }, summary.digest)
    end)

    it("counts a file that is given twice twice", function()
      local summary = summary_of { a, c, a }
      assert.are.same({ "a.jsonl", "a.jsonl", "b-c.jsonl" }, names_of(summary))
      assert.are.equal(total_of { file { 1, 2 }, file { 1, 2 }, file { 3 } }, summary.digest)
    end)

    it("leaves .gz out of names, so that packing changes neither digest nor order", function()
      local first, second = recording("packed/a", { 1 }), recording("packed/a.b", { 2 })
      local plain = summary_of { first, second }
      run("gzip -k " .. first)
      run(("mv %s.gz %s.gz.gz"):format(first, first))
      local packed = summary_of { second, first .. ".gz.gz" }

      assert.are.same({ "a", "a.b" }, names_of(packed))
      assert.are.equal(plain.digest, packed.digest)
      -- Packed and plain have one name: their digests order them.
      write("packed/a", read(second))
      local both = { file { 1 }, file { 2 } }
      table.sort(both)
      assert.are.equal(total_of(both), summary_of({ first .. ".gz.gz", first }).digest)
      assert.are.equal(total_of(both), summary_of({ first, first .. ".gz.gz" }).digest)
      assert.are.same({ ".gz" }, names_of(summary_of { recording("packed/.gz", { 1 }) }))
    end)

    it("is missing when one of them is not read to its end, and the others keep theirs", function()
      local summary = summary_of { a, path("day/missing"), c }
      assert.is_nil(summary.digest)
      assert.are.same({ "a.jsonl", "b-c.jsonl", "missing" }, names_of(summary))
      assert.are.same({ file { 1, 2 }, file { 3 } }, {
        summary.files[1].digest,
        summary.files[2].digest,
      })

      assert.is_nil(summary.files[3].digest)
    end)
  end)
end)

describe("replay.combine", function()
  local function hex(digit) return "sha256:" .. digit:rep(64) end

  it("takes digests in byte order of the names", function()
    local function combined(...)
      local files = {}
      for i, name in ipairs { ... } do
        files[i] = { name = name, digest = hex(("%x"):format(i)) }
      end

      return replay.combine(files)
    end

    assert.are.equal(total_of { hex "1", hex "2", hex "3" }, combined("B", "a", "é"))
    assert.are.equal(total_of { hex "2", hex "1" }, combined("eu/day/b", "eu/day/a"))
    assert.are.equal(total_of { hex "2", hex "1" }, combined("x.gz", "a.gz.gz"))
    assert.are.equal(total_of { hex "2", hex "1" }, combined("a", "-"))
    assert.are.equal(total_of { hex "1", hex "2" }, combined("!", "-"))
    assert.are.equal(total_of { hex "1", hex "2", hex "3" },
      combined("/a/b", "/a/./b", "/a/c/../b"))
    assert.are.equal(total_of { hex "2", hex "1" },
      combined("../../../../../../../../../../../x", "/../a"))
  end)

  it("refuses what is not a list of names and digests", function()
    for _, bad in ipairs {
      {}, { "a" }, { { name = "a" } }, { { digest = hex "1" } }, { { name = 1, digest = hex "1" } },
      { { name = "a", digest = ("1"):rep(64) } }, { { name = "a", digest = hex "G" } },
      { { name = "a", digest = hex "1" .. "1" } }, { { name = "a", digest = hex("A") } },
    } do
      assert.error_matches(function() replay.combine(bad) end, "expected weir%.replay%.combine{")
    end

    assert.error_matches(function() replay.combine() end, "argument 1 is missing")
    local second = { { name = "a", digest = hex "1" }, "b" }
    assert.error_matches(function()
      replay.combine(second)
    end, "element 2 must be a table, not a string")
  end)
end)
