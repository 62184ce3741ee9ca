/* See base64.h. */
#include "core/text/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(text_buffer *out, const void *bytes, size_t size) {
  const unsigned char *in = bytes;
  if (size == 0) return;
  if (size > SIZE_MAX / 2 || !text_buffer_reserve(out, (size + 2) / 3 * 4)) {
    out->failed = true;
    return;
  }

  char *at = out->data + out->size;
  for (; size >= 3; size -= 3, in += 3, at += 4) {
    at[0] = alphabet[in[0] >> 2];
    at[1] = alphabet[(in[0] & 3) << 4 | in[1] >> 4];
    at[2] = alphabet[(in[1] & 15) << 2 | in[2] >> 6];
    at[3] = alphabet[in[2] & 63];
  }

  if (size > 0) {
    unsigned second = size == 2 ? in[1] : 0;
    at[0] = alphabet[in[0] >> 2];
    at[1] = alphabet[(in[0] & 3) << 4 | second >> 4];
    at[2] = size == 2 ? alphabet[(second & 15) << 2] : '=';
    at[3] = '=';
    at += 4;
  }

  out->size = (size_t)(at - out->data);
}

static int digit_value(char digit) {
  if (digit >= 'A' && digit <= 'Z') return digit - 'A';
  if (digit >= 'a' && digit <= 'z') return digit - 'a' + 26;
  if (digit >= '0' && digit <= '9') return digit - '0' + 52;
  return digit == '+' ? 62 : digit == '/' ? 63 : -1;
}

bool base64_decode(const char *text, size_t size, char *out, size_t *out_size) {
  *out_size = 0;
  if (size % 4 != 0) return false;
  size_t padding = 0;
  while (padding < 2 && padding < size && text[size - 1 - padding] == '=') padding++;
  unsigned bits = 0;
  size_t digits = size - padding;
  for (size_t i = 0; i < digits; i++) {
    int value = digit_value(text[i]);
    if (value < 0) return false;
    bits = (bits << 6 | (unsigned)value) & 0xffffff;
    /* Each digit after the first of four completes one byte. */
    if (i % 4 > 0) out[(*out_size)++] = (char)(bits >> (6 - 2 * (i % 4)));
  }

  /* Bits beyond the last whole byte must be zero, or two texts would mean the same bytes. */
  return padding == 0 || (bits & (padding == 1 ? 3u : 15u)) == 0;
}
