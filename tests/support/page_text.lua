-- page_text(html) → what a page of weir says, as text: a line for each heading, paragraph and row;
-- the cells of a row stand between bars. Without charts and what repeats them, styles and scripts.
local ENTITIES = { amp = "&", lt = "<", gt = ">", quot = '"', ["#39"] = "'" }

local LINE_ENDS = { "h1", "h2", "h3", "p", "tr", "dd", "caption", "section", "table", "ul", "li" }

return function(html)
  local text = html:match("<body.->(.*)</body>")
  for _, tag in ipairs { "script", "style", "details", "figure" } do
    text = text:gsub("<" .. tag .. "[%s>].-</" .. tag .. ">", "")
  end

  text = text:gsub("%s+", " "):gsub("</t[hd]>", " | "):gsub("</dt>", ": ")
  for _, tag in ipairs(LINE_ENDS) do text = text:gsub("</" .. tag .. ">", "\n") end
  text = text:gsub("<[^>]*>", " "):gsub("&([%w#]+);", ENTITIES)

  local lines = {}
  for line in text:gmatch("[^\n]+") do
    line = line:gsub("%s+", " "):gsub("[%s|]*$", ""):gsub("^%s+", "")
    if line ~= "" then lines[#lines + 1] = line end
  end

  return table.concat(lines, "\n")
end
