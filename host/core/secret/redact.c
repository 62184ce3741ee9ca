/* See redact.h. */
#include "core/secret/redact.h"

#include <stdlib.h>
#include <string.h>

#include "core/secret/impl.h"

enum { LONG_RUN = 256, LEAST_IN_BASE64 = 8 };

/* How Step Functions' task tokens begin, as it is and in base64 after 0, 1 and 2 other bytes. */
static const char *const starts[] = {"AAAAKgAAAA", "QUFBQUtnQUFBQ", "FBQUFLZ0FBQU",
                                     "BQUFBS2dBQUFB"};

static const char IN_BASE64[] = "QUF"; /* is in each of those but the first */

enum { STARTS = sizeof starts / sizeof *starts, SHORTEST_START = 10 };

static bool is_digit(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '=';
}

static bool is_standard(char c) {
  return is_digit(c) || c == '+' || c == '/';
}
static bool is_for_urls(char c) {
  return is_digit(c) || c == '-' || c == '_';
}

static void mark_range(char *marks, const secret_view *text, size_t first, size_t last) {
  memset(marks + text->from[first], 1, text->end[last] - text->from[first]);
}

static bool mark_long_runs(char *marks, const secret_view *text, bool (*is_member)(char)) {
  bool any = false;
  for (size_t i = 0; i < text->size;) {
    size_t first = i;
    while (i < text->size && is_member(text->plain[i])) i++;
    if (i - first >= LONG_RUN) {
      mark_range(marks, text, first, i - 1);
      any = true;
    }

    if (i == first) i++;
  }

  return any;
}

/* Marks every occurrence of the needle; with `whole_run` all of the base64 around it, too. */
static bool mark_needle(char *marks, const secret_view *text, const char *needle, size_t size,
                        bool whole_run) {
  bool any = false;
  const char *end = text->bytes + text->size;
  for (const char *at = text->bytes; size > 0; at++) {
    at = memmem(at, (size_t)(end - at), needle, size);
    if (!at) break;
    size_t first = (size_t)(at - text->bytes), last = first + size - 1;
    while (whole_run && first > 0 && is_standard(text->bytes[first - 1])) first--;
    while (whole_run && last + 1 < text->size && is_standard(text->bytes[last + 1])) last++;
    mark_range(marks, text, first, last);
    any = true;
    at = text->bytes + last;
  }

  return any;
}

static bool is_plain(secret_value needle) {
  for (size_t i = 0; i < needle.size; i++)
    if (strchr("\\%&-_\r\n", needle.bytes[i])) return false; /* a NUL is found, too */
  return true;
}

static bool mark_as_written(char *marks, const secret_view *text, secret_value needle, bool *any) {
  if (is_plain(needle)) {
    if (mark_needle(marks, text, needle.bytes, needle.size, false)) *any = true;
    return true;
  }

  secret_view meant = {0};
  bool ok = secret_view_make(&meant, needle.bytes, needle.size);
  if (ok && mark_needle(marks, text, meant.bytes, meant.size, false)) *any = true;
  secret_view_free(&meant);

  return ok;
}

/* A secret as it is, and in base64; longest: the longest run of base64 characters in the text.
 * False when memory is short. */
static bool mark_known(char *marks, const secret_view *text, size_t longest, secret_value needle,
                       bool *any) {
  bool ok = mark_as_written(marks, text, needle, any);
  size_t least = needle.size * 8 / 6 - 1; /* digits that depend on the secret alone */
  if (needle.size < LEAST_IN_BASE64 || longest < least) return ok;

  for (size_t before = 0; ok && before < SECRET_ALIGNMENTS; before++) {
    text_buffer digits = {0};
    ok = secret_base64_digits(&digits, needle.bytes, needle.size, before);
    if (ok && mark_needle(marks, text, digits.data, digits.size, false)) *any = true;
    secret_wipe(&digits);
  }

  return ok;
}

static size_t longest_run(const secret_view *text) {
  size_t run = 0, longest = 0;
  for (size_t i = 0; i < text->size; i++) {
    run = is_standard(text->bytes[i]) ? run + 1 : 0;
    if (run > longest) longest = run;
  }

  return longest;
}

static bool mark_all(char *marks, const secret_view *text, const secret_value *known, size_t count,
                     bool *any) {
  if (mark_long_runs(marks, text, is_standard)) *any = true;
  if (mark_long_runs(marks, text, is_for_urls)) *any = true;
  for (int i = 0; i < STARTS; i++)
    if (mark_needle(marks, text, starts[i], strlen(starts[i]), true)) *any = true;

  bool ok = true;
  size_t longest = longest_run(text);
  for (size_t i = 0; ok && i < count; i++) ok = mark_known(marks, text, longest, known[i], any);
  return ok;
}

static bool begins(const char *at, const char *end, const char *start) {
  size_t size = strlen(start);
  return (size_t)(end - at) >= size && memcmp(at, start, size) == 0;
}

/* Each start has a K or a Q, which few names and paths have. */
bool secret_has_start(const char *text, size_t size) {
  const char *end = text + size;
  for (const char *at = text; (at = memchr(at, 'K', (size_t)(end - at))); at++)
    if (at - text >= 4 && begins(at - 4, end, starts[0])) return true;

  for (const char *at = text; (at = memchr(at, 'Q', (size_t)(end - at))); at++) {
    if (!begins(at, end, IN_BASE64)) continue;
    for (int i = 1; i < STARTS; i++)
      if (memmem(text, size, starts[i], strlen(starts[i]))) return true;
    return false;
  }

  return false;
}

/* What a byte is for a text that is looked at without its escapes. */
enum { OTHER, IN_RUN, LINE_END, ESCAPE };

static const unsigned char classes[256] = {
    ['0' ... '9'] = IN_RUN, ['A' ... 'Z'] = IN_RUN, ['a' ... 'z'] = IN_RUN, ['='] = IN_RUN,
    ['+'] = IN_RUN,         ['/'] = IN_RUN,         ['-'] = IN_RUN,         ['_'] = IN_RUN,
    ['\n'] = LINE_END,      ['\r'] = LINE_END,      ['\\'] = ESCAPE,        ['%'] = ESCAPE,
    ['&'] = ESCAPE,
};

/* Whether the text has no escapes, and nothing that looks like a token. Most texts are so. */
static bool looks_harmless(const char *text, size_t size) {
  size_t run = 0, longest = 0;
  for (size_t i = 0; i < size; i++) {
    switch (classes[(unsigned char)text[i]]) {
    case IN_RUN: run++; continue;
    case ESCAPE: return false;
    case LINE_END:
      if (run >= SECRET_LEAST_LINE) continue;
    }

    if (run > longest) longest = run;
    run = 0;
  }

  if (run > longest) longest = run;
  if (longest >= LONG_RUN) return false;
  return longest < SHORTEST_START || !secret_has_start(text, size);
}

/* Whether the text is too short for each of the known secrets. */
static bool is_too_short(size_t size, const secret_value *known, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (known[i].size <= size) return false;
  return true;
}

bool secret_is_harmless(const char *text, size_t size, const secret_value *known, size_t count) {
  return is_too_short(size, known, count) && (size < SHORTEST_START || looks_harmless(text, size));
}

bool secret_redact(text_buffer *out, const char *text, size_t size, const secret_value *known,
                   size_t count) {
  if (secret_is_harmless(text, size, known, count)) return false;

  secret_view view = {0};
  char *marks = calloc(size + 1, 1);
  bool any = false;
  bool ok =
      marks && secret_view_make(&view, text, size) && mark_all(marks, &view, known, count, &any);
  if (!ok)
    text_buffer_fail(out);
  else if (any)
    secret_copy_unmarked(out, text, size, marks);

  secret_view_free(&view);
  free(marks);

  return ok && any;
}
