-- Rekognition: labels of an image: bytes in base64, or an object in S3.
local client = require "weir.aws.client"

return client.service {
  name = "rekognition",
  id = "REKOGNITION",
  host = "rekognition",
  signing_name = "rekognition",
  protocol = "json",
  json_version = "1.1",
  target_prefix = "RekognitionService",
  operations = { DetectLabels = { members = "Image* MaxLabels MinConfidence Features Settings" } },
}
