local description = require "weir.processing.description"
local effects = require "weir.effects"
local json = require "weir.json"

local LABELS = { { name = "Cup", confidence = 90 }, { name = "Table", confidence = 80 } }
local WHOLE = { title = "T", description = "D", category = "C", tags = { "a" } }

-- What is made of a model's answer.
local function of(text)
  local answer = { output = { message = { content = { { text = text } } } } }
  local dry = effects.dry {
    world = { ["bedrock_runtime.Converse"] = { ["amazon.nova-lite-v1:0"] = answer } },
  }

  return description.of(LABELS, dry)
end

local function without(name, value)
  local entry = {}
  for key, each in pairs(WHOLE) do entry[key] = each end
  entry[name] = value

  return json.encode(entry)
end

describe("a description", function()
  it("is the model's where all four texts are there, between fences or not", function()
    local text = json.encode(WHOLE)
    for _, each in ipairs { text, " " .. text .. "\n", "```json\n" .. text .. "\n```", "```\n"
      .. text .. "```" } do
      local entry, why = of(each)
      assert.is_nil(why)
      assert.same({ title = "T", description = "D", category = "C", tags = { "a" },
        written_by = "model" }, entry)
    end
  end)

  it("is made of the labels where a text is missing, empty or something else", function()
    local cases = { "", "null", "[]", "5", '"text"', "{", json.encode(WHOLE) .. " and more" }
    for _, name in ipairs { "title", "description", "category", "tags" } do
      for _, value in ipairs { json.null, 5, false, " \t\n" } do
        cases[#cases + 1] = without(name, value)
      end

      cases[#cases + 1] = without(name)
    end

    for _, text in ipairs(cases) do
      local entry, why = of(text)
      assert.equal("NoJson", why, text)
      assert.same({ title = "Cup", description = "A picture of: Cup, Table.", category = "Cup",
        tags = { "cup", "table" }, written_by = "fallback" }, entry)
    end
  end)

  it("has bounded texts, cut between characters, without what turns or breaks the writing",
    function()
    local entry = of(without("title", "x" .. ("é"):rep(200)))
    assert.equal("x" .. ("é"):rep(99), entry.title)
    entry = of(without("description", "a\u{202E}b\u{2066}c\0d\27[31m"))
    assert.equal("abc d [31m", entry.description)
    local tags = {}
    for i = 1, 30 do tags[i] = "tag" .. i end
    assert.equal(20, #of(without("tags", tags)).tags)
  end)
end)

describe("a description through InvokeModel", function()
  -- Each family's answer with this as its text.
  local FAMILIES = {
    nova = function(text) return { output = { message = { content = { { text = text } } } } } end,
    anthropic = function(text) return { content = { { type = "text", text = text } } } end,
    titan = function(text) return { results = { { outputText = text } } } end,
    llama = function(text) return { generation = text } end,
  }

  local function invoked(family, body)
    local dry = effects.dry {
      config = { bedrock_api = family },
      world = {
        ["bedrock_runtime.InvokeModel"] = { ["amazon.nova-lite-v1:0"] = { body = body } },
      },
    }

    return description.of(LABELS, dry)
  end

  it("is the model's, of each family", function()
    for family, answer in pairs(FAMILIES) do
      local entry = invoked(family, json.encode(answer(json.encode(WHOLE))))
      assert.equal("model", entry.written_by, family)
    end
  end)

  it("is made of the labels where the text is a number, a list, an object or nothing", function()
    local nothing = { 5, true, false, json.null, json.array {}, { a = 1 }, "" }
    for family, answer in pairs(FAMILIES) do
      for _, text in ipairs(nothing) do
        local body = json.encode(answer(text))
        local entry, why = invoked(family, body)
        assert.same({ "fallback", "NoJson" }, { entry.written_by, why }, body)
      end
    end
  end)

  it("is made of the labels where the body is not of the family's shape", function()
    local bodies = { "", "null", "[]", "5", "{", "\xff", "{}", '{"content":"x"}',
      '{"content":[7]}', '{"results":{}}', '{"results":[null]}', '{"output":{"message":[]}}' }
    for family in pairs(FAMILIES) do
      for _, body in ipairs(bodies) do
        local entry, why = invoked(family, body)
        assert.same({ "fallback", "NoJson" }, { entry.written_by, why }, family .. " " .. body)
      end
    end
  end)

  it("reads the text behind a model's reasoning", function()
    local text = json.encode(WHOLE)
    local entry = invoked("anthropic", json.encode { content = {
      { type = "thinking", thinking = "A cup, on a table." },
      { type = "text", text = text },
    } })
    assert.equal("model", entry.written_by)

    entry = invoked("nova", json.encode { output = { message = { content = {
      { reasoningContent = { reasoningText = { text = "A cup." } } },
      { text = text },
    } } } })
    assert.equal("model", entry.written_by)
  end)
end)
