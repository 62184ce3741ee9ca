-- Shared configuration files of every shape: what was written is read back, and rubbish is noted
-- with its place and without being quoted.
local ini = require("weir.aws.ini")
local property = require("support.property")

describe("weir.aws.ini, for all files", function()
  local piece = property.element({ "[", "]", "[a]\n", "k=v", "=", "#", ";", " ", "\t", "\n", "\r\n",
    '"', "'",
    "profile ", "default", "key", "\0", "\239\187\191", "hush", "é", "\\", "%" })
  local text_of_pieces = property.map(property.array(piece, { max = 60 }), table.concat)

  it("reads any text, and names lines that exist", function()
    property.check("any text", text_of_pieces, function(text)
      local sections, problems = assert(ini.parse(text, "f"))
      for _, section in pairs(sections) do assert.is_table(section) end
      local _, lines = text:gsub("\r\n?", "\n"):gsub("\n", "")
      for _, message in pairs(problems) do
        local line = math.tointeger(tonumber(message:match("^f:(%d+): ")))
        assert.is_true(line >= 1 and line <= lines + 1, message)
        assert.is_nil(message:find("hush", 1, true))
      end
    end, { cases = 2000 })
  end)

  it("reads back what it is given", function()
    local line = property.element({
      "%s=%s",
      "%s  = %s",
      "%s = %s # note",
      "\n%s=%s\t; note",
      "# note\n%s =%s",
    })

    local value = property.element({ "", "a", "a=b", "a#b", "x y", "arn:aws:iam::1:role/r", "'q'" })
    local pair = property.map(property.tuple({ line, value }), function(parts)
      return { format = parts[1], value = parts[2] }
    end)

    property.check("written and read", property.array(pair, { max = 12 }), function(pairs_of)
      local expected, lines = {}, { "[section]" }
      for i, each in ipairs(pairs_of) do
        expected["key" .. i] = each.value
        lines[#lines + 1] = each.format:format("KEY" .. i, each.value)
      end

      for _, line_end in ipairs({ "\n", "\r\n" }) do
        assert.same({ section = expected }, assert(ini.parse(table.concat(lines, line_end), "f")))
      end
    end, { cases = 500 })
  end)
end)
