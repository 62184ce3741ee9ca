/* Any bytes at all as a JSON text: the index says what the scanner says, and its masks are those
 * found byte by byte. The text is looked at as it is, and behind some white space, so that each
 * token comes to lie on the borders of words, batches and windows. The scanner accepts a text that
 * is not indexed only where it is deep, or a part of it long. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/json/index.h"

enum { LONG_PART = 400, DEEP = 60 };

static void check(bool holds) {
  if (!holds) abort();
}

static bool accepts(const char *text, size_t size) {
  json_scan scan;
  json_scan_begin(&scan, text, size);
  return json_scan_validate(&scan);
}

/* Of an object or array. */
static size_t first_byte(const char *text) {
  size_t at = 0;
  while (text[at] != '{' && text[at] != '[') at++;
  return at;
}

static bool marked(const uint64_t *mask, size_t at) {
  return mask[at / 64] >> at % 64 & 1;
}

/* Goes through an accepted text; *rare: it is one that need not be indexed. Masks are compared
 * where there is an index. */
static void walk(const json_index *index, const char *text, size_t size, bool *rare) {
  bool inside = false;
  size_t depth = 0, deepest = 0, part = 0, longest = 0;
  for (size_t i = first_byte(text); i < size; i++) {
    char byte = inside ? '\0' : text[i];
    bool open = byte == '{' || byte == '[', close = byte == '}' || byte == ']';
    if (index) {
      check(marked(index->colons, i) == (byte == ':'));
      check(marked(index->opens, i) == open && marked(index->closes, i) == close);
    }
    depth += open;
    depth -= close;
    if (depth > deepest) deepest = depth;
    part = open || close || byte == ':' || byte == ',' ? 0 : part + 1;
    if (part > longest) longest = part;
    if (inside && text[i] == '\\')
      i++, part++;
    else if (text[i] == '"')
      inside = !inside;
  }
  *rare = deepest > DEEP || longest > LONG_PART;
}

/* Whether a text is to be indexed at all: an object or an array. */
static bool is_container(const char *text, size_t size) {
  json_scan scan;
  json_type type;
  json_scan_begin(&scan, text, size);
  return json_scan_peek(&scan, &type) && (type == JSON_OBJECT || type == JSON_ARRAY);
}

static void compare(json_index *index, const char *text, size_t size) {
  bool accepted = accepts(text, size), indexed = json_index_text(index, text, size), rare = false;
  check(!indexed || accepted);
  if (accepted && is_container(text, size)) {
    walk(indexed ? index : NULL, text, size, &rare);
    check(indexed || rare);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static json_index index;
  if (!json_index_text(&index, "[1]", 3)) return 0; /* not on this processor */
  static const size_t spaces[] = {0, 1, 40, 63, 300, 450};
  for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++) {
    char *text = malloc(spaces[i] + size + 1);
    check(text != NULL);
    memset(text, ' ', spaces[i]);
    memcpy(text + spaces[i], data, size);
    char *exact = realloc(text, spaces[i] + size ? spaces[i] + size : 1);
    check(exact != NULL);
    compare(&index, exact, spaces[i] + size);
    free(exact);
  }
  return 0;
}
