-- Empties a bucket that a stack could not delete: versions, delete markers and unfinished uploads,
-- pass after pass until one finds nothing, for what writes to the bucket may not have stopped yet.
--
--   bucket.empty(row, name, note) → true | nil, message, code
--
-- Only a bucket whose tag weir:stack is the stack's name is emptied.
local ownership = require "weir.deploy.ownership"
local try = require "weir.try"

local bucket = {}

local MOST_PASSES = 20

-- Is the bucket there? It is the stack's, then.
local function exists(row, name)
  local found, message, code = row.client "s3_buckets":get_bucket_tagging { Bucket = name }
  if not found and code == "NoSuchBucket" then return false end
  if not found and code ~= "NoSuchTagSet" then try.fail(message, code) end
  if found and ownership.tag_of(found.TagSet) == row.name then return true end

  try.fail(("the bucket %s does not carry the tag %s = %s, so nothing in it is deleted")
    :format(name, ownership.TAG, row.name), "NotOurs")
end

-- Can the key stand in XML, in which a page is deleted? S3 allows keys that cannot.
local function fits_xml(key)
  return utf8.len(key) ~= nil and not key:find("[%z\1-\8\11\12\14-\31]")
    and not key:find("\u{FFFE}", 1, true) and not key:find("\u{FFFF}", 1, true)
end

-- Those that go at once, and those that go one by one.
local function in_two(page)
  local together, alone = {}, {}
  for _, list in ipairs { page.Versions, page.DeleteMarkers } do
    for _, each in ipairs(list) do
      local object = { Key = each.Key, VersionId = each.VersionId }
      table.insert(fits_xml(each.Key) and together or alone, object)
    end
  end

  return together, alone
end

-- → how many were deleted, the first refusal
local function delete_alone(row, name, objects)
  local count, refused = 0, nil
  for _, object in ipairs(objects) do
    local done, message, code = row.client "s3":delete_object {
      Bucket = name,
      Key = object.Key,
      VersionId = object.VersionId,
    }
    if done then
      count = count + 1
    else
      refused = refused or { Key = object.Key, Code = code, Message = message }
    end
  end

  return count, refused
end

-- → how many were deleted, the first refusal
local function delete_page(row, name, page)
  local together, alone = in_two(page)
  local count, refused = delete_alone(row, name, alone)
  if #together == 0 then return count, refused end

  local done = try(row.client "s3_buckets":delete_objects { Bucket = name, Objects = together })
  return count + #together - #done.Errors, refused or done.Errors[1]
end

-- One pass over all versions. → how many were deleted, the first refusal
local function pass_over_versions(row, name)
  local count, refused, marks = 0, nil, { Bucket = name }
  repeat
    local page = try(row.client "s3_buckets":list_object_versions(marks))
    local deleted, refusal = delete_page(row, name, page)
    count, refused = count + deleted, refused or refusal
    marks.KeyMarker, marks.VersionIdMarker = page.NextKeyMarker, page.NextVersionIdMarker
  until not page.IsTruncated

  return count, refused
end

local function pass_over_uploads(row, name)
  local count, marks = 0, { Bucket = name }
  repeat
    local page = try(row.client "s3_buckets":list_multipart_uploads(marks))
    for _, upload in ipairs(page.Uploads) do
      try.except("NoSuchUpload", row.client "s3":abort_multipart_upload {
        Bucket = name,
        Key = upload.Key,
        UploadId = upload.UploadId,
      })
      count = count + 1
    end

    marks.KeyMarker, marks.UploadIdMarker = page.NextKeyMarker, page.NextUploadIdMarker
  until not page.IsTruncated

  return count
end

-- → how much was deleted
local function pass(row, name)
  local versions, refused = pass_over_versions(row, name)
  local uploads = pass_over_uploads(row, name)
  if versions + uploads == 0 and refused then
    try.fail(("S3 does not delete %s in the bucket %s: %s: %s; lift its lock or legal hold")
      :format(refused.Key, name, refused.Code, refused.Message or ""), refused.Code)
  end

  return versions + uploads
end

bucket.empty = try.catching(function(row, name, note)
  if not exists(row, name) then return true end

  local total = 0
  for _ = 1, MOST_PASSES do
    local count = try.except("NoSuchBucket", try.call(pass, row, name))
    if not count then return true end
    if count == 0 then
      note(("emptied the bucket %s: %d versions, markers and uploads"):format(name, total))
      return true
    end

    total = total + count
  end

  try.fail(("the bucket %s fills as fast as it is emptied; stop what writes to it, then run the "
    .. "same command again"):format(name), "BucketFills")
end)

return bucket
