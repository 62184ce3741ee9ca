-- Correct policies, as people write them: weir check must find nothing in them. Each is the body of
-- a decide function; KIND: in front says of which kind.
local lint = require "weir.lint"

local HEAD = [[
local LIMITS = { small = 10, large = 1000 }
local function clamp(value, low, high) return math.max(low, math.min(high, value)) end
local function variant_named(facts, name)
  for _, variant in ipairs(facts.variants) do
    if variant.name == name then return variant end
  end
end
return policy {
  kind = "%s",
  params = {
    limit = integer { 10, min = 1, doc = "files" },
    share = number { 0.5, min = 0, max = 1, doc = "share" },
    mode = choice { "fast", values = { "fast", "cheap" }, doc = "which" },
    name = text { "x", doc = "a name" },
    strict = flag { true, doc = "strict" },
  },
  decide = function(facts, params)
    local _ = { LIMITS, clamp, variant_named, params.limit, params.share, params.mode, params.name,
      params.strict }
]]
local TAIL = "\n  end,\n}\n"

local CORRECT = {
  'return batch { because = "always" }',
  'if facts.file_count < 10 then return realtime { because = "few" } end '
    .. 'return batch { because = "many" }',
  'return batch { because = "%d of %d", facts.file_count, params.limit }',
  'return batch { because = string.format("%5.1f%%", facts.file_count * 1.5) }',
  'return batch { because = ("%s files"):format(facts.file_count) }',
  'return batch { because = "100% done" }',
  'return batch { because = "100%sure" }',
  'return batch { because = "at 50 % of " .. params.limit }',
  'return batch { because = "volume " .. (facts.volume or "none") }',
  'return batch { because = "volume %s", facts.volume }',
  'return batch { because = "%d" .. " of %d", facts.file_count, params.limit }',
  'return batch { because = "100" .. "%" }',
  'local n = math.max(facts.total_bytes or 0, 3) return batch { because = "%d", n }',
  'local t = facts.total_bytes if t and math.floor(t) & 1 == 1 then '
    .. 'return batch { because = "odd" } end return realtime { because = "even" }',
  'if facts.prefix and params.name:find(facts.prefix, 1, true) then '
    .. 'return batch { because = "in" } end return realtime { because = "out" }',
  'local up = params.name.upper return batch { because = "%s", up(params.name) }',
  'if math.type(params.name) == nil then return batch { because = "text" } end '
    .. 'return realtime { because = "number" }',
  'local function big(n) return n > 3 end if facts.total_bytes and big(facts.total_bytes) then '
    .. 'return batch { because = "big" } end return realtime { because = "small" }',
  'local function big(n) return n ~= nil and n > 3 end if big(facts.total_bytes) then '
    .. 'return batch { because = "big" } end return realtime { because = "small" }',
  'local function big(n) if not n then return false end return n > 3 end '
    .. 'if big(facts.total_bytes) or big(facts.largest_bytes) then '
    .. 'return batch { because = "big" } end return realtime { because = "small" }',
  'local function show(n) return tostring(n) end '
    .. 'return batch { because = "%s", show(facts.total_bytes) }',
  'local function big(n) return n > 3 end local t = facts.total_bytes if not t then '
    .. 'return realtime { because = "small" } end return batch { because = "%s", big(t) }',
  'local seen = {} if facts.volume then seen[facts.volume] = true end '
    .. 'return batch { because = "%s", seen.x }',
  'local pick = { few = "a" } return batch { because = "%s", pick[facts.volume] }',
  'local s = string.rep("=", facts.file_count) .. ("x"):rep(3, ",") return batch { because = s }',
  'return batch { because = "%d bytes", facts.total_bytes or 0 }',
  'if facts.total_bytes and facts.total_bytes > 5 then return batch { because = "x" } end '
    .. 'return realtime { because = "y" }',
  'if (facts.total_bytes or 0) > 5 then return batch { because = "%d", facts.total_bytes } end '
    .. 'return realtime { because = "y" }',
  'if not facts.total_bytes then return batch { because = "unknown" } end '
    .. 'return batch { because = "%d", facts.total_bytes + 1 }',
  'local bytes = facts.total_bytes if bytes == nil then return batch { because = "unknown" } end '
    .. 'return batch { because = "%d", bytes // 1024 }',
  'local bytes = facts.total_bytes or 0 return batch { because = "%d", bytes + 1 }',
  'local bytes = facts.total_bytes if not bytes then bytes = 0 end '
    .. 'return batch { because = "%d", bytes }',
  'local known = facts.total_bytes ~= nil if known then '
    .. 'return batch { because = "%d", facts.total_bytes } end '
    .. 'return batch { because = "unknown" }',
  'assert(facts.total_bytes, "no size") return batch { because = "%d", facts.total_bytes }',
  'local bytes = assert(facts.total_bytes, "no size") return batch { because = "%d", bytes + 1 }',
  'if type(facts.total_bytes) == "number" then '
    .. 'return batch { because = "%d", facts.total_bytes } end '
    .. 'return batch { because = "unknown" }',
  'if facts.total_bytes == nil or facts.total_bytes < 5 then return batch { because = "x" } end '
    .. 'return batch { because = "%d", facts.total_bytes }',
  'if facts.total_bytes ~= nil and facts.largest_bytes ~= nil then '
    .. 'return batch { because = "%d", facts.total_bytes - facts.largest_bytes } end '
    .. 'return batch { because = "x" }',
  'if not (facts.total_bytes and facts.largest_bytes) then return batch { because = "x" } end '
    .. 'return batch { because = "%d", facts.total_bytes - facts.largest_bytes }',
  'if facts.deadline_seconds == 60 then '
    .. 'return batch { because = "%d", facts.deadline_seconds } end '
    .. 'return batch { because = "x" }',
  'local size = facts.total_bytes and facts.total_bytes // 1024 or 0 return batch { '
    .. 'because = "%d KiB", size }',
  'if facts.volume and facts.volume:sub(1, 3) == "vol" then return batch { because = "x" } end '
    .. 'return batch { because = "y" }',
  'local ok, size = pcall(function() return facts.total_bytes + 1 end) '
    .. 'return batch { because = "%s %s", ok, size }',
  'if facts.file_count == params.limit then return batch { because = "x" } end '
    .. 'return batch { because = "y" }',
  'if facts.inference_type == "serverless" then return serverless { because = "x" } end '
    .. 'return batch { because = "y" }',
  'if params.mode == "fast" and params.strict then return realtime { because = "x" } end '
    .. 'return batch { because = "y" }',
  'if params.strict == true then return realtime { because = "x" } end '
    .. 'return batch { because = "y" }',
  'if tostring(facts.file_count) == "10" then return batch { because = "x" } end '
    .. 'return batch { because = "y" }',
  'if tonumber(params.name) == 10 then return batch { because = "x" } end '
    .. 'return batch { because = "y" }',
  'if "5" + 1 == 6 then return batch { because = "x" } end return batch { because = "y" }',
  'local n = clamp(facts.file_count, 1, LIMITS.large) return batch { because = "%d", n }',
  'local list = {} for i = 1, facts.file_count do list[#list + 1] = i * 2 end '
    .. 'return batch { because = "%d", #list }',
  'local words = {} for word in string.gmatch("a b", "%a") do words[#words + 1] = word end '
    .. 'return batch { because = table.concat(words, ", ") }',
  'local choose = { fast = realtime, cheap = batch } return choose[params.mode] { because '
    .. '= "by mode" }',
  'local decision = batch { because = "x" } if facts.file_count < 3 then '
    .. 'decision = realtime { because = "y" } end '
    .. 'return decision',
  'if facts.prefix == "" then return batch { because = "x" } elseif facts.prefix then '
    .. 'return batch { because = "%d", #facts.prefix } else return batch { because = "y" } end',
  'local n = facts.file_count % 7 == 0 and 1 or 2 return batch { because = "%d", n }',
  'return batch { because = "%d", (facts.file_count - facts.file_count % 2) / 2 }',
  'return batch { because = "%s", facts.file_count > 3 }',
  'while facts.total_bytes do return batch { because = "%d", facts.total_bytes } end '
    .. 'return batch { because = "x" }',
  'local t = {} t.count = facts.file_count t["name"] = params.name return batch { because '
    .. '= "%d", t.count }',
  'local f <const> = facts.file_count return batch { because = "%d", f }',
  'weights: for _, v in ipairs(facts.variants) do if v.weight and v.weight > 1 then '
    .. 'return assign { variant = v.name, bucket = 1, because = "x" } end end error("no variant")',
  'weights: local shares, sum = {}, 0 for _, v in ipairs(facts.variants) do sum = sum + '
    .. '(v.weight or 1) end '
    .. 'for _, v in ipairs(facts.variants) do shares[v.name] = (v.weight or 1) / sum end '
    .. 'return weights { weights = shares, because = "by weight" }',
  'weights: for _, v in ipairs(facts.variants) do if not v.weight then goto continue end '
    .. 'if v.weight > 2 then return assign { variant = v.name, bucket = 0, because = "x" } end '
    .. '::continue:: end '
    .. 'error("none")',
  'weights: for _, v in ipairs(facts.variants) do if v.weight == nil then break end '
    .. 'if v.weight > 2 then error("x") end end '
    .. 'return weights { weights = { blue = 1 }, because = "x" }',
  'weights: local sorted = table.move(facts.variants, 1, #facts.variants, 1, {}) '
    .. 'table.sort(sorted, function(a, b) return a.weight < b.weight end) '
    .. 'return weights { weights = { [sorted[1].name] = 1.0 }, because = "x" }',
  'promotion: local c = variant_named(facts, facts.champion) if c and c.window and '
    .. 'c.window.requests then '
    .. 'return hold { needs = "time", because = "%d", c.window.requests } end '
    .. 'return hold { needs = "data", because = "no data" }',
  'promotion: local e = facts.evidence if not (e and e.error_rate) then '
    .. 'return hold { needs = "evidence", because = "none" } end '
    .. 'if e.error_rate.low > params.share then '
    .. 'return hold { needs = "x", because = "%g", e.error_rate.low } end '
    .. 'return hold { needs = "time", because = "x" }',
  'promotion: for _, entry in ipairs(facts.history or {}) do if entry.at > facts.now - 60 then '
    .. 'return hold { needs = "time", requests = 5, because = "x" } end end '
    .. 'return ramp { variant = facts.challenger or "b", weight = 0.25, because = "x" }',
  'mapping: local detail = facts.event.detail local size = detail and detail.size '
    .. 'if size > 5 then return ignore { because = "%d", size } end '
    .. 'return ignore { because = "x" }',
  'mapping: return job { work = "object", source = "listing", idempotency_key = "k", '
    .. 'bucket = "b", key = "k", '
    .. 'size = 5, because = "x" }',
}

-- Guards that stand in another function than what they guard.
local WHOLE = {
  [[
local function is_ready(facts) return facts.total_bytes and facts.total_bytes > 0 end
local function average(facts) return facts.total_bytes // math.max(facts.file_count, 1) end
return policy {
  kind = "routing",
  decide = function(facts)
    if not is_ready(facts) then return batch { because = "unknown" } end
    return batch { because = "%d bytes a file", average(facts) }
  end,
}
]],
  [[
local function average(facts) return facts.total_bytes // facts.file_count end
return policy {
  kind = "routing",
  decide = function(facts)
    if not facts.total_bytes then return batch { because = "unknown" } end
    return batch { because = "%d bytes a file", average(facts) }
  end,
}
]],
  "return { at = function(t, name) return t and t[name] or nil end, limit = 5 * 3 }\n",
}

describe("lint finds nothing in", function()
  for i, body in ipairs(CORRECT) do
    local kind, code = body:match("^(%a+): (.*)$")
    it(("correct policy %d: %s"):format(i, body:sub(1, 60)), function()
      local text = HEAD:format(kind or "routing") .. (code or body) .. TAIL
      assert(load(text))
      assert.same({}, lint.check(text, "x.lua"))
    end)
  end

  for i, text in ipairs(WHOLE) do
    it(("correct file %d"):format(i), function()
      assert(load(text))
      assert.same({}, lint.check(text, "x.lua"))
    end)
  end
end)
