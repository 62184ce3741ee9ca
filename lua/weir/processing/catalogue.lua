-- The pipeline of work `object`: a picture gets labels (Rekognition), a description (Bedrock), and
-- a judgement (the review policy); two documents come of it.
--
--   tags       { key, status, confidence, labels = [{ name, confidence }] }
--   metadata   { key, status, title, description, category, tags, written_by }
--
-- Both follow from the object's bytes and key alone. Codes: "EmptyObject", "UnsupportedImage",
-- "ImageTooLarge", which the same bytes will always have; and those of the services.
local json = require "weir.json"
local bytes = require "weir.bytes"
local describe = require("weir.processing.description").of
local process = require "weir.process"
local source_object = require "weir.processing.source_object"
local try = require "weir.try"

local catalogue = {}

-- Rekognition's own limits: an object in S3, and labels that are worth having.
local MAX_REFERENCED, MAX_LABELS = 15 * 1024 * 1024, 20

local STATUSES = { accept = "SUCCESS", manual_review = "MANUAL_REVIEW" }

local function is_image(head)
  return head:sub(1, 3) == "\xFF\xD8\xFF" or head:sub(1, 8) == "\x89PNG\r\n\x1A\n"
end

local function check(object)
  if object.size == 0 then
    try.fail(("%s is empty"):format(object.key), "EmptyObject")
  end

  if not is_image(object.head) then
    try.fail(("%s is neither JPEG nor PNG; let the mapping policy ignore such files")
      :format(object.key), "UnsupportedImage")
  end

  -- Rekognition reads buckets, no access points.
  local is_bucket = source_object.bucket_form(object.bucket) == "bucket"
  local limit = is_bucket and MAX_REFERENCED or source_object.MAX_BYTES
  if object.size > limit then
    try.fail(("%s has %d bytes, an image may have %d"):format(object.key, object.size, limit),
      "ImageTooLarge")
  end
end

local function image_of(object)
  if object.bytes then return { Bytes = bytes.base64(object.bytes) } end
  if object.unread then return { Bytes = "(the bytes of the object)" } end
  return { S3Object = { Bucket = object.bucket, Name = object.key } }
end

-- What the service calls an image of bytes that begin like one.
local REFUSALS = {
  InvalidImageFormatException = "UnsupportedImage",
  ImageTooLargeException = "ImageTooLarge",
}

local function is_label(label)
  return type(label) == "table" and type(label.Name) == "string" and label.Name ~= ""
    and type(label.Confidence) == "number"
end

-- The surest first, and of two as sure as each other by name.
local function sorted(labels)
  local list = json.array {}
  for _, label in ipairs(labels) do
    if is_label(label) then
      list[#list + 1] = { name = label.Name, confidence = label.Confidence }
    end
  end

  table.sort(list, function(a, b)
    if a.confidence ~= b.confidence then return a.confidence > b.confidence end
    return a.name < b.name
  end)

  return list
end

-- The service was given a reference: it may have read a newer object than the job is about.
local function check_unchanged(object, effects)
  if object.bytes or object.unread then return end
  local state, message, code = source_object.state(object, effects)
  if state == nil then try.fail(message, code) end
  if not state or state.etag ~= object.etag then
    try.fail(("%s changed while it was looked at"):format(object.key), "ObjectChanged")
  end
end

local function detect(object, effects)
  local answer, message, code = effects:read {
    service = "rekognition",
    operation = "DetectLabels",
    target = object.key,
    input = { Image = image_of(object), MaxLabels = MAX_LABELS },
  }

  if answer and type(answer.Labels) ~= "table" then
    try.fail("the answer of DetectLabels has no list of Labels", "MalformedResponse")
  end

  if answer then return sorted(answer.Labels) end
  if effects.dry and code == "Unknown" then return sorted {} end
  if code == "InvalidS3ObjectException" then check_unchanged(object, effects) end
  try.fail(message, REFUSALS[code] or code)
end

local function threshold_of(effects)
  local text = effects:setting("confidence_threshold", "")
  if text == "" then return nil end
  local number = not text:find "[xX]" and tonumber(text)
  if number and number >= 0 and number <= 100 then return number end
  try.fail(("the setting confidence_threshold is '%s', not a number from 0 to 100"):format(text),
    "InvalidSetting")
end

local function documents_of(object, labels, entry, status)
  local best = labels[1]
  local metadata = { key = object.key, status = status }
  for name, value in pairs(entry) do -- any order: copies one key at a time
    metadata[name] = value
  end

  return {
    tags = {
      key = object.key,
      status = status,
      confidence = best and best.confidence or json.null,
      labels = labels,
    },
    metadata = metadata,
  }
end

-- run(object, ask, effects) → { documents =, result =, decided_ms = }. Raises failures (weir.try).
function catalogue.run(object, ask, effects)
  if not object.unread then check(object) end
  local labels = detect(object, effects)
  check_unchanged(object, effects)

  local entry, why = try(describe(labels, effects))
  local decision = try(ask("review", {
    labels = labels,
    key = object.key,
    size = object.size,
    is_fallback = entry.written_by == "fallback",
    threshold = threshold_of(effects),
  }))

  local status = STATUSES[decision.action]
  effects:metric("ObjectsReviewed", 1, "Count", { Status = status })
  if why then effects:metric("DescriptionFallbacks", 1, "Count", { Reason = why }) end

  return {
    documents = documents_of(object, labels, entry, status),
    decided_ms = process.time(),
    result = {
      status = status,
      because = decision.because,
      labels = labels,
      max_confidence = labels[1] and labels[1].confidence or json.null,
      is_fallback = entry.written_by == "fallback",
      fallback_reason = why,
    },
  }
end

-- What the same bytes will always meet. The claim keeps it, so that it is not tried again.
catalogue.FINAL = { EmptyObject = true, UnsupportedImage = true, ImageTooLarge = true }

return catalogue
