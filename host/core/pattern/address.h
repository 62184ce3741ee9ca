/* IP addresses in event patterns: text to 16 ordered bytes, and CIDR blocks to ranges.
 * Memory: none. */
#ifndef WEIR_CORE_PATTERN_ADDRESS_H
#define WEIR_CORE_PATTERN_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PATTERN_ADDRESS_SIZE = 17 };

/* Family (4 or 6), then the address, most significant byte first; IPv4 is followed by zeros.
 * So memcmp orders the addresses of a family, and the families never meet. */
typedef struct {
  uint8_t bytes[PATTERN_ADDRESS_SIZE];
} pattern_address;

/* Strict: four decimal octets without leading zeros (some readers take those for octal), or
 * IPv6 in hexadecimal groups. An IPv4-mapped IPv6 address is the IPv4 address. */
bool pattern_address_parse(const char *text, size_t size, pattern_address *address);

/* "10.0.0.7/24" to the lowest and the highest address of that network. Returns NULL, or the
 * rejection's text, which the address follows when `*quotes_address`. */
const char *pattern_cidr_parse(const char *text, size_t size, pattern_address *low,
                               pattern_address *high, bool *quotes_address);

/* The addresses of the other family that a range accepts too. EventBridge compares addresses by
 * their hexadecimal digits, 8 or 32 of them, and decides at the first digit that tells: so
 * 0.0.0.0/0 accepts every IPv6 address, and ::/0 every IPv4 address but the two whose digits never
 * tell. False when there are none. */
bool pattern_address_other_family(const pattern_address *low, const pattern_address *high,
                                  pattern_address *other_low, pattern_address *other_high);

#endif
