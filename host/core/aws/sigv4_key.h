/* Signing keys of Signature Version 4, and HMAC-SHA256 with its pads made ready.
 *
 * A signing key is the same for a day, so the last few are kept, and not as bytes but as the two
 * hash states that HMAC starts from: a signature then costs one hash of the string to sign.
 * A kept key is found by a digest of what it was derived from; the secret itself is not kept.
 * Memory: values only; wipe with explicit_bzero. */
#ifndef WEIR_CORE_AWS_SIGV4_KEY_H
#define WEIR_CORE_AWS_SIGV4_KEY_H

#include "core/aws/sigv4_text.h"
#include "core/system/sha256.h"

enum { SIGV4_KEYS_KEPT = 8 };

typedef struct {
  sha256_context inner, outer;
} sigv4_hmac;

void sigv4_key_hmac_ready(sigv4_hmac *hmac, const void *key, size_t size);
void sigv4_key_hmac_digest(const sigv4_hmac *hmac, sigv4_text text, uint8_t out[SHA256_SIZE]);

typedef struct {
  struct {
    uint8_t origin[SHA256_SIZE];
    sigv4_hmac key;
    bool used;
  } kept[SIGV4_KEYS_KEPT];
  unsigned next; /* the slot to replace */
} sigv4_keys;

/* The key for a date (YYYYMMDD), region and service; valid until the next call. */
const sigv4_hmac *sigv4_key_derive(sigv4_keys *keys, sigv4_text secret, sigv4_text date,
                                   sigv4_text region, sigv4_text service);

#endif
