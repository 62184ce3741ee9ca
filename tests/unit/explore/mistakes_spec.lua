-- Twenty-five mistakes, planted one at a time into the shipped policies, are found: by failing, or
-- by deciding differently from the policy as it is shipped. The work is fixed, so there is no
-- clock.
local files = require("support.files")
local policy_folder = require("support.policy_folder")
local policy_set = require("weir.policy_set")
local property = require("support.property")
local search = require("weir.explore.search")

-- How many facts are tried. `./dev bench` measures what that takes.
local TRIES = {
  routing = 16384,
  weights = 8192,
  review = 8192,
  mapping = 16384,
  promotion = 131072,
}

-- kind, what is found, what stands there, and the mistake.
local MISTAKES = {
  { "routing", "fails", "largest and largest > params.payload_limit",
    "largest > params.payload_limit" },
  { "routing", "fails", 'because = "the endpoint is %s, not InService", status }',
    'because = "the endpoint of " .. facts.volume .. " is not in service" }' },
  { "routing", "fails", 'status and status ~= "InService"', 'status == "OutOfService"' },
  { "routing", "differs", "count < params.threshold", "count <= params.threshold" },
  { "routing", "differs", "facts.largest_bytes or facts.total_bytes",
    "facts.total_bytes or facts.largest_bytes" },

  { "weights", "fails", "variant.weight or 0", "variant.weight" },
  { "weights", "fails", "if largest > 0 then", "if largest >= 0 then" },
  { "weights", "fails", "if #live == 2 then", "if #live >= 2 then" },
  { "weights", "fails", '(facts.experiment or "") .. "/"', 'facts.experiment .. "/"' },
  { "weights", "differs", "table.insert(live, 1, variant)", "table.insert(live, variant)" },

  { "review", "fails",
    'if not best then return manual_review { because = "nothing was seen in the image" } end', "" },
  { "review", "differs", "best.confidence < threshold", "best.confidence <= threshold" },
  { "review", "differs", "label.confidence > best.confidence",
    "label.confidence < best.confidence" },
  { "review", "differs", "facts.threshold or params.threshold", "params.threshold" },

  { "mapping", "fails", "key and url_decoded(key)", "url_decoded(key)" },
  { "mapping", "fails", "if not (found and string.find(found, '\"', 1, true))",
    "if not string.find(found, '\"', 1, true)" },
  { "mapping", "fails", "path and file_key(path)", "file_key(path)" },
  { "mapping", "fails", 'string.match(key, "%.%a+$", -MOST_ENDING) or ""',
    'string.match(key, "%.%a+$", -MOST_ENDING)' },
  { "mapping", "differs", "if size == 0 then", "if size and size < 10 then" },

  { "promotion", "fails", "(evidence.dispersion or 1)", "evidence.dispersion" },
  { "promotion", "fails", "old and old.latency_ms and old.latency_ms.p99 or 0",
    "old.latency_ms.p99" },
  { "promotion", "fails", "(latency.dispersion or 1)", "latency.dispersion" },
  { "promotion", "fails", "(facts.minutes_since_start or 0) <=", "facts.minutes_since_start <=" },
  -- An absent fact fails only where a parameter is at its bound.
  { "promotion", "fails", "params.soak_minutes - (facts.minutes_since_change or 0)",
    "params.soak_minutes - facts.minutes_since_change" },
  { "promotion", "differs", "watched < params.min_minutes", "watched <= params.min_minutes" },
}

-- The shipped policies in a folder of their own, with one thing replaced.
local function folder(kind, from, to)
  local path = files.directory()
  files.shell(("cp -r policies/. %s"):format(files.quote(path)))
  local file = ("%s/%s.lua"):format(path, kind)
  local text = files.read(file)
  local at, last = text:find(from, 1, true)
  assert(at, from .. " is not in the shipped policy")
  files.write(file, text:sub(1, at - 1) .. to .. text:sub(last + 1))

  return path
end

local function load(path) return assert(policy_set.load(path, { verify = false })) end

-- Ways to fail that the shipped policy has as well are not the mistake.
local function new_failures(result, shipped)
  local known, found = {}, {}
  for _, each in ipairs(shipped.findings) do known[each.key] = true end
  for _, each in ipairs(result.findings) do
    if each.type == "mistake" and not known[each.key] then found[#found + 1] = each end
  end

  return found
end

describe("weir explore", function()
  local shipped, explored = nil, {}
  setup(function() shipped = load("policies") end)
  teardown(policy_folder.remove_all)

  local function run(set, kind, old)
    return assert(search.run { set = set, old = old, kind = kind, seed = 1, tries = TRIES[kind],
      jobs = 2 })
  end

  -- WEIR_CASES leaves some out, for builds that are many times slower.
  for number = 1, math.min(#MISTAKES, property.cases(#MISTAKES)) do
    local mistake = MISTAKES[number]
    local kind, how, from, to = table.unpack(mistake)
    it(("finds mistake %d: %s %s"):format(number, kind, to), function()
      local broken = load(folder(kind, from, to))
      if how == "differs" then
        local result = run(broken, kind, shipped)
        assert.is_true(#result.findings > 0)
        local facts = result.findings[1].facts
        local params = { params_json = result.findings[1].params }
        local old, now = shipped:decide(kind, facts, params), broken:decide(kind, facts, params)
        assert.is_true((old and old.decision) ~= (now and now.decision), facts)
        return
      end

      explored[kind] = explored[kind] or run(shipped, kind)
      local found = new_failures(run(broken, kind), explored[kind])
      assert.is_true(#found > 0)
      local params = { params_json = found[1].params }
      assert.is_nil((broken:decide(kind, found[1].facts, params)), found[1].facts)
    end)
  end
end)
