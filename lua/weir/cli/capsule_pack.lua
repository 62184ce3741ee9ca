-- Packs the decisions of an incident, masked, with the policy set that made them
-- (weir.cli.capsule_file has the form). The same decisions, set and program give the same bytes.
--
--   pack(set, entries, { from =, to =, mask = { { name =, place = }, … } })
--     → text, header | nil, message, code
--
-- entries: { record = decoded decision line, text = that line, time_ms =, id = }, in order.
-- The header says what the span holds and what can be decided again:
--
--   from, to         the span; absent where it was open
--   decisions        how many
--   policies         digest of the packed set
--   others           decisions that other policies than the packed ones made
--   hosts            versions of weir that made the decisions
--   packed_by        version and build of the program that packed (weir.build)
--   params           the parameters in force, of each kind
--   masked           the facts that are masked, in how many decisions, and in how many of them the
--                    policy used them
--   replay           what deciding them again with the packed set gave, and its digest
local build = require "weir.build"
local capsule_file = require "weir.cli.capsule_file"
local json = require "weir.json"
local mask = require "weir.cli.capsule_mask"
local output_file = require "weir.cli.output_file"
local process = require "weir.process"
local replay = require "weir.replay"

local HEAD_LINES = 2 -- before the decisions

-- Deciding again --------------------------------------------------------------------------------

-- → decision and reason as one text | nil, code
local function decide(set, record)
  local decision, _, code = set:decide(record.kind, json.encode(record.facts), {
    params_json = record.params and json.encode(record.params),
    overrides_json = record.overrides and json.encode(record.overrides),
  })

  if not decision then return nil, code end
  return json.encode { json.decode(decision.decision), decision.because }
end

local function fits(set, record)
  local _, code = decide(set, record)
  return code ~= "InvalidFacts"
end

-- A text in place of a number does not fit the kind: such a fact is removed. → as mask.apply
local function masked(set, record, places)
  local copy, found, touched = mask.apply(record, places)
  if #found == 0 then return copy, found, touched end

  if fits(set, copy) then return copy, found, touched end
  local away = {}
  for _, place in ipairs(places) do away[place] = not fits(set, (mask.apply(record, { place }))) end
  return mask.apply(record, places, away)
end

-- What the masking of these places alone makes of a decision: the masked facts when the policy says
-- something else then, or nothing.
local function used_by(set, record, before, places)
  local copy, found = masked(set, record, places)
  if #found == 0 then return {} end

  local same = mask.apply({ facts = record.facts, because = before or "", decision = {} }, places)
  return decide(set, copy) == (before and same.because) and {} or found
end

-- Which of the masked facts the policy used: those that alone already change what it says, or all
-- where only several together do. With an empty list only the secrets are masked.
local function used_places(set, entry, places)
  local before, used = decide(set, entry.record), json.array {}
  local secrets = used_by(set, entry.record, before, {})
  table.move(secrets, 1, #secrets, 1, used)
  if #secrets == 0 then
    for _, place in ipairs(places) do
      local found = used_by(set, entry.record, before, { place })
      table.move(found, 1, #found, #used + 1, used)
    end
  end

  if #used > 0 then return used end
  return json.array(used_by(set, entry.record, before, places))
end

-- Lines ----------------------------------------------------------------------------------------

-- A line that nothing is masked in stays as it was recorded.
local function line_of(entry)
  local record = entry.masked
  if not entry.touched then return entry.text end

  local places = json.array {}
  for _, path in ipairs(entry.record.redacted or {}) do places[#places + 1] = path end
  for _, path in ipairs(entry.found) do places[#places + 1] = path end
  record.redacted, record.used = places, entry.used
  return json.encode(record)
end

local function lines_of(header, bundle, entries)
  local lines = {
    json.encode(header):gsub("^{", ('{"schema":"%s",'):format(capsule_file.SCHEMA)),
    ('{"schema":"%s","bundle":%s}'):format(capsule_file.POLICIES, json.encode(bundle)),
  }

  for i, entry in ipairs(entries) do lines[HEAD_LINES + i] = line_of(entry) end
  return lines
end

-- The header -----------------------------------------------------------------------------------

-- Counts entries by a key; → list of the made rows with their counts, in order of appearance
local function count(entries, key_of, row_of)
  local rows, by_key = json.array {}, {}
  for _, entry in ipairs(entries) do
    local key = key_of(entry.record)
    local row = key and by_key[key]
    if key and not row then
      row = row_of(entry.record)
      row.decisions = 0
      rows[#rows + 1], by_key[key] = row, row
    end

    if row then row.decisions = row.decisions + 1 end
  end

  return rows
end

local function digest_of(record)
  return type(record.policy) == "table" and record.policy.digest or nil
end

local function others(set, entries)
  local known = {}
  for _, policy in ipairs(set:policies()) do known[policy.kind] = policy.digest end
  return count(entries, function(record)
    local digest = digest_of(record)
    if digest == known[record.kind] then return nil end
    return ("%s %s"):format(record.kind, digest)
  end, function(record) return { kind = record.kind, digest = digest_of(record) } end)
end

local function masked_rows(entries, masks)
  local rows = json.array {}
  for i, each in ipairs(masks) do
    rows[i] = { fact = each.name, decisions = 0, used = 0 }
    for _, entry in ipairs(entries) do
      local _, found = mask.apply({ facts = entry.record.facts }, { each.place })
      local used = {}
      for _, path in ipairs(entry.used or {}) do used[path] = true end
      local uses = false
      for _, path in ipairs(found) do uses = uses or used[path] end
      if #found > 0 then rows[i].decisions = rows[i].decisions + 1 end
      if uses then rows[i].used = rows[i].used + 1 end
    end
  end

  return rows
end

local function header_of(set, entries, options)
  return {
    from = options.from,
    to = options.to,
    decisions = #entries,
    policies = set:digest(),
    others = others(set, entries),
    hosts = count(entries, function(record) return record.host or "?" end,
      function(record) return { host = record.host } end),
    packed_by = {
      version = process.version,
      build = build.describe().id,
    },
    params = count(entries,
      function(record) return record.kind .. json.encode(record.params or {}) end,
      function(record) return { kind = record.kind, params = record.params } end),
    masked = masked_rows(entries, options.mask),
  }
end

-- Replaying what is packed ---------------------------------------------------------------------

local COUNTS = { "identical", "changed", "reworded", "failed", "bad_lines" }

-- → summary, the numbers of the lines that are not decided as recorded | nil, message, code
local function replayed(set, lines)
  local path = os.tmpname()
  local written, why = output_file.write(path, capsule_file.text(lines))
  if not written then
    os.remove(path)
    return nil, why, "WriteFailed"
  end

  local differing = {}
  local summary, message, code = replay.run {
    set = set,
    recordings = { path },
    on_event = function(_, event) differing[event.line] = true end,
  }

  os.remove(path)
  if not summary then return nil, message, code end
  return summary, differing
end

local function mask_all(set, entries, places)
  for _, entry in ipairs(entries) do
    entry.masked, entry.found, entry.touched = masked(set, entry.record, places)
  end
end

local function pack(set, entries, options)
  local places = {}
  for i, each in ipairs(options.mask) do places[i] = each.place end
  mask_all(set, entries, places)

  local bundle, message, code = set:bundle()
  if not bundle then return nil, message, code end

  local summary, differing
  summary, differing, code = replayed(set, lines_of({ decisions = #entries }, bundle, entries))
  if not summary then return nil, differing, code end

  for i, entry in ipairs(entries) do
    local is_suspect = differing[HEAD_LINES + i] and #entry.found > 0
    local used = is_suspect and used_places(set, entry, places) or {}
    entry.used = #used > 0 and used or nil
  end

  local header = header_of(set, entries, options)
  header.replay = { digest = summary.files[1].digest }
  for _, name in ipairs(COUNTS) do header.replay[name] = summary[name] end
  return capsule_file.text(lines_of(header, bundle, entries)), header
end

return pack
