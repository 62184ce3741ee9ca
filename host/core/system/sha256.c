/* See sha256.h. */
#include "core/system/sha256.h"

#include <mbedtls/version.h>
#include <stdlib.h>
#include <string.h>

#include "core/system/sha256_x86.h"

#if MBEDTLS_VERSION_MAJOR < 3
#define mbedtls_sha256_starts mbedtls_sha256_starts_ret
#define mbedtls_sha256_update mbedtls_sha256_update_ret
#define mbedtls_sha256_finish mbedtls_sha256_finish_ret
#endif

static bool portable_only;

void sha256_use_portable(bool portable) {
  portable_only = portable;
}

/* mbedTLS can only fail here when its hash engine is broken. A digest that is silently wrong
 * would sign or compare the wrong thing, so there is nothing sensible left to do. */
static void must_succeed(int status) {
  if (status != 0) abort();
}

void sha256_start(sha256_context *context) {
  static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  context->accelerated = sha256_x86_available() && !portable_only;
  if (context->accelerated) {
    memcpy(context->x86.state, initial, sizeof initial);
    context->x86.size = 0;
  } else {
    mbedtls_sha256_init(&context->portable);
    must_succeed(mbedtls_sha256_starts(&context->portable, 0));
  }
}

static void update_x86(sha256_context *context, const uint8_t *bytes, size_t size) {
  size_t waiting = context->x86.size % SHA256_BLOCK;
  context->x86.size += size;
  if (waiting > 0) {
    size_t fill = SHA256_BLOCK - waiting;
    if (fill > size) fill = size;
    memcpy(context->x86.pending + waiting, bytes, fill);
    bytes += fill;
    size -= fill;
    if (waiting + fill < SHA256_BLOCK) return;
    sha256_x86_blocks(context->x86.state, context->x86.pending, 1);
  }

  sha256_x86_blocks(context->x86.state, bytes, size / SHA256_BLOCK);
  memcpy(context->x86.pending, bytes + size - size % SHA256_BLOCK, size % SHA256_BLOCK);
}

void sha256_update(sha256_context *context, const void *bytes, size_t size) {
  if (size == 0) return;
  if (context->accelerated)
    update_x86(context, bytes, size);
  else
    must_succeed(mbedtls_sha256_update(&context->portable, bytes, size));
}

static void store_big_endian(uint8_t *out, uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; i--, value >>= 8) out[i] = (uint8_t)value;
}

/* The padding of FIPS 180-4: a one bit, zeros, and the length in bits as 64 bits. */
static void finish_x86(sha256_context *context, uint8_t out[SHA256_SIZE]) {
  uint8_t *pending = context->x86.pending;
  size_t waiting = context->x86.size % SHA256_BLOCK;
  pending[waiting++] = 0x80;
  if (waiting > SHA256_BLOCK - 8) {
    memset(pending + waiting, 0, SHA256_BLOCK - waiting);
    sha256_x86_blocks(context->x86.state, pending, 1);
    waiting = 0;
  }

  memset(pending + waiting, 0, SHA256_BLOCK - 8 - waiting);
  store_big_endian(pending + SHA256_BLOCK - 8, context->x86.size * 8, 8);
  sha256_x86_blocks(context->x86.state, pending, 1);
  for (int i = 0; i < 8; i++) store_big_endian(out + 4 * i, context->x86.state[i], 4);
}

void sha256_finish(sha256_context *context, uint8_t out[SHA256_SIZE]) {
  if (context->accelerated) {
    finish_x86(context, out);
  } else {
    must_succeed(mbedtls_sha256_finish(&context->portable, out));
    mbedtls_sha256_free(&context->portable);
  }
}

void sha256_hex(const uint8_t digest[SHA256_SIZE], char hex[SHA256_HEX]) {
  static const char digits[] = "0123456789abcdef";
  for (int i = 0; i < SHA256_SIZE; i++) {
    hex[2 * i] = digits[digest[i] >> 4];
    hex[2 * i + 1] = digits[digest[i] & 15];
  }

  hex[2 * SHA256_SIZE] = 0;
}

void sha256_text(const void *bytes, size_t size, char hex[SHA256_HEX]) {
  sha256_context context;
  uint8_t digest[SHA256_SIZE];
  sha256_start(&context);
  sha256_update(&context, bytes, size);
  sha256_finish(&context, digest);
  sha256_hex(digest, hex);
}
