// Models that see and write: every answer follows from the bytes alone.
//
// A picture is a PNG's or JPEG's first bytes and anything after them. What Rekognition sees in it follows from its
// SHA-256; a picture that contains "blank" shows nothing. A model describes the labels it is told of. By its id it
// fails ("…slow…", "…broken…", "…busy…"), writes prose ("…prose…"), or is hostile ("…hostile…").
import { createHash } from "node:crypto";
import { ServiceError } from "./aws_workflows.mjs";

const WORDS = ["Apple", "Bicycle", "Cup", "Document", "Engine", "Flower", "Guitar", "House", "Island", "Jacket", "Kettle",
  "Lamp", "Mirror", "Notebook", "Orange", "Person"];

const EMPTY_PICTURE = [{ Name: "Document", Confidence: 99.1 }, { Name: "Text", Confidence: 98.7 }];

function labelsOf(bytes) {
  if (bytes.length === 8) return EMPTY_PICTURE;
  if (bytes.includes("blank")) return [];
  const digest = createHash("sha256").update(bytes).digest();
  const seen = new Map();
  for (let i = 0; i < 4; i++) seen.set(WORDS[digest[i] % WORDS.length], 40 + digest.readUInt16BE(4 + 2 * i) / 65536 * 60);
  return [...seen].map(([Name, Confidence]) => ({ Name, Confidence })).sort((a, b) => b.Confidence - a.Confidence);
}

function isPicture(bytes) {
  return bytes.subarray(0, 8).equals(Buffer.from("\x89PNG\r\n\x1a\n", "latin1"))
    || bytes.subarray(0, 3).equals(Buffer.from("\xff\xd8\xff", "latin1"));
}

function detect({ Image, MaxLabels = 1000 }) {
  if (Image.Bytes === undefined && !Image.S3Object) throw new ServiceError("InvalidParameterException", "no image");
  if (Image.S3Object && /^arn:|-s3alias$/.test(Image.S3Object.Bucket))
    throw new ServiceError("InvalidS3ObjectException", "Unable to get object metadata from S3");
  const bytes = Image.Bytes === undefined ? Buffer.from(Image.S3Object.Name) : Buffer.from(Image.Bytes, "base64");
  if (bytes.length > 5 * 1024 * 1024) throw new ServiceError("ImageTooLargeException", "the image is too large");
  if (Image.Bytes !== undefined && !isPicture(bytes))
    throw new ServiceError("InvalidImageFormatException", "Request has invalid image format");
  return { Labels: labelsOf(bytes).slice(0, MaxLabels), LabelModelVersion: "3.0" };
}

const FAILURES = {
  slow: ["ModelTimeoutException", "too slow", 408],
  broken: ["ModelErrorException", "the model failed", 424],
  busy: ["ServiceUnavailableException", "try later", 503],
  forbidden: ["AccessDeniedException", "You don't have access to the model with the specified model ID.", 403],
};

const HOSTILE = JSON.stringify({ title: "\u0007<script>alert(1)</script>" + "x".repeat(500), description: "a\u0000b\nc",
  category: "C", tags: ["t", "t", 5, { a: 1 }, "y".repeat(100)], status: "SUCCESS", key: "another/key.jpg" });

function describe(modelId, text) {
  for (const [word, failure] of Object.entries(FAILURES)) if (modelId.includes(word)) throw new ServiceError(...failure);
  if (modelId.includes("prose")) return "Here is a nice picture of something.";
  if (modelId.includes("hostile")) return HOSTILE;
  const { labels } = JSON.parse(text.slice(text.indexOf('{"labels"')));
  const [first = "Nothing"] = labels;
  return "```json\n" + JSON.stringify({ title: `${first} on a shelf`, description: `It shows ${labels.join(" and ")}.`,
    category: first, tags: labels }) + "\n```";
}

const json = (body) => ({ headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

// The families of models, told from the bodies they take.
function invoke({ modelId, body }) {
  const input = JSON.parse(body);
  if (input.inputText) return json({ results: [{ outputText: describe(modelId, input.inputText) }] });
  if (input.prompt) return json({ generation: describe(modelId, input.prompt) });
  const text = input.messages?.[0]?.content[0].text;
  if (!text) {
    if (modelId.includes("slow")) describe(modelId, "");
    return json({ model: modelId, echo: input });
  }
  if (input.anthropic_version) return json({ content: [{ type: "text", text: describe(modelId, text) }] });
  return json({ output: { message: { content: [{ text: describe(modelId, text) }] } } });
}

let parameters = {};
export function resetVision() {
  parameters = {};
}

export const visionAnswers = {
  "rekognition.DetectLabels": detect,
  "bedrock_runtime.InvokeModel": invoke,
  "bedrock_runtime.Converse": ({ modelId, messages }) => ({
    output: { message: { role: "assistant", content: [{ text: describe(modelId, messages[0].content[0].text) }] } },
    stopReason: "end_turn", usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 }, metrics: { latencyMs: 1 } }),
  "ssm.PutParameter": ({ Name, Value, Overwrite }) => {
    if (Name in parameters && !Overwrite) throw new ServiceError("ParameterAlreadyExists", "The parameter already exists.");
    parameters[Name] = Value;
    return { Version: 1, Tier: "Standard" };
  },
  "ssm.GetParameter": ({ Name, WithDecryption }) => {
    if (Name === "/missing") throw new ServiceError("ParameterNotFound", "");
    const secure = /secure/.test(Name);
    return { Parameter: { Name, Type: secure ? "SecureString" : "String", Version: 3, DataType: "text",
      Value: secure && !WithDecryption ? "AQECciphertext" : parameters[Name] ?? "the value" } };
  },
};

export const visionControls = {
  "POST /__test/parameters": (values) => void Object.assign(parameters, values),
};
