-- Generated metrics: every line of weir.emf against the specification's schema, and all of them
-- together against what aws-embedded-metrics makes of the same metrics.
local emf = require("weir.emf")
local emf_lines = require("support.emf_lines")
local oracle = require("oracles.oracle")
local property = require("support.property")

local seed = property.seed({ seed = 20261122 })
local count = property.cases(80)
local random = math.random

local function pick(list) return list[random(#list)] end

local units = {
  "Seconds", "Microseconds", "Milliseconds", "Bytes", "Kilobytes", "Megabytes", "Gigabytes",
    "Terabytes",
  "Bits", "Kilobits", "Megabits", "Gigabits", "Terabits", "Percent", "Count", "Bytes/Second",
  "Kilobytes/Second", "Megabytes/Second", "Gigabytes/Second", "Terabytes/Second", "Bits/Second",
  "Kilobits/Second", "Megabits/Second", "Gigabits/Second", "Terabits/Second", "Count/Second",
    "None",
}

local function value()
  return pick({ random(0, 1000), random() * 1000, -random(), 1e-7 * random(), 0, 2 ^ 53 - 1,
    123456789.125,
    0.1 })
end

local function case()
  local sets, properties, metrics = {}, {}, {}
  local dimensions = { service = "routing", variant = "b", ["with space"] = "x\"y" }
  for i = 1, random(1, 3) do
    sets[i] = { ["always"] = "here" }
    for name, text in pairs(dimensions) do
      if random(2) == 1 then sets[i][name] = text end
    end
  end

  for i = 1, random(0, 3) do
    properties["property" .. i] = pick({
      "text",
      7,
      0.5,
      true,
      { "a", "b" },
      { nested = { 1, 2 } },
    })
  end

  local many = pick({ 1, 2, 5, 99, 100, 101, 250 })
  for i = 1, many do
    local values = {}
    for k = 1, pick(many > 5 and i > 3 and { 1, 2 } or { 1, 2, 99, 100, 101, 230 }) do
      values[k] = value()
    end

    metrics[i] = {
      name = "m\u{e9}tric " .. i, unit = pick(units), resolution = pick({ 1, 60 }), values = values,
    }
  end

  return {
    namespace = "weir/test", sets = sets, properties = properties, metrics = metrics,
    timestamp = 1574109732004 + random(1000),
  }
end

local function lines_of(q)
  local writer = emf.new({
    namespace = q.namespace, dimensions = #q.sets == 1 and q.sets[1] or q.sets,
      properties = q.properties,
    timestamp = q.timestamp,
  })

  for _, metric in ipairs(q.metrics) do
    -- One by one, or together.
    if random(2) == 1 then
      writer:metric(metric.name, metric.values, metric.unit, metric.resolution)
    else
      for _, v in ipairs(metric.values) do
        writer:metric(metric.name, v, metric.unit, metric.resolution)
      end
    end
  end

  return emf_lines(writer)
end

describe("weir.emf, the schema and aws-embedded-metrics", function()
  it("agree on generated metrics", function()
    math.randomseed(seed)
    local questions = {}
    for i = 1, count do
      local question = case()
      question.lines = lines_of(question)
      if not next(question.properties) then question.properties = oracle.EMPTY_MAP end
      questions[i] = question
    end

    for i, answer in ipairs(oracle.ask("emf.mjs", questions)) do
      assert(answer == "fine", ("seed %d, case %d: %s"):format(seed, i, answer:sub(1, 2000)))
    end
  end)
end)
