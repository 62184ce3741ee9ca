-- Rekognition: labels of an image, given as bytes or as an object in S3.
local client = require "weir.aws.client"
local bytes = require "weir.bytes"

local rekognition = client.service {
  name = "rekognition",
  id = "REKOGNITION",
  host = "rekognition",
  signing_name = "rekognition",
  protocol = "json",
  json_version = "1.1",
  target_prefix = "RekognitionService",
  operations = { DetectLabels = { members = "Image* MaxLabels MinConfidence Features Settings" }, },
}

-- The wire wants base64: `Image = rekognition.image(content)`.
function rekognition.image(content)
  return { Bytes = bytes.base64(content) }
end

return rekognition
