/* The SHA-256 compression function on x86's SHA extensions, chosen at run time. On other
 * processors it is never available (ARM's extensions are used inside mbedTLS).
 * Memory: none. Called by sha256.c. */
#ifndef WEIR_CORE_SYSTEM_SHA256_X86_H
#define WEIR_CORE_SYSTEM_SHA256_X86_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool sha256_x86_available(void);

/* Mixes `count` blocks of 64 bytes into the state. */
void sha256_x86_blocks(uint32_t state[8], const uint8_t *blocks, size_t count);

#endif
