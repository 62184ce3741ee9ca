/* See sigv4_key.h. */
#include "core/aws/sigv4_key.h"

#include <string.h>

void sigv4_key_hmac_ready(sigv4_hmac *hmac, const void *key, size_t size) {
  uint8_t block[SHA256_BLOCK] = {0}, pad[SHA256_BLOCK];
  if (size > SHA256_BLOCK) {
    sha256_context context;
    sha256_start(&context);
    sha256_update(&context, key, size);
    sha256_finish(&context, block);
  } else {
    memcpy(block, key, size);
  }

  for (int i = 0; i < SHA256_BLOCK; i++) pad[i] = block[i] ^ 0x36;
  sha256_start(&hmac->inner);
  sha256_update(&hmac->inner, pad, sizeof pad);
  for (int i = 0; i < SHA256_BLOCK; i++) pad[i] = block[i] ^ 0x5c;
  sha256_start(&hmac->outer);
  sha256_update(&hmac->outer, pad, sizeof pad);
  explicit_bzero(block, sizeof block);
  explicit_bzero(pad, sizeof pad);
}

void sigv4_key_hmac_digest(const sigv4_hmac *hmac, sigv4_text text, uint8_t out[SHA256_SIZE]) {
  sha256_context context = hmac->inner;
  sha256_update(&context, text.at, text.size);
  sha256_finish(&context, out);
  context = hmac->outer;
  sha256_update(&context, out, SHA256_SIZE);
  sha256_finish(&context, out);
}

/* One step of the derivation: HMAC(key, text). */
static void derive(uint8_t key[SHA256_SIZE], sigv4_text text) {
  sigv4_hmac hmac;
  sigv4_key_hmac_ready(&hmac, key, SHA256_SIZE);
  sigv4_key_hmac_digest(&hmac, text, key);
  explicit_bzero(&hmac, sizeof hmac);
}

/* key = H(H(H(H("AWS4" + secret, date), region), service), "aws4_request") */
static void derive_signing_key(sigv4_hmac *key, sigv4_text secret, sigv4_text date,
                               sigv4_text region, sigv4_text service) {
  uint8_t bytes[SHA256_SIZE], prefixed[256], *text = prefixed;
  size_t size = 4 + secret.size;
  if (size > sizeof prefixed) { /* HMAC replaces a key that is longer than a block by its hash */
    sha256_context context;
    sha256_start(&context);
    sha256_update(&context, "AWS4", 4);
    sha256_update(&context, secret.at, secret.size);
    sha256_finish(&context, prefixed);
    size = SHA256_SIZE;
  } else {
    memcpy(text, "AWS4", 4);
    memcpy(text + 4, secret.at, secret.size);
  }

  sigv4_hmac hmac;
  sigv4_key_hmac_ready(&hmac, text, size);
  sigv4_key_hmac_digest(&hmac, date, bytes);
  derive(bytes, region);
  derive(bytes, service);
  derive(bytes, (sigv4_text){"aws4_request", strlen("aws4_request")});
  sigv4_key_hmac_ready(key, bytes, sizeof bytes);
  explicit_bzero(bytes, sizeof bytes);
  explicit_bzero(prefixed, sizeof prefixed);
  explicit_bzero(&hmac, sizeof hmac);
}

/* Sizes go first, so that no two origins run together to the same bytes. */
static void digest_origin(const sigv4_text parts[4], uint8_t origin[SHA256_SIZE]) {
  sha256_context context;
  sha256_start(&context);
  for (int i = 0; i < 4; i++) {
    sha256_update(&context, &parts[i].size, sizeof parts[i].size);
    sha256_update(&context, parts[i].at, parts[i].size);
  }

  sha256_finish(&context, origin);
}

const sigv4_hmac *sigv4_key_derive(sigv4_keys *keys, sigv4_text secret, sigv4_text date,
                                   sigv4_text region, sigv4_text service) {
  uint8_t origin[SHA256_SIZE];
  digest_origin((const sigv4_text[]){secret, date, region, service}, origin);
  for (int i = 0; i < SIGV4_KEYS_KEPT; i++)
    if (keys->kept[i].used && memcmp(keys->kept[i].origin, origin, sizeof origin) == 0)
      return &keys->kept[i].key;
  unsigned slot = keys->next++ % SIGV4_KEYS_KEPT;
  derive_signing_key(&keys->kept[slot].key, secret, date, region, service);
  memcpy(keys->kept[slot].origin, origin, sizeof origin);
  keys->kept[slot].used = true;

  return &keys->kept[slot].key;
}
