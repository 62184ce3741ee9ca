/* Strings, numbers and words of JSON text, checked byte by byte where vectors do not help.
 * See token.h. */
#include "core/json/token.h"

#include <string.h>

#include "core/json/block.h"
#include "core/text/utf8.h"

const char *json_refuse(json_scan *scan, const char *at, const char *error) {
  if (!scan->error) {
    scan->at = at;
    scan->error = error;
  }

  return NULL;
}

const char *json_refuse_value(json_scan *scan, const char *at) {
  if (at == scan->end)
    return json_refuse(scan, at,
                       at == scan->begin ? "the text is empty"
                                         : "the text ends where a value is expected");
  switch (*at) {
  case ']':
  case '}': return json_refuse(scan, at, "a value is expected before the closing bracket");
  case '\'': return json_refuse(scan, at, "strings are written in double quotes");
  case '+': return json_refuse(scan, at, "a number cannot start with '+'");
  case '.': return json_refuse(scan, at, "a number cannot start with '.'");
  case '\xEF':
    if (at == scan->begin && scan->end - at >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0)
      return json_refuse(scan, at, "the text starts with a byte order mark; remove it");
    break;
  default: break;
  }

  return json_refuse(scan, at, "a value is expected");
}

/* The value of four hexadecimal digits; -1 when they are not. */
static int32_t read_hex4(const char *at, const char *end) {
  if (end - at < 4) return -1;
  int32_t value = 0;
  for (int i = 0; i < 4; i++) {
    char byte = at[i], lower = (char)(byte | 0x20);
    if (json_is_digit(byte))
      value = value << 4 | (byte - '0');
    else if (lower >= 'a' && lower <= 'f')
      value = value << 4 | (lower - 'a' + 10);
    else
      return -1;
  }

  return value;
}

/* \uXXXX at `at`, and the low half that must follow a high one. */
static const char *read_unicode_escape(json_scan *scan, const char *at) {
  int32_t unit = read_hex4(at + 2, scan->end);
  if (unit < 0) return json_refuse(scan, at, "\\u needs four hexadecimal digits");
  if (unit < 0xD800 || unit > 0xDFFF) return at + 6;
  if (unit >= 0xDC00) return json_refuse(scan, at, "lone surrogate in a string");
  if (scan->end - at < 8 || at[6] != '\\' || at[7] != 'u')
    return json_refuse(scan, at, "lone surrogate in a string");
  int32_t low = read_hex4(at + 8, scan->end);
  if (low < 0xDC00 || low > 0xDFFF) return json_refuse(scan, at, "lone surrogate in a string");

  return at + 12;
}

const char *json_read_escape(json_scan *scan, const char *at) {
  if (scan->end - at < 2) return json_refuse(scan, scan->end, "the text ends inside a string");
  switch (at[1]) {
  case '"':
  case '\\':
  case '/':
  case 'b':
  case 'f':
  case 'n':
  case 'r':
  case 't': return at + 2;
  case 'u': return read_unicode_escape(scan, at);
  default: return json_refuse(scan, at, "unknown escape in a string");
  }
}

const char *json_read_any_string(json_scan *scan, const char *at, bool *escaped) {
  const char *end = scan->end;
  *escaped = false;
  for (at++;;) {
    at = json_plain_end(at, end);
    if (at == end) return json_refuse(scan, at, "the text ends inside a string");
    if (*at == '"') return at + 1;
    if (*at == '\\') {
      *escaped = true;
      at = json_read_escape(scan, at);
      if (!at) return NULL;
    } else if ((unsigned char)*at < 0x20) {
      return json_refuse(scan, at, "a control character must be escaped");
    } else {
      do {
        size_t length = utf8_length(at, end);
        if (length == 0) return json_refuse(scan, at, "not valid UTF-8");
        at += length;
      } while (at < end && (unsigned char)*at >= 0x80);
    }
  }
}

/* At least one digit, then as many as there are. */
static const char *read_digits(json_scan *scan, const char *at, const char *error) {
  const char *first = at;
  while (at < scan->end && json_is_digit(*at)) at++;
  if (at > first) return at;
  return json_refuse(scan, at, at == scan->end ? "the text ends inside a number" : error);
}

const char *json_read_any_number(json_scan *scan, const char *at) {
  const char *end = scan->end;
  if (*at == '-')
    at++;
  else if (!json_is_digit(*at))
    return json_refuse_value(scan, at);
  if (at < end && *at == '0') {
    at++;
    if (at < end && json_is_digit(*at))
      return json_refuse(scan, at - 1, "a number cannot start with 0");
  } else {
    at = read_digits(scan, at, "a digit must follow '-'");
    if (!at) return NULL;
  }

  if (at < end && *at == '.') {
    at = read_digits(scan, at + 1, "a digit must follow the decimal point");
    if (!at) return NULL;
  }

  if (at < end && (*at | 0x20) == 'e') {
    at++;
    if (at < end && (*at == '+' || *at == '-')) at++;
    at = read_digits(scan, at, "a digit must follow the exponent's 'e'");
  }

  return at;
}

const char *json_read_word(json_scan *scan, const char *at, json_type *type) {
  static const struct {
    const char *text;
    size_t size;
    json_type type;
  } words[] = {{"null", 4, JSON_NULL}, {"true", 4, JSON_TRUE}, {"false", 5, JSON_FALSE}};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    if ((size_t)(scan->end - at) < words[i].size) continue;
    if (memcmp(at, words[i].text, words[i].size) != 0) continue;
    *type = words[i].type;
    return at + words[i].size;
  }

  return json_refuse(scan, at, "unknown word (the words are null, true and false)");
}

const char *json_refuse_key(json_scan *scan, const char *at) {
  if (at == scan->end) return json_refuse(scan, at, "the text ends inside an object");
  return json_refuse(scan, at, "a member's name in double quotes is expected");
}

const char *json_refuse_colon(json_scan *scan, const char *at) {
  if (at == scan->end) return json_refuse(scan, at, "the text ends inside an object");
  return json_refuse(scan, at, "':' is expected after a member's name");
}

const char *json_refuse_separator(json_scan *scan, const char *at, char closer) {
  bool object = closer == '}';
  if (at == scan->end)
    return json_refuse(scan, at,
                       object ? "the text ends inside an object" : "the text ends inside an array");
  return json_refuse(scan, at, object ? "',' or '}' is expected" : "',' or ']' is expected");
}
