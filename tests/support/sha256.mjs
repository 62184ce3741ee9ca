// SHA-256, or its HMAC with a key, as @smithy/signature-v4 wants it: `new SignatureV4({ sha256: Sha256, … })`.
import { createHash, createHmac } from "node:crypto";

export class Sha256 {
  constructor(key) {
    this.hash = key ? createHmac("sha256", key) : createHash("sha256");
  }
  update(bytes) {
    this.hash.update(bytes);
  }
  async digest() {
    return this.hash.digest();
  }
}
