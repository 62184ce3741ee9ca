-- Figures that were compared, as a reason gives them: never two that look equal and are not.

local FORMS = {} -- by the number of decimals
for decimals = 0, 15 do FORMS[decimals] = "%." .. decimals .. "f" end

-- Both with as many decimals as tell them apart, and the format that does: "10.03", "10.00".
local function apart(value, limit, decimals)
  local form, shown, beside
  for places = decimals, 15 do
    form = FORMS[places]
    shown, beside = string.format(form, value), string.format(form, limit)
    if shown ~= beside or value == limit then break end
  end
  return shown, beside, form
end

return { apart = apart }
