local policy_set = require("weir.policy_set")
local replays = require("support.replays")

local directory, path, write, read = replays.directory, replays.path, replays.write, replays.read
local run, routing, lines_of, replayed = replays.run, replays.routing, replays.lines_of,
  replays.replayed
local replay_text = replays.replay_text

describe("the parameters of a replayed decision", function()
  local ten, recording

  setup(function()
    run("mkdir -p " .. directory)
    ten = routing("ten", 10)
    -- Recorded with the default of 10, and with an override of 30.
    local lines = lines_of(ten, { 15 })
    lines[2] = lines_of(assert(policy_set.load(path("ten"), { params = { threshold = 30 } })),
      { 15 })[1]
    recording = write("params.jsonl", table.concat(lines, "\n"))
    write("older.jsonl", (table.concat(lines, "\n"):gsub('"overrides":%b[],', "")))
  end)

  teardown(function() run("rm -rf " .. directory) end)

  local function actions(options)
    options.recordings, options.jobs = options.recordings or { recording }, 1
    local summary = replayed(options)
    return summary.kinds.routing.is, summary
  end

  it("are the recorded ones where they were overrides, else the defaults of today", function()
    assert.are.same({ batch = 1, realtime = 1 }, (actions { set = ten }))
    assert.are.same({ realtime = 2 }, (actions { set = routing("twenty", 20) }))
  end)

  it("are all the recorded ones when the line does not tell overrides", function()
    local older = { path("older.jsonl") }
    assert.are.same({ batch = 1, realtime = 1 },
      (actions { set = routing("twenty", 20), recordings = older }))
  end)

  it("in a diff are not overrides where they equal the defaults of the old set", function()
    local older = { path("older.jsonl") }
    local is, summary = actions { set = routing("twenty", 20), old = ten, recordings = older }
    assert.are.same({ realtime = 2 }, is)
    assert.are.same({ batch = 1, realtime = 1 }, summary.kinds.routing.was)
    assert.are.equal(1, summary.changed)
  end)

  it("give way to those that the set was loaded with", function()
    local five = assert(policy_set.load(path("ten"), { params = { threshold = 5 } }))
    assert.are.same({ batch = 2 }, (actions { set = five }))
  end)

  it("that no longer fit are a failure", function()
    local summary, events = replay_text(ten, "unfit.jsonl",
      (read(recording):gsub('"threshold":30', '"threshold":0')))
    assert.are.equal(1, summary.failed)
    assert.are.equal("InvalidParams", events[1].code)
  end)
end)

describe("diff", function()
  local ten, twenty, recording

  setup(function()
    run("mkdir -p " .. directory)
    ten, twenty = routing("ten", 10), routing("twenty", 20)
    recording = write("diff.jsonl", table.concat(lines_of(ten, { 1, 12, 25 }), "\n"))
  end)

  teardown(function() run("rm -rf " .. directory) end)

  it("compares two sets, not with what was recorded", function()
    local told = write("told.jsonl", (read(recording):gsub('"action":"batch"',
      '"action":"serverless"')))
    local summary, events = replayed { set = twenty, old = ten, recordings = { told }, jobs = 2 }
    assert.are.same({ 3, 2, 1 }, { summary.decisions, summary.identical, summary.changed })
    assert.are.same({ "difference", 2 }, { events[1].type, events[1].line })
    assert.are.same({ '{"action":"batch"}', '{"action":"realtime"}' }, {
      events[1].was,
      events[1].is,
    })

    assert.are.same({ path("twenty") .. "/routing.lua", 7 }, {
      events[1].policy_file,
      events[1].policy_line,
    })
  end)

  it("checks the facts by each set's own kinds", function()
    local function with_colours(name, values)
      write(name .. "/kinds/routing.lua", ([[
return { kind = "routing", facts = {
  { name = "colour", type = "choice", values = %s, doc = "of the job" },
  { name = "weight", type = "integer", doc = "of the job" },
} }
]]):format(values))
      return routing(name, 10,
        'if (facts.weight or 0) > 5 then return batch { because = "heavy" } end')
    end

    local red = with_colours("red", '{ "red" }')
    local blue = with_colours("blue", '{ "red", "blue" }')
    local lines = {}
    for i, facts in ipairs {
      '{"file_count":1,"weight":9}', '{"weight":null,"file_count":2,"colour":"red"}',
      '{"colour":"blue","file_count":3,"weight":9}', '{"file_count":4}',
    } do
      lines[i] = assert(blue:record("routing", facts, { id = "line-" .. i,
        time = "2026-11-22T03:04:05.678Z" }))
    end

    local colours = { write("colours.jsonl", table.concat(lines, "\n")) }
    local summary, events = replayed { set = red, old = blue, recordings = colours, jobs = 1 }
    assert.are.same({ 3, 3, 1 }, { summary.decisions, summary.identical, summary.bad_lines })
    assert.are.same({ "bad line", 3 }, { events[1].type, events[1].line })
    assert.are.same({ batch = 1, realtime = 2 }, summary.kinds.routing.is)

    summary = replayed { set = blue, old = blue, recordings = colours, jobs = 1 }
    assert.are.same({ 4, 4, 0 }, { summary.decisions, summary.identical, summary.bad_lines })
    assert.are.same({ batch = 2, realtime = 2 }, summary.kinds.routing.is)
    summary = replayed { set = blue, old = red, recordings = colours, jobs = 1 }
    assert.are.same({ 4, 3, 1 }, { summary.decisions, summary.identical, summary.changed })
  end)

  it("tells when the old set fails, and when the new one does", function()
    local failing = routing("failing", 10, 'if facts.file_count == 12 then error("twelve") end')
    local summary, events = replayed {
      set = ten,
      old = failing,
      recordings = { recording },
      jobs = 1,
    }

    assert.are.same({ 1, 0 }, { summary.changed, summary.failed })
    assert.is_true(events[1].was_failure)
    assert.matches("twelve", events[1].was)
    assert.are.same({ failed = 1, realtime = 1, batch = 1 }, summary.kinds.routing.was)
    summary, events = replayed { set = failing, old = ten, recordings = { recording }, jobs = 1 }
    assert.are.same({ 0, 1 }, { summary.changed, summary.failed })
    assert.are.same({ "failure", "PolicyError" }, { events[1].type, events[1].code })
    assert.are.equal('{"action":"batch"}', events[1].was)
  end)
end)
