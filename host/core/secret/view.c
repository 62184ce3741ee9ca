/* The bytes that a text means, without its escapes. See impl.h. */
#include "core/secret/impl.h"

#include <stdlib.h>
#include <string.h>

static int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* `digits` hexadecimal digits at `at` as a byte; -1 when one of them is not a digit, or when they
 * do not name an ASCII character. */
static int escaped_byte(const char *at, const char *end, int digits) {
  int value = 0;
  if (end - at < digits) return -1;
  for (int i = 0; i < digits; i++) {
    int digit = hex(at[i]);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }

  return value < 128 ? value : -1;
}

/* %2F, and %252F and so on: percent signs are escaped when an escaped text is escaped again. */
static int percent(const char **at, const char *end) {
  const char *digits = *at + 1;
  while (end - digits >= 4 && digits[0] == '2' && digits[1] == '5') digits += 2;
  int byte = escaped_byte(digits, end, 2);
  if (byte >= 0) {
    *at = digits + 2;
  } else if (digits > *at + 1) { /* %25 alone: the sign itself */
    byte = '%';
    *at = digits;
  }

  return byte;
}

/* &#47; and &#x2F; */
static int reference(const char **at, const char *end) {
  const char *c = *at + 1;
  int value = 0, base = 10;
  if (c == end || *c++ != '#') return -1;
  if (c < end && (*c == 'x' || *c == 'X')) base = 16, c++;
  for (; c < end && value < 128; c++) {
    int digit = hex(*c);
    if (digit < 0 || digit >= base) break;
    value = value * base + digit;
  }

  if (c == end || *c != ';' || value == 0 || value > 127) return -1;
  *at = c + 1;
  return value;
}

/* The byte meant at *at, which moves past it; -1 for a backslash, which only says that an escape
 * comes: however often a text was escaped again, its backslashes go away. */
static int next_byte(const char **at, const char *end) {
  const char *c = *at;
  int byte = -1;
  if (*c == '%') {
    byte = percent(at, end);
  } else if (*c == '&') {
    byte = reference(at, end);
  } else if (*c == '\\') {
    byte = end - c > 1 && c[1] == 'u' ? escaped_byte(c + 2, end, 4) : -1;
    *at = c + (byte >= 0 ? 6 : 1);
    return byte;
  }

  if (byte >= 0) return byte;
  *at = c + 1;
  return (unsigned char)*c;
}

void secret_view_free(secret_view *v) {
  if (v->bytes) explicit_bzero(v->bytes, v->size);
  if (v->plain) explicit_bzero(v->plain, v->size);
  free(v->bytes);
  free(v->plain);
  free(v->from);
  free(v->end);
  *v = (secret_view){0};
}

static bool is_base64(int byte) {
  return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
         (byte >= '0' && byte <= '9') || byte == '+' || byte == '/' || byte == '=';
}

/* Base64 is broken into lines of 64 or 76 digits: the break between two of them is not there. It
 * may be escaped, as in JSON. */
static bool is_line_break(int byte, bool escaped, size_t run) {
  bool breaks = byte == '\n' || byte == '\r' || (escaped && (byte == 'n' || byte == 'r'));
  return breaks && run >= SECRET_LEAST_LINE;
}

bool secret_view_make(secret_view *v, const char *text, size_t size) {
  *v = (secret_view){.bytes = malloc(size + 1),
                     .plain = malloc(size + 1),
                     .from = malloc((size + 1) * sizeof *v->from),
                     .end = malloc((size + 1) * sizeof *v->end)};
  if (!v->bytes || !v->plain || !v->from || !v->end) return false;

  bool escaped = false;
  size_t run = 0;
  for (const char *at = text, *end = text + size; at < end;) {
    size_t from = (size_t)(at - text);
    int byte = next_byte(&at, end);
    bool skip = byte < 0 || is_line_break(byte, escaped, run);
    escaped = byte < 0;
    if (skip) continue;
    v->plain[v->size] = (char)byte;
    if (byte == '-') byte = '+';
    if (byte == '_') byte = '/';
    run = is_base64(byte) ? run + 1 : 0;
    v->bytes[v->size] = (char)byte;
    v->from[v->size] = from;
    v->end[v->size++] = (size_t)(at - text);
  }

  return true;
}
