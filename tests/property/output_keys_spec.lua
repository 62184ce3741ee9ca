-- No two documents of any objects have the same key, whatever the keys of the objects look like:
-- as if one were the escaped form, the folder or the digest of another.
local output = require "weir.processing.output"
local property = require "support.property"
local random = require "support.random"
local sha256 = require "weir.sha256"

local CASES = property.cases(60)
local KEYS_PER_CASE = 40

local PIECES = { "a", "b", "A", "/", "//", ".", "..", "%", "%2F", "%2E", "%25", "%sha256", "\\",
  " ", "é", "e\u{301}", "\u{e9}", ".json", "e1", "-", "\0", "\t", "\127", "a.jpg.tags.json",
  "tags", "metadata", ("k"):rep(500), ("/"):rep(300) }

local function some_key(source)
  local parts = {}
  for i = 1, source:integer(1, 5) do parts[i] = source:choice(PIECES) end
  return table.concat(parts)
end

-- Keys, and beside each what its own documents are called: the names that may collide.
local function some_keys(source)
  local keys, seen = {}, {}
  local function add(key)
    if #key > 0 and #key <= 1024 and not seen[key] then
      seen[key] = true
      keys[#keys + 1] = key
    end
  end

  while #keys < KEYS_PER_CASE do
    local key = some_key(source)
    add(key)
    add(output.key("", "tags", { key = key, etag = "e1" }, {}):sub(6))
    add("%sha256/" .. sha256.hex(key))
    add(key .. "/e1.json")
    add(key .. "/")
    add("/" .. key)
  end

  return keys
end

describe("documents of different objects", function()
  it("have different keys, none longer than S3 takes", function()
    local seed = property.seed {}
    local source = random.new(seed)
    for case = 1, CASES do
      local owners = {}
      for _, key in ipairs(some_keys(source)) do
        for _, etag in ipairs { "e1", "e1-2", "e1.json", "e/1", "%2F" } do
          for _, document in ipairs { "tags", "metadata" } do
            for _, content in ipairs { {}, "bytes" } do
              local place = output.key("results/events/", document, { key = key, etag = etag },
                content)
              local owner = ("%s %q %s %s"):format(document, key, etag, type(content))
              assert.is_nil(owners[place], ("%s is %s and %s (case %d, seed %d)"):format(place,
                owners[place], owner, case, seed))
              assert.is_true(#place <= 1024, place)
              assert.is_nil(place:find("%c"), owner)
              owners[place] = owner
            end
          end
        end
      end
    end
  end)
end)
