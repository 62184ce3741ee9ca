-- Emptying a bucket when single requests fail. The pages and the passes are tried at the
-- model-checked server, in tests/integration/cleanup_repairs_spec.lua.
local bucket = require("weir.cleanup.bucket")

-- A bucket with one version and one unfinished upload. fails: operation → code
-- keys: of more versions
local function empty(fails, keys)
  local left = { versions = { { Key = "a", VersionId = "1" } },
    uploads = { { Key = "b", UploadId = "2" } } }
  local operations = {}

  function operations.get_bucket_tagging()
    return { TagSet = { { Key = "weir:stack", Value = "weir-events" } } }
  end

  function operations.list_object_versions() return { Versions = left.versions } end

  for i, key in ipairs(keys or {}) do
    left.versions[i + 1] = { Key = key, VersionId = "v" .. i }
  end

  local deleted = {}
  local function take(key, version)
    deleted[#deleted + 1] = key
    for i, each in ipairs(left.versions) do
      local is_it = each.Key == key and each.VersionId == version
      if is_it then return table.remove(left.versions, i) end
    end
  end

  function operations.delete_objects(given)
    for _, each in ipairs(given.Objects) do
      assert(not each.Key:find "[%z\1-\8]" and utf8.len(each.Key), "S3 says MalformedXML")
      take(each.Key, each.VersionId)
    end

    return { Errors = {} }
  end

  function operations.delete_object(given)
    take(given.Key, given.VersionId)
    return {}
  end

  function operations.list_multipart_uploads() return { Uploads = left.uploads } end

  function operations.abort_multipart_upload()
    left.uploads = {}
    return {}
  end

  local client = {}
  for name, answer in pairs(operations) do
    client[name] = function(_, ...)
      if not fails[name] then return answer(...) end
      if fails[name]:find("^NoSuch") then answer(...) end
      return nil, name .. " is refused", fails[name]
    end
  end

  local row = { name = "weir-events", client = function() return client end }
  local notes = {}
  local done, message, code = bucket.empty(row, "b", function(text) notes[#notes + 1] = text end)

  return done, message, code, notes, deleted
end

describe("emptying a bucket", function()
  it("tells what it deleted", function()
    local done, _, _, notes = empty {}
    assert.is_true(done)
    assert.same({ "emptied the bucket b: 2 versions, markers and uploads" }, notes)
  end)

  for _, name in ipairs {
    "get_bucket_tagging",
    "list_object_versions",
    "delete_objects",
    "list_multipart_uploads",
    "abort_multipart_upload",
  } do
    it("fails with what the service says of " .. name, function()
      local done, message, code, notes = empty { [name] = "AccessDenied" }
      assert.is_nil(done)
      assert.same({ name .. " is refused", "AccessDenied" }, { message, code })
      assert.same({}, notes)
    end)
  end

  it("deletes keys that cannot stand in XML one by one", function()
    local odd = { "with \1", "\31", "not \xff UTF-8", "nothing \u{FFFE}", "a\0b", "\u{e9}\t\n" }
    local done, _, _, notes, deleted = empty({}, odd)
    assert.is_true(done)
    assert.same({ "with \1", "\31", "not \xff UTF-8", "nothing \u{FFFE}", "a\0b", "a",
      "\u{e9}\t\n" }, deleted)
    assert.same({ "emptied the bucket b: 8 versions, markers and uploads" }, notes)
  end)

  it("names the key that is not deleted by itself", function()
    local done, message, code = empty({ delete_object = "AccessDenied" }, { "a\1" })
    assert.is_nil(done)
    assert.equal("AccessDenied", code)
    assert.matches("S3 does not delete a\1 in the bucket b: AccessDenied: delete_object is refused",
      message, 1, true)
  end)

  it("does not mind an upload that somebody else ended", function()
    local done, _, _, notes = empty { abort_multipart_upload = "NoSuchUpload" }
    assert.is_true(done)
    assert.equal(1, #notes)
  end)

  it("does not mind a bucket that is gone, or goes", function()
    for _, name in ipairs { "get_bucket_tagging", "list_object_versions", "delete_objects" } do
      assert.is_true((empty { [name] = "NoSuchBucket" }), name)
    end
  end)

  it("refuses a bucket without a tag", function()
    local done, message, code = empty { get_bucket_tagging = "NoSuchTagSet" }
    assert.is_nil(done)
    assert.equal("NotOurs", code)
    assert.truthy(message:find("does not carry the tag weir:stack = weir-events", 1, true), message)
  end)
end)
