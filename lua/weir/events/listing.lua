-- A bucket or access point, listed page by page in the order of its keys, at bounded memory.
--
--   for page in listing.pages(effects, source, after) do … end
--   listing.suffixes(text) → the list of suffixes that a setting gives, with commas or white space;
--       of a text with none in it, but not "", raises the failure "InvalidSuffix"
--   listing.has_suffix(key, list) → whether the key ends in one of the list, or the list is empty
--
-- source is { bucket =, prefix =, suffixes = list, leave_out = prefix?, role =?, page_size =? };
-- after is the key behind which to begin. A page is a list of { Key =, Size =, ETag =, LastModified
-- = }, without those of other suffixes and those below leave_out; it has `last`, the key to go on
-- behind, and `is_end` where no other follows.
--
-- A page may repeat keys of the one before it: they are left out. A page that goes further back is
-- the failure "ListingOutOfOrder": nobody could tell new objects from those that were seen.
local try = require "weir.try"

local listing = {}

function listing.suffixes(text)
  local list = {}
  for suffix in text:gmatch("[^,%s]+") do list[#list + 1] = suffix end
  if #list > 0 or text == "" then return list end

  try.fail(("suffix is %q, and there is no suffix in it; leave it out where all keys are wanted")
    :format(text), "InvalidSuffix")
end

local function ask(effects, source, after, token)
  local page, message, code = effects:read {
    service = "s3",
    operation = "ListObjectsV2",
    target = source.bucket,
    role = source.role,
    input = {
      Bucket = source.bucket,
      Prefix = source.prefix ~= "" and source.prefix or nil,
      StartAfter = not token and after or nil,
      ContinuationToken = token,
      MaxKeys = source.page_size,
    },
  }

  if page then return page end
  if effects.dry and code == "Unknown" then return { Contents = {} } end
  try.fail(message, code)
end

local function by_key(a, b) return a.Key < b.Key end

-- S3 gives pages in the order of their keys; servers that imitate S3 may order them by folder.
local function sort(objects)
  for i = 2, #objects do
    if objects[i].Key <= objects[i - 1].Key then return table.sort(objects, by_key) end
  end
end

function listing.has_suffix(key, suffixes)
  if #suffixes == 0 then return true end
  for _, suffix in ipairs(suffixes) do
    if key:sub(-#suffix) == suffix then return true end
  end

  return false
end

local function is_wanted(key, source)
  local mine = source.leave_out
  if mine and key:sub(1, #mine) == mine then return false end
  return key:sub(1, #source.prefix) == source.prefix and listing.has_suffix(key, source.suffixes)
end

local function refuse(key, last)
  try.fail(("the listing goes back: %q comes on a later page than %q"):format(key, last),
    "ListingOutOfOrder")
end

-- What of the page is new and wanted. `before`: the keys of the page before it.
local function take(objects, source, last, before)
  local page, keys = {}, {}
  for _, object in ipairs(objects) do
    local key = object.Key
    if last and key <= last then
      if key ~= last and not before[key] and not keys[key] then refuse(key, last) end
    else
      if is_wanted(key, source) then page[#page + 1] = object end
      last = key
    end

    keys[key] = true
  end

  page.last = last

  return page, keys
end

function listing.pages(effects, source, after)
  local token, done, last, before = nil, false, after, {}
  return function()
    if done then return nil end
    local answer = ask(effects, source, after, token)
    local next_token = answer.IsTruncated and answer.NextContinuationToken or nil
    if next_token and next_token == token then
      try.fail("the listing gives the same page again and again", "MalformedResponse")
    end

    token, done = next_token, next_token == nil

    sort(answer.Contents)
    local page
    page, before = take(answer.Contents, source, last, before)
    last, page.is_end = page.last, done

    return page
  end
end

return listing
