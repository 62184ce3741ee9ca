-- What weir diff finds: groups of changed decisions, and what changed in the policies themselves.
local differences = require "weir.cli.differences"
local policy_folder = require "support.policy_folder"
local screens = require "support.screen"

-- An event as weir.replay gives it: from one action to another, by a line of NEW.
local function change(was, is, line, more)
  local event = {
    type = "difference",
    kind = "routing",
    field = "decision.action",
    line = 3,
    id = "d1",
    was = ('{"action":"%s"}'):format(was),
    was_action = was,
    was_because = '"as it was"',
    is = ('{"action":"%s"}'):format(is),
    is_action = is,
    is_because = '"as it is"',
    policy_file = "policies/routing.lua",
    policy_line = line,
  }
  for name, value in pairs(more or {}) do event[name] = value end

  return event
end

local function failure(more)
  local event = {
    type = "failure",
    kind = "routing",
    code = "PolicyFailed",
    message = "it broke",
    line = 9,
    was = '{"action":"batch"}',
    was_because = '"as it was"',
    policy_file = "policies/routing.lua",
    policy_line = 0,
  }
  for name, value in pairs(more or {}) do event[name] = value end

  return event
end

-- "COUNT KIND CHANGE RULE" of each group, the largest first.
local function shown(groups, limit)
  local lines = {}
  for i, entry in ipairs(groups:sorted(limit)) do
    local group = entry.group
    lines[i] = ("%d %s %s %s"):format(group.count, group.kind, group.change, group.rule)
  end

  return lines
end

local function printed(groups, limit)
  local screen = screens.new()
  differences.print(screen.out, groups, "yellow", "~ ", limit)
  return screen.text_out()
end

describe("the groups of changed decisions", function()
  it("are by kind, what changes, and the line that decides now", function()
    local groups = differences.groups()
    groups:add("a.log", change("batch", "realtime", 7))
    groups:add("a.log", change("batch", "realtime", 8))
    groups:add("b.log", change("batch", "realtime", 8))
    groups:add("a.log", change("realtime", "batch", 8))
    groups:add("a.log", change("batch", "batch", 8, { field = "decision.because" }))
    groups:add("a.log", change("batch", "realtime", 8, { kind = "weights" }))
    assert.same({
      "2 routing batch -> realtime policies/routing.lua:8",
      "1 routing batch -> realtime policies/routing.lua:7",
      "1 routing realtime -> batch policies/routing.lua:8",
      "1 routing batch, because policies/routing.lua:8",
      "1 weights batch -> realtime policies/routing.lua:8",
    }, shown(groups))
  end)

  it("of failures are by their code", function()
    local groups = differences.groups()
    groups:add("a.log", failure { code = "BudgetSpent" })
    groups:add("a.log", failure())
    groups:add("a.log", failure { line = 10 })
    local of_no_kind = failure()
    of_no_kind.kind = nil
    groups:add("a.log", of_no_kind)
    assert.same({
      "2 routing failed[PolicyFailed] ",
      "1 routing failed[BudgetSpent] ",
      "1 ? failed[PolicyFailed] ",
    }, shown(groups))
  end)

  it("of one rule are apart by what was before, and by the field of one action", function()
    local groups = differences.groups()
    for _, more in ipairs {
      {}, { was_failure = true }, { was_action = false }, { id = "d2" },
      { was_action = "realtime" }, { was_action = "realtime", field = "decision.priority" },
    } do
      groups:add("a.log", change("batch", "realtime", 7, more))
    end

    assert.same({
      "2 routing batch -> realtime policies/routing.lua:7",
      "1 routing failed -> realtime policies/routing.lua:7",
      "1 routing (no action) -> realtime policies/routing.lua:7",
      "1 routing realtime, action policies/routing.lua:7",
      "1 routing realtime, priority policies/routing.lua:7",
    }, shown(groups))
  end)

  it("show what was decided where the recorded decision failed, or names no action", function()
    local groups = differences.groups()
    groups:add("a.log", change("batch", "realtime", 7, { was_failure = true, was = "no memory" }))
    groups:add("a.log", change("batch", "realtime", 8, { was_action = false }))
    assert.same({
      "1 routing failed -> realtime policies/routing.lua:7",
      "1 routing (no action) -> realtime policies/routing.lua:8",
    }, shown(groups))
    assert.truthy(printed(groups):find("          was  no memory\n", 1, true), printed(groups))
  end)

  it("are printed with their first example each, the largest first", function()
    local groups = differences.groups()
    groups:add("a.log", change("realtime", "batch", 9))
    for i = 1, 1200 do groups:add("b.log", change("batch", "realtime", 7, { line = i })) end
    assert.equal([[
  ~ 1,200  routing  batch -> realtime  policies/routing.lua:7
        e.g. b.log:1  d1
          was  as it was
          is   as it is
      ~ 1  routing  realtime -> batch  policies/routing.lua:9
        e.g. a.log:3  d1
          was  as it was
          is   as it is
]], printed(groups))
  end)

  it("are printed up to a limit, with how many there are besides", function()
    local groups = differences.groups()
    for line = 1, 4 do groups:add("a.log", change("batch", "realtime", line)) end
    for limit, more in pairs { [0] = "  4 more groups\n", [1] = "  3 more groups\n",
      [3] = "  1 more group\n", [4] = "", [9] = "" } do
      local text = printed(groups, limit)
      local _, count = text:gsub("e%.g%.", "")
      assert.equal(math.min(limit, 4), count)
      assert.equal(more, text:match("  %d more groups?\n") or "", limit)
      assert.equal(math.min(limit, 4), #differences.json(groups, limit))
    end
  end)

  it("of failures are printed with the message in place of a reason", function()
    local groups = differences.groups()
    groups:add("-", failure { message = "it broke\27[2J" .. ("x"):rep(200), id = nil })
    local text = printed(groups)
    assert.truthy(text:find("e.g. standard input:9\n          was  as it was\n"
      .. "          is   it broke\\x1b[2Jx", 1, true), text)
    assert.equal(160, utf8.len(text:match("is   ([^\n]*)")))
  end)

  it("are the same when a fleet counted them and gives them as JSON", function()
    local groups = differences.groups()
    groups:add("a.log", change("batch", "realtime", 7))
    groups:add("a.log", change("batch", "realtime", 7))
    groups:add("b.log", change("batch", "realtime", 8, { was_failure = true, was = "no memory",
      was_because = nil }))
    groups:add("c.log", failure())

    local taken = differences.groups()
    taken:take(differences.json(groups))
    assert.same(shown(groups), shown(taken))
    assert.equal(printed(groups), printed(taken))
    assert.same(differences.json(groups), differences.json(taken))
  end)

  it("of a fleet go without what it did not give", function()
    local groups = differences.groups()
    groups:take { { kind = "routing", change = "a -> b", count = 2 } }
    assert.same({ "2 routing a -> b " }, shown(groups))
    assert.truthy(printed(groups):find("e.g. ?:0\n          was  (no reason)\n"
      .. "          is   (no reason)\n", 1, true), printed(groups))
  end)
end)

describe("the policies of two sets", function()
  teardown(policy_folder.remove_all)

  local function policy(params, body)
    return ("return policy { kind = 'routing', params = { %s }, decide = function(facts, params)"
      .. " return batch { because = '%s' } end }"):format(params or "", body or "x")
  end

  local MAPPING = "return policy { kind = 'mapping', decide = function() "
    .. "return ignore { because = 'x' } end }"

  local function rows(old, new)
    return differences.policies(policy_folder.load(old), policy_folder.load(new))
  end

  it("are the same where nothing changed", function()
    assert.same({}, rows(policy(), policy()))
  end)

  it("differ in defaults, by name, or else in their code", function()
    assert.same({ { "routing", "its code changed" } }, rows(policy(), policy(nil, "y")))
    assert.same({ { "routing", "a 1 -> 2, c is new: [\"x\"], b is gone" } },
      rows(policy "a = integer { 1, doc = 'd' }, b = flag { true, doc = 'd' }",
        policy("a = integer { 2, doc = 'd' }, c = list { { 'x' }, of = { type = 'text' }, "
          .. "max_items = 2, doc = 'd' }")))
  end)

  it("are new, or gone, by kind in the order of kinds", function()
    local one = { ["routing.lua"] = policy() }
    local two = { ["routing.lua"] = policy(), ["mapping.lua"] = MAPPING }
    assert.same({ { "mapping", "is new" } }, rows(one, two))
    assert.same({ { "mapping", "is gone" } }, rows(two, one))
    assert.same({ { "routing", "its code changed" }, { "mapping", "is new" } },
      rows({ ["routing.lua"] = policy(nil, "y") }, two))
  end)
end)
