-- How figures of a trial are written, on a terminal and in a page.
local terminal = require "weir.cli.terminal"

local trial_text = { thousands = terminal.thousands }

-- A figure with its unit; with another one that it is compared with, both, with as many decimals as
-- tell them apart.
local function figures(unit, decimals, value, other)
  local shown, beside
  for places = decimals, 15 do
    local format = ("%%.%df%s"):format(places, unit)
    shown, beside = format:format(value), other and format:format(other)
    if shown ~= beside or value == other then break end
  end

  return shown, beside
end

-- A difference of error rates: 0.0012 → "0.12 points".
function trial_text.points(fraction, other)
  return figures(" points", 2, fraction * 100, other and other * 100)
end

-- A relative difference: 0.051 → "5.1 %".
function trial_text.percent(fraction, other)
  return figures(" %%", 1, fraction * 100, other and other * 100)
end

function trial_text.milliseconds(value, other) return figures(" ms", 0, value, other) end

local function signed(format, value)
  if not value then return "open" end
  return (format:format(value * 100):gsub("^[+-](0%.?0*)$", "%1"):gsub("^%-", "−"))
end

-- "−5.0 %" of something.
function trial_text.signed_percent(fraction) return signed("%+.1f", fraction) .. " %" end

-- "+0.04 points (−0.10 to +0.19)", as far as it is known.
local function interval(ends, format, unit)
  if not ends then return "not known" end
  local range = ("%s to %s"):format(signed(format, ends.low), signed(format, ends.high))
  if not ends.estimate then return range .. unit end

  return ("%s%s (%s)"):format(signed(format, ends.estimate), unit, range)
end

function trial_text.errors(ends) return interval(ends, "%+.2f", " points") end

function trial_text.latency(ends) return interval(ends, "%+.1f", " %") end

local ACTIONS = {
  promote = function(trial) return ("Promote %s"):format(trial.challenger) end,
  ramp = function(trial, decision)
    return ("Give %s %s of the traffic"):format(trial.challenger,
      trial_text.percent(decision.weight))
  end,
  rollback = function(trial, decision)
    return ("Roll back from %s to %s"):format(decision.variant or trial.challenger, decision.to
      or trial.champion)
  end,
  hold = function(trial) return ("Hold %s"):format(trial.challenger) end,
}

-- The recommendation of a decision, as a sentence: "Hold vision-13: …. It needs ….".
local function recommendation(trial, look)
  local begin = ACTIONS[look.action]
  local said = (begin and begin(trial, look.decision) or look.action) .. ": " .. look.because .. "."
  if look.decision.needs then said = said .. " It needs " .. look.decision.needs .. "." end

  return said
end

local DONE = { promote = "%s was promoted", rollback = "%s was rolled back" }

-- The look that ended the trial, when nothing but holding came after it; nil while it goes on.
function trial_text.ending(trial)
  for i = #trial.looks, 1, -1 do
    local look = trial.looks[i]
    if DONE[look.action] then return look end
    if look.action ~= "hold" then return nil end
  end
end

-- What to know of a trial first: how it ended, else what is to be done now; and a tone for it.
function trial_text.sentence(trial)
  local last, ending = trial.looks[#trial.looks], trial_text.ending(trial)
  local tones = { promote = "good", ramp = "good", rollback = "bad" }
  if not ending or ending == last then
    return recommendation(trial, last), tones[last.action] or "open"
  end

  return ("%s at %s: %s."):format(DONE[ending.action]:format(trial.challenger),
    os.date("!%H:%M", ending.time),
    ending.because), tones[ending.action]
end

-- "vision: vision-13 against vision-12"
function trial_text.name(trial)
  local pair = ("%s against %s"):format(trial.challenger, trial.champion)
  return trial.endpoint and trial.endpoint .. ": " .. pair or pair
end

return trial_text
