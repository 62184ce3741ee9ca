-- ARCHITECTURE.md is compared with the tree: the picture of the folders with what their files
-- include, and every answer with the file that it names.
local page = assert(io.open("ARCHITECTURE.md")):read("a")

local function lines_of(command)
  local pipe = assert(io.popen(command))
  local lines = {}
  for line in pipe:lines() do lines[#lines + 1] = line end
  assert(pipe:close())
  assert(#lines > 0, command .. " finds nothing")

  return lines
end

local function sorted_keys(set)
  local keys = {}
  for key in pairs(set) do keys[#keys + 1] = key end
  table.sort(keys)

  return table.concat(keys, " ")
end

-- "core/json" of "host/core/json/scan.c", "bindings" of "bindings/json.c", "main.c" of
-- "host/main.c".
local function folder_of(path)
  return path:match("^host/(.*)/[^/]*$") or path:match("^(bindings)/")
    or path:match("^host/([^/]+)$")
end

-- The folder of an included header, which is named from host/ or bindings/ on.
local function included_folder(name)
  return name:match("^(.*)/[^/]*$") or "bindings"
end

-- folder → the folders that its files include, as one line.
local function includes()
  local sees = {}
  for _, line in ipairs(lines_of("grep -rE '^ *# *include +\"' host bindings")) do
    local path, name = line:match('^([^:]+):.-"([^"]+)"')
    local folder, other = folder_of(path), included_folder(name)
    sees[folder] = sees[folder] or {}
    if other ~= folder then sees[folder][other] = true end
  end

  for folder, set in pairs(sees) do sees[folder] = sorted_keys(set) end

  return sees
end

describe("ARCHITECTURE.md", function()
  local picture = {}
  local order = {}
  for folder, list in page:gmatch("\n    (%S+) +─► ([^\n]*)") do
    local set = {}
    for name in list:gmatch("%S+") do
      if name ~= "·" then set[name] = true end
    end

    picture[folder] = sorted_keys(set)
    order[#order + 1] = folder
  end

  it("draws each folder with the folders that it includes", function()
    local real = includes()
    for folder, list in pairs(real) do
      if list ~= "" then assert.equal(list, picture[folder], "what " .. folder .. " includes") end
    end

    for folder in pairs(picture) do
      assert.truthy(real[folder], "the picture has a folder that is not there: " .. folder)
    end
  end)

  it("draws arrows that lead downwards only", function()
    local place = {}
    for i, folder in ipairs(order) do place[folder] = i end
    for _, folder in ipairs(order) do
      for other in picture[folder]:gmatch("%S+") do
        assert.is_true((place[other] or math.huge) > place[folder], folder .. " ─► " .. other)
      end
    end
  end)

  it("describes every folder of the program", function()
    for _, folder in ipairs(lines_of("find host lua/weir bindings -type d")) do
      if folder ~= "host" and folder ~= "host/core" then
        assert.truthy(page:find("`" .. folder .. "/`", 1, true), folder .. "/ is not described")
      end
    end
  end)

  it("answers some thirty questions with files that are there", function()
    local answers = 0
    for answer in page:gmatch("\n| [^|\n]+%? | ([^\n]+) |") do
      answers = answers + 1
      local path
      for code in answer:gmatch("`([^`]+)`") do
        if code:find("/", 1, true) then
          path = code
          local file = io.open(path)
          assert.truthy(file, path .. " is not there")
          file:close()
        else
          local text = assert(io.open(path)):read("a")
          assert.truthy(text:find(code, 1, true), ("%s does not have %s"):format(path, code))
        end
      end

      assert.truthy(path, "an answer names no file: " .. answer)
    end

    assert.is_true(answers >= 30, "it has " .. answers .. " answers")
  end)

  it("names only files that are there", function()
    for path in page:gmatch("`([%w_]+/[%w_/.]+%.[chlua]+)`") do
      local file = io.open(path)
      assert.truthy(file, path .. " is not there")
      file:close()
    end
  end)
end)
