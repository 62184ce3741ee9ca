-- The trials in recordings: decisions of kind `promotion` grouped by endpoint, champion and
-- challenger, in the order of their time. Nothing is decided again.
--
--   trials.read{recordings = {path, …}, endpoint =?, challenger =?, err = writer} → found
--
-- found = { trials = {trial, …}, decisions =, alone =, bad_lines =, other_lines =,
--           unreadable = {…} }
--   alone: promotion decisions while no challenger ran
-- trial = { endpoint =, champion =, challenger =, looks = {look, …} }
-- look  = { time = epoch seconds, action =, decision =, because =, facts =, params =, checks =,
--           new = challenger, old = champion, shares = { asked =, seen = },
--           is_repeated = the window is that of the look before: no new data }
local checks = require "weir.cli.trial_checks"
local json = require "weir.json"
local recording = require "weir.recording"
local redact = require "weir.redact"
local terminal = require "weir.cli.terminal"
local text = require "weir.page.text"

local trials = {}

local function share_seen(facts, name)
  local own, sum = nil, 0
  for _, variant in ipairs(facts.variants) do
    local requests = variant.recent and variant.recent.requests
    if not requests then return nil end
    sum = sum + requests
    if variant.name == name then own = requests end
  end

  return own and sum > 0 and own / sum or nil
end

local function look_of(entry)
  local facts, decision = redact.value(json.decode(entry.facts)),
    redact.value(json.decode(entry.decision))
  local params = entry.params and json.decode(entry.params) or {}
  if not (type(facts) == "table" and type(decision) == "table") then return nil end
  local new = checks.variant(facts, facts.challenger)

  return {
    line = entry.line,
    id = entry.id,
    time = facts.now or text.seconds(entry.time),
    action = decision.action,
    decision = decision,
    because = redact.text(entry.because or ""),
    facts = facts,
    params = params,
    new = new,
    old = checks.variant(facts, facts.champion),
    shares = {
      asked = new and (new.recent and new.recent.share or new.weight),
      seen = new and share_seen(facts, new.name),
    },
  }
end

local Found = {}
Found.__index = Found

function Found:trial(facts)
  local key = json.encode { facts.endpoint or "", facts.champion, facts.challenger }
  local trial = self.by_key[key]
  if not trial then
    trial = {
      endpoint = facts.endpoint,
      champion = facts.champion,
      challenger = facts.challenger,
      looks = {},
    }

    self.by_key[key] = trial
    self.trials[#self.trials + 1] = trial
  end

  return trial
end

function Found:is_wanted(facts)
  return (not self.endpoint or facts.endpoint == self.endpoint)
    and (not self.challenger or facts.challenger == self.challenger)
end

function Found:add(path, entry)
  if entry.message then
    self.bad_lines = self.bad_lines + 1
    self:complain(("%s:%d"):format(path, entry.line), "bad line", entry.message)
    return
  end

  local look = look_of(entry)
  if not (look and look.time) then
    self.bad_lines = self.bad_lines + 1
    self:complain(("%s:%d"):format(path, entry.line), "bad line",
      "it is not a promotion decision with a time")
    return
  end

  self.decisions = self.decisions + 1
  if not look.facts.challenger then
    self.alone = self.alone + 1
  elseif self:is_wanted(look.facts) then
    local list = self:trial(look.facts).looks
    list[#list + 1] = look
  end
end

local MOST_COMPLAINTS = 20

function Found:complain(place, what, message)
  self.complaints = self.complaints + 1
  if self.complaints > MOST_COMPLAINTS then return end
  local err = self.err
  err:print(terminal.printable(place), ": ", err:paint("error", what), ": ",
    terminal.excerpt(message, 300))
end

function Found:unread(path, message)
  self.unreadable[#self.unreadable + 1] = { file = path, message = message }
  self.err:print("weir: ", terminal.printable(message))
end

function Found:read(path)
  local source <close>, message = recording.open(path)
  if not source then
    self:unread(path, message)
    return
  end

  while true do
    local entry, why = source:next("promotion")
    if not entry then
      if why then self:unread(path, path .. ": " .. why) end
      break
    end

    self:add(path, entry)
  end

  self.other_lines = self.other_lines + source:counts().other_lines
end

-- Looks in the order of their time; recordings come in any order.
local function in_order(looks)
  local places = {}
  for i, look in ipairs(looks) do places[look] = i end
  table.sort(looks, function(a, b)
    if a.time ~= b.time then return a.time < b.time end
    return places[a] < places[b]
  end)
end

-- A window with the same end as that of the look before is not new: there were no data.
local function window_end(look)
  return look.new and look.new.recent and look.new.recent.to
end

local function finish(looks)
  in_order(looks)
  local before
  for _, look in ipairs(looks) do
    local ended = window_end(look)
    look.is_repeated = ended ~= nil and ended == before
    if look.is_repeated then look.shares.seen = nil end
    look.checks = checks.of(look.facts, look.params)
    before = ended
  end
end

function trials.read(given)
  redact.forget()
  local found = setmetatable({
    trials = {},
    by_key = {},
    endpoint = given.endpoint,
    challenger = given.challenger,
    err = given.err,
    decisions = 0,
    alone = 0,
    bad_lines = 0,
    other_lines = 0,
    complaints = 0,
    unreadable = {},
  }, Found)
  for _, path in ipairs(given.recordings) do found:read(path) end
  for _, trial in ipairs(found.trials) do finish(trial.looks) end
  table.sort(found.trials, function(a, b)
    if a.looks[1].time ~= b.looks[1].time then return a.looks[1].time < b.looks[1].time end
    return a.challenger < b.challenger
  end)

  if found.complaints > MOST_COMPLAINTS then
    given.err:print("… and ", terminal.count(found.complaints - MOST_COMPLAINTS, "more bad line"))
  end

  return found
end

-- Stretches of looks with the same decision for a reason that differs in its numbers only:
-- { from =, to =, count =, look = the last of them }.
function trials.stretches(trial)
  local list = {}
  for _, look in ipairs(trial.looks) do
    local key = look.action .. "\0" .. look.because:gsub("[%d.,+%-−]+", "#")
    local last = list[#list]
    if last and last.key == key and look.action == "hold" then
      last.to, last.count, last.look = look.time, last.count + 1, look
    else
      list[#list + 1] = { key = key, from = look.time, to = look.time, count = 1, look = look }
    end
  end

  return list
end

return trials
