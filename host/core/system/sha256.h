/* SHA-256 of bytes: mbedTLS, or the processor's SHA extensions where x86 has them (hashing is
 * the cost of signing a request and of replay digests).
 * Memory: the context is the caller's and holds no resources; copying one by assignment
 * continues the hash from the same point, which is how HMAC pads are kept ready.
 * A finished context must be started again. */
#ifndef WEIR_CORE_SYSTEM_SHA256_H
#define WEIR_CORE_SYSTEM_SHA256_H

#include <mbedtls/sha256.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHA256_SIZE = 32, SHA256_BLOCK = 64, SHA256_HEX = 65 /* with the NUL */ };

typedef struct {
  bool accelerated;
  union {
    mbedtls_sha256_context portable;
    struct {
      uint32_t state[8];
      uint64_t size; /* bytes hashed so far; the last size % SHA256_BLOCK wait in pending */
      uint8_t pending[SHA256_BLOCK];
    } x86;
  };
} sha256_context;

void sha256_start(sha256_context *context);
void sha256_update(sha256_context *context, const void *bytes, size_t size);
void sha256_finish(sha256_context *context, uint8_t out[SHA256_SIZE]);

/* Lower-case hexadecimal, ending in NUL. */
void sha256_hex(const uint8_t digest[SHA256_SIZE], char hex[SHA256_HEX]);

/* The hexadecimal digest of some bytes in one call. */
void sha256_text(const void *bytes, size_t size, char hex[SHA256_HEX]);

/* For tests: keeps new contexts on mbedTLS, so that the two paths can be compared. */
void sha256_use_portable(bool portable);

#endif
