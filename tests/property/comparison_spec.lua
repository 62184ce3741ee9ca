-- inference_comparison against a count by hand: whenever records come and whenever it looks, every
-- record that has come in time counts once, in the window of its time.
local experiment_world = require "support.experiment_world"
local json = require "weir.json"
local policy_folder = require "support.policy_folder"
local property = require "support.property"

local BEGIN, WINDOW, LATE = 1795435200, 300, 900

local LOOKS = 'return policy { kind = "promotion", decide = function() '
  .. 'return hold { needs = "nothing", because = "it only looks" } end }'

-- A request: which variant, when, how much later its record comes, whether it failed, how long it
-- took.
local request = property.map(property.tuple { property.element { "old", "new" },
  property.int(0, 1800),
  property.int(0, 1500), property.int(0, 3), property.int(1, 90000) }, function(given)
  return {
    variant = given[1],
    at = BEGIN + given[2],
    late = given[3],
    failed = given[4] == 0,
    latency = given[5],
  }
end)

-- When each window is read for the last time: at the first look after it has been open long enough,
-- or at the last look. Windows before that of the first look do not belong to the experiment.
local function last_reads(looks)
  local reads, first, last = {}, looks[1] // WINDOW * WINDOW, looks[#looks] // WINDOW * WINDOW
  for from = first - WINDOW, last - WINDOW, WINDOW do
    for _, look in ipairs(looks) do
      -- A second look in one window reads nothing: the window was decided.
      if look >= from + WINDOW and (reads[from] == nil or not reads[from].settled)
        and not (reads[from] and look // WINDOW == reads[from].at // WINDOW) then
        reads[from] = { at = look, settled = look - LATE >= from + WINDOW }
      end
    end
  end

  return reads
end

-- window → variant → { requests, errors, latencies }
local function by_hand(requests, looks)
  local windows = {}
  for from, read in pairs(last_reads(looks)) do
    windows[from] = { old = { requests = 0, errors = 0, latencies = {} },
      new = { requests = 0, errors = 0, latencies = {} } }
    for _, each in ipairs(requests) do
      local counts = windows[from][each.variant]
      if each.at >= from and each.at < from + WINDOW and each.at + each.late <= read.at then
        counts.requests = counts.requests + 1
        if each.failed then counts.errors = counts.errors + 1
        else counts.latencies[#counts.latencies + 1] = each.latency end
      end
    end
  end

  return windows
end

local function total(windows, variant, member)
  local sum = 0
  for _, window in pairs(windows) do sum = sum + window[variant][member] end
  return sum
end

local function check_aggregation(item, counts, variant)
  local found = item.variants[variant]
  if counts.requests == 0 then return assert.is_nil(found) end
  assert.same({ counts.requests, counts.errors }, { found.request_count, found.error_count })
  local latencies = counts.latencies
  if #latencies == 0 then return assert.is_nil(found.p99_latency_ms) end

  table.sort(latencies)
  local sum = 0
  for _, latency in ipairs(latencies) do sum = sum + latency end
  assert.near(sum / #latencies, found.avg_latency_ms, 1e-6 * sum)
  for name, q in pairs { p50_latency_ms = 0.5, p99_latency_ms = 0.99 } do
    local exact = latencies[math.max(1, math.ceil(q * #latencies))]
    assert.near(1, found[name] / exact, 0.0101, name)
  end
end

describe("looks at an experiment", function()
  local set

  setup(function() set = policy_folder.load { ["promotion.lua"] = LOOKS } end)
  teardown(policy_folder.remove_all)

  it("count every record that came in time once, whenever they are made", function()
    local input = property.tuple {
      property.array(request, { max = 40 }),
      property.array(property.int(WINDOW, 3600), { min = 1, max = 8 }),
      property.int(0, 19),
    }

    property.check("looks", input, function(given)
      local requests, offsets, draw = table.unpack(given)
      local world = experiment_world.new {
        key = draw == 0 and "sharded" or "numbered",
        policy = set,
      }

      local looks = {}
      for i, offset in ipairs(offsets) do looks[i] = BEGIN + offset end
      table.sort(looks)
      for _, each in ipairs(requests) do
        world.arrives = each.at + each.late
        world:record(each.variant, each.at, each.failed, each.latency)
      end

      world.arrives = nil

      for _, look in ipairs(looks) do
        world.now = look
        local report = world:look()
        assert.is_nil(report.error and report.error.message)
      end

      local windows = by_hand(requests, looks)
      local facts = json.decode(world.decisions[#world.decisions]).facts
      for _, variant in ipairs(facts.variants) do
        local counted = variant.window or { requests = 0, errors = 0 }
        assert.same({ total(windows, variant.name, "requests"),
          total(windows, variant.name, "errors") },
          { counted.requests, counted.errors }, variant.name)
      end

      local written = 0
      for _, item in ipairs(world.items) do
        if item.record_type == "aggregation" then
          written = written + 1
          for _, variant in ipairs { "old", "new" } do
            check_aggregation(item, windows[item.window_start][variant], variant)
          end
        end
      end

      local with_data = 0
      for _, window in pairs(windows) do
        if window.old.requests + window.new.requests > 0 then with_data = with_data + 1 end
      end

      assert.equal(with_data, written)
    end, { cases = 1000 })
  end)
end)
