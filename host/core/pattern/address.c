/* See address.h. */
#include "core/pattern/address.h"

#include <arpa/inet.h>
#include <string.h>

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool shaped_v4(const char *text, size_t size) {
  size_t dots = 0, digits = 0;
  for (size_t i = 0; i < size; i++) {
    if (is_digit(text[i])) {
      digits++;
    } else if (text[i] == '.' && digits > 0) {
      dots++;
      digits = 0;
    } else {
      return false;
    }
  }

  return dots == 3 && digits > 0;
}

static bool shaped_v6(const char *text, size_t size) {
  size_t colons = 0;
  for (size_t i = 0; i < size; i++) {
    if (text[i] == ':')
      colons++;
    else if (!is_hex(text[i]))
      return false;
  }

  return colons > 0;
}

/* True when the text has the shape of an address, valid or not. */
static bool has_address_shape(const char *text, size_t size) {
  return shaped_v4(text, size) || shaped_v6(text, size);
}

bool pattern_address_parse(const char *text, size_t size, pattern_address *address) {
  static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  char copy[INET6_ADDRSTRLEN];
  if (size == 0 || size >= sizeof copy || !(is_hex(text[0]) || text[0] == ':')) return false;
  memcpy(copy, text, size);
  copy[size] = '\0';
  memset(address->bytes, 0, sizeof address->bytes);
  if (shaped_v4(text, size)) {
    address->bytes[0] = 4;
    return inet_pton(AF_INET, copy, address->bytes + 1) == 1;
  }

  if (!shaped_v6(text, size)) return false;
  address->bytes[0] = 6;
  if (inet_pton(AF_INET6, copy, address->bytes + 1) != 1) return false;
  if (memcmp(address->bytes + 1, mapped, sizeof mapped) == 0) {
    address->bytes[0] = 4;
    memmove(address->bytes + 1, address->bytes + 13, 4);
    memset(address->bytes + 5, 0, 12);
  }

  return true;
}

/* A Java integer: an optional sign, then digits, within 32 bits. */
static bool parse_mask(const char *at, const char *end, long *mask) {
  bool negative = at < end && *at == '-';
  if (at < end && (*at == '-' || *at == '+')) at++;
  if (at == end) return false;
  long value = 0;
  for (; at < end; at++) {
    if (!is_digit(*at)) return false;
    value = value * 10 + (*at - '0');
    if (value > INT32_MAX) return false;
  }

  *mask = negative ? -value : value;
  return true;
}

static pattern_address top_of_block(pattern_address address, size_t bits, size_t mask) {
  for (size_t bit = mask; bit < bits; bit++)
    address.bytes[1 + bit / 8] |= (uint8_t)(0x80u >> bit % 8);
  return address;
}

static pattern_address bottom_of_block(pattern_address address, size_t bits, size_t mask) {
  for (size_t bit = mask; bit < bits; bit++)
    address.bytes[1 + bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
  return address;
}

const char *pattern_cidr_parse(const char *text, size_t size, pattern_address *low,
                               pattern_address *high, bool *quotes_address) {
  *quotes_address = false;
  const char *slash = memchr(text, '/', size), *end = text + size;
  if (!slash || slash + 1 == end || memchr(slash + 1, '/', (size_t)(end - slash - 1)))
    return "Malformed CIDR, one '/' required";
  long mask;
  if (!parse_mask(slash + 1, end, &mask)) return "Malformed CIDR, mask bits must be an integer";
  if (mask < 0) return "Malformed CIDR, mask bits must not be negative";
  size_t address_size = (size_t)(slash - text);
  if (!pattern_address_parse(text, address_size, low)) {
    *quotes_address = true;
    return has_address_shape(text, address_size) ? "Invalid IP address: "
                                                 : "Nonstandard IP address: ";
  }

  bool v4 = low->bytes[0] == 4;
  if (v4 && mask > 31) return "IPv4 mask bits must be < 32";
  if (!v4 && mask > 127) return "IPv6 mask bits must be < 128";
  size_t bits = v4 ? 32 : 128;
  *high = top_of_block(*low, bits, (size_t)mask);
  *low = bottom_of_block(*low, bits, (size_t)mask);
  return NULL;
}

/* The first 32 bits of an address, as a number. */
static uint32_t leading_word(const pattern_address *address) {
  const uint8_t *byte = address->bytes + 1;
  return (uint32_t)byte[0] << 24 | (uint32_t)byte[1] << 16 | (uint32_t)byte[2] << 8 | byte[3];
}

static pattern_address make_v4(uint32_t number) {
  return (pattern_address){{4, (uint8_t)(number >> 24), (uint8_t)(number >> 16),
                            (uint8_t)(number >> 8), (uint8_t)number}};
}

bool pattern_address_other_family(const pattern_address *low, const pattern_address *high,
                                  pattern_address *other_low, pattern_address *other_high) {
  if (low->bytes[0] == 4) {
    /* An IPv6 address is decided by its first 8 digits. */
    *other_low = *low;
    *other_high = top_of_block(*high, 128, 32);
    other_low->bytes[0] = other_high->bytes[0] = 6;

    return true;
  }

  /* An IPv4 address has 8 digits: it must lie strictly between, since equal ones do not tell. */
  uint32_t bottom = leading_word(low), top = leading_word(high);
  if (top - bottom < 2) return false;
  *other_low = make_v4(bottom + 1);
  *other_high = make_v4(top - 1);
  return true;
}
