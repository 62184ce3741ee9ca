local suggest = require "weir.suggest"
local text = require "weir.text"

describe("suggest", function()
  local NAMES = { "file_count", "total_bytes", "endpoint_status", "id", "check" }

  it("finds the name that was meant", function()
    for meant, names in pairs {
      file_count = {
        "fileCount",
        "FILE-COUNT",
        "file_cuont",
        "filecount",
        "file_coutn",
        "fil_count",
      },
      total_bytes = { "total_byte", "TotalBytes", "toatl_bytes" },
      check = { "chekc", "chck", "checkk" },
    } do
      for _, name in ipairs(names) do assert.equal(meant, suggest(name, NAMES), name) end
    end
  end)

  it("finds none where a name is another", function()
    for _, name in ipairs { "x", "ab", "bytes", "", "count_of_files", ("file_count"):rep(7) } do
      assert.is_nil(suggest(name, NAMES), name)
    end
  end)

  it("prefers the nearest, then the first", function()
    assert.equal("cat", suggest("cap", { "dog", "cat", "cup" }))
    assert.equal("counts", suggest("counst", { "counters", "counts" }))
  end)
end)

describe("text.edit_distance", function()
  it("counts insertions, removals, replacements and swaps of neighbours", function()
    for _, case in ipairs {
      { "", "", 0 }, { "a", "", 1 }, { "", "abc", 3 }, { "abc", "abc", 0 }, { "abc", "acb", 1 },
      { "abc", "axc", 1 },
      { "kitten", "sitting", 3 }, { "ca", "abc", 3 }, { ("x"):rep(64), ("y"):rep(64), 64 },
    } do
      assert.equal(case[3], text.edit_distance(case[1], case[2]), case[1] .. " " .. case[2])
      assert.equal(case[3], text.edit_distance(case[2], case[1]))
    end

    assert.is_nil(text.edit_distance(("x"):rep(65), "x"))
    assert.is_nil(text.edit_distance("x", ("x"):rep(65)))
    assert.error_matches(function() text.edit_distance("a") end, "argument 2 is missing")
    assert.same({ 1, 1, 2, 2, 3 }, { text.likely_distance(0), text.likely_distance(3),
      text.likely_distance(4),
      text.likely_distance(8), text.likely_distance(9) })
    assert.error_matches(function() text.likely_distance(-1) end, "an integer of at least 0")
  end)
end)
