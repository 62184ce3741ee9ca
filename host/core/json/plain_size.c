/* See plain_size.h. */
#include "core/json/plain_size.h"

#include "core/json/block.h"

/* Moves `at` behind the closing quote of the text that it is in, and counts its bytes. */
static size_t text_size(const char **at, const char *end) {
  json_span text = {.at = *at, .type = JSON_STRING};
  const char *c = json_plain_end(*at, end);
  while (c < end && *c != '"') {
    if (*c == '\\') {
      text.escaped = true;
      c += 2;
    } else { /* a byte that is not ASCII, and seldom alone */
      c++;
      while (c < end && (unsigned char)*c >= 0x80) c++;
    }

    c = json_plain_end(c, end);
  }

  text.size = (size_t)(c - text.at);
  *at = c + 1;

  return text.escaped ? json_unescaped_size(text) : text.size;
}

size_t json_plain_size(json_span value) {
  if (value.type == JSON_STRING) return json_unescaped_size(value) + 2;
  size_t size = 0;
  const char *at = value.at, *end = at + value.size;
  while (at < end) {
    char c = *at++;
    if (c == '"')
      size += text_size(&at, end) + 2;
    else if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
      size++;
  }

  return size;
}
