// s3rver answers a PUT when it has read the bytes, not when they are in the file: who reads at once
// may get the old size with the new bytes. Here the file is whole before the answer.
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

async function bytesOf(content) {
  if (Buffer.isBuffer(content)) return content;
  const chunks = [];
  await new Promise((resolve, reject) => content.on("data", (chunk) => chunks.push(Buffer.from(chunk)))
    .on("end", resolve).on("error", reject));
  return Buffer.concat(chunks);
}

async function write(path, bytes) {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  return { size: bytes.length, md5: createHash("md5").update(bytes).digest("hex") };
}

// Returns the server.
export function writeWhole(s3rver) {
  const { store } = s3rver;
  store.putObject = async ({ bucket, key, content, metadata }) => {
    const written = await write(store.getResourcePath(bucket, key, "object"), await bytesOf(content));
    await store.putMetadata(bucket, key, metadata, written.md5);
    return written;
  };
  store.putPart = async (bucket, uploadId, partNumber, content) => {
    const path = join(store.getResourcePath(bucket, undefined, "uploads"), uploadId, String(partNumber));
    const written = await write(path, await bytesOf(content));
    await writeFile(`${path}.md5`, written.md5);
    return written;
  };
  return s3rver;
}
